import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { instrumentModel } from "../../test/support/models.ts";
import { sizes } from "../../test/support/sizes.ts";
import { addDays, parseDay, type Day } from "../domain/day.ts";
import { LEDGER_STATES, type LedgerState, type Span } from "../domain/ledger.ts";
import type { Instrument } from "../domain/rows.ts";
import { addCounts, askedRange, coverCode, type CoverageInput } from "./coverage.ts";
import { stateOn } from "./spans.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const calendar = bundledCalendar();
const day = (text: string): Day => parseDay(text);

function span(from: string, to: string, state: LedgerState, more: Partial<Span> = {}): Span {
  const evidence = { provider: "tushare", callId: `call-${from}`, version: 1n, note: `note of ${from}` } as const;
  return { from: day(from), to: day(to), state, evidence, ...more };
}

function input(changes: Partial<CoverageInput>): CoverageInput {
  return {
    code: instrumentModel().row.code,
    instrument: instrumentModel().row,
    spans: [],
    lostDays: [],
    from: day("2024-01-01"),
    to: day("2024-01-31"),
    lastFinalDay: day("2025-01-01"),
    calendar,
    ...changes,
  };
}

/** January 2024 has 22 trading days, from the 2nd to the 31st. */
test("every expected day is counted once, and what is not present comes with its reason", () => {
  const { expected, counts, spans, name } = coverCode(
    input({
      spans: [
        span("2024-01-02", "2024-01-05", "present"),
        span("2024-01-08", "2024-01-08", "unexplained-empty"),
        span("2024-01-10", "2024-01-12", "suspended"),
        span("2024-01-15", "2024-01-15", "failed"),
        span("2024-01-16", "2024-01-30", "present"),
        span("2024-01-31", "2024-01-31", "pending", { askAgainAtMs: 5 }),
      ],
    }),
  );
  assert.equal(name, "平安银行");
  assert.equal(expected, 22);
  assert.deepEqual(counts, {
    present: 15,
    "no-trade": 0,
    suspended: 3,
    pending: 1,
    "unexplained-empty": 1,
    failed: 1,
    "row-missing": 0,
    "not-asked": 1,
  });
  assert.deepEqual(
    spans.map(({ state, from, to, days, reason }) => [state, from, to, days, reason]),
    [
      ["unexplained-empty", "2024-01-08", "2024-01-08", 1, "note of 2024-01-08"],
      ["not-asked", "2024-01-09", "2024-01-09", 1, "never asked for"],
      ["suspended", "2024-01-10", "2024-01-12", 3, "note of 2024-01-10"],
      ["failed", "2024-01-15", "2024-01-15", 1, "note of 2024-01-15"],
      ["pending", "2024-01-31", "2024-01-31", 1, "note of 2024-01-31"],
    ],
  );
  assert.equal(spans.at(-1)?.askAgainAtMs, 5);
});

test("days before listing and after delisting are not expected; those that contradict today's stock list were never asked for", () => {
  const instrument: Instrument = {
    ...instrumentModel().row,
    listedOn: day("2024-01-10"),
    delistedOn: day("2024-01-18"),
  };
  const spans = [
    span("2024-01-01", "2024-01-11", "before-listing"),
    span("2024-01-12", "2024-01-17", "present"),
    span("2024-01-18", "2024-01-31", "after-delisting"),
  ];
  const { expected, counts, spans: found } = coverCode(input({ instrument, spans }));
  assert.deepEqual([expected, counts.present, counts["not-asked"]], [6, 4, 2]);
  assert.deepEqual(
    found.map(({ from, to, reason }) => [from, to, reason]),
    [["2024-01-10", "2024-01-11", "the ledger says before-listing, the stock list listed on 2024-01-10"]],
  );
  const none = coverCode(input({ instrument: { ...instrument, listedOn: day("2024-02-05"), delistedOn: undefined } }));
  assert.deepEqual([none.expected, none.spans], [0, []]);
});

test("days that are present without a row count as missing rows, in runs", () => {
  const lostDays = ["2024-01-04", "2024-01-05", "2024-01-08", "2024-01-12", "2024-03-01"].map(day);
  const { counts, spans } = coverCode(input({ spans: [span("2024-01-02", "2024-01-31", "present")], lostDays }));
  assert.deepEqual([counts.present, counts["row-missing"]], [18, 4]);
  assert.deepEqual(
    spans.map(({ state, from, to, days }) => [state, from, to, days]),
    [
      ["row-missing", "2024-01-04", "2024-01-08", 3],
      ["row-missing", "2024-01-12", "2024-01-12", 1],
    ],
  );
});

test("a day that is not published yet is only expected where the ledger speaks of it", () => {
  const spans = [span("2024-01-02", "2024-01-29", "present")];
  const open = coverCode(input({ spans, lastFinalDay: day("2024-01-30") }));
  assert.deepEqual([open.expected, open.counts["not-asked"]], [21, 1]);
  const pending = [...spans, span("2024-01-31", "2024-01-31", "pending")];
  const said = coverCode(input({ spans: pending, lastFinalDay: day("2024-01-30") }));
  assert.deepEqual([said.expected, said.counts["not-asked"], said.counts.pending], [22, 1, 1]);
});

test("a code that the stock list does not have is judged by the ledger alone", () => {
  const spans = [span("2024-01-03", "2024-01-05", "present"), span("2024-01-08", "2024-01-31", "before-listing")];
  const { expected, counts, name } = coverCode(input({ instrument: undefined, spans }));
  assert.deepEqual([name, expected, counts.present], ["", 3, 3]);
});

test("days of a code that is gone and that only a request would bring are not expected; it keeps what it has", () => {
  const instrument: Instrument = { ...instrumentModel().row, status: "gone", delistedOn: day("2024-01-19") };
  const spans = [
    span("2024-01-03", "2024-01-05", "present"),
    span("2024-01-08", "2024-01-08", "suspended"),
    span("2024-01-09", "2024-01-09", "failed"),
    span("2024-01-10", "2024-01-10", "unexplained-empty"),
    span("2024-01-11", "2024-01-11", "pending"),
  ];
  const lostDays = [day("2024-01-04")];
  const { expected, counts, daysGone, spans: found } = coverCode(input({ instrument, spans, lostDays }));
  assert.deepEqual([expected, counts.present, counts.suspended, counts["row-missing"], daysGone], [4, 2, 1, 1, 10]);
  assert.deepEqual(
    found.map(({ state }) => state),
    ["row-missing", "suspended"],
  );
});

test("nothing is expected of a code that is listed after the range, also where the calendar ends before its listing", () => {
  const instrument: Instrument = { ...instrumentModel().row, listedOn: day("2027-01-05") };
  const { expected, spans } = coverCode(input({ instrument, from: day("2026-12-01"), to: day("2026-12-31") }));
  assert.deepEqual([expected, spans], [0, []]);
  assert.equal(coverCode(input({ from: day("2024-01-31"), to: day("2024-01-02") })).expected, 0);
});

test("what was asked for leaves out listing and delisting", () => {
  const spans = [
    span("1990-01-01", "1991-04-02", "before-listing"),
    span("2024-01-03", "2024-01-05", "no-trade"),
    span("2024-02-01", "2024-02-05", "failed"),
    span("2024-02-06", "2024-12-31", "after-delisting"),
  ];
  assert.deepEqual(askedRange(spans), { from: "2024-01-03", to: "2024-02-05" });
  assert.equal(askedRange(spans.slice(0, 1)), undefined);
});

test("for any ledger the counts add up and agree with a look at each day", () => {
  const start = day("2024-01-01");
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(6), fc.nat(9), fc.constantFrom(...LEDGER_STATES)), { maxLength: 12 }),
      fc.nat(60),
      fc.nat(60),
      (parts, offset, length) => {
        let at = start;
        const spans = parts.map(([gap, days, state]) => {
          const from = addDays(at, gap);
          const to = addDays(from, days);
          at = addDays(to, 1);
          return span(from, to, state);
        });
        const from = addDays(start, offset);
        const to = addDays(from, length);
        const { expected, counts, spans: found } = coverCode(input({ spans, from, to }));
        const days = calendar.tradingDaysBetween(from, to);
        assert.equal(expected, days.length);
        assert.equal(counts.present, days.filter((one) => stateOn(spans, one) === "present").length);
        assert.equal(counts.failed, days.filter((one) => stateOn(spans, one) === "failed").length);
        assert.equal(
          found.reduce((sum, one) => sum + one.days, 0),
          expected - counts.present,
        );
        assert.deepEqual(addCounts([counts, counts]).failed, 2 * counts.failed);
      },
    ),
    { numRuns: sizes.propertyRuns },
  );
});
