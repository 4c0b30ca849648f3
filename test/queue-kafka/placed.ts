import type { OutgoingMessage, Queue } from "../../src/ports/queue.ts";

const never = new AbortController().signal;

/** As many messages without key on each partition, so that a test knows their offsets. */
export function placed(topic: string, partitions: number, each: number): readonly OutgoingMessage[] {
  return Array.from({ length: partitions * each }, (_, index) => ({
    topic,
    partition: index % partitions,
    key: undefined,
    value: Buffer.from(String(Math.floor(index / partitions))),
    headers: new Map(),
  }));
}

/** Committed offsets by partition, as text; `-` where there is none. */
export async function committedOf(queue: Queue): Promise<string> {
  const lags = await queue.lag(never);
  return lags
    .toSorted((left, right) => left.partition - right.partition)
    .map(({ committed }) => String(committed ?? "-"))
    .join(" ");
}
