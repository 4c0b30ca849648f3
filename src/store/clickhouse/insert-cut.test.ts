import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { cutByPartitions } from "./insert-cut.ts";

interface Row {
  readonly partition: number;
  readonly order: number;
}

test("rows are cut within both bounds, none is lost, none comes twice, and order within a partition stays", () => {
  const someRows = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 200 });
  const bounds = fc.record({
    partitionsMax: fc.integer({ min: 1, max: 10 }),
    rowsMax: fc.integer({ min: 1, max: 40 }),
  });
  fc.assert(
    fc.property(someRows, bounds, (partitions, { partitionsMax, rowsMax }) => {
      const rows: readonly Row[] = partitions.map((partition, order) => ({ partition, order }));
      const parts = cutByPartitions(rows, (row) => row.partition, partitionsMax, rowsMax);
      for (const part of parts) {
        assert.ok(part.length > 0 && part.length <= rowsMax);
        assert.ok(new Set(part.map((row) => row.partition)).size <= partitionsMax);
      }
      const together = parts.flat();
      assert.equal(new Set(together).size, rows.length);
      assert.equal(together.length, rows.length);
      for (const [, group] of Map.groupBy(together, (row) => row.partition)) {
        assert.deepEqual(
          group.map((row) => row.order),
          group.map((row) => row.order).toSorted((left, right) => left - right),
        );
      }
    }),
  );
});

test("what fits in one insert goes as it came, without being copied", () => {
  const rows = [{ partition: 1, order: 0 }];
  assert.equal(cutByPartitions(rows, (row) => row.partition, 50, 100)[0], rows);
});

test("414 months are nine inserts of at most 50", () => {
  const rows = Array.from({ length: 414 * 20 }, (_, order) => ({ partition: Math.floor(order / 20), order }));
  assert.equal(cutByPartitions(rows, (row) => row.partition, 50, 100_000).length, 9);
});
