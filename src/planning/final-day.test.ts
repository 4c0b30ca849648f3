import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay, SHANGHAI } from "../domain/day.ts";
import { askAgainAtMs, isFinal, lastFinalDay, lastFinalTradingDay } from "./final-day.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const daily = { completeFrom: "17:00", zone: SHANGHAI };
const at = (text: string): number => Date.parse(text);

test("a day is final from 17:00 in Shanghai on and not a millisecond before", () => {
  const friday = parseDay("2025-11-28");
  assert.equal(askAgainAtMs(friday, daily), at("2025-11-28T09:00:00Z"));
  assert.equal(isFinal(friday, daily, at("2025-11-28T08:59:59.999Z")), false);
  assert.equal(isFinal(friday, daily, at("2025-11-28T09:00:00Z")), true);
});

test("the last final trading day steps back over the week-end", () => {
  const calendar = bundledCalendar();
  assert.equal(lastFinalTradingDay(calendar, daily, at("2025-11-30T12:00:00Z")), "2025-11-28");
  assert.equal(lastFinalTradingDay(calendar, daily, at("2025-12-01T08:00:00Z")), "2025-11-28");
  assert.equal(lastFinalTradingDay(calendar, daily, at("2025-12-01T09:00:00Z")), "2025-12-01");
});

test("days of the summer of 1991 end by the clock of then, one hour earlier", () => {
  assert.equal(askAgainAtMs(parseDay("1991-07-01"), daily), at("1991-07-01T08:00:00Z"));
  assert.equal(lastFinalDay(daily, at("1991-07-01T08:30:00Z")), "1991-07-01");
});

test("the hour is the day's own and the publication's own, however often it is asked", () => {
  const bars = { completeFrom: "17:00", zone: SHANGHAI } as const;
  const factors = { completeFrom: "09:20", zone: SHANGHAI } as const;
  for (let round = 0; round < 2; round += 1) {
    assert.equal(askAgainAtMs(parseDay("2025-07-01"), bars), Date.parse("2025-07-01T17:00:00+08:00"));
    assert.equal(askAgainAtMs(parseDay("2025-07-01"), factors), Date.parse("2025-07-01T09:20:00+08:00"));
    assert.equal(askAgainAtMs(parseDay("1991-07-01"), bars), Date.parse("1991-07-01T17:00:00+09:00"));
  }
});
