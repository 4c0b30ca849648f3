import assert from "node:assert/strict";
import { test } from "node:test";

import { message } from "../contracts/queue-contract.ts";
import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { startRun } from "../contracts/queue-run.ts";
import { requireKafka } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";
// What `BuiltInPartitioner.partitionForKey(code, 24)` of Kafka's own Java client 4.3.0 answered for each code.
import javaPartitions from "./java-partitions.json" with { type: "json" };

const never = new AbortController().signal;

test("P11: each of 300 codes lands on the partition where Kafka's Java client puts it", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(24);
  const expected = new Map(Object.entries(javaPartitions));
  assert.equal(expected.size, 300);
  await using producer = await broker.openProducer();
  await producer.publish(
    [...expected.keys()].map((code) => message(topic, code, "x")),
    never,
  );
  await using queue = await broker.openQueue(topic, uniqueName("p11"));
  await using run = startRun(queue);
  await run.until(() => run.done.length >= 300, "all 300 have arrived");
  const elsewhere = run.done.filter(({ key, partition }) => expected.get(key?.toString() ?? "") !== partition);
  assert.equal(run.done.length, 300);
  assert.equal(elsewhere.length, 0, `${elsewhere.length} of 300 codes land elsewhere than Java's`);
});
