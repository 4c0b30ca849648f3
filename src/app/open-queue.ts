import { join } from "node:path";

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { DeadLetters, PartitionLag, Producer, Queue } from "../ports/queue.ts";
import { openEmbeddedDeadLetters } from "../queue/embedded/embedded-dead-letters.ts";
import { type EmbeddedLog, openEmbeddedLog } from "../queue/embedded/embedded-log.ts";
import { createEmbeddedProducer } from "../queue/embedded/embedded-producer.ts";
import { openEmbeddedQueue } from "../queue/embedded/embedded-queue.ts";
import { createEmbeddedReader } from "../queue/embedded/embedded-reader.ts";
import { openKafkaProducer } from "../queue/kafka/kafka-producer.ts";
import { openRemoteProducer, remoteLag } from "../queue/remote/client.ts";
import type { ServedQueue } from "../queue/remote/routes.ts";
import { type TopicReport, workerTopics } from "../queue/topic-spec.ts";
import { alreadyRunning, useFolder } from "./embedded-folder.ts";
import { ensureOurTopics, kafkaConnection, openKafkaSide } from "./open-kafka.ts";

const MS_PER_DAY = 86_400_000;

/** What the worker has of the queue, in Kafka or in a file. */
export interface QueueSide extends AsyncDisposable {
  readonly queue: Queue;
  readonly deadLetters: DeadLetters;
  /** What the worker does for other programs while it alone can have the queue's file; undefined with Kafka. */
  readonly served: ServedQueue | undefined;
}

/** The queue as the worker has it. HeldError when a worker already runs on the embedded folder. */
export async function openQueueSide(config: Config, log: Log, signal: AbortSignal): Promise<QueueSide> {
  if (config.mode === "servers") {
    const kafka = await openKafkaSide(config, log, signal);
    return { ...kafka, served: undefined, [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose]() };
  }
  const { worker } = config;
  await using opened = new AsyncDisposableStack();
  const file = opened.use(
    await useFolder(
      config.embedded.folder,
      {
        ask: (running) => {
          throw alreadyRunning(config, running);
        },
        open: async () => (await openQueueFile(config, log, signal)).file,
      },
      signal,
    ),
  );
  const queue = opened.use(openEmbeddedQueue(file, { groupId: worker.groupId, topics: topicsOf(config) }));
  const open = opened.move();
  return {
    queue,
    deadLetters: openEmbeddedDeadLetters(file, config.kafka.deadLetterTopic),
    served: serve(file, config),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** What a command publishes with: to Kafka, to the worker that holds the embedded folder, or into the file itself. */
export async function openProducer(config: Config, log: Log, signal: AbortSignal): Promise<Producer> {
  if (config.mode === "servers") {
    return await openKafkaProducer({ connection: await kafkaConnection(config), clock: systemClock }, signal);
  }
  return await useFolder<Producer>(
    config.embedded.folder,
    {
      ask: (worker) => (worker.hasQueue ? openRemoteProducer(worker) : undefined),
      open: async () => {
        const { file } = await openQueueFile(config, log, signal);
        const producer = createEmbeddedProducer(file);
        return {
          publish: (messages, until) => producer.publish(messages, until),
          [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
        };
      },
    },
    signal,
  );
}

/** What a command may do with the file that it has opened, or a worker with the file that it serves. */
export function serve(file: EmbeddedLog, config: Config): ServedQueue {
  return {
    producer: createEmbeddedProducer(file),
    reader: createEmbeddedReader(file),
    lag: () => Promise.resolve(file.lagOf(config.worker.groupId, topicsOf(config))),
  };
}

/** The queue's file with the topics that the worker reads, and its dead letters. */
export async function openQueueFile(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<{ readonly file: EmbeddedLog; readonly reports: readonly TopicReport[] }> {
  const { embedded, kafka, worker } = config;
  const file = await openEmbeddedLog(
    {
      path: queueFileOf(config),
      retentionMs: embedded.retentionDays * MS_PER_DAY,
      clock: systemClock,
      log,
    },
    signal,
  );
  try {
    const reports = file.ensureTopics(
      workerTopics({
        updates: worker.topic,
        deadLetters: kafka.deadLetterTopic,
        side: topicsOf(config).filter((topic) => topic !== worker.topic),
        replication: 1,
        partitions: kafka.partitions,
        deadLetterRetentionMs: kafka.deadLetterRetentionDays * MS_PER_DAY,
      }),
    );
    return { file, reports };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

export function queueFileOf({ embedded }: Config): string {
  return join(embedded.folder, "queue.sqlite");
}

/** Creates what is missing of our topics and changes nothing that exists. */
export async function ensureQueueTopics(
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<readonly TopicReport[]> {
  if (config.mode === "servers") {
    return await ensureOurTopics(config, signal);
  }
  return await useFolder<readonly TopicReport[]>(
    config.embedded.folder,
    {
      // A worker made them when it opened the file.
      ask: async (worker) => (worker.hasQueue ? toReports(await remoteLag(worker, signal)) : undefined),
      open: async () => {
        const { file, reports } = await openQueueFile(config, log, signal);
        await file[Symbol.asyncDispose]();
        return reports;
      },
    },
    signal,
  );
}

function toReports(lags: readonly PartitionLag[]): readonly TopicReport[] {
  const topics = Map.groupBy(lags, ({ topic }) => topic);
  return [...topics].map(([topic, { length }]) => ({ topic, action: "exists", partitions: length, note: "" }));
}

/** The topics a worker with these settings reads. */
export function topicsOf({ kafka, worker }: Config): readonly string[] {
  return [...new Set([worker.topic, ...kafka.topics])];
}
