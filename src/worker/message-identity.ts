import { createHash } from "node:crypto";

import type { Message } from "../ports/queue.ts";
import type { MessageIdentity } from "../ports/store.ts";

/**
 * Where a message stands and a hash of what it is (key, value, timestamp) and of the group that reads it. The hash tells
 * it from the message that has the same offset in a topic that was made anew, and one group's message from another's.
 */
export function identify(message: Message, group: string): MessageIdentity {
  const hash = createHash("sha256");
  hash.update(`${Buffer.byteLength(group)}:${group}`);
  for (const part of [message.key, message.value]) {
    hash.update(part === undefined ? "-" : `${part.length}:`);
    hash.update(part ?? "");
  }
  hash.update(String(message.timestampMs));
  return {
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    fingerprint: hash.digest("hex").slice(0, 32),
  };
}
