import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { sizes } from "../support/sizes.ts";
import { waitFor } from "../support/wait-for.ts";
import { judgeTrace } from "./handler-trace.ts";
import { compareWithTruth } from "./market-truth.ts";
import { CALL_A_MESSAGE, CALL_ROWS_MAX, countCalls, spanMessages, type SpanKind } from "./span-messages.ts";
import { openWorkerFleet, type FleetWorker, type WorkerFleet } from "./worker-fleet.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const WORKERS = 3;
/** Of ten messages three bring something, six ask for what is there, one asks for it again by force. */
const TEN: readonly SpanKind[] = [
  "fresh",
  "complete",
  "complete",
  "fresh",
  "forced",
  "complete",
  "fresh",
  "complete",
  "complete",
  "complete",
];
const { market, messages } = spanMessages({
  seed: sizes.seed,
  codes: sizes.rollingCodes,
  kinds: Array.from({ length: sizes.rollingMessages / TEN.length }, () => TEN).flat(),
});
/**
 * Messages that are out and not settled at most: two for each code between the restarts, and while a worker is replaced an
 * ordinary load, which keeps all calls at once busy and no more. Messages of the partitions that a new worker takes over
 * are handled again where they stood; the more of them there are at that moment, the more calls are made again.
 */
const BACKLOG_MAX = 2 * market.securities.length;
const BACKLOG_MAX_IN_RESTART = 12;
const TICK_MS = 50;

test("three workers restarted one after the other under load: no table changed by a repeat, next to no call made again", async (t) => {
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    rowsMax: CALL_ROWS_MAX,
    limits: [],
    latency: { fromMs: 1, toMs: 10 },
    env: CALL_A_MESSAGE,
  });
  if (rig === undefined) {
    return;
  }
  await using fleet = await openWorkerFleet(rig);
  let workers = Array.from({ length: WORKERS }, () => fleet.start());
  await Promise.all(workers.map((worker) => worker.untilJoined()));
  await logWrites(rig);

  const source = createFlow(rig, fleet);
  const restarts = workers;
  await source.flow(1 / (WORKERS + 2), Promise.resolve());
  for (const [index, worker] of restarts.entries()) {
    const published = source.published;
    const restarted = restart(t, rig, fleet, worker);
    await source.flow((index + 2) / (WORKERS + 2), restarted);
    workers = [...workers.filter((other) => other !== worker), await restarted];
    t.diagnostic(`restarted ${worker.pid} while ${source.published - published} messages were published`);
  }
  await source.flow(1, Promise.resolve());
  await fleet.untilSettled(messages.length, 120_000);
  await waitFor(async () => (await rig.lag()) === 0n, { timeoutMs: 30_000, what: "all offsets committed" });
  await Promise.all(workers.map((worker) => stopInTime(rig, worker)));

  const report = judgeTrace(fleet.trace.refresh().lines);
  const calls = await countCalls(rig);
  const counts = fleet.trace.ofKind("drained").map((line) => line.counts);
  const total = (name: "repeats" | "strays" | "late" | "joins"): number =>
    counts.reduce((sum, count) => sum + count[name], 0);
  const written = await readWrites(rig);
  t.diagnostic(
    `${report.messages} messages, ${WORKERS} restarts: ${report.redelivered} handled again, ${report.knownBefore} of them ` +
      `known by their outcome; delivered again and dropped by the tracker: ${total("repeats")}, of partitions or streams that do not ` +
      `count: ${total("strays")}, late results: ${total("late")}; ${total("joins")} joins`,
  );
  t.diagnostic(
    `repeats that changed a table: ${report.changedTwice.length} by outcome, ${written.barsTwice} bars and ` +
      `${written.outcomesTwice} outcomes written twice; ${calls.made} calls for bars, ${calls.again} of them again`,
  );
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.deepEqual(report.changedTwice, []);
  assert.equal(written.barsTwice, 0);
  assert.ok(written.outcomesTwice <= report.sharedKeys, `recorded twice: ${report.settledTwice.join(", ")}`);
  assert.equal(calls.shared, 0, "every call for bars is one message's");
  // With few messages the rule is what may be in hand at the restarts: a new worker takes a third of the partitions.
  const inHand = (WORKERS * BACKLOG_MAX_IN_RESTART) / 2;
  assert.ok(calls.again < Math.max(messages.length / 1_000, inHand), `${calls.again} calls made again`);
  assert.deepEqual(report.disorder, []);
  assert.equal(report.messages, messages.length);
  assert.equal(report.cutOff, 0);
  assert.deepEqual(await outcomesOf(rig), [{ messages: String(messages.length), deadLetters: "0" }]);
  assert.deepEqual(await rig.messagesOf(rig.config.kafka.deadLetterTopic), []);
  assert.equal(await rig.lag(), 0n);
  assert.equal(counts.length, 2 * WORKERS);
});

async function restart(t: TestContext, rig: WorkerRig, fleet: WorkerFleet, worker: FleetWorker): Promise<FleetWorker> {
  const ms = await stopInTime(rig, worker);
  const next = fleet.start();
  await next.untilJoined();
  t.diagnostic(`${worker.pid} ended within ${ms} ms`);
  return next;
}

async function stopInTime(rig: WorkerRig, worker: FleetWorker): Promise<number> {
  const { code, signal, ms } = await worker.stop();
  assert.deepEqual([code, signal], [0, null]);
  assert.ok(ms < rig.config.worker.drainMs, `the worker took ${ms} ms to end`);
  return ms;
}

/** Messages go out all the time while something happens. */
interface Flow {
  readonly published: number;
  /** Publishes up to that part of all messages: a little at a time while `during` lasts, then the rest. */
  flow(part: number, during: Promise<unknown>): Promise<void>;
}

function createFlow(rig: WorkerRig, fleet: WorkerFleet): Flow {
  let published = 0;
  return {
    get published() {
      return published;
    },
    flow: async (part, during) => {
      const until = Math.ceil(messages.length * part);
      let isOver = false;
      during.then(
        () => (isOver = true),
        () => (isOver = true),
      );
      while (published < until) {
        const room = (isOver ? BACKLOG_MAX : BACKLOG_MAX_IN_RESTART) - published + fleet.trace.refresh().settled;
        if (room <= 0) {
          await fleet.untilSettled(published - BACKLOG_MAX_IN_RESTART + 1, 120_000);
          continue;
        }
        // Ever less of what is left, so that something is left however long the restart lasts.
        const batch = Math.min(room, Math.ceil((until - published) * (isOver ? 0.1 : 0.01)));
        await rig.publish(messages.slice(published, published + batch));
        published += batch;
        await sleep(TICK_MS);
      }
      await during;
    },
  };
}

/** Everything that is inserted from now on, kept apart from the tables, which merge the versions of a row. */
async function logWrites(rig: WorkerRig): Promise<void> {
  const { database } = rig.config.clickhouse;
  const views = {
    bar_written: "SELECT code, frequency, timestamp, source FROM @bar_row",
    outcome_written: "SELECT topic, partition, offset FROM @outcome_row",
  };
  for (const [name, sql] of Object.entries(views)) {
    await rig.clickhouse.command(
      `CREATE MATERIALIZED VIEW ${database}.${name} ENGINE = MergeTree ORDER BY tuple() AS ${sql.replace("@", `${database}.`)}`,
      {},
      new AbortController().signal,
    );
  }
}

async function readWrites(rig: WorkerRig): Promise<{ readonly barsTwice: number; readonly outcomesTwice: number }> {
  const [found] = await rig.select<{ readonly bars: string; readonly outcomes: string; readonly all: string }>(
    `SELECT toString((SELECT count() - uniqExact(code, frequency, timestamp, source) FROM @bar_written)) AS bars,
      toString((SELECT count() - uniqExact(topic, partition, offset) FROM @outcome_written)) AS outcomes,
      toString((SELECT uniqExact(topic, partition, offset) FROM @outcome_written)) AS all`,
  );
  assert.equal(found?.all, String(messages.length), "every outcome went through the log of writes");
  return { barsTwice: Number.parseInt(found.bars, 10), outcomesTwice: Number.parseInt(found.outcomes, 10) };
}

async function outcomesOf(rig: WorkerRig): Promise<readonly unknown[]> {
  return await rig.select(
    `SELECT toString(count()) AS messages, toString(countIf(outcome = 'dead-letter')) AS deadLetters FROM @outcome_row FINAL`,
  );
}
