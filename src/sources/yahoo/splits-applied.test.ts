import assert from "node:assert/strict";
import { test } from "node:test";

import { chartBody, stampOf, type WireRow } from "../../../test/support/scripted-yahoo.ts";
import { DataError } from "../../base/errors.ts";
import { isRecord, parseLossless } from "../http/json-text.ts";
import { readChart, type Chart } from "./chart.ts";
import { requireSplitsApplied } from "./splits-applied.ts";

const at = (day: string): number => stampOf(`${day}T09:30:00`, "America/New_York");

/** Closes and opens of days, null for a place without a bar, and one split of 2020-08-31. */
function chartOf(days: Readonly<Record<string, number | null>>, numerator: number, denominator = 1): Chart {
  const rows = Object.entries(days).map(([day, price]): WireRow => [
    at(day),
    price === null ? null : [price, price, price, price, 100],
  ]);
  const date = at("2020-08-31");
  const events = { splits: { [date]: { date, numerator, denominator } } };
  const parsed = parseLossless(chartBody({ symbol: "AAPL", rows, events }));
  const chart = isRecord(parsed) && isRecord(parsed["chart"]) ? parsed["chart"]["result"] : undefined;
  return readChart(Array.isArray(chart) ? chart[0] : undefined, "reading");
}

const check = (chart: Chart): void => requireSplitsApplied(chart, "US", "reading");

test("prices that go on over a split were divided by it, and move freely all the same", () => {
  for (const [before, on] of [
    [124.81, 127.58],
    // A fall by a third on the very day.
    [124.81, 83],
    [124.81, 190],
  ] as const) {
    assert.doesNotThrow(() => check(chartOf({ "2020-08-28": before, "2020-08-31": on }, 4)));
  }
  assert.doesNotThrow(() => check(chartOf({ "2020-08-28": 3.5, "2020-08-31": 2.51 }, 1, 190)));
});

test("prices that fall or rise by the ratio of a split were not divided by it, or twice", () => {
  const cases: readonly (readonly [before: number, on: number, numerator: number, denominator: number])[] = [
    [499.23, 127.58, 4, 1],
    [31.2, 127.58, 4, 1],
    // As served for months: a consolidation of 190 to one without any change before it.
    [0.019, 2.5, 1, 190],
    [20, 10.1, 2, 1],
  ];
  for (const [before, on, numerator, denominator] of cases) {
    const chart = chartOf({ "2020-08-27": before, "2020-08-28": null, "2020-08-31": on }, numerator, denominator);
    assert.throws(() => check(chart), DataError, `${before} to ${on}`);
  }
});

test("a split without a bar behind it is not believed, one without a bar before it changes nothing", () => {
  assert.throws(() => check(chartOf({ "2020-08-27": 499, "2020-08-28": 499.23 }, 4)), DataError);
  assert.throws(() => check(chartOf({ "2020-08-28": 13, "2020-08-31": null }, 13, 10)), DataError);
  assert.doesNotThrow(() => check(chartOf({ "2020-08-31": 127.58 }, 4)));
  assert.doesNotThrow(() => check(chartOf({}, 4)));
});

test("a small split cannot be told from what a price does in a day", () => {
  assert.doesNotThrow(() => check(chartOf({ "2020-08-28": 13, "2020-08-31": 10 }, 13, 10)));
});
