import assert from "node:assert/strict";
import { test } from "node:test";

import { codesOf, dailyRow, openCoreRig, stockRow, type CoreRig, type CoreRigOptions } from "./core-rig.ts";

/** A market of one day, all of which traded but the last code, which the suspension list names. */
const DAY = "20260302";
const codes = codesOf(300);
const traded = codes.slice(0, -1);
const [suspended = ""] = codes.toReversed();
const rows = {
  daily: traded.map((code) => dailyRow(code, DAY)),
  stock_basic: codes.map((code) => stockRow(code, { list_date: DAY })),
  suspend_d: [{ ts_code: suspended, trade_date: DAY, suspend_type: "S" }],
};
const message = { command: "bar_snapshot", params: { codes, start_date: DAY, end_date: DAY } };
/** Days after it was published, so that nothing is merely late. */
const LATER = "2026-03-06T09:00:00Z";

function openRig(options: Partial<CoreRigOptions>): Promise<CoreRig> {
  return openCoreRig({ now: LATER, rows, source: { codesMax: 50 }, ...options });
}

async function assertWhole(rig: CoreRig): Promise<void> {
  const done = await rig.send(message);
  assert.deepEqual(
    rig.logged.filter((line) => line.startsWith("error")),
    [],
  );
  assert.deepEqual([done.word, done.rows.new, done.pendingDays, done.unexplainedDays], ["stored", 299, 0, 0]);
  assert.deepEqual(rig.states(`bars/1d/${suspended}`), ["2026-03-02..2026-03-02 suspended"]);
}

/** Calls by market, and by codes. */
function countCalls(rig: CoreRig): readonly number[] {
  const calls = rig.calls("daily");
  const byMarket = calls.filter((call) => call.includes("trade_date")).length;
  return [byMarket, calls.length - byMarket];
}

test("a whole market is asked for once, and its suspended code not by itself", async () => {
  await using rig = await openRig({});
  await assertWhole(rig);
  assert.deepEqual(countCalls(rig), [1, 0]);
});

test("a market cut below the known cap without a word is made whole by naming the codes that it lacks", async () => {
  await using rig = await openRig({ hasHasMore: false, rowsMax: { daily: 140 } });
  await assertWhole(rig);
  assert.deepEqual(countCalls(rig), [1, 4]);
});

test("rows that are missing at the end of one answer come with the next one", async () => {
  await using rig = await openRig({});
  rig.simulator.injectFault({ kind: "short", rows: 250 }, { api: "daily" });
  await assertWhole(rig);
  assert.deepEqual(countCalls(rig), [1, 1]);
});

test("with a cap set far below the server's own a market comes all the same", async () => {
  await using rig = await openRig({ source: { codesMax: 2, rowCaps: { daily: 25 } } });
  await assertWhole(rig);
  assert.deepEqual(countCalls(rig), [2, 0]);
});

test("what neither the market nor an answer of its own has is unexplained, and asked for by itself twice", async () => {
  const [lost = ""] = codes;
  await using rig = await openRig({ rows: { ...rows, daily: rows.daily.slice(1) } });
  const done = await rig.send(message);
  assert.deepEqual([done.word, done.rows.new, done.unexplainedDays], ["unexplained", 298, 1]);
  assert.deepEqual(rig.states(`bars/1d/${lost}`), ["2026-03-02..2026-03-02 unexplained-empty"]);
  assert.deepEqual(countCalls(rig), [1, 2]);
});

test("on its evening a market far shorter than the list is asked for by code at once, and one nearly whole is not", async () => {
  for (const [kept, calls] of [
    [140, [1, 4]],
    [290, [1, 0]],
  ] as const) {
    await using rig = await openRig({ now: "2026-03-02T10:00:00Z" });
    rig.simulator.injectFault({ kind: "short", rows: kept }, { api: "daily" });
    const done = await rig.send(message);
    const late = kept === 290 ? 9 : 0;
    assert.deepEqual([done.rows.new, done.pendingDays], [299 - late, late]);
    assert.deepEqual(countCalls(rig), calls);
  }
});
