import type { Message as KafkaRecord } from "@platformatic/kafka";

import type { Message } from "../../ports/queue.ts";

/** A record as the client gives it to us: names of headers are text, everything else stays bytes. */
export type Received = KafkaRecord<Buffer | undefined, Buffer | undefined, string, Buffer | undefined>;

export function toMessage(record: Received): Message {
  return {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    key: own(record.key),
    value: own(record.value),
    // Its map has one value of each name.
    headers: record.headerEntries,
    timestampMs: Number(record.timestamp),
  };
}

/** A small message that waits long must not keep the whole answer alive that it came in, up to a megabyte. */
function own(bytes: Buffer | undefined): Buffer | undefined {
  return bytes !== undefined && bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes;
}
