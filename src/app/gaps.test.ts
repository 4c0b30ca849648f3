import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../domain/day.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { addCounts, type CoverageSpan } from "../planning/coverage.ts";
import type { CoverageReport } from "./app-api.ts";
import { toGaps } from "./gaps.ts";

const A = parseSecurityCode("000001.SZ");
const B = parseSecurityCode("600000.SH");

function span(code: typeof A, day: string, state: CoverageSpan["state"], askAgainAtMs?: number): CoverageSpan {
  const at = parseDay(day);
  return { code, state, from: at, to: at, days: 1, reason: "", callId: "", provider: "tushare", askAgainAtMs };
}

function report(isNamed: boolean, spans: readonly CoverageSpan[]): CoverageReport {
  const ofCode = (code: typeof A) => ({
    code,
    name: "",
    expected: 9,
    daysGone: 0,
    counts: addCounts([]),
    spans: spans.filter((one) => one.code === code),
  });
  return {
    market: "CN",
    tradingDays: undefined,
    otherMarkets: [],
    dataSet: "bars",
    frequency: "1d",
    range: { from: parseDay("2024-01-01"), to: parseDay("2024-02-01"), isNamed },
    isExplained: false,
    expected: 18,
    counts: addCounts([]),
    codes: [ofCode(A), ofCode(B)],
    unknownCodes: [],
    goneCodes: 0,
    overdue: undefined,
    neverAsked: 0,
    codesNotCompared: 0,
    rowsUnknown: 0,
    freshness: undefined,
    warning: undefined,
  };
}

const SPANS = [
  span(A, "2024-01-03", "unexplained-empty"),
  span(A, "2024-01-04", "suspended"),
  span(A, "2024-01-09", "failed"),
  span(A, "2024-01-10", "row-missing"),
  span(B, "2024-01-05", "not-asked"),
  span(B, "2024-01-08", "pending", 1_000),
  span(B, "2024-01-09", "pending", 3_000),
];

test("a code's gaps go into one request from the first to the last of them", () => {
  const { requests, gaps, rowsMissing } = toGaps(report(false, SPANS), 2_000);
  assert.deepEqual(requests, [
    { code: A, from: "2024-01-03", to: "2024-01-09", days: 2 },
    { code: B, from: "2024-01-08", to: "2024-01-08", days: 1 },
  ]);
  assert.deepEqual(
    gaps.map(({ state }) => state),
    ["unexplained-empty", "failed", "pending"],
  );
  assert.deepEqual(
    rowsMissing.map(({ from }) => from),
    ["2024-01-10"],
  );
});

test("days that nobody asked for are gaps of a named range only", () => {
  const { requests } = toGaps(report(true, SPANS), 0);
  assert.deepEqual(requests[1], { code: B, from: "2024-01-05", to: "2024-01-05", days: 1 });
  assert.deepEqual(toGaps(report(false, [span(B, "2024-01-05", "not-asked")]), 0).requests, []);
});
