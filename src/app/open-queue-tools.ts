import { existsSync } from "node:fs";

import { systemClock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { GroupStatus, MessageReader, PartitionLag, Producer } from "../ports/queue.ts";
import { describeGroup } from "../queue/kafka/group.ts";
import { openKafkaProducer } from "../queue/kafka/kafka-producer.ts";
import { openKafkaReader } from "../queue/kafka/kafka-reader.ts";
import { measureLag } from "../queue/kafka/lag.ts";
import { findTopics } from "../queue/kafka/topics.ts";
import { openRemoteProducer, openRemoteReader, remoteLag } from "../queue/remote/client.ts";
import { useFolder } from "./embedded-folder.ts";
import { kafkaConnection } from "./open-kafka.ts";
import { openQueueFile, queueFileOf, serve, topicsOf } from "./open-queue.ts";

/** What commands beside the worker use of the queue. None of it joins a group. */
export interface QueueTools extends AsyncDisposable {
  readonly reader: MessageReader;
  /** Closed with the tools. */
  openProducer(signal: AbortSignal): Promise<Producer>;
  /** What the group has yet to settle of the topics it reads; a topic that does not exist has no lag. */
  lag(signal: AbortSignal): Promise<readonly PartitionLag[]>;
  /** Undefined for the embedded queue, which one process reads. */
  group(signal: AbortSignal): Promise<GroupStatus | undefined>;
}

/** Kafka's, or those of the worker that holds the embedded folder, or the folder's own while nobody holds it. */
export async function openQueueTools(config: Config, log: Log, signal: AbortSignal): Promise<QueueTools> {
  return config.mode === "servers"
    ? await openKafkaTools(config, log, signal)
    : await openFolderTools(config, log, signal);
}

async function openKafkaTools(config: Config, log: Log, signal: AbortSignal): Promise<QueueTools> {
  const connection = await kafkaConnection(config);
  await using opened = new AsyncDisposableStack();
  const reader = opened.use(await openKafkaReader({ connection, clock: systemClock, log }, signal));
  const open = opened.move();
  return {
    reader,
    openProducer: async (until) => open.use(await openKafkaProducer({ connection, clock: systemClock }, until)),
    lag: async (until) => {
      const topics = [...(await findTopics(connection, topicsOf(config), until)).keys()];
      return topics.length === 0 ? [] : await measureLag(connection, config.worker.groupId, topics, until);
    },
    group: (until) => describeGroup(connection, config.worker.groupId, until),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Of a folder in which nothing was ever asked for. */
const EMPTY: QueueTools = {
  reader: {
    async *read() {},
    readAt: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  },
  openProducer: () =>
    Promise.reject(new PermanentError("there is no queue in the embedded folder: start a worker first", "queue")),
  lag: () => Promise.resolve([]),
  group: () => Promise.resolve(undefined),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

async function openFolderTools(config: Config, log: Log, signal: AbortSignal): Promise<QueueTools> {
  return await useFolder<QueueTools>(
    config.embedded.folder,
    {
      ask: (worker) =>
        worker.hasQueue
          ? {
              reader: openRemoteReader(worker),
              openProducer: () => Promise.resolve(openRemoteProducer(worker)),
              lag: (until) => remoteLag(worker, until),
              group: () => Promise.resolve(undefined),
              [Symbol.asyncDispose]: () => Promise.resolve(),
            }
          : undefined,
      open: async () => {
        if (!existsSync(queueFileOf(config))) {
          // Whoever only looks leaves nothing behind.
          return EMPTY;
        }
        const { file } = await openQueueFile(config, log, signal);
        const served = serve(file, config);
        return {
          reader: served.reader,
          openProducer: () => Promise.resolve(served.producer),
          lag: (until) => served.lag(until),
          group: () => Promise.resolve(undefined),
          [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
        };
      },
    },
    signal,
  );
}
