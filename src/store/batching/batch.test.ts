import assert from "node:assert/strict";
import { test } from "node:test";

import { Batch, type Entry } from "./batch.ts";
import { BATCH_LIMITS_DEFAULT } from "./limits.ts";

const LIMITS = { ...BATCH_LIMITS_DEFAULT, rowsReady: 1000, quietMs: 5, ageMsIdle: 100, ageMsMax: 1000 };
const entry = (rows: number, bytes = 0): Entry => ({ rows, bytes });

function batchOf(entries: readonly (readonly [entry: Entry, atMs: number])[], isLoaded = false): Batch<Entry> {
  const batch = new Batch(() => LIMITS);
  for (const [item, atMs] of entries) {
    batch.add(item, atMs, isLoaded);
  }
  return batch;
}

test("an empty batch is never due", () => {
  assert.equal(new Batch(() => LIMITS).due(), undefined);
});

test("a lone row goes out as soon as nothing else is arriving", () => {
  assert.deepEqual(batchOf([[entry(1), 10]]).due(), { atMs: 15, reason: "quiet" });
});

test("rows that keep dripping in go out after 100 ms when idle and after 1,000 ms under load", () => {
  const drip = Array.from({ length: 300 }, (_, index) => [entry(1), index * 4] as const);
  assert.deepEqual(batchOf(drip.slice(0, 25)).due(), { atMs: 100, reason: "age" });
  assert.deepEqual(batchOf(drip.slice(0, 250), true).due(), { atMs: 1000, reason: "age" });
});

test("under load a batch that is ready waits 100 ms at most, and one of twice as many rows not at all", () => {
  const ready = batchOf(
    [
      [entry(999), 0],
      [entry(1), 98],
    ],
    true,
  );
  assert.deepEqual(ready.due(), { atMs: 100, reason: "rows" });
  ready.add(entry(1000), 99, true);
  assert.deepEqual(ready.due(), { atMs: 99, reason: "rows" });
});

test("a batch of as many bytes as it may have goes out at once", () => {
  assert.deepEqual(batchOf([[entry(1, LIMITS.bytesMax), 7]]).due(), { atMs: 7, reason: "bytes" });
});

test("what is taken is whole entries up to the bounds, at least one, and the rest stays", () => {
  const batch = batchOf([
    [entry(60_000), 0],
    [entry(40_000), 1],
    [entry(1), 2],
    [entry(200_000), 3],
  ]);
  assert.deepEqual(
    batch.take(4).map(({ rows }) => rows),
    [60_000, 40_000],
  );
  assert.deepEqual(
    batch.take(5).map(({ rows }) => rows),
    [1],
  );
  assert.deepEqual(
    batch.take(6).map(({ rows }) => rows),
    [200_000],
  );
  assert.ok(batch.isEmpty);
  assert.equal(batch.rows, 0);
});

test("an entry that leaves takes its rows with it", () => {
  const batch = new Batch(() => LIMITS);
  const leaving = entry(5);
  batch.add(leaving, 0, false);
  batch.add(entry(7), 0, false);
  assert.equal(batch.remove(leaving), true);
  assert.equal(batch.remove(leaving), false);
  assert.equal(batch.rows, 7);
});
