import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { parseDay, SHANGHAI, type Day } from "../domain/day.ts";
import { parseRunTime, type RunName, type RunTimes } from "../domain/run-time.ts";
import { bundledCalendar } from "../planning/trading-calendar.ts";
import { dueRuns, nextLookMs, nextSlot, type DueInput } from "./due-runs.ts";

const times: RunTimes = {
  calendar: parseRunTime("sun 20:00", "daily"),
  list: parseRunTime("20:30", "daily"),
  factors: parseRunTime("09:25", "trading-days"),
  bars: parseRunTime("17:30", "trading-days"),
};
const OFF: RunTimes = { calendar: undefined, list: undefined, factors: undefined, bars: undefined };
const calendar = bundledCalendar();

function atMs(time: string): number {
  return Temporal.PlainDateTime.from(time).toZonedDateTime(SHANGHAI).epochMilliseconds;
}

/** `bars 2026-03-04`, with a question mark where it is done only if something is owed. */
function due(now: string, done: Readonly<Partial<Record<RunName, string>>>, more: Partial<DueInput> = {}): string {
  const known = new Map<RunName, Day>();
  for (const name of ["calendar", "list", "factors", "bars"] as const) {
    const day = done[name];
    if (day !== undefined) {
      known.set(name, parseDay(day));
    }
  }
  const input = { times, done: known, calendar, zone: SHANGHAI, nowMs: atMs(now), catchUpDays: 7, ...more };
  return dueRuns(input)
    .map(({ name, day, isOnlyIfOwed }) => `${name} ${day}${isOnlyIfOwed ? "?" : ""}`)
    .join(", ");
}

test("a run is due from its very moment until it is done", () => {
  const done = { calendar: "2026-03-01", list: "2026-03-03", factors: "2026-03-04", bars: "2026-03-03" };
  assert.equal(due("2026-03-04T17:29:59.999", done), "");
  assert.equal(due("2026-03-04T17:30", done), "bars 2026-03-04");
  assert.equal(due("2026-03-04T20:00", { ...done, bars: "2026-03-04" }), "");
});

test("of runs that were missed only the latest of each name is made up, lists first", () => {
  const done = { calendar: "2026-02-22", list: "2026-02-27", factors: "2026-02-27", bars: "2026-02-27" };
  assert.equal(
    due("2026-03-05T08:00", done),
    "calendar 2026-03-01, list 2026-03-04, factors 2026-03-04, bars 2026-03-04",
  );
  // The first start of all: the same.
  assert.equal(
    due("2026-03-05T08:00", {}),
    "calendar 2026-03-01, list 2026-03-04, factors 2026-03-04, bars 2026-03-04",
  );
});

test("what was missed longer ago than the bound is not made up", () => {
  assert.equal(due("2026-03-05T08:00", {}, { catchUpDays: 0 }), "");
  assert.equal(due("2026-03-05T18:00", {}, { catchUpDays: 0 }), "factors 2026-03-05, bars 2026-03-05");
  assert.equal(due("2026-03-05T08:00", {}, { catchUpDays: 3 }), "list 2026-03-04, factors 2026-03-04, bars 2026-03-04");
});

test("Friday's run is made up on Saturday; else a day without trading has one only if something is owed", () => {
  const list = { calendar: "2026-03-01", list: "2026-03-07" };
  assert.equal(
    due("2026-03-07T10:00", { ...list, factors: "2026-03-06", bars: "2026-03-05" }),
    "factors 2026-03-07?, bars 2026-03-06",
  );
  assert.equal(due("2026-03-07T18:00", { ...list, factors: "2026-03-07", bars: "2026-03-06" }), "bars 2026-03-07?");
  assert.equal(due("2026-03-07T18:00", { ...list, factors: "2026-03-07", bars: "2026-03-07" }), "");
});

test("a day that the calendar does not reach has its run", () => {
  assert.equal(calendar.knownTo, "2026-12-31");
  const done = { calendar: "2027-01-03", list: "2027-01-03", factors: "2027-01-04", bars: "2026-12-31" };
  assert.equal(due("2027-01-04T18:00", done), "bars 2027-01-04");
});

test("what a clock that ran ahead noted does not stop the runs", () => {
  const done = { calendar: "2026-03-01", list: "2026-03-03", factors: "2026-03-04", bars: "2031-01-01" };
  assert.equal(due("2026-03-04T17:30", done), "bars 2026-03-04");
});

test("runs that are off are never due and have no next time", () => {
  assert.equal(due("2026-03-05T18:00", {}, { times: OFF }), "");
  assert.equal(nextLookMs(OFF, SHANGHAI, atMs("2026-03-05T18:00")), undefined);
  assert.equal(nextSlot("bars", { times: OFF, calendar, zone: SHANGHAI, nowMs: atMs("2026-03-05T18:00") }), undefined);
});

test("the next run is after a holiday, and it is looked again at the next time of any run", () => {
  const nowMs = atMs("2026-09-30T17:30");
  const next = nextSlot("bars", { times, calendar, zone: SHANGHAI, nowMs });
  assert.deepEqual([next?.day, next?.atMs], ["2026-10-08", atMs("2026-10-08T17:30")]);
  assert.equal(nextLookMs(times, SHANGHAI, nowMs), atMs("2026-09-30T20:00"));
  assert.equal(nextLookMs(times, SHANGHAI, atMs("2026-09-30T20:30")), atMs("2026-10-01T09:25"));
});
