import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { coverRuns, quoteLists } from "./compare-runs.ts";

const DAY = 86_400;

interface Clause {
  readonly codes: string;
  readonly group: string;
  readonly from: number;
  readonly to: number;
}

function cover(rows: Parameters<typeof coverRuns>[0], gapSeconds: number): readonly Clause[] {
  return coverRuns(rows, gapSeconds, (codes, group, from, to) => JSON.stringify({ codes, group, from, to })).map(
    (text): Clause => JSON.parse(text),
  );
}

test("one day of many codes is one clause, one code's history another, and holes are not read over", () => {
  const market = Array.from({ length: 3 }, (_, index) => ({
    code: `00000${index}.SZ`,
    group: "g",
    seconds: 100 * DAY,
  }));
  const history = [1, 2, 3, 90, 91].map((day) => ({ code: "600000.SH", group: "g", seconds: day * DAY }));
  assert.deepEqual(cover([...market, ...history], 10 * DAY), [
    { codes: "'000000.SZ', '000001.SZ', '000002.SZ'", group: "g", from: 100 * DAY, to: 100 * DAY },
    { codes: "'600000.SH'", group: "g", from: DAY, to: 3 * DAY },
    { codes: "'600000.SH'", group: "g", from: 90 * DAY, to: 91 * DAY },
  ]);
});

test("every row with a time lies in a clause of its code and group; a row without one is in none", () => {
  const someRow = fc.record({
    code: fc.constantFrom("000001.SZ", "000002.SZ", "600000.SH"),
    group: fc.constantFrom("frequency = 1", "frequency = 2"),
    seconds: fc.oneof(
      fc.integer({ min: 0, max: 400 }).map((day) => day * DAY),
      fc.constant(Number.NaN),
    ),
  });
  fc.assert(
    fc.property(fc.array(someRow, { maxLength: 40 }), fc.integer({ min: 1, max: 60 }), (rows, gapDays) => {
      const clauses = cover(rows, gapDays * DAY);
      for (const { code, group, seconds } of rows.filter((row) => !Number.isNaN(row.seconds))) {
        const isCovered = clauses.some(
          (clause) =>
            clause.codes.includes(code) && clause.group === group && clause.from <= seconds && seconds <= clause.to,
        );
        assert.ok(isCovered);
      }
      assert.ok(clauses.every(({ from, to }) => from <= to));
    }),
  );
});

test("lists of codes are cut to what a statement may hold, repeats left out and quotes escaped", () => {
  const codes = Array.from({ length: 6000 }, (_, index) => `${String(index).padStart(6, "0")}.SZ`);
  const lists = quoteLists([...codes, ...codes]);
  assert.ok(lists.length > 1 && lists.every((list) => list.length <= 60_000));
  assert.equal(lists.join(", ").split(", ").length, 6000);
  assert.deepEqual(quoteLists(["a'b\\"]), ["'a\\'b\\\\'"]);
});
