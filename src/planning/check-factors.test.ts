import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDecimal } from "../base/decimal.ts";
import { parseDay } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import type { AdjustmentFactor } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { checkFactors } from "./check-factors.ts";
import type { CheckContext } from "./check-rows.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const code = parseSecurityCode("000001.SZ");
const context: CheckContext<"adjustment-factors"> = {
  call: { dataSet: "adjustment-factors", frequency: "1d", selection: { by: "day", day: parseDay("2024-01-02") } },
  reference: { calendar: bundledCalendar(), instrument: () => undefined },
  nowMs: Date.parse("2025-11-28T12:00:00Z"),
};

function factor(value: string, day = "2024-01-02"): AdjustmentFactor {
  return { code, tradingDay: parseDay(day), factor: parseDecimal(value), source: SOURCE.TUSHARE };
}

test("a factor above 0 passes, others are rejected", () => {
  assert.deepEqual(checkFactors([factor("127.7841")], context).rows, [factor("127.7841")]);
  for (const value of ["0", "-1", "1.000000001", "10000000000"]) {
    assert.equal(checkFactors([factor(value)], context).rejected[0]?.reason, "out-of-range");
  }
});

test("equal factors of a day are one, differing ones are all rejected, and other days are left out", () => {
  const equal = checkFactors([factor("1.5"), factor("1.50")], context);
  assert.deepEqual([equal.rows.length, equal.repeated], [1, 1]);
  const differing = checkFactors([factor("1.5"), factor("1.6")], context);
  assert.deepEqual([differing.rows.length, differing.rejected.length], [0, 2]);
  const other = checkFactors([factor("1.5", "2024-01-03"), factor("1.5", "2025-12-01")], context);
  assert.deepEqual([other.outside, other.rejected[0]?.reason], [1, "future-day"]);
});
