import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { addDays, parseDay } from "../domain/day.ts";
import { LEDGER_STATES, type LedgerState, type Span } from "../domain/ledger.ts";
import { ASK_EMPTY_AGAIN_MS, needOf, needsBetween, uncoveredDays } from "./missing-days.ts";
import { laySpans } from "./spans.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const calendar = bundledCalendar();
const START = parseDay("2024-01-01");
const nowMs = 1_700_000_000_000;

function span(from: number, to: number, state: LedgerState, askedAtMs = nowMs, askAgainAtMs?: number): Span {
  const evidence = { provider: "tushare", callId: "c", version: BigInt(askedAtMs) * 1000n, note: "" } as const;
  const again = askAgainAtMs === undefined ? {} : { askAgainAtMs };
  return { from: addDays(START, from), to: addDays(START, to), state, evidence, ...again };
}

test("a pending day waits until its time and is missing from that instant on", () => {
  const pending = span(1, 1, "pending", nowMs, nowMs + 1);
  assert.equal(needOf(pending, { nowMs, askEmptyAfterMs: 0 }), "waiting");
  assert.equal(needOf(pending, { nowMs: nowMs + 1, askEmptyAfterMs: 0 }), "missing");
});

test("an empty or failed day rests for 20 h, or not at all for a request that names its days", () => {
  for (const state of ["unexplained-empty", "failed"] as const) {
    const asked = span(1, 1, state, nowMs - ASK_EMPTY_AGAIN_MS + 1);
    assert.equal(needOf(asked, { nowMs, askEmptyAfterMs: ASK_EMPTY_AGAIN_MS }), "waiting");
    assert.equal(needOf(asked, { nowMs: nowMs + 1, askEmptyAfterMs: ASK_EMPTY_AGAIN_MS }), "missing");
    assert.equal(needOf(asked, { nowMs, askEmptyAfterMs: 0 }), "missing");
  }
});

test("a listing span inside the listing was written by a stock list that has been corrected: its days are missing", () => {
  const run = { first: calendar.indexOnOrAfter(START), last: calendar.indexOnOrAfter(START) + 4 };
  const needs = needsBetween([span(0, 3, "before-listing")], calendar, run, { nowMs, askEmptyAfterMs: 0 });
  assert.deepEqual(needs.missing, [run]);
});

const anySpan = fc
  .record({
    at: fc.nat(40),
    length: fc.nat(8),
    state: fc.constantFrom(...LEDGER_STATES.filter((state) => !state.endsWith("listing"))),
    asked: fc.nat(30),
    again: fc.integer({ min: -5, max: 5 }),
  })
  .map(({ at, length, state, asked, again }) =>
    span(at, at + length, state, nowMs - asked * 3_600_000, state === "pending" ? nowMs + again : undefined),
  );

test("by spans and by days the same days are missing, and every day is counted once", () => {
  fc.assert(
    fc.property(
      fc.array(anySpan, { maxLength: 6 }),
      fc.nat(25),
      fc.nat(20),
      fc.boolean(),
      (incoming, at, length, names) => {
        const policy = { nowMs, askEmptyAfterMs: names ? 0 : ASK_EMPTY_AGAIN_MS };
        const spans = laySpans([], incoming, calendar);
        const first = calendar.indexOnOrAfter(START) + at;
        const run = { first, last: first + length };
        const days = calendar.tradingDaysBetween(calendar.dayAt(run.first), calendar.dayAt(run.last));
        const needs = needsBetween(spans, calendar, run, policy);
        const missing = needs.missing.flatMap((one) =>
          Array.from({ length: one.last - one.first + 1 }, (_, index) => calendar.dayAt(one.first + index)),
        );
        assert.deepEqual(missing, uncoveredDays(spans, days, nowMs, policy.askEmptyAfterMs));
        assert.equal(missing.length + needs.covered + needs.pending + needs.empty, days.length);
        for (const [index, one] of needs.missing.entries()) {
          assert.ok(index === 0 || one.first > (needs.missing[index - 1]?.last ?? 0) + 1);
        }
      },
    ),
  );
});
