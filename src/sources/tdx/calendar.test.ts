import assert from "node:assert/strict";
import { test } from "node:test";

import { addDays, parseDay } from "../../domain/day.ts";
import { CN_TRADING_DAYS_TO, tradingDays } from "../../domain/cn-trading-days.ts";
import { tradingDaysAfter } from "./calendar.ts";

const count = (after: string, until: string): number => tradingDaysAfter(parseDay(after), parseDay(until));

test("trading days between two days, holidays left out", () => {
  assert.equal(count("2024-01-02", "2024-01-02"), 0);
  assert.equal(count("2024-01-02", "2024-01-03"), 1);
  assert.equal(count("2024-01-05", "2024-01-08"), 1);
  assert.equal(count("2024-09-30", "2024-10-08"), 1);
  assert.equal(count("1990-12-18", "2026-12-31"), tradingDays().length);
  assert.equal(count("2024-01-03", "2024-01-02"), 0);
});

test("behind the end of the calendar about five of seven days count", () => {
  const later = addDays(CN_TRADING_DAYS_TO, 70);
  assert.equal(tradingDaysAfter(CN_TRADING_DAYS_TO, later), 50);
  assert.equal(tradingDaysAfter(addDays(CN_TRADING_DAYS_TO, 35), later), 25);
});
