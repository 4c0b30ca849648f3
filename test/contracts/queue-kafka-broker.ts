import { systemClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import type { KafkaConnection } from "../../src/queue/kafka/connection.ts";
import { openKafkaDeadLetters } from "../../src/queue/kafka/kafka-dead-letters.ts";
import {
  type KafkaProducer,
  type KafkaProducerOptions,
  openKafkaProducer,
} from "../../src/queue/kafka/kafka-producer.ts";
import { type KafkaQueue, type KafkaQueueOptions, openKafkaQueue } from "../../src/queue/kafka/kafka-queue.ts";
import { openKafkaReader } from "../../src/queue/kafka/kafka-reader.ts";
import type { MessageReader } from "../../src/ports/queue.ts";
import { ensureTopics, findTopics } from "../../src/queue/kafka/topics.ts";
import { waitFor } from "../support/wait-for.ts";
import type { QueueBroker } from "./queue-contract.ts";

let topics = 0;

export const TEST_SESSION_MS = 6_000;
export const TEST_HEARTBEAT_MS = 500;

export interface KafkaBroker extends QueueBroker {
  readonly connection: KafkaConnection;
  openQueue(topic: string, group: string, more?: Partial<KafkaQueueOptions>): Promise<KafkaQueue>;
  openProducer(more?: Partial<KafkaProducerOptions>): Promise<KafkaProducer>;
  openReader(): Promise<MessageReader>;
}

/** A running Kafka as the contract suite wants it; each topic is made for one test. */
export function createKafkaBroker(at: string | KafkaConnection, log: Log = silentLog): KafkaBroker {
  const connection = typeof at === "string" ? { brokers: at.split(","), clientId: "test" } : at;
  const stack = new AsyncDisposableStack();
  return {
    connection,
    createTopic: async (partitions) => {
      topics += 1;
      const topic = `t-${process.pid}-${Date.now()}-${topics}`;
      const deadLetterTopic = `${topic}.dlq`;
      await ensureTopics(connection, [
        { topic, partitions, replication: 1 },
        { topic: deadLetterTopic, partitions, replication: 1, fits: topic },
      ]);
      // The broker says that they exist before it knows of them everywhere, which shows on a busy machine.
      await waitFor(async () => (await findTopics(connection, [topic, deadLetterTopic])).size === 2, {
        what: "new topics to be known",
        timeoutMs: 30_000,
      });
      return { topic, deadLetterTopic };
    },
    openQueue: (topic, groupId, more = {}) =>
      openKafkaQueue({
        connection,
        groupId,
        topics: [topic],
        sessionTimeoutMs: TEST_SESSION_MS,
        heartbeatMs: TEST_HEARTBEAT_MS,
        clock: systemClock,
        log,
        ...more,
      }),
    openProducer: (more = {}) => openKafkaProducer({ connection, clock: systemClock, ...more }),
    openDeadLetters: async (topic) => {
      const producer = stack.use(await openKafkaProducer({ connection, clock: systemClock }));
      return openKafkaDeadLetters({ connection, producer, topic, clock: systemClock, log });
    },
    openReader: () => openKafkaReader({ connection, clock: systemClock, log }, new AbortController().signal),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
