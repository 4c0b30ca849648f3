import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError } from "../../src/base/errors.ts";
import { waitFor } from "../support/wait-for.ts";
import { BarSource } from "./bar-source.ts";
import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

/** Days without rows are looked at more than once: what that costs, and what is left of it when it fails. */
const [A = "", B = ""] = codesOf(2);
const DAYS = ["20260202", "20260203", "20260204", "20260205", "20260206", "20260209", "20260210"];
const LISTED = { list_date: "20260202" };
const NOW = "2026-03-02T12:00:00Z";
const WRONG = { kind: "refused", code: -2001, msg: "参数校验失败" } as const;

test("a history that stays empty is asked for three times, and the suspension list once", async () => {
  const daily = DAYS.map((day) => dailyRow(B, day));
  await using rig = await openCoreRig({
    now: NOW,
    rows: { daily, stock_basic: [stockRow(A, LISTED), stockRow(B, LISTED)] },
  });
  const params = { code: A, start_date: DAYS[0], end_date: DAYS.at(-1) };
  assert.equal((await rig.send({ command: "bar_snapshot", params })).word, "unexplained");
  assert.deepEqual([rig.calls("daily").length, rig.calls("suspend_d").length], [3, 1]);
});

test("the edge of a delisting costs no second look where an answer has rows and the provider says that it is whole", async () => {
  const old = stockRow(A, { list_status: "D", ...LISTED, delist_date: "20260213" });
  const daily = [...DAYS.slice(0, 5).map((day) => dailyRow(A, day)), ...DAYS.map((day) => dailyRow(B, day))];
  await using rig = await openCoreRig({ now: NOW, rows: { daily, stock_basic: [old, stockRow(B, LISTED)] } });
  assert.equal((await rig.send({ command: "bar_snapshot", params: { code: A, full: true } })).word, "stored");
  assert.equal(rig.calls("daily").length, 1);
});

test("where a second look is called wrong, what the first one brought stands in the ledger", async () => {
  await using rig = await openCoreRig({
    now: NOW,
    rows: {
      daily: DAYS.slice(0, 3).map((day) => dailyRow(A, day)),
      stock_basic: [stockRow(A, LISTED), stockRow(B, LISTED)],
    },
    rowsMax: { daily: 4 },
    source: { rowCaps: { daily: 4 }, codesMax: 1 },
  });
  await rig.send({ command: "stockinfo", params: {} });
  const params = { code: A, start_date: DAYS[0], end_date: DAYS[5] };
  const failed = assert.rejects(rig.send({ command: "bar_snapshot", params }), DataError);
  // The looks begin behind the first two calls.
  await waitFor(() => rig.calls("suspend_d").length > 0, { everyMs: 1, what: "the suspension list" });
  rig.simulator.injectFault(WRONG, { api: "daily", times: 1_000 });
  await failed;
  assert.deepEqual(rig.states(`bars/1d/${A}`), ["2026-02-02..2026-02-04 present"]);
});

test("a day that nobody has is not asked for with every message because one of them publishes later", async () => {
  const later = new BarSource("2026-02-27");
  const listed = { list_date: "20260227" };
  const friday = [dailyRow(A, "20260227"), dailyRow(B, "20260227")];
  await using rig = await openCoreRig({
    // 17:10 on Tuesday: Monday is unexplained at the first one, and until 17:30 pending at the other one.
    now: "2026-03-03T09:10:00Z",
    rows: {
      daily: [...friday, dailyRow(B, "20260302"), dailyRow(B, "20260303")],
      stock_basic: [stockRow(A, listed), stockRow(B, listed)],
    },
    others: [later],
    env: { GINKGO_PROVIDERS_CHAIN: "tushare,baostock" },
  });
  const counts: number[][] = [];
  for (const minute of [11, 12, 13]) {
    await rig.send({ command: "bar_snapshot", params: { code: A } });
    counts.push([rig.calls("daily").length, later.calls]);
    rig.setClock(`2026-03-03T09:${minute}:00Z`);
  }
  assert.deepEqual(counts.at(-1), counts[0]);
});
