import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";

import { readRecording } from "../../src/simulators/tushare/recording.ts";
import { requireRecordings } from "../support/services.ts";
import { EQUAL_BARS, EQUAL_FACTORS, loadRecordedBars, loadRecordedFactors } from "./recorded-truth.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const CODE = "000001.SZ";
const FIXTURE = join(import.meta.dirname, "../fixtures/tushare");

test("one message brings the whole recorded history: every row equal in every column, every empty day explained", async (t) => {
  const recordings = requireRecordings(t);
  if (recordings === undefined) {
    return;
  }
  const folder = join(recordings, "tushare");
  await using rig = await openWorkerRig(t, { data: await readRecording(folder) });
  if (rig === undefined) {
    return;
  }
  assert.equal(await loadRecordedBars(rig, join(folder, "daily", `${CODE}.csv`)), 8_242);
  assert.equal(await loadRecordedFactors(rig, join(folder, "adj_factor", `${CODE}.csv`)), 1_212);
  const worker = rig.start();

  await rig.publish([{ key: CODE, value: { code: CODE, timestamp: "2025-11-28" } }]);
  await rig.untilSettled(1);
  assert.deepEqual(await rig.select(EQUAL_BARS), [{ equal: "8242", outOfOrder: "1" }]);
  assert.deepEqual(await rig.select("SELECT toString(count()) AS bars FROM @bar"), [{ bars: "8242" }]);
  assert.deepEqual(await statesOf(rig, "bars"), [
    { state: "no-trade", days: "218" },
    { state: "present", days: "8242" },
  ]);
  const [listing] = await rig.select<{ state: string; note: string; callId: string }>(
    `SELECT state, note, call_id AS callId FROM @ledger_row FINAL
     WHERE code = '${CODE}' AND data_set = 'bars' AND NOT removed AND first_day <= '1991-04-03' AND last_day >= '1991-04-03'`,
  );
  assert.equal(listing?.state, "no-trade");
  assert.match(listing.note, /no bar between listing on 1991-04-03 and first trade on 1991-04-04/);
  assert.notEqual(listing.callId, "");

  await rig.publish([
    {
      key: CODE,
      value: { command: "adjustfactor", params: { code: CODE, start_date: "20200102", end_date: "20241231" } },
    },
  ]);
  await rig.untilSettled(2);
  assert.deepEqual(await rig.select(EQUAL_FACTORS), [{ equal: "1212" }]);
  assert.deepEqual(await statesOf(rig, "adjustment-factors"), [{ state: "present", days: "1212" }]);
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
});

test("our own excerpt of the recording arrives whole, summer time of 1991 included", async (t) => {
  await using rig = await openWorkerRig(t, { data: await readRecording(FIXTURE) });
  if (rig === undefined) {
    return;
  }
  const rows = await loadRecordedBars(rig, join(FIXTURE, "daily", `${CODE}.csv`));
  const worker = rig.start();
  const spans = [
    ["19910404", "19910927"],
    ["19920701", "19920930"],
    ["20100601", "20100929"],
    ["20130603", "20130628"],
    ["20240603", "20241231"],
    ["20250102", "20251128"],
  ];
  await rig.publish(
    spans.map(([start, end]) => ({
      key: CODE,
      value: { command: "bar_snapshot", params: { code: CODE, start_date: start, end_date: end } },
    })),
  );
  await rig.untilSettled(spans.length);
  assert.deepEqual(await rig.select(EQUAL_BARS), [{ equal: String(rows), outOfOrder: "1" }]);
  // 1991-07-01 00:00 at the exchange is 15:00 UTC of the day before: China kept summer time then.
  assert.deepEqual(
    await rig.select(`SELECT toString(toUnixTimestamp(timestamp)) AS at FROM @bar WHERE trading_day = '1991-07-01'`),
    [{ at: String(Date.UTC(1991, 5, 30, 15) / 1_000) }],
  );
  await worker.stop();
});

test("ten equal requests change nothing: the repeats make no call, and with force they call and still change no row", async (t) => {
  await using rig = await openWorkerRig(t, { data: await readRecording(FIXTURE) });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const ask = (force: boolean): Promise<void> =>
    rig.publish([
      {
        key: CODE,
        value: { command: "bar_snapshot", params: { code: CODE, start_date: "20240603", end_date: "20241231", force } },
      },
    ]);
  await ask(false);
  await rig.untilSettled(1);
  const first = await rig.select("SELECT * FROM @bar");
  assert.equal(first.length, 144);
  rig.simulator.clearRequests();
  for (let time = 2; time <= 10; time += 1) {
    await ask(false);
    await rig.untilSettled(time);
  }
  assert.equal(rig.callsOf(), 0);
  assert.deepEqual(await rig.select("SELECT * FROM @bar"), first);
  for (let time = 11; time <= 13; time += 1) {
    await ask(true);
    await rig.untilSettled(time);
  }
  assert.equal(rig.callsOf("daily"), 3);
  assert.deepEqual(await rig.select("SELECT * FROM @bar"), first);
  assert.deepEqual(await rig.select("SELECT toString(count()) AS rows FROM @bar_row"), [{ rows: "144" }]);
  await worker.stop();
});

async function statesOf(rig: WorkerRig, dataSet: string): Promise<readonly unknown[]> {
  return await rig.select(
    `SELECT state, toString(count()) AS days
     FROM @ledger_row AS l FINAL CROSS JOIN (SELECT trading_day FROM @trade_day_row FINAL WHERE is_open) AS d
     WHERE l.code = '${CODE}' AND l.data_set = '${dataSet}' AND NOT l.removed
       AND d.trading_day BETWEEN l.first_day AND l.last_day
     GROUP BY state ORDER BY state`,
  );
}
