import type { Producer } from "../../ports/queue.ts";
import type { EmbeddedLog } from "./embedded-log.ts";

/**
 * Stores what is published in one transaction, all or nothing, and resolves when the disk has it. Keys choose partitions as
 * the Java client does; messages without key are spread. PermanentError (queue): an unknown topic. DataError: one message
 * is larger than its topic takes, and none is stored. TransientError: the disk is full.
 */
export function createEmbeddedProducer(log: EmbeddedLog): Producer {
  return {
    publish: async (messages, signal) => {
      signal.throwIfAborted();
      log.append(messages);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
