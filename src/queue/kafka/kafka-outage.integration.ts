import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { message, numbered, until } from "../../../test/contracts/queue-contract.ts";
import { createKafkaBroker } from "../../../test/contracts/queue-kafka-broker.ts";
import { placeOf, startRun } from "../../../test/contracts/queue-run.ts";
import { canRun } from "../../../test/support/services.ts";
import { startKafka, whyNoKafka } from "../../../test/support/services/kafka.ts";
import { TransientError } from "../../base/errors.ts";

const never = new AbortController().signal;

test("a broker is killed and away for longer than retries last: work in hand goes on, nothing is lost or repeated", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using service = await startKafka();
  const broker = createKafkaBroker(service.address);
  const { topic } = await broker.createTopic(6);
  await using producer = await broker.openProducer();
  await producer.publish(numbered(topic, 60), never);
  await using queue = await broker.openQueue(topic, "g", { stallMs: 4_000 });
  const gate = Promise.withResolvers<void>();
  let aborted = 0;
  await using run = startRun(queue, {
    handle: async ({ offset }, signal) => {
      signal.addEventListener("abort", () => (aborted += 1));
      await (offset === 2n ? gate.promise : undefined);
    },
  });
  await run.until(() => run.done.length === 54, "all but one of each partition are done");
  await service.kill();
  await sleep(8_000);
  assert.equal(queue.health().isReady, false, "ready while the broker is away");
  await service.restart();
  gate.resolve();
  await until(async () => queue.health().isReady, "ready again", 20_000);
  const sent = Date.now();
  await producer.publish(numbered(topic, 60), never);
  await run.until(() => run.done.length >= 120, "what came after the outage is done", 30_000);
  t.diagnostic(`back after ${Date.now() - sent} ms, ${JSON.stringify(queue.health())}`);
  const report = await run.stop();
  assert.equal(report.isCommitted, true);
  assert.equal(new Set(run.done.map((one) => placeOf(one))).size, 120);
  assert.ok((await queue.lag(never)).every(({ lag }) => lag === 0n));
  t.diagnostic(`${run.done.length - 120} repeats, ${aborted} aborted handlers`);
});

test("publishing while the broker is away fails in time as transient, and works again when it is back", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using service = await startKafka();
  const broker = createKafkaBroker(service.address);
  const { topic } = await broker.createTopic(1);
  await using producer = await broker.openProducer({ sendMs: 2_000 });
  await producer.publish([message(topic, "k", "before")], never);
  await service.kill();
  const askedAtMs = Date.now();
  await assert.rejects(producer.publish([message(topic, "k", "during")], never), TransientError);
  assert.ok(Date.now() - askedAtMs < 10_000);
  await service.restart();
  await until(
    () =>
      producer.publish([message(topic, "k", "after")], never).then(
        () => true,
        () => false,
      ),
    "published again",
    20_000,
  );
});

test("a consumer that starts drains in time while the broker is away", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using service = await startKafka();
  const broker = createKafkaBroker(service.address);
  const { topic } = await broker.createTopic(2);
  await using producer = await broker.openProducer();
  await producer.publish(numbered(topic, 10), never);
  const queue = await broker.openQueue(topic, "g", { closeMs: 1_000 });
  await using run = startRun(queue, { limits: { lastCommitMs: 1_000, commitEveryMs: 100 } });
  await run.until(() => run.done.length === 10, "all are done");
  await service.kill();
  const askedAtMs = Date.now();
  await run.stop();
  await queue[Symbol.asyncDispose]();
  assert.ok(Date.now() - askedAtMs < 5_000, `took ${Date.now() - askedAtMs} ms`);
});

test("a producer and a consumer that were closed while the broker is away let their process end", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using service = await startKafka();
  const broker = createKafkaBroker(service.address);
  const { topic } = await broker.createTopic(1);
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "closed-clients-child.ts"), service.address, topic],
    {
      stdio: ["pipe", "pipe", "inherit"],
    },
  );
  const ended = once(child, "exit");
  try {
    await once(child.stdout, "data");
    await service.kill();
    child.stdin.end();
    await until(async () => child.exitCode !== null, "the process has ended", 40_000);
    await ended;
    assert.equal(child.exitCode, 0);
  } finally {
    child.kill("SIGKILL");
  }
});
