import type { fetchV17 } from "@platformatic/kafka";

import type { Message, TopicPartition } from "../../ports/queue.ts";

export interface FetchedBatch {
  readonly messages: readonly Message[];
  /** Where the next request goes on: after everything that was answered, also after what is no message. */
  readonly next: bigint;
}

/** Bit of a batch that holds marks of transactions and no messages. */
const CONTROL = 1 << 5;

/**
 * What a broker's answer holds of one partition from offset `from` on. A batch is answered whole, so it may begin before
 * `from`; a compacted one may hold fewer records than offsets, or none.
 */
export function toMessages(
  answer: fetchV17.FetchResponse,
  { topic, partition }: TopicPartition,
  from: bigint,
): FetchedBatch {
  const messages: Message[] = [];
  let next = from;
  const partitions = answer.responses.flatMap((response) => response.partitions);
  for (const batch of partitions.find(({ partitionIndex }) => partitionIndex === partition)?.records ?? []) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
    next = end > next ? end : next;
    for (const record of (batch.attributes & CONTROL) === 0 ? batch.records : []) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta);
      if (offset >= from) {
        messages.push({
          topic,
          partition,
          offset,
          key: own(record.key),
          value: own(record.value),
          headers: record.headers.map(([name, value]) => [name?.toString() ?? "", own(value)]),
          timestampMs: Number(batch.firstTimestamp + record.timestampDelta),
        });
      }
    }
  }
  return { messages, next };
}

/** The answer's buffer may be reused or large; what is handed out stands by itself. */
function own(bytes: Buffer | null): Buffer | undefined {
  return bytes === null ? undefined : Buffer.from(bytes);
}
