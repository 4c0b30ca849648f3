import assert from "node:assert/strict";
import { test } from "node:test";

import { BarSource } from "./bar-source.ts";
import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const [A = "", B = ""] = codesOf(2);
const listedOn = { list_date: "20260227" };
const friday = [dailyRow(A, "20260227"), dailyRow(B, "20260227")];
const monday = [dailyRow(A, "20260302"), dailyRow(B, "20260302")];
const stocks = [stockRow(A, listedOn), stockRow(B, listedOn)];

test("a bar that is a few minutes late is pending, asked for again a quarter of an hour later, and stored", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T09:01:00Z", rows: { daily: friday, stock_basic: stocks } });
  const early = await rig.send({ command: "bar_snapshot", params: { code: A } });
  assert.deepEqual([early.word, early.pendingDays, early.unexplainedDays], ["pending", 1, 0]);
  assert.deepEqual(rig.states(`bars/1d/${A}`).at(-1), "2026-03-02..2026-03-02 pending");
  rig.publish({ daily: [...friday, ...monday], stock_basic: stocks });
  rig.setClock("2026-03-02T09:10:00Z");
  const soon = await rig.send({ command: "bar_snapshot", params: { code: A } });
  assert.deepEqual([soon.word, soon.callIds], ["pending", []], "not before its time");
  rig.setClock("2026-03-02T09:16:00Z");
  const late = await rig.send({ command: "bar_snapshot", params: { code: A } });
  assert.deepEqual([late.word, late.rows.new], ["stored", 1]);
});

test("a day that the first provider has published is owed where a later one steps in: pending, and asked of the first when it is back", async () => {
  const later = new BarSource("2026-02-27", "2026-03-02");
  await using rig = await openCoreRig({
    now: "2026-03-02T09:10:00Z",
    rows: { daily: [...friday, ...monday], stock_basic: stocks },
    others: [later],
    env: { GINKGO_PROVIDERS_CHAIN: "tushare,baostock", GINKGO_BREAKER_PAUSE_MS: "60000" },
  });
  for (const params of [{ code: A }, { code: B, days: 2 }]) {
    rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 1_000_000 });
    const early = await rig.send({ command: "bar_snapshot", params });
    assert.deepEqual([early.word, early.rows.new, early.pendingDays], ["pending", 1, 1]);
    assert.deepEqual(rig.states(`bars/1d/${params.code}`), [
      "2026-02-27..2026-02-27 present",
      "2026-03-02..2026-03-02 pending",
    ]);
  }
  rig.simulator.clearFaults();
  rig.setClock("2026-03-02T09:15:00Z");
  for (const code of [A, B]) {
    const back = await rig.send({ command: "bar_snapshot", params: { code } });
    assert.deepEqual([back.word, back.rows.new, back.provider], ["stored", 1, "tushare"]);
  }
});

test("of a market that is published in part the rest is pending, and what a list explains is not", async () => {
  const codes = codesOf(300);
  const [suspended = ""] = codes.toReversed();
  const stock_basic = codes.map((code) => stockRow(code, { list_date: "20260302" }));
  const suspend_d = [{ ts_code: suspended, trade_date: "20260302", suspend_type: "S" }];
  const publish = (
    count: number,
  ): { daily: Record<string, string>[]; stock_basic: typeof stock_basic; suspend_d: typeof suspend_d } => ({
    daily: codes.slice(0, count).map((code) => dailyRow(code, "20260302")),
    stock_basic,
    suspend_d,
  });
  await using rig = await openCoreRig({ now: "2026-03-02T09:00:30Z", rows: publish(100) });
  const early = await rig.send({ command: "bar_snapshot", params: { codes } });
  assert.deepEqual([early.word, early.rows.new, early.pendingDays, early.unexplainedDays], ["pending", 100, 199, 0]);
  assert.deepEqual(rig.states(`bars/1d/${suspended}`), ["2026-03-02..2026-03-02 suspended"]);
  rig.publish(publish(299));
  rig.setClock("2026-03-02T09:20:00Z");
  const late = await rig.send({ command: "bar_snapshot", params: { codes } });
  assert.deepEqual([late.word, late.rows.new], ["stored", 199]);
});

test("a bar that has not come a day later is unexplained", async () => {
  await using rig = await openCoreRig({
    now: "2026-03-03T09:00:00Z",
    rows: { daily: [...friday, ...monday.slice(1)], stock_basic: stocks },
  });
  const done = await rig.send({ command: "bar_snapshot", params: { code: A, end_date: "20260302" } });
  assert.deepEqual([done.word, done.unexplainedDays, done.pendingDays], ["unexplained", 1, 0]);
});

test("a market of exactly the row cap is published: its empty last page says nothing about a code that is not in it", async () => {
  const codes = codesOf(101);
  const stock_basic = codes.map((code) => stockRow(code));
  const daily = codes.slice(1).map((code) => dailyRow(code, "20260302"));
  const suspend_d = [{ ts_code: A, trade_date: "20260302", suspend_type: "S" }];
  await using rig = await openCoreRig({
    now: "2026-03-02T10:00:00Z",
    rows: { daily, stock_basic, suspend_d },
    rowsMax: { daily: 100 },
    source: { rowCaps: { daily: 100 }, codesMax: 20 },
  });
  const done = await rig.send({
    command: "bar_snapshot",
    params: { codes, start_date: "20260302", end_date: "20260302" },
  });
  assert.deepEqual(rig.calls("daily"), [
    '{"trade_date":"20260302"} -> 100',
    '{"trade_date":"20260302","offset":"100","limit":"100"} -> 0',
  ]);
  assert.deepEqual([done.word, done.pendingDays], ["stored", 0]);
  assert.deepEqual(rig.states(`bars/1d/${A}`), ["2026-03-02..2026-03-02 suspended"]);
});
