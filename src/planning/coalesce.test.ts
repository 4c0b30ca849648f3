import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { SHANGHAI } from "../domain/day.ts";
import { MAINLAND_EXCHANGES, parseSecurityCode } from "../domain/security-code.ts";
import type { Unit } from "../domain/unit.ts";
import type { Capability } from "../ports/source.ts";
import { coalesce, type PlannedCall } from "./coalesce.ts";
import type { Work } from "./pack-calls.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const calendar = bundledCalendar();
const daily: Capability = {
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
};

/** A unit of code number `code` that misses the trading days number `first` to `last`, with anchors where `wider` says so. */
function unit(code: number, first: number, last: number, wider = 0): Unit {
  return {
    dataSet: "bars",
    frequency: "1d",
    code: parseSecurityCode(`${String(code).padStart(6, "0")}.SZ`),
    from: calendar.dayAt(first - wider),
    to: calendar.dayAt(last + wider),
    tradingDays: last - first + 1 + 2 * wider,
    missing: [{ from: calendar.dayAt(first), to: calendar.dayAt(last) }],
    provider: "tushare",
  };
}

function units(count: number, make: (index: number) => Unit): readonly Unit[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function plan(all: readonly Unit[], capability = daily, marketRowsByDay = 5500): readonly PlannedCall[] {
  const calls = coalesce(all, capability, { calendar, marketRowsByDay });
  assertWhole(all, calls, capability);
  return calls;
}

function callsOf(calls: readonly PlannedCall[]): unknown {
  return calls.map(({ call }) => call);
}

function stepsFor(all: readonly Unit[], capability = daily): number {
  const work: Work = { steps: 0 };
  coalesce(all, capability, { calendar, marketRowsByDay: 5500, work });
  return work.steps;
}

/** Every missing day of every unit is asked for by a call that the unit waits for, and no call can be cut off. */
function assertWhole(all: readonly Unit[], calls: readonly PlannedCall[], capability: Capability): void {
  for (const { call, rowsExpected } of calls) {
    if (call.selection.by === "codes") {
      const { codes, from, to } = call.selection;
      assert.equal(rowsExpected, codes.length * calendar.countBetween(from, to));
      assert.ok(rowsExpected < capability.rowsMax && codes.length <= capability.codesMax);
      assert.equal(new Set(codes).size, codes.length);
    }
  }
  for (const one of all) {
    const mine = calls.filter((planned) => planned.units.includes(one));
    for (const run of one.missing) {
      for (const day of calendar.tradingDaysBetween(run.from, run.to)) {
        assert.ok(
          mine.some((planned) => asksFor(planned, one, day)),
          `${one.code} ${day}`,
        );
      }
    }
  }
}

function asksFor({ call: { selection } }: PlannedCall, { code }: Unit, day: string): boolean {
  return selection.by === "day"
    ? selection.day === day
    : selection.by === "codes" && selection.codes.includes(code) && selection.from <= day && day <= selection.to;
}

test("units that only an answer of their own helps are asked for by code, the others as ever", () => {
  const market = units(5_000, (code) => unit(code, 8_000, 8_000));
  const all = market.map((one, index) => (index < 100 ? { ...one, isByCodeOnly: true as const } : one));
  const calls = plan(all);
  const [named, byMarket] = [true, false].map((isNamed) =>
    calls.filter(({ call }) => (call.selection.by === "codes") === isNamed),
  );
  assert.equal(byMarket?.length, 1);
  assert.equal(byMarket[0]?.units.length, 4_900);
  assert.equal(named?.length, 2);
  assert.deepEqual(new Set(named.flatMap((call) => call.units)), new Set(all.slice(0, 100)));
  // Where no call can name a code there is nothing else to ask.
  assert.equal(plan(all, { ...daily, codesMax: 0 }).length, 1);
});

test("one day of 5,500 codes is one call for the market, or two where the market reaches the cap", () => {
  const all = units(5500, (index) => unit(index, 8000, 8000));
  const [call, ...more] = coalesce(all, daily, { calendar, marketRowsByDay: 5500 });
  assert.equal(more.length, 0);
  assert.equal(call?.call.selection.by, "day");
  assert.equal(call?.units.length, 5500);
  const few = units(81, (index) => unit(index, 8000, 8000));
  assert.ok(plan(few, daily, 6000).every(({ call: { selection } }) => selection.by === "codes"));
  assert.equal(plan(few, daily, 5999)[0]?.call.selection.by, "day");
});

test("300 codes × 250 days take the least calls there can be, 13", () => {
  assert.equal(plan(units(300, (index) => unit(index, 8000, 8249))).length, 13);
});

test("seven interior days of three codes take one call, and at most one a code when they lie years apart", () => {
  assert.equal(plan(units(3, (index) => unit(index, 5000, 5006, 1))).length, 1);
  assert.ok(plan(units(3, (index) => unit(index, 1000 + index * 2500, 1006 + index * 2500, 1))).length <= 3);
  assert.equal(plan(units(21, (index) => unit(index % 3, 5000 + index * 30, 5000 + index * 30, 1))).length, 1);
});

test("one code's whole history is cut in two calls below the cap, the newer one first", () => {
  const calls = plan([unit(1, 0, 8458)]);
  assert.equal(calls.length, 2);
  const [newer, older] = calls.map(({ call: { selection } }) => (selection.by === "codes" ? selection.from : ""));
  assert.ok((newer ?? "") > (older ?? ""));
});

test("exactly the cap is never asked for", () => {
  const tight = { ...daily, rowsMax: 10, byDay: false };
  assert.equal(plan([unit(1, 100, 108)], tight).length, 1);
  assert.equal(plan([unit(1, 100, 109)], tight).length, 2);
});

test("a market day and a few backfills are planned side by side", () => {
  const all = [
    ...units(5490, (index) => unit(index, 8400, 8400)),
    ...units(10, (index) => unit(6000 + index, 400, 8400)),
  ];
  const calls = coalesce(all, daily, { calendar, marketRowsByDay: 5500 });
  assert.ok(calls.length <= 15);
  assert.equal(calls[0]?.call.selection.by, "day");
});

test("live work comes before repairs, and repairs before backfill", () => {
  const narrow = { ...daily, codesMax: 1, byDay: false };
  const calls = plan([unit(1, 3000, 8000), unit(2, 2000, 2003), unit(3, 8000, 8001)], narrow);
  const codes = calls.map(({ call: { selection } }) => (selection.by === "codes" ? selection.codes[0] : ""));
  assert.deepEqual(codes, ["000003.SZ", "000002.SZ", "000001.SZ"]);
});

test("the same units in another order give the same calls", () => {
  const all = units(200, (index) =>
    unit(index % 90, 4000 + ((index * 37) % 500), 4003 + ((index * 37) % 500) + (index % 9)),
  );
  assert.deepEqual(callsOf(plan(all)), callsOf(plan(all.toReversed())));
});

test("a full window is planned in a bounded number of steps", () => {
  const oneDay = (count: number): number => stepsFor(units(count, (index) => unit(index, 8000, 8000)));
  // n log n: eight times as many units may take at most eleven times the steps.
  assert.ok(oneDay(8192) < 11 * oneDay(1024));
  assert.ok(oneDay(8192) < 500_000);
  const scattered = units(8192, (index) => unit(index, 100 + ((index * 7919) % 8000), 100 + ((index * 7919) % 8000)));
  assert.ok(stepsFor(scattered) < 6_000_000);
});

test("where a call names one code, the whole market over months is asked for day by day", () => {
  const factors = { ...daily, codesMax: 1 };
  for (const [codes, days] of [
    [5500, 68],
    [5500, 100],
    [5500, 250],
    [4000, 250],
  ] as const) {
    const all = units(codes, (index) => unit(index, 8000, 8000 + days - 1));
    const calls = coalesce(all, factors, { calendar, marketRowsByDay: codes });
    assert.equal(calls.length, days, `${codes} codes × ${days} days`);
  }
});

test("a long search for one way to ask leaves the better way untried no longer", () => {
  // 60 days of the market, and by codes what a tenth of it misses before them.
  const all = units(8192, (index) => unit(index, index % 10 === 0 ? 6000 : 8000, 8059));
  const calls = coalesce(all, daily, { calendar, marketRowsByDay: 5500 });
  const least = 60 + Math.ceil((820 * 2000) / 5999);
  assert.ok(calls.length <= 1.1 * least, `${calls.length} calls where ${least} are the least`);
});

test("where a call names one code a plan takes no more than two steps for each call", () => {
  const one: Capability = { ...daily, rowsMax: 9_999, rowsPerDay: 5_000, codesMax: 1, byDay: false };
  const all = units(1_000, (index) => unit(index, 8000, 8009));
  assert.equal(coalesce(all, one, { calendar, marketRowsByDay: 5500 }).length, 10_000);
  assert.ok(stepsFor(all, one) <= 20_000);
});

test("windows of long and mixed ranges are planned in a bounded number of steps", () => {
  assert.ok(stepsFor(units(5500, (index) => unit(index, 8000, 8249))) < 4_000_000);
  const mixed = units(8192, (index) => {
    const last = 8400 - ((index * 7919) % 3000);
    return unit(index, last - ((index * 104_729) % 3000), last);
  });
  assert.ok(stepsFor(mixed) < 4_000_000);
  assert.ok(stepsFor(units(8192, (index) => unit(index, (index * 7919) % 7000, 8400))) < 6_000_000);
});

test("units of another data set or provider are refused, and so is a capability that can ask nothing", () => {
  const options = { calendar, marketRowsByDay: 5500 };
  const factors: Unit = { ...unit(1, 10, 12), dataSet: "adjustment-factors" };
  assert.throws(() => coalesce([factors], daily, options), RangeError);
  assert.throws(() => coalesce([unit(1, 10, 12), { ...unit(2, 10, 12), provider: "tdx" }], daily, options), RangeError);
  assert.throws(() => coalesce([unit(1, 10, 12)], { ...daily, byDay: false, codesMax: 0 }, options), RangeError);
  assert.equal(coalesce([unit(1, 10, 12)], { ...daily, codesMax: 0 }, options).length, 3);
  assert.deepEqual(coalesce([], daily, options), []);
});

const anyUnit = fc
  .record({ code: fc.nat(5), first: fc.integer({ min: 1000, max: 1030 }), length: fc.nat(14), wider: fc.nat(1) })
  .map(({ code, first, length, wider }) => unit(code, first, first + length, wider));

test("whatever is missing, every missing day is asked for below the cap", () => {
  const bounds = fc.record({
    rowsMax: fc.integer({ min: 2, max: 40 }),
    codesMax: fc.integer({ min: 1, max: 5 }),
    byDay: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(anyUnit, { maxLength: 12 }),
      bounds,
      fc.integer({ min: 1, max: 60 }),
      (all, limits, marketRows) => {
        plan(all, { ...daily, ...limits }, marketRows);
      },
    ),
  );
});

/** The fewest calls by trying everything: cells are (code, day), sets of cells are bits. */
function fewestCalls(all: readonly Unit[], capability: Capability, callsPerDay: number): number {
  const cells = all.flatMap(({ code, missing }) =>
    missing.flatMap((run) => calendar.tradingDaysBetween(run.from, run.to).map((day) => ({ code, day }))),
  );
  const codes = [...new Set(cells.map(({ code }) => code))];
  const days = [...new Set(cells.map(({ day }) => calendar.indexOnOrAfter(day)))].toSorted(
    (left, right) => left - right,
  );
  const covers: { readonly bits: number; readonly cost: number }[] = [];
  const bitsOf = (holds: (cell: (typeof cells)[number]) => boolean): number =>
    cells.reduce((bits, cell, index) => (holds(cell) ? bits | (1 << index) : bits), 0);
  for (let set = 1; set < 1 << codes.length; set += 1) {
    const named = codes.filter((_, index) => (set & (1 << index)) !== 0);
    const width = Math.floor((capability.rowsMax - 1) / named.length);
    if (named.length > capability.codesMax || width < 1) {
      continue;
    }
    for (const start of days) {
      const isInside = (day: string): boolean =>
        day >= calendar.dayAt(start) && day <= calendar.dayAt(start + width - 1);
      covers.push({ bits: bitsOf(({ code, day }) => named.includes(code) && isInside(day)), cost: 1 });
    }
  }
  for (const day of capability.byDay ? days : []) {
    covers.push({ bits: bitsOf((cell) => cell.day === calendar.dayAt(day)), cost: callsPerDay });
  }
  const least = Array.from({ length: 1 << cells.length }, () => Infinity);
  least[0] = 0;
  for (let done = 0; done < least.length - 1; done += 1) {
    const lowest = ~done & (done + 1);
    for (const { bits, cost } of (least[done] ?? Infinity) === Infinity ? [] : covers) {
      if ((bits & lowest) !== 0) {
        least[done | bits] = Math.min(least[done | bits] ?? Infinity, (least[done] ?? 0) + cost);
      }
    }
  }
  return least.at(-1) ?? 0;
}

test("in small cases the plan is within one call of the best there is, and nearly always the best", () => {
  const small = fc
    .uniqueArray(fc.record({ code: fc.nat(3), at: fc.nat(4), length: fc.nat(2) }), {
      minLength: 1,
      maxLength: 4,
      selector: ({ code }) => code,
    })
    .map((list) => list.map(({ code, at, length }) => unit(code, 1000 + at, 1000 + at + length)));
  const bounds = fc.record({
    rowsMax: fc.integer({ min: 3, max: 9 }),
    codesMax: fc.integer({ min: 1, max: 4 }),
    byDay: fc.boolean(),
  });
  let runs = 0;
  let extra = 0;
  let best = 0;
  fc.assert(
    fc.property(small, bounds, fc.constantFrom(1, 2), (all, limits, callsPerDay) => {
      const capability = { ...daily, ...limits };
      const calls = plan(all, capability, callsPerDay === 1 ? 1 : limits.rowsMax);
      const count = calls.reduce((sum, { call }) => sum + (call.selection.by === "day" ? callsPerDay : 1), 0);
      const fewest = fewestCalls(all, capability, callsPerDay);
      runs += 1;
      extra += count - fewest;
      best += fewest;
      assert.ok(count >= fewest && count <= fewest + 1, `${count} calls instead of ${fewest}`);
    }),
    { numRuns: 150, seed: 3 },
  );
  assert.ok(runs >= 150 && extra <= 0.05 * best, `${extra} calls more than ${best} in ${runs} cases`);
});
