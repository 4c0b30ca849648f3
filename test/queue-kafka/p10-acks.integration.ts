import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../src/base/errors.ts";
import { ensureTopics } from "../../src/queue/kafka/topics.ts";
import { message } from "../contracts/queue-contract.ts";
import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { requireKafka } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";

const never = new AbortController().signal;

test("P10: a publication waits for the replicas that its topic asks for, not for the leader alone", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const topic = uniqueName("p10");
  await ensureTopics(broker.connection, [
    { topic, partitions: 1, replication: 1, configs: { "min.insync.replicas": "2" } },
  ]);
  await using producer = await broker.openProducer({ sendMs: 2_000 });
  const outcome = await producer.publish([message(topic, "k", "v")], never).then(
    () => "acknowledged",
    (error: unknown) => error,
  );
  assert.notEqual(outcome, "acknowledged", "acknowledged by the leader alone");
  assert.ok(outcome instanceof TransientError);
});
