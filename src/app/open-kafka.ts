import { systemClock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { DeadLetters, Queue } from "../ports/queue.ts";
import type { KafkaConnection } from "../queue/kafka/connection.ts";
import { openKafkaDeadLetters } from "../queue/kafka/kafka-dead-letters.ts";
import { type KafkaProducer, openKafkaProducer } from "../queue/kafka/kafka-producer.ts";
import { openKafkaQueue } from "../queue/kafka/kafka-queue.ts";
import { probeKafka } from "../queue/kafka/probe-kafka.ts";
import { ensureTopics } from "../queue/kafka/topics.ts";
import { type TopicReport, workerTopics } from "../queue/topic-spec.ts";
import { readPem } from "./read-pem.ts";

/** How the brokers are reached. Throws PermanentError (settings) when none is set. */
export async function kafkaConnection({ kafka }: Config): Promise<KafkaConnection> {
  if (kafka.brokers.length === 0) {
    throw new PermanentError("no Kafka broker is set: name one with kafka.brokers or GINKGO_KAFKA_HOST", "settings");
  }
  const { saslMechanism: mechanism, user: username, password } = kafka;
  return {
    brokers: kafka.brokers,
    clientId: kafka.clientId,
    requestTimeoutMs: kafka.requestTimeoutMs,
    ...(kafka.tls ? { tls: await readTls(kafka) } : {}),
    ...(mechanism !== undefined && username !== undefined && password !== undefined
      ? { sasl: { mechanism, username, password } }
      : {}),
  };
}

async function readTls({ tlsCa, tlsCert, tlsKey }: Config["kafka"]): Promise<NonNullable<KafkaConnection["tls"]>> {
  const ca = await readPem("kafka.tls_ca", tlsCa);
  const cert = await readPem("kafka.tls_cert", tlsCert);
  const key = await readPem("kafka.tls_key", tlsKey);
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

/** Creates what is missing of our topics and changes nothing that exists. */
export async function ensureOurTopics(config: Config, signal: AbortSignal): Promise<readonly TopicReport[]> {
  const { kafka, worker, quality } = config;
  const specs = workerTopics({
    updates: worker.topic,
    deadLetters: kafka.deadLetterTopic,
    side: [...new Set([...kafka.topics.filter((topic) => topic !== worker.topic), quality.notificationTopic])],
    replication: kafka.replication,
    partitions: kafka.partitions,
    deadLetterRetentionMs: kafka.deadLetterRetentionDays * MS_PER_DAY,
  });
  const connection = await kafkaConnection(config);
  await probeKafka(connection, signal);
  return await ensureTopics(connection, specs, signal);
}

const MS_PER_DAY = 86_400_000;

export interface KafkaSide extends AsyncDisposable {
  readonly queue: Queue;
  readonly deadLetters: DeadLetters;
}

/** Producer, dead letters and the group's queue. A missing topic of ours is made first, where we may. */
export async function openKafkaSide(config: Config, log: Log, signal: AbortSignal): Promise<KafkaSide> {
  await using opened = new AsyncDisposableStack();
  const connection = await kafkaConnection(config);
  const { kafka, worker } = config;
  await probeKafka(connection, signal);
  for (const { topic, action, partitions, note } of await ensureStartTopics(config, log, signal)) {
    if (action !== "exists") {
      log[action === "differs" ? "warn" : "info"](`topic ${action}`, { topic, partitions, note });
    }
  }
  const producer: KafkaProducer = opened.use(await openKafkaProducer({ connection, clock: systemClock }, signal));
  const deadLetters = await openKafkaDeadLetters(
    { connection, producer, topic: kafka.deadLetterTopic, clock: systemClock, log },
    signal,
  );
  const queue = opened.use(
    await openKafkaQueue(
      {
        connection,
        groupId: worker.groupId,
        topics: [worker.topic],
        optionalTopics: kafka.topics.filter((topic) => topic !== worker.topic),
        sessionTimeoutMs: kafka.sessionMs,
        heartbeatMs: kafka.heartbeatMs,
        fetchWaitMs: worker.pollTimeoutMs,
        clock: systemClock,
        log,
      },
      signal,
    ),
  );
  const open = opened.move();
  return { queue, deadLetters, [Symbol.asyncDispose]: () => open.disposeAsync() };
}

/** At start only what the worker itself cannot do without is made: updates and dead letters. */
async function ensureStartTopics(config: Config, log: Log, signal: AbortSignal): Promise<readonly TopicReport[]> {
  const needed = new Set([config.worker.topic, config.kafka.deadLetterTopic]);
  const specs = workerTopics({
    updates: config.worker.topic,
    deadLetters: config.kafka.deadLetterTopic,
    side: [],
    replication: config.kafka.replication,
    partitions: config.kafka.partitions,
    deadLetterRetentionMs: config.kafka.deadLetterRetentionDays * MS_PER_DAY,
  }).filter(({ topic }) => needed.has(topic));
  try {
    return await ensureTopics(await kafkaConnection(config), specs, signal);
  } catch (error) {
    if (error instanceof PermanentError && !error.isCredentials) {
      log.warn("topics were not ensured, the worker starts if they are there", { why: error.message });
      return [];
    }
    throw error;
  }
}
