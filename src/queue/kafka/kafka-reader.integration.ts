import assert from "node:assert/strict";
import { test } from "node:test";

import { Admin } from "@platformatic/kafka";

import { message } from "../../../test/contracts/queue-contract.ts";
import { createKafkaBroker, type KafkaBroker } from "../../../test/contracts/queue-kafka-broker.ts";
import { requireKafka } from "../../../test/support/services.ts";
import { uniqueName } from "../../../test/support/unique-name.ts";
import { waitFor } from "../../../test/support/wait-for.ts";
import { systemClock } from "../../base/clock.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import type { Message, MessageHeaders, MessageReader } from "../../ports/queue.ts";
import { openKafkaReader } from "./kafka-reader.ts";
import { ensureTopics } from "./topics.ts";

const never = new AbortController().signal;

test("a topic is read whole, each partition in order, and what comes later is not waited for", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(3);
  await using producer = await broker.openProducer();
  // More than one answer of a broker holds, so that reading goes on where an answer ended.
  const values = Array.from({ length: 300 }, (_, at) => `${at}:${"x".repeat(10_000)}`);
  await producer.publish(
    values.map((value, at) => message(topic, `k${at % 7}`, value)),
    never,
  );
  const headers: MessageHeaders = [
    ["x-one", Buffer.from("1")],
    ["x-none", undefined],
    ["x-one", Buffer.from("2")],
  ];
  await producer.publish([{ topic, key: undefined, value: undefined, headers }], never);
  await using reader = await openReader(broker);
  const found: Message[] = [];
  for await (const one of reader.read(topic, never)) {
    if (found.length === 0) {
      await producer.publish([message(topic, "k0", "too late")], never);
    }
    found.push(one);
  }
  const texts = found.map(({ value }) => value?.toString());
  assert.deepEqual(texts.filter((text) => text !== undefined).toSorted(), values.toSorted());
  assert.equal(found.length, values.length + 1);
  for (const partition of [0, 1, 2]) {
    const offsets = found.filter((one) => one.partition === partition).map(({ offset }) => offset);
    assert.deepEqual(
      offsets,
      offsets.map((_, at) => BigInt(at)),
    );
  }
  const bare = found.find(({ value }) => value === undefined);
  assert.equal(bare?.key, undefined);
  assert.deepEqual(bare?.headers, headers);
  assert.ok(Math.abs((bare?.timestampMs ?? 0) - Date.now()) < 60_000);
});

test("one message is found by its place, and a place without message is undefined", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(2);
  await using producer = await broker.openProducer();
  const batch = Array.from({ length: 50 }, (_, at) => ({ ...message(topic, "k", `v${at}`), partition: 1 }));
  await producer.publish(batch, never);
  await using reader = await openReader(broker);
  assert.equal((await reader.readAt({ topic, partition: 1, offset: 37n }, never))?.value?.toString(), "v37");
  assert.equal((await reader.readAt({ topic, partition: 1, offset: 3n }, never))?.value?.toString(), "v3");
  for (const [partition, offset] of [
    [1, 50n],
    [0, 0n],
    [7, 0n],
    [1, -1n],
  ] as const) {
    assert.equal(await reader.readAt({ topic, partition, offset }, never), undefined);
  }
});

test("no group is left on the broker, and nothing is committed", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(2);
  await using producer = await broker.openProducer();
  await producer.publish([message(topic, "k", "v")], never);
  const clientId = uniqueName("looker");
  await using reader = await openKafkaReader(
    { connection: { ...broker.connection, clientId }, clock: systemClock, log: silentLog },
    never,
  );
  assert.equal((await collect(reader, topic)).length, 1);
  const admin = new Admin({ clientId: "test", bootstrapBrokers: bootstrap.split(",") });
  const groups = await admin.listGroups();
  await admin.close();
  assert.equal(
    [...groups.keys()].some((group) => group.includes(clientId)),
    false,
  );
});

test("compaction's gaps and a start that retention moved are passed over, and reading ends", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const topic = uniqueName("gaps");
  const configs = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.001",
    "segment.ms": "100",
    "max.compaction.lag.ms": "100",
  };
  await ensureTopics(broker.connection, [{ topic, partitions: 1, replication: 1, configs }]);
  await using producer = await broker.openProducer();
  await using reader = await openReader(broker);
  let published = 0;
  await waitFor(
    async () => {
      // Only closed segments are compacted, and only a new message closes one.
      await producer.publish([message(topic, "same", `v${published}`)], never);
      published += 1;
      const found = await collect(reader, topic);
      return published > 3 && found.length < published && found.at(-1)?.offset === BigInt(published - 1);
    },
    { timeoutMs: 90_000, everyMs: 500, what: "compaction took a message away" },
  );

  const shortened = await broker.createTopic(1);
  const values = ["a", "b", "c", "d"].map((value) => message(shortened.topic, "k", value));
  await producer.publish(values, never);
  const admin = new Admin({ clientId: "test", bootstrapBrokers: bootstrap.split(",") });
  await admin.deleteRecords({ topics: [{ name: shortened.topic, partitions: [{ partition: 0, offset: 2n }] }] });
  await admin.close();
  assert.deepEqual(
    (await collect(reader, shortened.topic)).map(({ value }) => value?.toString()),
    ["c", "d"],
  );
  assert.equal(await reader.readAt({ topic: shortened.topic, partition: 0, offset: 1n }, never), undefined);
});

test("a topic that is not there, a broker that is not there and an abort are each said", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  await using reader = await openReader(broker);
  const topic = uniqueName("nothing");
  await assert.rejects(collect(reader, topic), (error) => {
    assert.ok(error instanceof PermanentError);
    assert.match(error.message, new RegExp(`there is no topic ${topic}`));
    return true;
  });
  const nobody = { brokers: ["127.0.0.1:1"], clientId: "test", connectTimeoutMs: 500 };
  await assert.rejects(
    openKafkaReader({ connection: nobody, clock: systemClock, log: silentLog }, never),
    TransientError,
  );
  const reason = new Error("enough");
  await assert.rejects(collect(reader, topic, AbortSignal.abort(reason)), reason);
});

function openReader(broker: KafkaBroker): Promise<MessageReader> {
  return openKafkaReader({ connection: broker.connection, clock: systemClock, log: silentLog }, never);
}

function collect(reader: MessageReader, topic: string, signal = never): Promise<readonly Message[]> {
  return Array.fromAsync(reader.read(topic, signal));
}
