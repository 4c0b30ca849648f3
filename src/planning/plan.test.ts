import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { addDays, parseDay, SHANGHAI, type Day } from "../domain/day.ts";
import type { RangeRequest } from "../domain/command.ts";
import { CURRENCY, MARKET, SOURCE } from "../domain/enums.ts";
import { COVERED_STATES, LEDGER_STATES, type LedgerState, type Span } from "../domain/ledger.ts";
import { MessageError } from "../domain/message-error.ts";
import type { Instrument } from "../domain/rows.ts";
import { MAINLAND_EXCHANGES, parseSecurityCode } from "../domain/security-code.ts";
import { uncoveredDays } from "./missing-days.ts";
import { planCode, type CodePlan, type CodeRequest } from "./plan.ts";
import { retrospectiveCalendar } from "./retrospective-calendar.ts";
import { laySpans, stateOn } from "./spans.ts";
import { bundledCalendar, CalendarEndError } from "./trading-calendar.ts";
import { LATE_PUBLICATION_MS } from "./verdict.ts";

const calendar = bundledCalendar();
const day = (text: string): Day => parseDay(text);
const instrument: Instrument = {
  code: parseSecurityCode("000001.SZ"),
  name: "Ping An Bank",
  industry: "",
  market: MARKET.CHINA,
  currency: CURRENCY.CNY,
  status: "listed",
  listedOn: day("1991-04-03"),
  delistedOn: undefined,
  source: SOURCE.TUSHARE,
};
const capability = {
  dataSet: "bars",
  frequency: "1d",
  api: "daily",
  rowsMax: 6000,
  codesMax: 80,
  byDay: true,
  completeFrom: "17:00",
  zone: SHANGHAI,
  rowsPerDay: 1,
  exchanges: MAINLAND_EXCHANGES,
  kinds: ["stock"],
  since: undefined,
} as const;
/** A Friday evening. */
const nowMs = Date.parse("2025-11-28T12:00:00Z");
const NO_RANGE: RangeRequest = { full: false, start: undefined, end: undefined, days: undefined };

function plan(range: Partial<RangeRequest>, more: Partial<CodeRequest> = {}): CodePlan {
  return planCode({
    dataSet: "bars",
    frequency: "1d",
    range: { ...NO_RANGE, ...range },
    force: false,
    instrument,
    historyStart: undefined,
    spans: [],
    provider: "tushare",
    capability,
    calendar,
    nowMs,
    ...more,
  });
}

function span(from: string, to: string, state: LedgerState, version = 1n): Span {
  return { from: day(from), to: day(to), state, evidence: { provider: "tushare", callId: "c", version, note: "" } };
}

const whole = span("1991-04-03", "2025-11-28", "present");

test("a code that no list has is not asked again for days that its answers showed to be before its listing", () => {
  const implied: Instrument = { ...instrument, listedOn: day("1990-12-19"), isImplied: true };
  const spans = [span("1990-12-19", "2010-05-31", "before-listing"), span("2010-06-01", "2025-11-28", "present")];
  const made = plan({}, { instrument: implied, spans });
  assert.deepEqual([made.units, made.missingDays], [[], 0]);
  const { isImplied: _, ...listed } = implied;
  assert.equal(plan({}, { instrument: listed, spans }).units.length, 1);
});

test("of what is asked for day by day no day is asked for beside the missing ones", () => {
  const ticks = {
    ...capability,
    dataSet: "ticks",
    rowsMax: 9_999,
    rowsPerDay: 5_000,
    codesMax: 1,
    byDay: false,
  } as const;
  const spans = laySpans(
    [span("2025-11-03", "2025-11-28", "present")],
    [span("2025-11-20", "2025-11-20", "failed"), span("2025-11-24", "2025-11-25", "failed")],
    calendar,
  );
  const { units } = plan({ days: 10 }, { dataSet: "ticks", capability: ticks, spans });
  assert.deepEqual(
    units.map(({ from, to }) => [from, to]),
    [
      ["2025-11-20", "2025-11-20"],
      ["2025-11-24", "2025-11-25"],
    ],
  );
});

test("of a market whose days are known when they are over, weekdays behind the last one known are pending and not covered", () => {
  const known = ["2025-11-25", "2025-11-26"].map((at) => ({
    market: MARKET.OTHER,
    day: day(at),
    isOpen: true,
    source: SOURCE.YAHOO,
  }));
  const weekend = retrospectiveCalendar(known, day("2025-11-28")).countUnknown(day("2025-11-25"), day("2025-12-01"));
  assert.equal(weekend, 1, "Monday");
  const to = (lookedTo: string): Partial<CodeRequest> => ({ calendar: retrospectiveCalendar(known, day(lookedTo)) });
  const spans = [span("2025-11-25", "2025-11-26", "present")];
  const made = plan({ start: day("2025-11-25") }, { ...to("2025-11-26"), spans });
  assert.deepEqual(
    [made.tradingDays, made.coveredDays, made.pendingDays, made.askAgainAtMs],
    [4, 2, 2, nowMs + LATE_PUBLICATION_MS],
  );
  const holiday = plan({ start: day("2025-11-25") }, { ...to("2025-11-28"), spans });
  assert.deepEqual([holiday.tradingDays, holiday.coveredDays, holiday.pendingDays], [2, 2, 0]);
  const kept = { ...capability, daysKept: 1 };
  assert.equal(plan({ start: day("2025-11-25") }, { ...to("2025-11-26"), capability: kept }).pendingDays, 2);
  const behind = plan({ start: day("2025-11-27") }, { ...to("2025-11-26"), spans });
  assert.deepEqual([behind.units.length, behind.tradingDays, behind.pendingDays], [0, 2, 2]);
});

const holes = (second: string): readonly Span[] =>
  laySpans([whole], [span("2025-03-03", "2025-03-03", "failed"), span(second, second, "failed")], calendar);

const failure = (range: Partial<RangeRequest>): readonly string[] => {
  try {
    plan(range);
  } catch (error) {
    assert.ok(error instanceof MessageError);
    return [error.reason, error.path];
  }
  return [];
};

test("without a range everything from the listing day to the last final day is one unit", () => {
  const { units, missingDays, tradingDays, spans } = plan({});
  assert.equal(units.length, 1);
  assert.deepEqual(units[0]?.missing, [{ from: "1991-04-03", to: "2025-11-28" }]);
  assert.equal(missingDays, 8460);
  assert.equal(tradingDays, 8460);
  assert.deepEqual(spans, []);
});

test("history.start shortens a request without range; full ignores it; days and explicit dates beat it", () => {
  const historyStart = day("2025-01-01");
  const from = (range: Partial<RangeRequest>): Day | undefined => plan(range, { historyStart }).units[0]?.from;
  assert.equal(from({}), "2025-01-02");
  assert.equal(from({ full: true }), "1991-04-03");
  assert.equal(from({ days: 3 }), "2025-11-26");
  assert.equal(from({ days: 3, start: day("2024-12-02") }), "2024-12-02");
  assert.equal(from({ end: day("2024-12-02") }), undefined);
});

test("what the ledger has is not asked for, and force asks for it again", () => {
  const upToDate = plan({}, { spans: [whole] });
  assert.deepEqual([upToDate.units.length, upToDate.coveredDays, upToDate.missingDays], [0, 8460, 0]);
  assert.equal(plan({}, { spans: [whole], force: true }).missingDays, 8460);
  // Where another provider goes on with what the first one began, only what is older is asked for.
  const { version } = whole.evidence;
  assert.equal(plan({}, { spans: [whole], force: true, forcedSince: version }).missingDays, 0);
  assert.equal(plan({}, { spans: [whole], force: true, forcedSince: version + 1n }).missingDays, 8460);
});

test("a hole is widened by the present day on either side, so that an empty answer proves something", () => {
  const spans = [span("2025-01-02", "2025-11-20", "present"), span("2025-11-26", "2025-11-28", "present")];
  const { units } = plan({ start: day("2025-01-02") }, { spans });
  assert.deepEqual(units, [
    {
      dataSet: "bars",
      frequency: "1d",
      code: "000001.SZ",
      from: "2025-11-20",
      to: "2025-11-26",
      tradingDays: 5,
      missing: [{ from: "2025-11-21", to: "2025-11-25" }],
      provider: "tushare",
    },
  ]);
});

test("an anchor is found behind days without trade, and not behind unknown days", () => {
  const spans = [
    span("2025-01-02", "2025-11-14", "present"),
    span("2025-11-17", "2025-11-20", "suspended"),
    span("2025-11-26", "2025-11-28", "present"),
  ];
  assert.equal(plan({ start: day("2025-11-21") }, { spans }).units[0]?.from, "2025-11-14");
});

test("the one new day of an evening is asked for without an anchor that would prove nothing", () => {
  const { units } = plan({}, { spans: [span("1991-04-03", "2025-11-27", "present")] });
  assert.deepEqual([units[0]?.from, units[0]?.to, units[0]?.tradingDays], ["2025-11-28", "2025-11-28", 1]);
});

test("holes a month apart are one unit, farther ones are two", () => {
  assert.equal(plan({ full: true }, { spans: holes("2025-04-01") }).units.length, 1);
  assert.equal(plan({ full: true }, { spans: holes("2025-04-02") }).units.length, 2);
});

test("today before publication is pending and the rest is fetched", () => {
  const morning = Date.parse("2025-11-28T02:00:00Z");
  const asked = plan({ start: day("2025-11-26"), end: day("2025-11-28") }, { nowMs: morning });
  assert.deepEqual(asked.units[0]?.missing, [{ from: "2025-11-26", to: "2025-11-27" }]);
  assert.equal(asked.pendingDays, 1);
  assert.equal(asked.askAgainAtMs, Date.parse("2025-11-28T09:00:00Z"));
  assert.deepEqual(
    asked.spans.map((one) => [one.from, one.to, one.state, one.askAgainAtMs]),
    [["2025-11-28", "2025-11-28", "pending", Date.parse("2025-11-28T09:00:00Z")]],
  );
  const again = plan({ start: day("2025-11-26"), end: day("2025-11-28") }, { nowMs: morning, spans: asked.spans });
  assert.deepEqual([again.spans.length, again.pendingDays], [0, 1]);
  const evening = plan({ start: day("2025-11-28") }, { spans: asked.spans });
  assert.deepEqual([evening.missingDays, evening.pendingDays], [1, 0]);
  assert.equal(plan({}, { nowMs: morning }).pendingDays, 0);
});

test("who publishes later says when to ask it again, and holds up nobody whose hour has come", () => {
  const later = { provider: "yahoo", capability: { ...capability, completeFrom: "18:00" } } as const;
  const known = [span("1991-04-03", "2025-11-27", "present")];
  const at = (utc: string): number => Date.parse(`2025-11-28T${utc}Z`);
  const stepsIn = plan({ end: day("2025-11-28") }, { ...later, spans: known, nowMs: at("09:10:00") });
  assert.deepEqual([stepsIn.units, stepsIn.pendingDays, stepsIn.askAgainAtMs], [[], 1, at("10:00:00")]);
  const spans = laySpans(known, stepsIn.spans, calendar);
  assert.deepEqual(
    spans.slice(1).map(({ from, state, askAgainAtMs }) => [from, state, askAgainAtMs]),
    [["2025-11-28", "pending", at("10:00:00")]],
  );
  assert.equal(plan({}, { ...later, spans, nowMs: at("09:59:59") }).missingDays, 0);
  assert.equal(plan({}, { ...later, spans, nowMs: at("10:00:00") }).missingDays, 1);
  assert.equal(plan({}, { spans, nowMs: at("09:11:00") }).missingDays, 1, "the first one is back");
  const late = laySpans(
    known,
    [{ ...span("2025-11-28", "2025-11-28", "pending"), askAgainAtMs: at("10:16:00") }],
    calendar,
  );
  assert.deepEqual(
    [plan({}, { spans: late, nowMs: at("10:01:00") }), plan({}, { ...later, spans: late, nowMs: at("10:01:00") })].map(
      ({ missingDays, pendingDays, askAgainAtMs }) => [missingDays, pendingDays, askAgainAtMs],
    ),
    [
      [0, 1, at("10:16:00")],
      [1, 0, undefined],
    ],
  );
});

test("who steps in owes what the one it stands for has published, and asks for what it has published itself", () => {
  const later = { ...capability, completeFrom: "18:00" };
  const between = Date.parse("2025-11-28T09:10:00Z");
  const spans = [span("1991-04-03", "2025-11-27", "present")];
  const more = { spans, nowMs: between };
  for (const range of [{}, { days: 1 }, { full: true }]) {
    assert.equal(plan(range, { ...more, capability: later }).pendingDays, 0);
    const instead = plan(range, { ...more, capability: later, insteadOf: capability });
    assert.deepEqual([instead.pendingDays, instead.missingDays, instead.coveredDays > 1], [1, 0, range.days !== 1]);
    assert.equal(plan(range, { ...more, insteadOf: later }).missingDays, 1);
  }
});

test("of a day that is not final here what another one has shown already stands, with a row or without", () => {
  const morning = Date.parse("2025-11-28T02:00:00Z");
  for (const state of LEDGER_STATES) {
    const spans = [span("1991-04-03", "2025-11-27", "present"), span("2025-11-28", "2025-11-28", state)];
    const made = plan({ end: day("2025-11-28") }, { spans, nowMs: morning });
    // What a stock list says of a day within the listing is out of date.
    const isShown = COVERED_STATES.has(state) && !state.endsWith("listing");
    assert.deepEqual([made.spans.length, made.pendingDays], isShown ? [0, 0] : [1, 1], state);
  }
});

test("a start after the end and a day in the future are dead letters that say where", () => {
  assert.deepEqual(failure({ start: day("2025-02-01"), end: day("2025-01-01") }), [
    "start-after-end",
    "$.params.start_date",
  ]);
  assert.deepEqual(failure({ end: day("2025-11-29") }), ["future-day", "$.params.end_date"]);
  assert.deepEqual(failure({ start: day("2025-11-29") }), ["future-day", "$.params.start_date"]);
});

test("days outside the listing are recorded and never asked for", () => {
  const delisted = { ...instrument, listedOn: day("2020-01-06"), delistedOn: day("2020-01-20") };
  const asked = plan({ start: day("2020-01-02"), end: day("2020-02-05") }, { instrument: delisted });
  assert.deepEqual(asked.units[0]?.missing, [{ from: "2020-01-06", to: "2020-01-20" }]);
  assert.deepEqual(
    asked.spans.map(({ from, to, state }) => [from, to, state]),
    [
      ["2020-01-02", "2020-01-05", "before-listing"],
      ["2020-01-21", "2020-02-05", "after-delisting"],
    ],
  );
  const again = plan(
    { start: day("2020-01-02"), end: day("2020-02-05") },
    { instrument: delisted, spans: asked.spans },
  );
  assert.deepEqual(again.spans, []);
});

test("whether the day of delisting had a bar is asked once and not again", () => {
  const delisted = { ...instrument, listedOn: day("2020-01-06"), delistedOn: day("2020-01-20") };
  const spans = [span("2020-01-06", "2020-01-17", "present"), span("2020-01-20", "2020-02-05", "after-delisting")];
  const range = { start: day("2020-01-06"), end: day("2020-02-05") };
  assert.equal(plan(range, { instrument: delisted, spans: spans.slice(0, 1) }).units.length, 1);
  assert.deepEqual(plan(range, { instrument: delisted, spans }).units, []);
});

test("a bar before a wrong listing day stays present, and a corrected listing day opens the days it hid", () => {
  const wrong = { ...instrument, listedOn: day("2020-01-08") };
  const asked = plan(
    { start: day("2020-01-02"), end: day("2020-01-10") },
    { instrument: wrong, spans: [span("2020-01-03", "2020-01-03", "present")] },
  );
  assert.deepEqual(
    asked.spans.map(({ from, to }) => [from, to]),
    [
      ["2020-01-02", "2020-01-02"],
      ["2020-01-04", "2020-01-07"],
    ],
  );
  const right = { ...instrument, listedOn: day("2020-01-06") };
  const opened = plan({ start: day("2020-01-06"), end: day("2020-01-10") }, { instrument: right, spans: asked.spans });
  assert.equal(opened.missingDays, 5);
});

test("days count back from when they were asked for, by the exchange's day, and go on to now", () => {
  const missing = (askedAt: string | undefined, range: Partial<RangeRequest> = {}, at = nowMs): readonly unknown[] => {
    const askedAtMs = askedAt === undefined ? undefined : Date.parse(askedAt);
    return plan({ days: 3, ...range }, { askedAtMs, nowMs: at }).units.flatMap((unit) =>
      unit.missing.map(({ from, to }) => `${from} ${to}`),
    );
  };
  // 28 November is a Friday; nothing known, and a clock that is ahead, are as if it were asked now.
  assert.deepEqual(missing(undefined), ["2025-11-26 2025-11-28"]);
  assert.deepEqual(missing("2025-11-28T12:00:00Z"), ["2025-11-26 2025-11-28"]);
  assert.deepEqual(missing("2026-08-01T00:00:00Z"), ["2025-11-26 2025-11-28"]);
  // Asked on a Monday at 17:00 in Shanghai, and a second earlier, when only the Friday was final.
  assert.deepEqual(missing("2025-11-17T09:00:00Z"), ["2025-11-13 2025-11-28"]);
  assert.deepEqual(missing("2025-11-17T08:59:59Z"), ["2025-11-12 2025-11-28"]);
  // Still Sunday in London, Monday at the exchange.
  assert.deepEqual(missing("2025-11-16T23:00:00Z"), ["2025-11-12 2025-11-28"]);
  assert.deepEqual(missing("2025-11-28T12:00:00Z", {}, Date.parse("2025-12-01T02:00:00Z")), ["2025-11-26 2025-11-28"]);
  // What names its days says all of it.
  const end = day("2025-11-20");
  assert.deepEqual(missing("2025-11-03T12:00:00Z", { end }), ["2025-11-18 2025-11-20"]);
  assert.deepEqual(missing("2025-11-03T12:00:00Z", { start: end }), ["2025-11-20 2025-11-28"]);
});

test("a time of asking before there was an exchange asks for all days there were", () => {
  for (const askedAtMs of [0, -1, Date.parse("0000-01-01T00:00:00Z"), Date.parse("1985-01-01T00:00:00Z")]) {
    assert.equal(plan({ days: 3 }, { askedAtMs }).units[0]?.from, "1991-04-03");
  }
});

test("an unexplained day is asked for once a day, and at once by a request that names it", () => {
  const empty = { ...span("2025-11-28", "2025-11-28", "unexplained-empty", BigInt(nowMs - 1000) * 1000n) };
  const spans = laySpans([whole], [empty], calendar);
  const routine = plan({}, { spans });
  assert.deepEqual([routine.missingDays, routine.emptyDays], [0, 1]);
  assert.equal(plan({ days: 1 }, { spans }).missingDays, 1);
});

test("past the calendar's end the plan says so", () => {
  const later = Date.parse("2027-01-05T12:00:00Z");
  assert.throws(() => plan({}, { nowMs: later }), CalendarEndError);
  assert.equal(plan({ start: day("2025-01-02"), end: day("2025-01-03") }, { nowMs: later }).missingDays, 2);
});

const START = day("2024-01-01");
const anySpan = fc
  .record({
    at: fc.nat(90),
    length: fc.nat(25),
    state: fc.constantFrom(...LEDGER_STATES.filter((one) => one !== "pending" && !one.endsWith("listing"))),
  })
  .map(({ at, length, state }) => span(addDays(START, at), addDays(START, at + length), state));

test("the units' missing days are exactly what the ledger misses, and anchors are present days", () => {
  fc.assert(
    fc.property(fc.array(anySpan, { maxLength: 8 }), fc.nat(60), fc.nat(60), (incoming, at, length) => {
      const spans = laySpans([], incoming, calendar);
      const start = addDays(START, at);
      const end = addDays(start, length);
      const made = plan({ start, end }, { spans });
      const days = calendar.tradingDaysBetween(start, end);
      const missing = made.units.flatMap((unit) =>
        unit.missing.flatMap((run) => calendar.tradingDaysBetween(run.from, run.to)),
      );
      assert.deepEqual(missing, uncoveredDays(spans, days, nowMs));
      assert.equal(made.coveredDays + made.missingDays + made.pendingDays + made.emptyDays, made.tradingDays);
      assert.equal(made.tradingDays, days.length);
      for (const unit of made.units) {
        assert.equal(unit.tradingDays, calendar.countBetween(unit.from, unit.to));
        assert.ok(unit.from === unit.missing[0]?.from || stateOn(spans, unit.from) === "present");
        assert.ok(unit.to === unit.missing.at(-1)?.to || stateOn(spans, unit.to) === "present");
      }
    }),
  );
});

test("a first day at the beginning of time says nothing of days before there was an exchange", () => {
  for (const start of ["0000-01-01", "0001-01-01", "1900-01-01"]) {
    const { spans, units } = plan({ start: day(start) });
    assert.deepEqual(
      spans.map(({ from, to, state }) => [from, to, state]),
      [["1990-12-19", "1991-04-02", "before-listing"]],
    );
    assert.equal(units[0]?.from, "1991-04-03");
  }
  assert.deepEqual(plan({ start: day("0000-01-01"), end: day("0000-12-31") }).spans, []);
});

test("what a provider does not reach back to is not asked for, and owed where the request names it", () => {
  const kept = {
    ...capability,
    frequency: "1m",
    rowsPerDay: 240,
    rowsMax: 24_001,
    codesMax: 1,
    daysKept: 100,
  } as const;
  const first = calendar.firstOfLast(100, day("2025-11-28"));
  const open = plan({}, { capability: kept, frequency: "1m" });
  assert.deepEqual([open.units[0]?.from, open.missingDays, open.emptyDays], [first, 100, 0]);
  const named = plan({ start: day("2025-01-02") }, { capability: kept, frequency: "1m" });
  const beyond = calendar.countBetween(day("2025-01-02"), first) - 1;
  assert.deepEqual([named.missingDays, named.emptyDays, named.tradingDays], [100, beyond, 100 + beyond]);
  const evidence = { provider: "tushare", callId: "", version: 1n, note: "" } as const;
  const spans = [{ from: day("2025-01-02"), to: day("2025-03-31"), state: "present", evidence }] as const;
  const half = plan({ start: day("2025-01-02") }, { capability: kept, frequency: "1m", spans });
  assert.equal(half.emptyDays, beyond - calendar.countBetween(day("2025-01-02"), day("2025-03-31")));
  const since = plan(
    { full: true },
    { capability: { ...kept, daysKept: undefined as never, since: day("2020-01-03") } },
  );
  assert.deepEqual([since.units[0]?.from, since.emptyDays], ["2020-01-03", 0]);
  const old = plan({ start: day("1995-01-03"), end: day("1995-01-06") }, { capability: kept, frequency: "1m" });
  assert.deepEqual([old.units, old.emptyDays], [[], 4]);
});

test("a unit does not begin before what the provider keeps, though a row is stored there", () => {
  const kept = { ...capability, frequency: "1m", rowsPerDay: 240, rowsMax: 24_001, codesMax: 1, daysKept: 10 } as const;
  const first = calendar.firstOfLast(10, day("2025-11-28"));
  const before = span("2025-01-02", addDays(first, -1), "present");
  const { units } = plan({ days: 10 }, { capability: kept, frequency: "1m", spans: [before] });
  assert.deepEqual([units[0]?.from, units[0]?.tradingDays], [first, 10]);
  const far = plan({ days: 10 }, { capability: { ...kept, daysKept: 20 }, frequency: "1m", spans: [before] });
  assert.equal(far.units[0]?.tradingDays, 11);
});

test("without a range the last days are meant where a data set has such a default, and an empty one rests as usual", () => {
  const evidence = { provider: "tushare", callId: "c", version: BigInt(nowMs - 3_600_000) * 1000n, note: "" } as const;
  const spans = [{ from: day("2025-11-27"), to: day("2025-11-27"), state: "unexplained-empty", evidence }] as const;
  const ticks = { dataSet: "ticks", capability: { ...capability, dataSet: "ticks" }, daysDefault: 3, spans } as const;
  const recent = plan({}, ticks);
  assert.deepEqual([recent.missingDays, recent.emptyDays], [2, 1]);
  assert.equal(plan({ days: 3 }, ticks).missingDays, 3);
  assert.ok(plan({ full: true }, ticks).missingDays > 8_000);
});
