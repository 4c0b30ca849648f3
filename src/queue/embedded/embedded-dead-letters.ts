import type { DeadLetters } from "../../ports/queue.ts";
import { createDeadLetters } from "../create-dead-letters.ts";
import type { EmbeddedLog } from "./embedded-log.ts";
import { createEmbeddedProducer } from "./embedded-producer.ts";

/** Dead letters to one topic, as the ones of Kafka. PermanentError (queue) when the topic does not exist. */
export function openEmbeddedDeadLetters(log: EmbeddedLog, topic: string): DeadLetters {
  const { partitions, messageBytesMax } = log.topic(topic, "opening dead letters");
  return createDeadLetters({
    producer: createEmbeddedProducer(log),
    topic,
    partitions: partitions.length,
    bytesMax: messageBytesMax,
    clock: log.clock,
    log: log.log,
  });
}
