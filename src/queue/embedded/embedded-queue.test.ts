import assert from "node:assert/strict";
import { test } from "node:test";

import { message, numbered, until } from "../../../test/contracts/queue-contract.ts";
import { type EmbeddedBroker, openEmbeddedBroker } from "../../../test/contracts/queue-embedded-broker.ts";
import { placeOf, startRun } from "../../../test/contracts/queue-run.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import type { Message, Queue, QueueListener } from "../../ports/queue.ts";
import { PAGE_MESSAGES_MAX } from "./message-table.ts";

const never = new AbortController().signal;

function listenTo(queue: Queue): { readonly told: string[]; readonly joined: Promise<void> } {
  const told: string[] = [];
  const joined = Promise.withResolvers<void>();
  const listener: QueueListener = {
    onReadable: () => told.push("readable"),
    onRebalance: () => told.push("rebalance"),
    onJoin: () => {
      told.push("join");
      joined.resolve();
      return true;
    },
    onLost: () => told.push("lost"),
    onFailure: () => told.push("failure"),
  };
  queue.subscribe(listener);
  return { told, joined: joined.promise };
}

function pullAll(queue: Queue): readonly Message[] {
  const messages: Message[] = [];
  for (let pulled = queue.pull(); pulled !== undefined; pulled = queue.pull()) {
    messages.push(pulled.message);
  }
  return messages;
}

/** Values with these many messages on these partitions of a topic. */
async function fill(broker: EmbeddedBroker, topic: string, counts: readonly number[]): Promise<void> {
  broker.embedded.append(
    counts.flatMap((count, partition) =>
      Array.from({ length: count }, (_, index) => ({ ...message(topic, undefined, String(index)), partition })),
    ),
  );
}

test("a partition with many messages does not hold up the others", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(3);
  await fill(broker, topic, [2_000, 5, 1]);
  await using queue = await broker.openQueue(topic, "g");
  await listenTo(queue).joined;
  const pulled = pullAll(queue);
  assert.equal(pulled.length, 2_006);
  assert.ok(pulled.findLastIndex(({ partition }) => partition === 1) < 15);
  assert.ok(pulled.findLastIndex(({ partition }) => partition === 2) < 3);
});

test("every message is pulled once and in order over many pages, also large ones and those that come meanwhile", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(2);
  const count = PAGE_MESSAGES_MAX * 2 + 1;
  await fill(broker, topic, [count, 0]);
  broker.embedded.append(
    Array.from({ length: 8 }, () => ({ ...message(topic, undefined, "x".repeat(200_000)), partition: 1 })),
  );
  await using queue = await broker.openQueue(topic, "g");
  await listenTo(queue).joined;
  const first = queue.pull();
  await fill(broker, topic, [3, 1]);
  const pulled = [first?.message, ...pullAll(queue)].filter((one) => one !== undefined);
  assert.equal(new Set(pulled.map((one) => placeOf(one))).size, pulled.length);
  for (const [partition, total] of [count + 3, 9].entries()) {
    assert.deepEqual(
      pulled.filter((one) => one.partition === partition).map(({ offset }) => offset),
      Array.from({ length: total }, (_, index) => BigInt(index)),
    );
  }
});

test("publishing never runs the listener itself, and many publications in a row wake it once", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(1);
  const { topic: other } = await broker.createTopic(1);
  await using queue = await broker.openQueue(topic, "g");
  const { told, joined } = listenTo(queue);
  await joined;
  await Promise.resolve();
  assert.deepEqual(told.splice(0), ["join", "readable"]);
  broker.embedded.append(numbered(topic, 1));
  broker.embedded.append(numbered(topic, 1));
  assert.deepEqual(told, []);
  await Promise.resolve();
  assert.deepEqual(told.splice(0), ["readable"]);
  broker.embedded.append(numbered(other, 1));
  queue.stopDelivery();
  broker.embedded.append(numbered(topic, 1));
  await Promise.resolve();
  assert.deepEqual(told, []);
});

test("a group has one reader in a process, and the next one when that is closed", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(1);
  const first = await broker.openQueue(topic, "g");
  await assert.rejects(broker.openQueue(topic, "g"), (error) => {
    assert.ok(error instanceof PermanentError);
    assert.match(error.message, /group g has a reader in this process already/);
    return true;
  });
  await using other = await broker.openQueue(topic, "other");
  await first[Symbol.asyncDispose]();
  await using second = await broker.openQueue(topic, "g");
  assert.notEqual(second, other);
});

test("marks are refused before the join and after the end", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(1);
  await fill(broker, topic, [2]);
  const queue = await broker.openQueue(topic, "g");
  const marks = [{ topic, partition: 0, offset: 1n }];
  await assert.rejects(queue.commit(marks), TransientError);
  await listenTo(queue).joined;
  await queue.commit(marks);
  await queue[Symbol.asyncDispose]();
  await assert.rejects(queue.commit([{ topic, partition: 0, offset: 2n }]), TransientError);
  assert.equal(queue.isFresh(), false);
  assert.equal(queue.health().isReady, false);
  assert.equal(broker.embedded.lagOf("g", [topic])[0]?.committed, 1n);
});

test("a queue that is closed at once neither joins nor holds its group", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(1);
  const queue = await broker.openQueue(topic, "g");
  const { told } = listenTo(queue);
  await queue[Symbol.asyncDispose]();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(told, []);
  await using again = await broker.openQueue(topic, "g");
  await listenTo(again).joined;
});

test("a window of messages is worked through while more is published", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(6);
  await using queue = await broker.openQueue(topic, "g");
  await using run = startRun(queue, { limits: { messagesMax: 50 } });
  for (let round = 0; round < 20; round += 1) {
    broker.embedded.append(numbered(topic, 100));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await run.until(() => run.done.length === 2_000, "all are done");
  const report = await run.stop();
  assert.equal(report.isCommitted, true);
  assert.equal(report.state.counts.repeats, 0);
  assert.ok((await queue.lag(never)).every(({ lag }) => lag === 0n));
});

test("a file that cannot be read any more ends the consumer with its error, and health says so", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(1);
  await fill(broker, topic, [2_000]);
  await using queue = await broker.openQueue(topic, "g");
  const gate = Promise.withResolvers<void>();
  await using run = startRun(queue, { limits: { messagesMax: 10 }, handle: () => gate.promise });
  await run.until(() => run.started.length === 10, "a window is in hand");
  const damaged = new PermanentError("reading t/0: the file is damaged", "queue");
  broker.embedded.page = () => {
    throw damaged;
  };
  gate.resolve();
  await assert.rejects(run.ended, damaged);
  assert.equal(queue.health().isReady, false);
});

test("a read that fails for a moment is tried again", async () => {
  await using broker = await openEmbeddedBroker();
  const { topic } = await broker.createTopic(1);
  await fill(broker, topic, [3]);
  const { embedded } = broker;
  const page = embedded.page.bind(embedded);
  embedded.page = () => {
    embedded.page = page;
    throw new TransientError("reading: out of memory");
  };
  await using queue = await broker.openQueue(topic, "g");
  await using run = startRun(queue);
  await until(async () => !queue.health().isReady, "the queue says that it is not ready");
  await run.until(() => run.done.length === 3, "all are done");
  assert.equal(queue.health().isReady, true);
});
