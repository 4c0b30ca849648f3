import assert from "node:assert/strict";
import { test } from "node:test";

import { chartBody, stampOf, type WireRow } from "../../../test/support/scripted-yahoo.ts";
import { parseDay } from "../../domain/day.ts";
import { marketOf } from "../../domain/market.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { isRecord, parseLossless } from "../http/json-text.ts";
import { readChart, type Chart } from "./chart.ts";
import { mapFactors, type MappedFactors } from "./factors.ts";

const at = (day: string): number => stampOf(`${day}T09:30:00`, "America/New_York");
const close = (day: string, price: number): WireRow => [at(day), [price, price, price, price, 100]];

interface Events {
  readonly dividends?: Readonly<Record<string, unknown>>;
  readonly splits?: Readonly<Record<string, unknown>>;
  readonly capitalGains?: Readonly<Record<string, unknown>>;
}

function chartOf(rows: readonly WireRow[], events: Events, symbol = "AAPL"): Chart {
  const parsed = parseLossless(chartBody({ symbol, rows, events }));
  const chart = isRecord(parsed) && isRecord(parsed["chart"]) ? parsed["chart"]["result"] : undefined;
  return readChart(Array.isArray(chart) ? chart[0] : undefined, "reading");
}

function factorsOf(chart: Chart, to = "2099-12-31", name = "AAPL.US"): MappedFactors {
  const code = parseSecurityCode(name);
  return mapFactors(chart, { code, market: marketOf(code), to: parseDay(to), period2: 4_000_000_000 });
}

const shown = ({ rows }: MappedFactors): readonly string[] =>
  rows.map(({ tradingDay, factor }) => `${tradingDay} ${factor}`);

const dividend = (day: string, amount: unknown, more: object = {}): Readonly<Record<string, unknown>> => ({
  [at(day)]: { amount, date: at(day), ...more },
});
const split = (day: string, numerator: number, denominator = 1): Readonly<Record<string, unknown>> => ({
  [at(day)]: { date: at(day), numerator, denominator, splitRatio: `${numerator}:${denominator}` },
});

/** Raw 400, 400, 396, 99, 98: a dividend of 4 on the third day, four for one on the fourth, one of 1 on the fifth. */
const DAYS = [close("2020-01-02", 100), close("2020-01-03", 100), close("2020-01-06", 99), close("2020-01-07", 99)];
const ALL = [...DAYS, close("2020-01-08", 98)];
const PAID = { ...dividend("2020-01-06", 1), ...dividend("2020-01-08", 1) };

test("a factor multiplies splits and dividends from the first close on", () => {
  const mapped = factorsOf(chartOf(ALL, { dividends: PAID, splits: split("2020-01-07", 4) }));
  // 400/396; × 4; × 99/98.
  assert.deepEqual(shown(mapped), ["2020-01-06 1.01010101", "2020-01-07 4.04040404", "2020-01-08 4.08163265"]);
  assert.deepEqual(mapped.rejected, []);
  assert.deepEqual(mapped.rows[0], { code: "AAPL.US", tradingDay: "2020-01-06", factor: "1.01010101", source: 6 });
});

test("events after the last day wanted are left out, those before it never", () => {
  const chart = chartOf(ALL, { dividends: PAID, splits: split("2020-01-07", 4) });
  assert.deepEqual(shown(factorsOf(chart, "2020-01-07")), ["2020-01-06 1.01010101", "2020-01-07 4.04040404"]);
});

test("a dividend and a split on one day, and two payments on one, are one step", () => {
  // Raw 400 before; four new shares at 99 and a dividend of 1 each: 4 × 100/99.
  const both = { dividends: dividend("2020-01-07", 1), splits: split("2020-01-07", 4) };
  const rows = [close("2020-01-06", 100), close("2020-01-07", 99)];
  assert.deepEqual(shown(factorsOf(chartOf(rows, both))), ["2020-01-07 4.04040404"]);
  const gains = { dividends: dividend("2020-01-07", 1), capitalGains: dividend("2020-01-07", 1.5) };
  assert.deepEqual(shown(factorsOf(chartOf(rows, gains))), ["2020-01-07 1.02564103"]);
});

test("an event before the first close changes no price", () => {
  const early = { dividends: dividend("2020-01-02", 1), splits: split("2019-12-31", 2) };
  assert.deepEqual(shown(factorsOf(chartOf(ALL, early))), []);
});

test("a long history is rounded once and not at every step", () => {
  const days = Array.from({ length: 60 }, (_, index) => `2020-03-${`${index + 1}`.padStart(2, "0")}`).slice(0, 31);
  const rows = days.map((day) => close(day, 3));
  const dividends = Object.assign({}, ...days.slice(1).map((day) => dividend(day, 1))) as Events["dividends"];
  // (3/2)^30 = 191751.0592328840… to eight digits.
  assert.equal(
    shown(factorsOf(chartOf(rows, { ...(dividends && { dividends }) }))).at(-1),
    "2020-03-31 191751.05923288",
  );
});

test("an event that cannot be counted with makes the later ones unknown, too", () => {
  const bad: readonly (readonly [unknown, object, RegExp])[] = [
    ["x", {}, /decimal/],
    [null, {}, /decimal/],
    [-1, {}, /no dividend/],
    [100, {}, /a dividend of 100 at a price of 100/],
    [1, { currency: "CAD" }, /expected USD, got CAD/],
  ];
  for (const [amount, more, detail] of bad) {
    const dividends = { ...dividend("2020-01-03", amount, more), ...dividend("2020-01-08", 1) };
    const { rows, rejected } = factorsOf(chartOf(ALL, { dividends }));
    assert.deepEqual(rows, []);
    assert.deepEqual(
      rejected.map(({ code, day }) => `${code} ${day}`),
      ["AAPL.US 2020-01-03", "AAPL.US 2020-01-08"],
    );
    assert.match(rejected[0]?.detail ?? "", detail);
  }
});

test("a split that makes every price nothing is rejected with what follows", () => {
  const { rows, rejected } = factorsOf(chartOf(ALL, { dividends: PAID, splits: split("2020-01-07", 4, 3.4e38) }));
  assert.deepEqual(
    [rows.map(({ tradingDay }) => tradingDay), rejected.map(({ day, reason }) => `${day} ${reason}`)],
    [["2020-01-06"], ["2020-01-07 out-of-range", "2020-01-08 not-parseable"]],
  );
});

test("the currency may stand beside the amount, or be empty", () => {
  for (const currency of ["USD", ""]) {
    const dividends = dividend("2020-01-08", 1, { currency });
    assert.deepEqual(shown(factorsOf(chartOf(ALL, { dividends }))), ["2020-01-08 1.01020408"]);
  }
});
