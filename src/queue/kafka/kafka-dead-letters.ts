import type { Clock } from "../../base/clock.ts";
import { PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { DeadLetters } from "../../ports/queue.ts";
import { createDeadLetters } from "../create-dead-letters.ts";
import { MESSAGE_BYTES_MAX } from "../topic-spec.ts";
import { checkDeadLetterRights } from "./check-dead-letter-rights.ts";
import type { KafkaConnection } from "./connection.ts";
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

/**
 * PermanentError when the topic does not exist or we may not write to it: that must show at the start, not at the first
 * bad message. The largest message is Kafka's own default for a topic whose settings we may not read.
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
  return createDeadLetters({ ...options, partitions, bytesMax });
}
