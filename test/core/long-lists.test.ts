import assert from "node:assert/strict";
import { test } from "node:test";

import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const codes = codesOf(60);
const rows = {
  daily: codes.flatMap((code) => ["20260225", "20260226", "20260227"].map((day) => dailyRow(code, day))),
  stock_basic: codes.map((code) => stockRow(code)),
};

test("a list of codes that the server always fails on is halved, and every unit is still answered", async () => {
  await using rig = await openCoreRig({
    now: "2026-03-02T04:00:00Z",
    rows,
    codesMax: 20,
    source: { codesMax: 60, rowCaps: { daily: 600 } },
  });
  const done = await rig.send({
    command: "bar_snapshot",
    params: { codes, start_date: "20260225", end_date: "20260227" },
  });
  assert.deepEqual([done.word, done.rows.new], ["stored", 180]);
  // 60 codes twice, 30 twice each, then 15 each.
  const lengths = rig.calls("daily").map((call) => call.split(".SH").length - 1);
  assert.deepEqual(
    lengths.toSorted((left, right) => right - left),
    [60, 60, 30, 30, 30, 30, 15, 15, 15, 15],
  );
});
