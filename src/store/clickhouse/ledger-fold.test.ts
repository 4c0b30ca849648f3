import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { addDays, parseDay, type Day } from "../../domain/day.ts";
import type { LedgerState, Span } from "../../domain/ledger.ts";
import { changeSpans, foldSpans, type StoredSpan } from "./ledger-fold.ts";

const FIRST = parseDay("2024-01-01");
const DAYS = 20;

test("of overlapping spans the newest holds for each day, sorted and without overlap", () => {
  fc.assert(
    fc.property(storedSpans(), (stored) => {
      const folded = foldSpans(stored);
      assertOrdered(folded);
      assert.deepEqual(daysOf(folded), daysOfNewest(stored));
    }),
  );
});

test("spans that do not overlap come back as they are stored", () => {
  const spans = [span(0, 3, "present", 5n), span(4, 4, "failed", 1n)];
  assert.deepEqual(foldSpans(spans.toReversed()), spans);
});

test("after any change the stored rows fold to what was asked for, also when two writers had raced before", () => {
  fc.assert(
    fc.property(storedSpans(), fc.array(plainSpan(), { maxLength: 3 }), fc.nat(), (stored, put, pick) => {
      const before = foldSpans(stored);
      const kept = before.filter((_, index) => index !== pick % before.length);
      const wanted = foldSpans([...kept, ...put.map((one, index) => ({ ...one, version: 100n + BigInt(index) }))]);
      const rows = changeSpans(stored, [
        (spans) => {
          assert.deepEqual(spans, before);
          return wanted;
        },
      ]);
      const after = foldSpans(applyRows(stored, rows.put, rows.tombstones));
      assertOrdered(after);
      assert.deepEqual(sortedDays(daysOf(after)), sortedDays(daysOf(wanted)));
    }),
  );
});

test("a span that is stored as it is put is not written again", () => {
  const stored = span(0, 5, "present", 7n);
  const { version: _, ...same } = stored;
  assert.deepEqual(changeSpans([stored], [() => [same]]), { put: [], tombstones: [] });
});

test("several changes of a key count in their order", () => {
  const rows = changeSpans(
    [span(12, 12, "present", 1n)],
    [
      (spans) => [span(0, 9, "failed", 1n), ...spans],
      (spans) => spans.slice(1),
      (spans) => [...spans, span(14, 14, "failed", 1n)],
    ],
  );
  assert.deepEqual(
    rows.put.map(({ from, state }) => [from, state]),
    [["2024-01-15", "failed"]],
  );
  assert.deepEqual(rows.tombstones, []);
});

function span(from: number, to: number, state: LedgerState, version: bigint): StoredSpan {
  const evidence = { provider: "tushare", callId: "c", version: 1n, note: "" } as const;
  return { from: addDays(FIRST, from), to: addDays(FIRST, to), state, evidence, version };
}

function plainSpan(): fc.Arbitrary<Span> {
  return fc
    .tuple(fc.nat(DAYS - 1), fc.nat(6), fc.constantFrom<LedgerState>("present", "failed", "no-trade", "pending"))
    .map(([from, length, state]) => {
      const { version: _, ...rest } = span(from, Math.min(DAYS, from + length), state, 0n);
      return rest;
    });
}

/** As `ledger_row FINAL` has them: one row a first day. */
function storedSpans(): fc.Arbitrary<readonly StoredSpan[]> {
  return fc
    .uniqueArray(plainSpan(), { selector: ({ from }) => from, maxLength: 8 })
    .map((spans) => spans.map((one, index) => ({ ...one, version: BigInt((index * 7) % 5) })));
}

function applyRows(
  stored: readonly StoredSpan[],
  put: readonly Span[],
  tombstones: readonly Span[],
): readonly StoredSpan[] {
  const byDay = new Map(stored.map((one) => [one.from, one]));
  for (const { from } of tombstones) {
    byDay.delete(from);
  }
  for (const one of put) {
    byDay.set(one.from, { ...one, version: 1000n });
  }
  return [...byDay.values()];
}

function daysOf(spans: readonly Pick<Span, "from" | "to" | "state">[]): Map<Day, LedgerState> {
  const days = new Map<Day, LedgerState>();
  for (const { from, to, state } of spans) {
    for (let day = from; day <= to; day = addDays(day, 1)) {
      days.set(day, state);
    }
  }
  return days;
}

/** Day by day, the slow way. */
function daysOfNewest(stored: readonly StoredSpan[]): Map<Day, LedgerState> {
  const days = new Map<Day, LedgerState>();
  for (let index = 0; index <= DAYS + 6; index += 1) {
    const day = addDays(FIRST, index);
    const winner = stored
      .filter(({ from, to }) => from <= day && day <= to)
      .toSorted((left, right) => Number(right.version - left.version) || (left.from < right.from ? 1 : -1))[0];
    if (winner !== undefined) {
      days.set(day, winner.state);
    }
  }
  return days;
}

function sortedDays(days: ReadonlyMap<Day, LedgerState>): readonly (readonly [Day, LedgerState])[] {
  return [...days].toSorted(([left], [right]) => (left < right ? -1 : 1));
}

function assertOrdered(spans: readonly Span[]): void {
  for (const [index, one] of spans.entries()) {
    const next = spans[index + 1];
    assert.ok(one.from <= one.to);
    assert.ok(next === undefined || one.to < next.from);
  }
}
