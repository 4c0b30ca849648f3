import assert from "node:assert/strict";
import test from "node:test";

import { parseDecimal } from "../base/decimal.ts";
import { parseDay, SHANGHAI } from "../domain/day.ts";
import { SOURCE, TICK_DIRECTION } from "../domain/enums.ts";
import { TICK_FLAGS, type Tick } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { CheckContext } from "./check-rows.ts";
import { checkTicks } from "./check-ticks.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const code = parseSecurityCode("000001.SZ");
const on = parseDay("2024-01-15");
const context: CheckContext<"ticks"> = {
  call: { dataSet: "ticks", frequency: "1d", selection: { by: "codes", codes: [code], from: on, to: on } },
  reference: { calendar: bundledCalendar(), instrument: () => undefined },
  nowMs: Date.parse("2025-11-28T12:00:00Z"),
};

function tick(more: Partial<Tick> = {}): Tick {
  return {
    code,
    tradingDay: on,
    time: "2024-01-15 14:56:00",
    zone: SHANGHAI,
    sequence: 0,
    price: parseDecimal("10.83"),
    volume: parseDecimal("10200"),
    trades: 11,
    direction: TICK_DIRECTION.ACTIVEBUY,
    source: SOURCE.TDX,
    flags: 0,
    ...more,
  };
}

test("equal trades of one minute stay apart by their places", () => {
  const three = [tick(), tick({ sequence: 1 }), tick({ sequence: 2 })];
  assert.deepEqual(checkTicks(three, context).rows, three);
});

test("the same place twice is one row, and none when the two differ", () => {
  assert.equal(checkTicks([tick(), tick()], context).repeated, 1);
  const differing = checkTicks([tick(), tick({ volume: parseDecimal("1") })], context);
  assert.deepEqual([differing.rows.length, differing.rejected.length], [0, 2]);
  assert.equal(differing.rejected[0]?.reason, "conflicting-rows");
});

test("what cannot be stored to the digit is rejected with its reason", () => {
  const reasons = (more: Partial<Tick>): string | undefined => checkTicks([tick(more)], context).rejected[0]?.reason;
  assert.equal(reasons({ price: parseDecimal("0") }), "price-not-positive");
  assert.equal(reasons({ price: parseDecimal("10.83001") }), "out-of-range");
  assert.equal(reasons({ volume: parseDecimal("0.5") }), "volume-not-whole");
  assert.equal(reasons({ volume: parseDecimal("-1") }), "out-of-range");
  assert.equal(reasons({ trades: 2 ** 32 }), "out-of-range");
  assert.equal(reasons({ time: "2024-01-16 09:31:00" }), "not-parseable");
  assert.equal(reasons({ code: parseSecurityCode("000002.SZ") }), "wrong-code");
});

test("an auction's snapshot has no volume and passes, and other days are left out", () => {
  const snapshot = tick({ volume: parseDecimal("0"), trades: 0, flags: TICK_FLAGS.snapshot });
  assert.deepEqual(checkTicks([snapshot], context).rows, [snapshot]);
  const other = tick({ tradingDay: parseDay("2024-01-16"), time: "2024-01-16 09:31:00" });
  assert.equal(checkTicks([other], context).outside, 1);
});
