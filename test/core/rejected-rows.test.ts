import assert from "node:assert/strict";
import { test } from "node:test";

import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const [A = "", B = ""] = codesOf(2);
const NOON = "2026-03-02T04:00:00Z";
const THREE_DAYS = { start_date: "20260225", end_date: "20260227" };

test("a rejected row without a readable day never makes its day a day without trade", async () => {
  const daily = [dailyRow(A, "20260225"), dailyRow(A, "20260226x"), dailyRow(A, "20260227")];
  await using rig = await openCoreRig({ now: NOON, rows: { daily, stock_basic: [stockRow(A)] } });
  const done = await rig.send({ command: "bar_snapshot", params: { code: A, ...THREE_DAYS } });
  assert.deepEqual([done.word, done.unexplainedDays, done.rows.rejected], ["unexplained", 1, 1]);
  assert.deepEqual(rig.states(`bars/1d/${A}`), [
    "2026-02-25..2026-02-25 present",
    "2026-02-26..2026-02-26 failed",
    "2026-02-27..2026-02-27 present",
  ]);
  assert.match(rig.notes(`bars/1d/${A}`)[1] ?? "", /rejected: not-parseable/);
});

test("a rejected row without a readable code leaves its day of every code of its call open", async () => {
  const many = codesOf(120);
  const daily = many.map((code) => dailyRow(code === B ? "" : code, "20260226"));
  await using rig = await openCoreRig({ now: NOON, rows: { daily, stock_basic: many.map((code) => stockRow(code)) } });
  const done = await rig.send({
    command: "bar_snapshot",
    params: { codes: many, start_date: "20260226", end_date: "20260226" },
  });
  assert.equal(rig.calls("daily").length, 1, "one call for the whole market");
  assert.equal(done.unexplainedDays, 1);
  assert.deepEqual(rig.states(`bars/1d/${B}`), ["2026-02-26..2026-02-26 failed"]);
  assert.deepEqual(rig.states(`bars/1d/${A}`), ["2026-02-26..2026-02-26 present"]);
  assert.equal(rig.quarantined.filter(({ dataSet }) => dataSet === "bars").length, 1);
});

test("a rejected row of a code that nobody asked for is set aside once, and is no word on any code's day", async () => {
  const many = codesOf(120);
  const daily = [...many.slice(1), "T00018.SH"].map((code) => dailyRow(code, "20051010"));
  await using rig = await openCoreRig({
    now: NOON,
    rows: {
      daily,
      stock_basic: many.map((code) => stockRow(code)),
      suspend_d: [{ ts_code: A, trade_date: "20051010", suspend_type: "S" }],
    },
  });
  const done = await rig.send({
    command: "bar_snapshot",
    params: { codes: many, start_date: "20051010", end_date: "20051010" },
  });
  assert.deepEqual([done.word, done.rows], ["stored", { new: 119, same: 0, revised: 0, rejected: 0 }]);
  assert.deepEqual(rig.states(`bars/1d/${A}`), ["2005-10-10..2005-10-10 suspended"]);
  const aside = rig.quarantined.filter(({ dataSet }) => dataSet === "bars");
  assert.deepEqual(
    aside.map(({ code }) => code),
    ["T00018.SH"],
  );
});
