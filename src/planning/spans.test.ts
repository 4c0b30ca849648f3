import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { addDays, parseDay, type Day } from "../domain/day.ts";
import { LEDGER_STATES, type LedgerState, type Span } from "../domain/ledger.ts";
import { laySpans, clipSpan, countStates, spanOn, stateOn } from "./spans.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const calendar = bundledCalendar();
const day = (text: string): Day => parseDay(text);

function span(from: string, to: string, state: LedgerState, version = 1n, more: Partial<Span["evidence"]> = {}): Span {
  const evidence = { provider: "tushare", callId: `call-${version}`, version, note: "", ...more } as const;
  return { from: day(from), to: day(to), state, evidence };
}

test("the day that is added every evening lengthens the last span, over the week-end too", () => {
  const friday = [span("2024-01-02", "2024-01-05", "present", 1n)];
  const spans = laySpans(friday, [span("2024-01-08", "2024-01-08", "present", 2n)], calendar);
  assert.deepEqual(spans, [span("2024-01-02", "2024-01-08", "present", 2n)]);
});

test("a year of evenings leaves one span", () => {
  let spans: readonly Span[] = [];
  for (const [index, text] of calendar.tradingDaysBetween(day("2024-01-01"), day("2024-12-31")).entries()) {
    spans = laySpans(spans, [span(text, text, "present", BigInt(index))], calendar);
  }
  assert.equal(spans.length, 1);
});

test("a closed hole joins what lay around it", () => {
  const current = [span("2024-01-02", "2024-01-03", "present"), span("2024-01-05", "2024-01-09", "present")];
  const spans = laySpans(current, [span("2024-01-04", "2024-01-04", "present", 9n)], calendar);
  assert.deepEqual(spans, [span("2024-01-02", "2024-01-09", "present", 9n)]);
});

test("an incoming span splits the one it lies in; a remainder of a mere week-end is dropped", () => {
  const current = [span("2024-01-02", "2024-01-12", "present")];
  const spans = laySpans(current, [span("2024-01-04", "2024-01-05", "failed", 2n)], calendar);
  assert.deepEqual(
    spans.map(({ from, to, state }) => [from, to, state]),
    [
      ["2024-01-02", "2024-01-03", "present"],
      ["2024-01-04", "2024-01-05", "failed"],
      ["2024-01-06", "2024-01-12", "present"],
    ],
  );
  const bare = laySpans(
    [span("2024-01-02", "2024-01-07", "present")],
    [span("2024-01-02", "2024-01-05", "failed", 2n)],
    calendar,
  );
  assert.deepEqual(bare.length, 1);
});

test("no-trade of different calls, and present of different providers, stay apart", () => {
  const noTrade = laySpans(
    [span("2024-01-02", "2024-01-02", "no-trade", 1n)],
    [span("2024-01-03", "2024-01-03", "no-trade", 2n)],
    calendar,
  );
  assert.equal(noTrade.length, 2);
  const sameCall = laySpans(
    [span("2024-01-02", "2024-01-02", "no-trade", 1n)],
    [span("2024-01-03", "2024-01-03", "no-trade", 1n)],
    calendar,
  );
  assert.equal(sameCall.length, 1);
  const other = span("2024-01-03", "2024-01-03", "present", 2n, { provider: "tdx" });
  assert.equal(laySpans([span("2024-01-02", "2024-01-02", "present")], [other], calendar).length, 2);
});

test("of overlapping incoming spans the later in the list wins", () => {
  const spans = laySpans(
    [],
    [span("2024-01-02", "2024-01-09", "failed"), span("2024-01-03", "2024-01-04", "present", 2n)],
    calendar,
  );
  assert.equal(stateOn(spans, day("2024-01-03")), "present");
  assert.equal(stateOn(spans, day("2024-01-08")), "failed");
});

test("clipping a span keeps its state and says when nothing is left", () => {
  const whole = span("2024-01-02", "2024-01-09", "present");
  assert.deepEqual(clipSpan(whole, day("2024-01-04"), day("2024-02-01")), span("2024-01-04", "2024-01-09", "present"));
  assert.equal(clipSpan(whole, day("2024-01-10"), day("2024-02-01")), undefined);
});

const START = day("2024-01-01");
const anySpan = fc
  .record({
    at: fc.nat(60),
    length: fc.nat(12),
    state: fc.constantFrom(...LEDGER_STATES),
    version: fc.bigInt(1n, 5n),
  })
  .map(({ at, length, state, version }) => span(addDays(START, at), addDays(START, at + length), state, version));

test("day by day the last word said holds, in spans that are sorted, apart and joined for good", () => {
  fc.assert(
    fc.property(fc.array(anySpan, { maxLength: 8 }), fc.array(anySpan, { maxLength: 8 }), (first, second) => {
      const spans = laySpans(laySpans([], first, calendar), second, calendar);
      for (const tradingDay of calendar.tradingDaysBetween(START, addDays(START, 80))) {
        const said = [...first, ...second].findLast((one) => one.from <= tradingDay && tradingDay <= one.to);
        assert.equal(stateOn(spans, tradingDay), said?.state);
      }
      for (const [index, one] of spans.entries()) {
        assert.ok(one.from <= one.to && (spans[index + 1]?.from ?? "9999") > one.to);
      }
      assert.deepEqual(laySpans(spans, [], calendar), spans);
    }),
  );
});

test("states are counted as each day's own state, and unknown where no span is", () => {
  fc.assert(
    fc.property(fc.array(anySpan, { maxLength: 8 }), (incoming) => {
      const spans = laySpans([], incoming, calendar);
      const days = calendar.tradingDaysBetween(START, addDays(START, 80));
      const counts = countStates(spans, days);
      for (const state of LEDGER_STATES) {
        assert.equal(counts[state], days.filter((one) => stateOn(spans, one) === state).length);
      }
      assert.equal(counts.unknown, days.filter((one) => spanOn(spans, one) === undefined).length);
    }),
  );
});
