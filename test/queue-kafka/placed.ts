import type { OutgoingMessage, Queue } from "../../src/ports/queue.ts";

const never = new AbortController().signal;

/**
 * As many messages on each partition, so that a test knows their offsets; without key, or all of a partition with the
 * one that `keyOf` gives it, so that they are done one after another.
 */
export function placed(
  topic: string,
  partitions: number,
  each: number,
  keyOf?: (partition: number) => string,
): readonly OutgoingMessage[] {
  return Array.from({ length: partitions * each }, (_, index) => ({
    topic,
    partition: index % partitions,
    key: keyOf === undefined ? undefined : Buffer.from(keyOf(index % partitions)),
    value: Buffer.from(String(Math.floor(index / partitions))),
    headers: [],
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
