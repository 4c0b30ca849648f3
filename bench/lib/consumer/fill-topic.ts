import { Admin } from "@platformatic/kafka";

import { systemClock } from "../../../src/base/clock.ts";
import type { OutgoingMessage } from "../../../src/ports/queue.ts";
import { openKafkaProducer } from "../../../src/queue/kafka/kafka-producer.ts";
import { OffsetWatch } from "./offset-watch.ts";
import { drawMessages, messagesOf, topicOf, type WorkKind } from "./shared-work.ts";

/** As many at once as the peers' producer puts in one batch of 16 kB, over all partitions. */
const PUBLISH_MESSAGES = 5_000;
const never = new AbortController().signal;

/** Makes the peers' topic and fills it with the peers' messages, unless it holds as many. */
export async function fillTopic(bootstrap: string, kind: WorkKind, partitions: number, keys: number): Promise<void> {
  const topic = topicOf(kind, partitions, keys);
  const connection = { brokers: bootstrap.split(","), clientId: "bench-fill" };
  if (await makeTopic(bootstrap, topic, partitions)) {
    await using producer = await openKafkaProducer({ connection, clock: systemClock });
    let part: OutgoingMessage[] = [];
    for (const { key, seq, workMs } of drawMessages(kind, keys)) {
      const value = Buffer.from(`{"seq":${seq},"workMs":${workMs}}`);
      part.push({ topic, key: Buffer.from(key), value, headers: [] });
      if (part.length >= PUBLISH_MESSAGES) {
        await producer.publish(part, never);
        part = [];
      }
    }
    await producer.publish(part, never);
  }
  await using watch = new OffsetWatch(bootstrap, "bench-fill");
  const held = (await watch.ends(topic, partitions)).reduce((sum, end) => sum + end, 0);
  if (held !== messagesOf(kind)) {
    throw new Error(
      `filling ${topic}: it holds ${held} messages, not ${messagesOf(kind)}: delete the topic and run again`,
    );
  }
}

/** Answers whether it was made now. */
async function makeTopic(bootstrap: string, topic: string, partitions: number): Promise<boolean> {
  const admin = new Admin({
    clientId: "bench-fill",
    bootstrapBrokers: bootstrap.split(","),
    retries: 3,
    retryDelay: 200,
  });
  try {
    if ((await admin.listTopics()).includes(topic)) {
      return false;
    }
    await admin.createTopics({
      topics: [topic],
      partitions,
      replicas: 1,
      configs: [{ name: "retention.ms", value: "-1" }],
    });
    return true;
  } finally {
    await admin.close();
  }
}
