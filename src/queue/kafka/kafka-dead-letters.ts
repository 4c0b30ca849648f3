import { createHash } from "node:crypto";

import type { Clock } from "../../base/clock.ts";
import { DataError, PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { DeadLetter } from "../../domain/dead-letter.ts";
import type { DeadLetters, Message } from "../../ports/queue.ts";
import type { KafkaConnection } from "./connection.ts";
import { HEADER_BYTES_MAX, toDeadLetterHeaders } from "./dead-letter-headers.ts";
import { checkDeadLetterRights } from "./check-dead-letter-rights.ts";
import type { KafkaProducer } from "./kafka-producer.ts";
import { findTopics, readMessageBytesMax } from "./topics.ts";

export interface KafkaDeadLettersOptions {
  readonly connection: KafkaConnection;
  readonly producer: KafkaProducer;
  /** Where every dead letter goes, whatever topic its message came from. */
  readonly topic: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a value that is too large to be written, this much is. */
export const EXCERPT_BYTES = 64 * 1_024;
/** Kafka's own default, for a topic whose settings we may not read. */
const MESSAGE_BYTES_MAX = 1_048_588;
/** What Kafka puts around key, value and headers: the batch's head and lengths, generously. */
const FRAME_BYTES = 1_024;

/**
 * Dead letters go to one topic with the original key, value and headers and ours. The key says the partition, as it
 * did for the original; without one it is the partition of the same number, so that order survives a redrive.
 * PermanentError when the topic does not exist or we may not write to it: that must show at the start, not at the first
 * bad message.
 */
export async function openKafkaDeadLetters(
  options: KafkaDeadLettersOptions,
  signal?: AbortSignal,
): Promise<DeadLetters> {
  const { connection, topic } = options;
  const partitions = (await findTopics(connection, [topic], signal)).get(topic);
  if (partitions === undefined) {
    throw new PermanentError(`opening dead letters: topic ${topic} does not exist`, "queue");
  }
  await checkDeadLetterRights(connection, topic, signal);
  const bytesMax = (await readMessageBytesMax(connection, topic, signal)) ?? MESSAGE_BYTES_MAX;
  const target: Target = { ...options, partitions, bytesMax };
  return { write: (message, letter, signal) => write(target, message, letter, signal) };
}

interface Target extends KafkaDeadLettersOptions {
  readonly partitions: number;
  /** The largest message that the topic takes. */
  readonly bytesMax: number;
}

async function write(target: Target, message: Message, letter: DeadLetter, signal: AbortSignal): Promise<void> {
  const size = (message.key?.length ?? 0) + (message.value?.length ?? 0);
  if (size + HEADER_BYTES_MAX + FRAME_BYTES <= target.bytesMax) {
    try {
      await publish(target, message, letter, message.value, new Map(), signal);
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

async function writeExcerpt(target: Target, message: Message, letter: DeadLetter, signal: AbortSignal): Promise<void> {
  const value = message.value ?? Buffer.alloc(0);
  const extra = new Map([
    ["sha256", createHash("sha256").update(value).digest("hex")],
    ["bytes", String(value.length)],
  ]);
  target.log.warn("dead letter is too large, writing its beginning", {
    topic: message.topic,
    partition: message.partition,
    offset: String(message.offset),
    bytes: value.length,
  });
  await publish(target, message, letter, value.subarray(0, EXCERPT_BYTES), extra, signal);
}

async function publish(
  { producer, topic, partitions, clock, log }: Target,
  message: Message,
  letter: DeadLetter,
  value: Buffer | undefined,
  extra: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const { headers, dropped } = toDeadLetterHeaders(message, letter, extra, clock.now().toString());
  if (dropped.length > 0) {
    log.warn("dead letter has no room for all original headers", { dropped: dropped.length });
  }
  const isPlaced = message.key === undefined && message.partition < partitions;
  const place = isPlaced ? { partition: message.partition } : {};
  await producer.publish([{ topic, ...place, key: message.key, value, headers }], signal);
}
