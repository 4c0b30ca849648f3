import { setImmediate as turn } from "node:timers/promises";

import type { Message, MessageReader } from "../../ports/queue.ts";
import type { EmbeddedLog } from "./embedded-log.ts";

/** Reads without a group; a few pages are in memory at a time, whatever the topic holds. */
export function createEmbeddedReader(log: EmbeddedLog): MessageReader {
  return {
    read: (topic, signal) => read(log, topic, signal),
    readAt: async ({ topic, partition, offset }, signal) => {
      signal.throwIfAborted();
      const at = log.topic(topic, `reading ${topic}/${partition}/${offset}`).partitions[partition];
      return at === undefined || offset < 0n || offset >= BigInt(at.end)
        ? undefined
        : log.messageAt(at, Number(offset));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function* read(log: EmbeddedLog, name: string, signal: AbortSignal): AsyncGenerator<Message> {
  const topic = log.topic(name, `reading ${name}`);
  // As it is when it is asked: each partition with its end.
  const ends = topic.partitions.map((at) => ({ at, end: at.end }));
  for (const { at, end } of ends) {
    let from = at.start;
    while (from < end) {
      await turn();
      signal.throwIfAborted();
      const page = log.page(at, from, end);
      yield* page;
      from = page.length === 0 ? end : Number(page.at(-1)?.offset ?? end) + 1;
    }
  }
}
