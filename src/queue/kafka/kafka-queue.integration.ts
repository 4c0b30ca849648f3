import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { message, numbered, until } from "../../../test/contracts/queue-contract.ts";
import { createKafkaBroker, type KafkaBroker } from "../../../test/contracts/queue-kafka-broker.ts";
import { placeOf, type QueueRun, startRun } from "../../../test/contracts/queue-run.ts";
import { freePort } from "../../../test/support/services/free-port.ts";
import { requireKafka } from "../../../test/support/services.ts";
import { systemClock } from "../../base/clock.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import type { Message, OutgoingMessage, Queue } from "../../ports/queue.ts";
import { ensureTopics } from "./topics.ts";

const never = new AbortController().signal;

async function brokerFor(t: TestContext): Promise<KafkaBroker | undefined> {
  const bootstrap = await requireKafka(t);
  return bootstrap === undefined ? undefined : createKafkaBroker(bootstrap);
}

function groupOf(t: TestContext): string {
  return `g-${process.pid}-${Date.now()}-${t.name.length}`;
}

async function publish(broker: KafkaBroker, messages: readonly OutgoingMessage[]): Promise<void> {
  await using producer = await broker.openProducer();
  await producer.publish(messages, never);
}

test("members come and go: nothing is lost, each key keeps its order, everything is committed", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  const { topic } = await broker.createTopic(12);
  const group = groupOf(t);
  const count = 2_400;
  const keys = 60;
  await publish(
    broker,
    Array.from({ length: count }, (_, index) => message(topic, `k-${index % keys}`, String(index))),
  );
  const done: Message[] = [];
  const isDone = (): boolean => new Set(done.map((one) => placeOf(one))).size === count;
  const handle = async (one: Message, signal: AbortSignal): Promise<void> => {
    await sleep(Number(one.offset % 7n) * 10, undefined, { signal });
    done.push(one);
  };
  const members: { readonly queue: Queue; readonly run: QueueRun }[] = [];
  const comes = async (): Promise<void> => {
    const queue = await broker.openQueue(topic, group);
    members.push({ queue, run: startRun(queue, { handle, limits: { messagesMax: 100 } }) });
  };
  const goes = async (): Promise<void> => {
    const member = members.shift();
    await member?.run.stop();
    await member?.queue[Symbol.asyncDispose]();
  };
  await comes();
  await until(async () => done.length > 200, "the first member works");
  await comes();
  await until(async () => members[1]?.run.done.length !== 0, "the second member works");
  await comes();
  await until(async () => members[2]?.run.done.length !== 0 || isDone(), "the third member works");
  await goes();
  await sleep(1_000);
  await goes();
  await until(async () => isDone(), "every message is done", 40_000);
  const last = members[0];
  assert.ok(last !== undefined);
  await until(async () => (await last.queue.lag(never)).every(({ lag }) => lag === 0n), "everything is committed");
  await goes();
  const repeats = done.length - count;
  t.diagnostic(`${count} messages, ${repeats} repeats through 3 joins and 2 leaves`);
  assertOrder(done, keys);
  assert.ok(repeats < count / 10, `${repeats} repeats`);
});

test("a member that is killed is replaced: nothing is lost, and what repeats was not committed", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  const broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(6);
  const group = groupOf(t);
  const keys = 30;
  const count = 1_500;
  await publish(
    broker,
    Array.from({ length: count }, (_, index) => message(topic, `k-${index % keys}`, String(index))),
  );
  const script = path.resolve(import.meta.dirname, "../../../test/contracts/queue-child.ts");
  const done: string[] = [];
  for (const target of [400, 900]) {
    const child = spawn(process.execPath, [script, bootstrap, topic, group], { stdio: ["ignore", "pipe", "inherit"] });
    const gone = once(child, "exit");
    createInterface(child.stdout).on("line", (line) => {
      done.push(line);
      if (done.length >= target) {
        child.kill("SIGKILL");
      }
    });
    await gone;
  }
  await using queue = await broker.openQueue(topic, group);
  await using run = startRun(queue);
  const places = (): Set<string> =>
    new Set([...done.map((line) => line.split(" ")[0] ?? ""), ...run.done.map((one) => placeOf(one))]);
  await run.until(() => places().size === count, "every message is done", 30_000);
  const report = await run.stop();
  assert.equal(report.isCommitted, true);
  assert.ok((await queue.lag(never)).every(({ lag }) => lag === 0n));
  const repeats = done.length + run.done.length - count;
  t.diagnostic(`${done.length} done by killed members, ${repeats} repeats`);
  assert.ok(repeats < done.length, "the killed members had committed nothing");
});

test("a message of 8 MB, far above the fetch size, arrives whole", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  const topic = `large-${process.pid}-${Date.now()}`;
  const configs = { "max.message.bytes": String(12 << 20) };
  await ensureTopics(broker.connection, [{ topic, partitions: 1, replication: 1, configs }]);
  const value = Buffer.alloc(8 << 20, "平安");
  await publish(broker, [{ topic, key: undefined, value, headers: [] }, message(topic, "after", "small")]);
  await using queue = await broker.openQueue(topic, groupOf(t));
  await using run = startRun(queue);
  await run.until(() => run.done.length === 2, "both are done");
  assert.ok(run.done[0]?.value?.equals(value));
});

test("an optional topic that does not exist is read as soon as it does, and nothing in hand is disturbed", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  const { topic } = await broker.createTopic(3);
  const late = `${topic}.commands`;
  await publish(broker, numbered(topic, 9));
  await using queue = await broker.openQueue(topic, groupOf(t), { optionalTopics: [late], lookAgainMs: 500 });
  const gate = Promise.withResolvers<void>();
  let aborted = 0;
  await using run = startRun(queue, {
    handle: async (one, signal) => {
      signal.addEventListener("abort", () => (aborted += 1));
      await (one.topic === topic ? gate.promise : undefined);
    },
  });
  await run.until(() => run.started.length === 9, "the first topic is in hand");
  assert.deepEqual(queue.health().topics, [topic]);
  await ensureTopics(broker.connection, [{ topic: late, partitions: 3, replication: 1 }]);
  await publish(
    broker,
    [0, 1, 2, 3].map((index) => message(late, `late-${index}`, String(index))),
  );
  await run.until(() => run.done.length === 4, "the late topic is done");
  assert.deepEqual(queue.health().topics, [topic, late]);
  gate.resolve();
  await run.until(() => run.done.length === 13, "all is done");
  const { state } = await run.stop();
  assert.deepEqual([aborted, state.counts.settled, run.started.length], [0, 13, 13]);
  assert.ok((await queue.lag(never)).every(({ lag }) => lag === 0n));
});

test("P6: a topic that must exist and does not is an error that names it, before anything waits for it", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  await assert.rejects(broker.openQueue("no.such.topic", groupOf(t)), (error) => {
    assert.ok(error instanceof PermanentError && error.scope === "queue" && !error.isCredentials);
    assert.match(error.message, /topic no\.such\.topic does not exist/);
    return true;
  });
});

test("P6: a port where nobody listens is transient and named, soon", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  const askedAtMs = Date.now();
  const nobody = { brokers: [`127.0.0.1:${await freePort()}`], clientId: "test" };
  await assert.rejects(broker.openQueue("t", "g", { connection: nobody }), (error) => {
    assert.ok(error instanceof TransientError);
    assert.match(error.message, /^connecting to Kafka at 127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    return true;
  });
  assert.ok(Date.now() - askedAtMs < 5_000);
});

test("a queue that is closed while it joins ends in time", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  const { topic } = await broker.createTopic(2);
  const queue = await broker.openQueue(topic, groupOf(t));
  const run = startRun(queue);
  const stopped = run.stop();
  await queue[Symbol.asyncDispose]();
  assert.equal((await stopped).state.counts.taken, 0);
});

test("the time from publishing to the handler of an idle worker", async (t) => {
  const broker = await brokerFor(t);
  if (broker === undefined) {
    return;
  }
  const { topic } = await broker.createTopic(3);
  await using producer = await broker.openProducer();
  await using queue = await broker.openQueue(topic, groupOf(t));
  const times: number[] = [];
  await using run = startRun(queue, {
    handle: async ({ value }) => {
      times.push(systemClock.elapsedMs() - Number.parseFloat(value?.toString() ?? ""));
    },
  });
  for (let index = 0; index < 60; index += 1) {
    await producer.publish([message(topic, `k-${index}`, String(systemClock.elapsedMs()))], never);
    await run.until(() => run.done.length === index + 1, "it is done");
    await sleep(10);
  }
  const sorted = times.slice(10).toSorted((left, right) => left - right);
  t.diagnostic(`idle: p50 ${sorted[25]?.toFixed(1)} ms, max ${sorted.at(-1)?.toFixed(1)} ms`);
  assert.equal(run.done.length, 60);
});

/** First completions of each key are in the order of publishing. */
function assertOrder(done: readonly Message[], keys: number): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const one of done) {
    if (seen.has(placeOf(one))) {
      continue;
    }
    seen.add(placeOf(one));
    const key = one.key?.toString() ?? "";
    const number = Number.parseInt(one.value?.toString() ?? "", 10);
    assert.ok(number > (last.get(key) ?? -1), `${key}: ${number} after ${last.get(key)}`);
    last.set(key, number);
  }
  assert.equal(last.size, keys);
}
