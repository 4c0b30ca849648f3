import assert from "node:assert/strict";
import { test } from "node:test";

import { addDigests, digestOfDay, NO_DAYS } from "../domain/day-digest.ts";
import { parseDay, type Day } from "../domain/day.ts";
import type { LedgerState, Span } from "../domain/ledger.ts";
import { createPresentDigest, pendingDays } from "./present-days.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const calendar = bundledCalendar();
const range = { from: parseDay("2024-01-03"), to: parseDay("2024-01-31") };

function span(from: string, to: string, state: LedgerState): Span {
  const evidence = { provider: "tushare", callId: "call", version: 1n, note: "" } as const;
  return { from: parseDay(from), to: parseDay(to), state, evidence };
}

function digestOf(days: readonly Day[]): bigint {
  return days.map((day) => digestOfDay(day)).reduce(addDigests, NO_DAYS);
}

test("the digest of spans is that of their trading days in the range, whatever cuts them", () => {
  const digest = createPresentDigest(calendar, range);
  const days = calendar.tradingDaysBetween(range.from, range.to);
  assert.equal(digest([span("2023-12-01", "2024-03-01", "present")]), digestOf(days));
  const cut = [
    span("2024-01-01", "2024-01-07", "present"),
    span("2024-01-08", "2024-01-08", "pending"),
    span("2024-01-09", "2024-01-31", "present"),
    span("2024-02-01", "2024-02-01", "present"),
  ];
  assert.equal(digest(cut), digestOf(days.filter((day) => day !== "2024-01-08")));
  assert.deepEqual(pendingDays(cut, range, calendar), ["2024-01-08"]);
  assert.equal(digest([]), NO_DAYS);
});

test("as many other days have another digest, also those whose numbers and their squares add up to the same", () => {
  const of = (...days: readonly string[]): bigint => digestOf(days.map((day) => parseDay(day)));
  assert.notEqual(of("2024-01-03"), of("2024-01-04"));
  assert.notEqual(of("2024-01-01", "2024-01-05", "2024-01-06"), of("2024-01-02", "2024-01-03", "2024-01-07"));
});
