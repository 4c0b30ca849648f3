import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError } from "../../src/base/errors.ts";
import { bundledCalendar } from "../../src/planning/trading-calendar.ts";
import { parseDay } from "../../src/domain/day.ts";
import { codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const [A = ""] = codesOf(1);

test("where one unit of a code fails, what the other one brought is known, and nothing goes on afterwards", async () => {
  const days = bundledCalendar().tradingDaysBetween(parseDay("2024-01-01"), parseDay("2024-12-31"));
  const daily = days.map((day) => dailyRow(A, day.replaceAll("-", "")));
  await using rig = await openCoreRig({ now: "2025-03-03T04:00:00Z", rows: { daily, stock_basic: [stockRow(A)] } });
  const ask = (start_date: string, end_date: string): ReturnType<typeof rig.send> =>
    rig.send({ command: "bar_snapshot", params: { code: A, start_date, end_date } });
  await ask("20240601", "20240731");
  // Two units, before and after; the call for both is refused, and then one of them alone.
  rig.simulator.injectFault({ kind: "refused", code: -2001, msg: "参数校验失败" }, { api: "daily", times: 2 });
  await assert.rejects(ask("20240101", "20241231"), DataError);
  const calls = rig.calls("daily").length;
  assert.equal(rig.states(`bars/1d/${A}`).length, 1);
  assert.match(rig.states(`bars/1d/${A}`)[0] ?? "", /^(2024-01-02\.\.2024-07-31|2024-06-03\.\.2024-12-31) present$/);
  const done = await ask("20240101", "20241231");
  assert.equal(done.word, "stored");
  assert.deepEqual(rig.states(`bars/1d/${A}`), ["2024-01-02..2024-12-31 present"]);
  assert.equal(rig.calls("daily").length, calls + 1);
});
