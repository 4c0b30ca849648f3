import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { message } from "../../../test/contracts/queue-contract.ts";
import { createKafkaBroker } from "../../../test/contracts/queue-kafka-broker.ts";
import { startRun } from "../../../test/contracts/queue-run.ts";
import { requireKafka } from "../../../test/support/services.ts";
import { DataError, PermanentError } from "../../base/errors.ts";
import type { Message } from "../../ports/queue.ts";
import { EXCERPT_BYTES } from "../create-dead-letters.ts";
import { headerOf } from "../dead-letter-headers.ts";
import { workerTopics } from "../topic-spec.ts";
import { ensureTopics } from "./topics.ts";

const never = new AbortController().signal;
const ONE_MB = { "max.message.bytes": "1000000" };
const LETTER = { reason: "too-large", path: "$", detail: "2,000,000 bytes", attempts: 1 } as const;

test("a value too large for the topic goes with its beginning, its hash, its size and where it came from", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const deadLetterTopic = `tight-${process.pid}-${Date.now()}.dlq`;
  await ensureTopics(broker.connection, [{ topic: deadLetterTopic, partitions: 3, replication: 1, configs: ONE_MB }]);
  const deadLetters = await broker.openDeadLetters(deadLetterTopic);
  const value = Buffer.from("0123456789".repeat(200_000));
  const original: Message = { ...PLACE, key: Buffer.from("600000.SH"), value, headers: [], timestampMs: 0 };
  await deadLetters.write(original, LETTER, never);
  const small = Buffer.from("small");
  await deadLetters.write({ ...original, key: undefined, value: small, partition: 2 }, LETTER, never);
  await using queue = await broker.openQueue(deadLetterTopic, `g-${deadLetterTopic}`);
  await using run = startRun(queue);
  await run.until(() => run.done.length === 2, "both dead letters are there");
  const cut = run.done.find(({ key }) => key !== undefined);
  assert.ok(cut?.value?.equals(value.subarray(0, EXCERPT_BYTES)));
  assert.equal(textOf(cut, "sha256"), createHash("sha256").update(value).digest("hex"));
  assert.equal(textOf(cut, "bytes"), "2000000");
  assert.equal(textOf(cut, "origin"), "ginkgo.data.update/1/42");
  const whole = run.done.find(({ key }) => key === undefined);
  assert.equal(whole?.value?.toString(), "small");
  assert.equal(whole?.partition, 2);
  assert.equal(textOf(whole, "sha256"), undefined);
});

test("a message above its topic's limit is refused at once, and the next one is still published", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const topic = `tight-${process.pid}-${Date.now()}`;
  await ensureTopics(broker.connection, [{ topic, partitions: 1, replication: 1, configs: ONE_MB }]);
  await using producer = await broker.openProducer();
  await assert.rejects(producer.publish([message(topic, "k", "x".repeat(3_000_000))], never), DataError);
  await producer.publish([message(topic, "k", "fits")], never);
  await using queue = await broker.openQueue(topic, `g-${topic}`);
  await using run = startRun(queue);
  await run.until(() => run.done.length === 1, "the one that fits is there");
  assert.equal(run.done[0]?.value?.toString(), "fits");
});

test("dead letters without their topic are an error at the start", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  await assert.rejects(broker.openDeadLetters("no.such.topic.dlq"), PermanentError);
});

test("topics that are missing are created as the contract has them, and those that exist are left as they are", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const name = `ensure-${process.pid}-${Date.now()}`;
  const specs = workerTopics({
    updates: name,
    deadLetters: `${name}.dlq`,
    side: [`${name}.commands`],
    replication: 1,
  });
  await ensureTopics(broker.connection, [{ topic: `${name}.commands`, partitions: 2, replication: 1 }]);
  const first = await ensureTopics(broker.connection, specs);
  assert.deepEqual(
    first.map(({ action, partitions }) => [action, partitions]),
    [
      ["created", 24],
      ["created", 24],
      ["differs", 2],
    ],
  );
  assert.match(first[2]?.note ?? "", /2 partitions where 3/);
  const second = await ensureTopics(broker.connection, specs);
  assert.deepEqual(
    second.map(({ action }) => action),
    ["exists", "exists", "differs"],
  );
  const tight = { topic: `${name}.tight`, partitions: 24, replication: 1, configs: { "max.message.bytes": "1000" } };
  await ensureTopics(broker.connection, [tight]);
  const [report] = await ensureTopics(broker.connection, [{ ...tight, fits: name }]);
  assert.match(report?.note ?? "", /takes messages of 1000 bytes where \d+ are needed/);
});

const PLACE = { topic: "ginkgo.data.update", partition: 1, offset: 42n };

function textOf(one: Message | undefined, name: string): string | undefined {
  return one && headerOf(one.headers, `x-ginkgo-${name}`)?.toString();
}
