import assert from "node:assert/strict";
import { test } from "node:test";

import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const [A = "", B = ""] = codesOf(2);
const TODAY = { start_date: "20260302", end_date: "20260302" };
const published = {
  daily: [dailyRow(B, "20260302")],
  adj_factor: [{ ts_code: B, trade_date: "20260302", adj_factor: "1" }],
  stock_basic: [stockRow(A), stockRow(B)],
};
const suspended = { ...published, suspend_d: [{ ts_code: A, trade_date: "20260302", suspend_type: "S" }] };

test("a suspension list that was read in the morning is read again in the evening", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T01:25:00Z", rows: published });
  const morning = await rig.send({ command: "adjustfactor", params: { codes: [A, B], ...TODAY } });
  assert.deepEqual([morning.word, morning.pendingDays], ["pending", 1]);
  rig.publish(suspended);
  rig.setClock("2026-03-02T10:00:00Z");
  const evening = await rig.send({ command: "bar_snapshot", params: { codes: [A, B], ...TODAY } });
  assert.deepEqual([evening.word, rig.calls("suspend_d").length], ["stored", 2]);
  assert.deepEqual(rig.states(`bars/1d/${A}`), ["2026-03-02..2026-03-02 suspended"]);
});

test("a suspension list that came late itself is read again with the bars it explains", async () => {
  await using rig = await openCoreRig({ now: "2026-03-02T09:00:30Z", rows: published });
  const message = { command: "bar_snapshot", params: { codes: [A, B], ...TODAY } };
  assert.equal((await rig.send(message)).word, "pending");
  rig.publish(suspended);
  rig.setClock("2026-03-02T09:20:00Z");
  assert.equal((await rig.send(message)).word, "stored");
});

test("a list read long after its day is remembered, also by those who ask for other codes", async () => {
  const codes = codesOf(3);
  const stock_basic = codes.map((code) => stockRow(code));
  await using rig = await openCoreRig({ now: "2026-03-05T10:00:00Z", rows: { ...suspended, stock_basic } });
  for (const [at, code] of codes.entries()) {
    rig.setClock(`2026-03-05T1${at}:00:00Z`);
    await rig.send({ command: "bar_snapshot", params: { code, ...TODAY } });
  }
  assert.equal(rig.calls("suspend_d").length, 1);
});
