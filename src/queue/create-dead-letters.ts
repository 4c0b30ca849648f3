import { createHash } from "node:crypto";

import type { Clock } from "../base/clock.ts";
import { DataError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { DeadLetter } from "../domain/dead-letter.ts";
import type { DeadLetters, Message, Producer } from "../ports/queue.ts";
import { HEADER_BYTES_MAX, toDeadLetterHeaders } from "./dead-letter-headers.ts";

/** The topic that dead letters go to, as it is. */
export interface DeadLetterTarget {
  readonly producer: Producer;
  readonly topic: string;
  readonly partitions: number;
  /** The largest message that the topic takes. */
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a message that is too large to be written, this much of the value is, and this much of the key. */
export const EXCERPT_BYTES = 64 * 1_024;
export const KEY_EXCERPT_BYTES = 1_024;
/** What Kafka puts around key, value and headers: the batch's head and lengths, generously. */
const FRAME_BYTES = 1_024;

/**
 * Dead letters go to one topic with the original key, value and headers and ours. The key says the partition, as it
 * did for the original; without a whole one it is the partition of the same number, so that order survives a redrive.
 */
export function createDeadLetters(target: DeadLetterTarget): DeadLetters {
  return { write: (message, letter, signal) => write(target, message, letter, signal) };
}

async function write(
  target: DeadLetterTarget,
  message: Message,
  letter: DeadLetter,
  signal: AbortSignal,
): Promise<void> {
  const size = (message.key?.length ?? 0) + (message.value?.length ?? 0);
  if (size + HEADER_BYTES_MAX + FRAME_BYTES <= target.bytesMax) {
    try {
      await publish(target, message, letter, message, new Map(), signal);
      return;
    } catch (error) {
      // The topic takes less than its settings said when we opened.
      if (!(error instanceof DataError)) {
        throw error;
      }
    }
  }
  await writeExcerpt(target, message, letter, signal);
}

async function writeExcerpt(
  target: DeadLetterTarget,
  message: Message,
  letter: DeadLetter,
  signal: AbortSignal,
): Promise<void> {
  const value = message.value ?? Buffer.alloc(0);
  const key = message.key?.subarray(0, KEY_EXCERPT_BYTES);
  const extra = new Map([
    ["sha256", sha256(value)],
    ["bytes", String(value.length)],
  ]);
  if (message.key !== undefined && message.key.length > KEY_EXCERPT_BYTES) {
    extra.set("key-sha256", sha256(message.key));
    extra.set("key-bytes", String(message.key.length));
  }
  target.log.warn("dead letter is too large, writing its beginning", {
    topic: message.topic,
    partition: message.partition,
    offset: String(message.offset),
    bytes: value.length,
    keyBytes: message.key?.length ?? 0,
  });
  await publish(target, message, letter, { key, value: value.subarray(0, EXCERPT_BYTES) }, extra, signal);
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function publish(
  { producer, topic, partitions, clock, log }: DeadLetterTarget,
  message: Message,
  letter: DeadLetter,
  { key, value }: Pick<Message, "key" | "value">,
  extra: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const { headers, dropped } = toDeadLetterHeaders(message, letter, extra, clock.now().toString());
  if (dropped.length > 0) {
    log.warn("dead letter has no room for all original headers", { dropped: dropped.length });
  }
  const isKeyWhole = key !== undefined && key.length === message.key?.length;
  const isPlaced = !isKeyWhole && message.partition < partitions;
  const place = isPlaced ? { partition: message.partition } : {};
  await producer.publish([{ topic, ...place, key, value, headers }], signal);
}
