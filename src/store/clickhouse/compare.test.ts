import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { decide, type ComparedRow, type StoredValue } from "./compare.ts";

const row = (key: string, value: string, version: bigint): ComparedRow => ({ key, value, version });

test("a row is new, same, revised or too late by what is stored", () => {
  const stored = new Map([
    ["b", { value: "1", version: 5n }],
    ["c", { value: "1", version: 5n }],
    ["d", { value: "1", version: 5n }],
  ]);
  const decision = decide([row("a", "1", 6n), row("b", "1", 6n), row("c", "2", 6n), row("d", "2", 4n)], stored);
  assert.deepEqual(decision.outcomes, ["new", "same", "revised", "same"]);
  assert.deepEqual(decision.writes, [0, 2]);
  assert.deepEqual(decision.revisions, [{ key: "c", before: "1", after: "2" }]);
});

test("rows of one key in a batch are taken oldest first, whatever their order, and the newest is written", () => {
  const decision = decide([row("a", "3", 9n), row("a", "1", 7n), row("a", "1", 8n)], new Map());
  assert.deepEqual(decision.outcomes, ["revised", "new", "same"]);
  assert.deepEqual(decision.writes, [0]);
  assert.deepEqual([...decision.superseded], [[0, 1]]);
});

test("writing what was decided and deciding again writes nothing", () => {
  const someRow = fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    value: fc.constantFrom("1", "2", "3"),
    version: fc.bigInt({ min: 1n, max: 9n }),
  });
  fc.assert(
    fc.property(fc.array(someRow, { maxLength: 20 }), fc.array(someRow, { maxLength: 8 }), (rows, before) => {
      const stored = apply(new Map(), before);
      const decision = decide(rows, stored);
      assert.equal(decision.outcomes.length, rows.length);
      const written = decision.writes.flatMap((at) => rows[at] ?? []);
      const after = apply(stored, written);
      // The newest version of each key is what is stored, and no key is written twice.
      assert.deepEqual(values(after), values(apply(stored, rows)));
      assert.equal(new Set(written.map(({ key }) => key)).size, written.length);
      assert.deepEqual(decide(written, after).writes, []);
    }),
  );
});

/** What ReplacingMergeTree keeps: the greatest version of a key, of equal ones the last. */
function apply(stored: ReadonlyMap<string, StoredValue>, rows: readonly ComparedRow[]): Map<string, StoredValue> {
  const after = new Map(stored);
  for (const { key, value, version } of rows) {
    const current = after.get(key);
    if (current === undefined || version >= current.version) {
      after.set(key, { value, version });
    }
  }
  return after;
}

function values(stored: ReadonlyMap<string, StoredValue>): readonly (readonly [string, string])[] {
  return [...stored]
    .map(([key, { value }]) => [key, value] as const)
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
}
