import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { placeOf, startRun } from "../contracts/queue-run.ts";
import { canRun } from "../support/services.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { uniqueName } from "../support/unique-name.ts";
import { FETCH } from "./kafka-proxy.ts";
import { createNotedLog, type NotedLog } from "./noted-log.ts";
import { placed } from "./placed.ts";
import { type ProxiedKafka, startProxiedKafka } from "./proxied-kafka.ts";

const never = new AbortController().signal;
const NEVER_MS = 3_600_000;

/** One broker for this file's tests, which take turns in mistreating it. */
let started: Promise<ProxiedKafka> | undefined;
after(async () => {
  await (await started)?.[Symbol.asyncDispose]();
});

async function openKafka(t: TestContext): Promise<ProxiedKafka | undefined> {
  if (!canRun(t, whyNoKafka())) {
    return undefined;
  }
  started ??= startProxiedKafka();
  return started;
}

/** Calls `then` in the middle of the join, before the stream that joined has asked where to begin. */
function onFirstJoin(then: () => void): NotedLog {
  const log = createNotedLog();
  let isFirst = true;
  return {
    ...log,
    info: (event, fields) => {
      log.info(event, fields);
      if (event === "kafka group joined" && isFirst) {
        isFirst = false;
        then();
      }
    },
  };
}

test("P21: a stream that was opened while the broker went away starts when it is back, and does not ask for ever what is refused", async (t) => {
  const kafka = await openKafka(t);
  if (kafka === undefined) {
    return;
  }
  const { service } = kafka;
  await using broker = createKafkaBroker(service.address);
  const { topic } = await broker.createTopic(3);
  await using producer = await broker.openProducer();
  await producer.publish(placed(topic, 3, 2), never);
  const gone = Promise.withResolvers<void>();
  const log = onFirstJoin(() => {
    service.signal("SIGKILL");
    gone.resolve();
  });
  // Without the watch, which would open another stream: what is promised here is that this one does not hang.
  await using queue = await broker.openQueue(topic, uniqueName("p21"), { log, stallMs: NEVER_MS });
  await using run = startRun(queue, { log });
  await gone.promise;
  assert.equal(run.started.length, 0);
  await service.restart();
  const backAtMs = Date.now();
  await run
    .until(() => run.done.length >= 6, "messages are done after the outage", 25_000)
    .catch((error: unknown) => assert.fail(`the stream never started: ${String(error)}`));
  t.diagnostic(
    `first messages ${Date.now() - backAtMs} ms after the broker was back, ${JSON.stringify(queue.health())}`,
  );
  const report = await run.stop();
  assert.equal(report.isCommitted, true);
  assert.equal(new Set(run.done.map((one) => placeOf(one))).size, 6);
});

test("P21: a stream that says nothing while heartbeats are fine is replaced, and what is in hand goes on", async (t) => {
  const kafka = await openKafka(t);
  if (kafka === undefined) {
    return;
  }
  await using direct = createKafkaBroker(kafka.service.address);
  await using broker = createKafkaBroker(kafka.proxied);
  const { topic } = await direct.createTopic(3);
  await using producer = await direct.openProducer();
  await producer.publish(placed(topic, 3, 2), never);
  const log = createNotedLog();
  await using queue = await broker.openQueue(topic, uniqueName("p21"), { log, stallMs: 2_000 });
  const gate = Promise.withResolvers<void>();
  let aborted = 0;
  await using run = startRun(queue, {
    log,
    handle: async ({ offset }, signal) => {
      signal.addEventListener("abort", () => (aborted += 1));
      await (offset === 1n ? gate.promise : undefined);
    },
  });
  await run.until(() => run.started.length === 6 && run.done.length === 3, "half of the messages are in hand");
  assert.ok(kafka.proxy.holdThoseWith(FETCH) > 0, "the stream has its own connection");
  const heldAtMs = Date.now();
  await producer.publish(placed(topic, 3, 1), never);
  await run
    .until(() => run.done.length === 6, "messages of a new stream are done", 20_000)
    .catch((error: unknown) => assert.fail(`the silent stream stays: ${String(error)}`));
  t.diagnostic(`next messages ${Date.now() - heldAtMs} ms after the stream fell silent`);
  gate.resolve();
  const report = await run.stop();
  assert.deepEqual([report.isCommitted, aborted, run.started.length], [true, 0, 9]);
  assert.equal(log.count("kafka group joined"), 1);
  assert.ok((await queue.lag(never)).every(({ lag }) => lag === 0n));
});

test("P21: leaving ends in time although a stream that was opened in an outage can never be closed", async (t) => {
  const kafka = await openKafka(t);
  if (kafka === undefined) {
    return;
  }
  await using broker = createKafkaBroker(kafka.proxied);
  await using direct = createKafkaBroker(kafka.service.address);
  const { topic } = await direct.createTopic(3);
  const held = Promise.withResolvers<void>();
  const log = onFirstJoin(() => {
    kafka.proxy.hold();
    held.resolve();
  });
  const queue = await broker.openQueue(topic, uniqueName("p21"), { log, closeMs: 1_000 });
  const run = startRun(queue, { log, limits: { lastCommitMs: 1_000, commitEveryMs: 100 } });
  await held.promise;
  await sleep(100);
  const askedAtMs = Date.now();
  await run.stop();
  await Promise.race([queue[Symbol.asyncDispose](), sleep(10_000, undefined, { ref: false })]);
  const tookMs = Date.now() - askedAtMs;
  assert.ok(tookMs < 8_000, `leaving took ${tookMs} ms, waiting for a stream that never opens`);
});
