import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../domain/day.ts";
import { MARKET, SOURCE } from "../domain/enums.ts";
import { bundledCalendar, CalendarEndError, mergedCalendar, TradingCalendar } from "./trading-calendar.ts";

const day = (text: string): ReturnType<typeof parseDay> => parseDay(text);
/** Wednesday to Tuesday with a closed Monday. */
const small = TradingCalendar.fromDays(
  ["2024-01-03", "2024-01-04", "2024-01-05", "2024-01-09"].map((text) => day(text)),
  day("2024-01-01"),
  day("2024-01-09"),
);
const stored = (text: string, isOpen: boolean) =>
  ({ market: MARKET.CHINA, day: day(text), isOpen, source: SOURCE.TUSHARE }) as const;

test("days are counted and listed inclusively, also from and to closed days", () => {
  assert.equal(small.countBetween(day("2024-01-03"), day("2024-01-09")), 4);
  assert.equal(small.countBetween(day("2024-01-06"), day("2024-01-08")), 0);
  assert.equal(small.countBetween(day("2024-01-09"), day("2024-01-03")), 0);
  assert.deepEqual(small.tradingDaysBetween(day("2024-01-04"), day("2024-01-07")), ["2024-01-04", "2024-01-05"]);
  assert.equal(small.isTradingDay(day("2024-01-08")), false);
});

test("neighbours step over closed days", () => {
  assert.equal(small.next(day("2024-01-05")), "2024-01-09");
  assert.equal(small.next(day("2024-01-06")), "2024-01-09");
  assert.equal(small.previous(day("2024-01-09")), "2024-01-05");
  assert.equal(small.lastTradingDayOnOrBefore(day("2024-01-08")), "2024-01-05");
  assert.equal(small.firstOfLast(2, day("2024-01-08")), "2024-01-04");
  assert.equal(small.firstOfLast(99, day("2024-01-08")), "2024-01-03");
});

test("a day beyond the calendar is an error that names it, never a guess", () => {
  assert.throws(() => small.isTradingDay(day("2024-01-10")), CalendarEndError);
  assert.throws(() => small.countBetween(day("2024-01-03"), day("2024-01-10")), /2024-01-10.*2024-01-09 only/);
  assert.throws(() => small.next(day("2024-01-09")), CalendarEndError);
  assert.throws(() => small.previous(day("2024-01-02")), CalendarEndError);
  assert.throws(() => small.isTradingDay(day("2023-12-31")), CalendarEndError);
});

test("the bundled calendar knows the market's first day, that nothing came before, and its own end", () => {
  const calendar = bundledCalendar();
  assert.equal(calendar.size, 8797);
  assert.equal(calendar.countBetween(day("1900-01-01"), day("1990-12-18")), 0);
  assert.equal(calendar.isTradingDay(day("1990-12-19")), true);
  assert.throws(() => calendar.isTradingDay(day("2027-01-04")), CalendarEndError);
});

test("stored days win over bundled ones and carry the end on, but not over a hole", () => {
  const closed = mergedCalendar([stored("2025-01-02", false), stored("2025-01-04", true)]);
  assert.equal(closed.isTradingDay(day("2025-01-02")), false);
  assert.equal(closed.isTradingDay(day("2025-01-04")), true);
  const longer = mergedCalendar([stored("2027-01-02", false), stored("2027-01-01", false), stored("2027-01-04", true)]);
  assert.equal(longer.knownTo, "2027-01-02");
});
