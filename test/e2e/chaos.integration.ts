import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createRandom } from "../../src/market/random.ts";
import { partitionOf } from "../../src/queue/partition-of.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { sizes } from "../support/sizes.ts";
import { waitFor } from "../support/wait-for.ts";
import { judgeTrace } from "./handler-trace.ts";
import { compareWithTruth } from "./market-truth.ts";
import { CALL_A_MESSAGE, CALL_ROWS_MAX, countCalls, spanMessages, type SpanKind } from "./span-messages.ts";
import { openWorkerFleet, type FleetWorker, type WorkerFleet } from "./worker-fleet.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const KINDS: readonly SpanKind[] = ["fresh", "fresh", "forced", "fresh", "complete", "fresh", "forced", "fresh"];
const { market, messages } = spanMessages({ seed: sizes.seed, codes: sizes.chaosCodes, kinds: KINDS });
/** A stretch of the run waits for a dead member's session, more than once in a row. */
const STRETCH_MS = 120_000 + 5 * sizes.sessionMs;
/** Messages that are out and not settled: the others are published as these are done. */
const BACKLOG = Math.ceil(messages.length * 0.3);

test("killed at random moments while another worker joins and leaves: every bar once, every offset committed, every code in order", async (t) => {
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    rowsMax: CALL_ROWS_MAX,
    limits: [],
    latency: { fromMs: 20, toMs: 120 },
    env: { ...CALL_A_MESSAGE, GINKGO_KAFKA_SESSION_MS: String(sizes.sessionMs) },
  });
  if (rig === undefined) {
    return;
  }
  await using fleet = await openWorkerFleet(rig);
  const [survivor] = await Promise.all([killAgainAndAgain(t, fleet), joinAndLeave(t, fleet), publishAll(rig, fleet)]);
  await fleet.untilSettled(messages.length, STRETCH_MS);
  await waitFor(async () => (await rig.lag()) === 0n, { timeoutMs: 30_000, what: "all offsets committed" });
  const ended = await survivor.stop();
  assert.deepEqual([ended.code, ended.signal], [0, null]);

  const report = judgeTrace(fleet.trace.refresh().lines);
  const calls = await countCalls(rig);
  t.diagnostic(
    `${report.messages} messages over ${partitionsOf(rig).size} partitions, ${sizes.chaosKills} kills: ` +
      `${report.redelivered} redelivered, ${report.knownBefore} of them known by their outcome, ${report.cutOff} cut off, ` +
      `${report.gaveUp} told to give up, ${report.settledTwice.length} recorded twice, ${report.sharedKeys} in two processes at once; ` +
      `${calls.made} calls for bars, ${calls.again} of them again`,
  );
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.deepEqual(
    await rig.select("SELECT toString(count() - uniqExact(code, frequency, timestamp)) AS twice FROM @bar"),
    [{ twice: "0" }],
  );
  assert.deepEqual(report.disorder, []);
  assert.deepEqual(report.changedTwice, []);
  // Whoever takes over reads the outcomes of whoever was there before; only two at once may both write one.
  assert.ok(report.settledTwice.length <= report.sharedKeys, `recorded twice: ${report.settledTwice.join(", ")}`);
  assert.equal(report.messages, messages.length);
  assert.ok(partitionsOf(rig).size >= Math.min(24, sizes.chaosCodes / 2), "the messages are spread");
  assert.deepEqual(await outcomesOf(rig), [{ messages: String(messages.length), deadLetters: "0" }]);
  assert.equal(await rig.lag(), 0n);
});

/** One worker, killed where a seed says, and started again each time; answers with the last one. */
async function killAgainAndAgain(t: TestContext, fleet: WorkerFleet): Promise<FleetWorker> {
  const random = createRandom(sizes.seed, "kills");
  // One in each part of the run.
  const part = 80 / sizes.chaosKills;
  const moments = Array.from({ length: sizes.chaosKills }, (_, index) =>
    random.between(Math.ceil(5 + part * index), Math.floor(5 + part * (index + 1))),
  );
  let worker = fleet.start();
  await worker.untilJoined();
  for (const moment of moments) {
    await fleet.untilSettled(Math.ceil((messages.length * moment) / 100), STRETCH_MS);
    await sleep(random.between(0, 200));
    await worker.kill();
    t.diagnostic(`killed ${worker.pid} with ${fleet.trace.refresh().settled} messages settled`);
    worker = fleet.start();
  }
  await worker.untilJoined(STRETCH_MS);
  return worker;
}

async function joinAndLeave(t: TestContext, fleet: WorkerFleet): Promise<void> {
  await fleet.untilSettled(Math.ceil(messages.length * 0.15), STRETCH_MS);
  const second = fleet.start();
  await second.untilJoined(STRETCH_MS);
  const joinedWith = fleet.trace.refresh().settled;
  await waitFor(
    () =>
      fleet.trace
        .refresh()
        .ofKind("end")
        .some(({ pid }) => pid === second.pid),
    {
      timeoutMs: STRETCH_MS,
      what: "a message handled by the second worker",
    },
  );
  await fleet.untilSettled(Math.ceil(messages.length * 0.6), STRETCH_MS);
  const ended = await second.stop();
  t.diagnostic(`a second worker joined with ${joinedWith} messages settled and left within ${ended.ms} ms`);
  assert.deepEqual([ended.code, ended.signal], [0, null]);
}

async function publishAll(rig: WorkerRig, fleet: WorkerFleet): Promise<void> {
  const batch = 20;
  for (let from = 0; from < messages.length; from += batch) {
    await fleet.untilSettled(from - BACKLOG, 2 * STRETCH_MS);
    await rig.publish(messages.slice(from, from + batch));
  }
}

function partitionsOf(rig: WorkerRig): ReadonlySet<number> {
  return new Set(market.securities.map(({ code }) => partitionOf(Buffer.from(code), rig.config.kafka.partitions)));
}

async function outcomesOf(rig: WorkerRig): Promise<readonly unknown[]> {
  return await rig.select(
    `SELECT toString(count()) AS messages, toString(countIf(outcome = 'dead-letter')) AS deadLetters FROM @outcome_row FINAL`,
  );
}
