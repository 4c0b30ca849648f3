import path from "node:path";

import { systemClock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { openEmbeddedDeadLetters } from "../../src/queue/embedded/embedded-dead-letters.ts";
import { type EmbeddedLog, openEmbeddedLog } from "../../src/queue/embedded/embedded-log.ts";
import { createEmbeddedProducer } from "../../src/queue/embedded/embedded-producer.ts";
import { openEmbeddedQueue } from "../../src/queue/embedded/embedded-queue.ts";
import { createEmbeddedReader } from "../../src/queue/embedded/embedded-reader.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import type { ReadableBroker } from "./queue-contract.ts";

export interface EmbeddedBroker extends ReadableBroker {
  readonly embedded: EmbeddedLog;
}

/** An embedded queue in a folder of its own, as the contract suite wants it. */
export async function openEmbeddedBroker(log: Log = silentLog): Promise<EmbeddedBroker> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder("ginkgo-queue"));
  const file = path.join(folder.path, "queue.sqlite");
  const embedded = opened.use(await openEmbeddedLog({ path: file, clock: systemClock, log }));
  const open = opened.move();
  let topics = 0;
  return {
    embedded,
    createTopic: async (partitions) => {
      topics += 1;
      const topic = `t-${topics}`;
      const deadLetterTopic = `${topic}.dlq`;
      embedded.ensureTopics([
        { topic, partitions, replication: 1 },
        { topic: deadLetterTopic, partitions, replication: 1, fits: topic },
      ]);
      return { topic, deadLetterTopic };
    },
    openQueue: async (topic, groupId) => openEmbeddedQueue(embedded, { groupId, topics: [topic] }),
    openProducer: async () => createEmbeddedProducer(embedded),
    openDeadLetters: async (topic) => openEmbeddedDeadLetters(embedded, topic),
    openReader: async () => createEmbeddedReader(embedded),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
