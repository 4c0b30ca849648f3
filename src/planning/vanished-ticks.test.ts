import assert from "node:assert/strict";
import test from "node:test";

import { parseDecimal } from "../base/decimal.ts";
import { parseDay, SHANGHAI, type Day } from "../domain/day.ts";
import { SOURCE, TICK_DIRECTION } from "../domain/enums.ts";
import { TICK_FLAGS, type Tick } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { findVanished, toTickDays } from "./vanished-ticks.ts";

const code = parseSecurityCode("000001.SZ");
const on = parseDay("2024-01-15");

function tick(minute: string, sequence: number, day: Day = on): Tick {
  return {
    code,
    tradingDay: day,
    time: `${day} ${minute}:00`,
    zone: SHANGHAI,
    sequence,
    price: parseDecimal("10.83"),
    volume: parseDecimal("10200"),
    trades: 11,
    direction: TICK_DIRECTION.ACTIVEBUY,
    source: SOURCE.TDX,
    flags: 0,
  };
}

test("ticks are taken apart by code and day", () => {
  const other = parseDay("2024-01-16");
  const days = toTickDays([tick("09:30", 0), tick("09:30", 0, other), tick("09:30", 1)]);
  assert.deepEqual(
    days.map(({ day, ticks }) => [day, ticks.length]),
    [
      [on, 2],
      [other, 1],
    ],
  );
});

test("what is stored and stands in the new answer no more is taken back, and nothing else", () => {
  const [day] = toTickDays([tick("09:30", 0), tick("09:30", 1)]);
  assert.ok(day !== undefined);
  const stored = [tick("09:30", 0), tick("09:30", 1), tick("09:30", 2), tick("09:31", 0)];
  const gone = findVanished(day, stored);
  assert.deepEqual(
    gone.map(({ time, sequence, flags, volume }) => [time, sequence, flags, volume]),
    [
      ["2024-01-15 09:30:00", 2, TICK_FLAGS.removed, "0"],
      ["2024-01-15 09:31:00", 0, TICK_FLAGS.removed, "0"],
    ],
  );
  assert.deepEqual(findVanished(day, stored.slice(0, 2)), []);
});
