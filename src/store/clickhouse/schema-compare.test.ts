import assert from "node:assert/strict";
import { test } from "node:test";

import { compareTable, type StoredObject } from "./schema-compare.ts";
import { BAR_ROW, OUTCOME_ROW, type Table } from "./tables.ts";

function stored(table: Table, clauses: string): StoredObject {
  return {
    name: table.name,
    engine: "ReplacingMergeTree",
    engineFull: `ReplacingMergeTree(version) PARTITION BY ${table.partition} ORDER BY (${table.key.join(", ")})${clauses}`,
    partition: table.partition,
    key: table.key.join(", "),
    comment: "",
    columns: new Map(table.columns.map(({ name, type }) => [name, type])),
  };
}

test("a TTL that somebody added deletes rows, and is named with how to remove it", () => {
  for (const [clauses, rule] of [
    [" TTL timestamp + toIntervalDay(7) SETTINGS index_granularity = 8192", "timestamp + toIntervalDay(7)"],
    [
      " TTL trading_day + toIntervalYear(1) TO VOLUME 'cold', trading_day + toIntervalYear(9)",
      "trading_day + toIntervalYear(9)",
    ],
    [
      " TTL trading_day + toIntervalYear(9) DELETE WHERE source = 7",
      "trading_day + toIntervalYear(9) DELETE WHERE source = 7",
    ],
  ] as const) {
    const { differences } = compareTable(BAR_ROW, stored(BAR_ROW, clauses), false);
    assert.deepEqual(differences, [`the TTL ${rule} deletes rows, expected none: ALTER TABLE bar_row REMOVE TTL`]);
  }
});

test("a TTL that moves or packs old rows, and our own of outcomes, are let be", () => {
  const moves =
    " TTL trading_day + toIntervalYear(1) TO DISK 's3', trading_day + toIntervalYear(2) RECOMPRESS CODEC(ZSTD(9))";
  assert.deepEqual(compareTable(BAR_ROW, stored(BAR_ROW, moves), false).differences, []);
  const own = ` TTL ${OUTCOME_ROW.ttl} SETTINGS non_replicated_deduplication_window = 1000`;
  assert.deepEqual(compareTable(OUTCOME_ROW, stored(OUTCOME_ROW, own), false).differences, []);
  assert.deepEqual(compareTable(BAR_ROW, stored(BAR_ROW, ""), false).differences, []);
});

test("an engine that keeps both of two rows, or the wrong one, is refused", () => {
  const own = stored(BAR_ROW, "");
  const plain = {
    ...own,
    engine: "MergeTree",
    engineFull: own.engineFull.replace("ReplacingMergeTree(version)", "MergeTree"),
  };
  assert.deepEqual(compareTable(BAR_ROW, plain, false).differences, [
    "the engine is MergeTree, expected ReplacingMergeTree",
  ]);
  const unversioned = { ...own, engineFull: own.engineFull.replace("(version)", "") };
  assert.match(compareTable(BAR_ROW, unversioned, false).differences[0] ?? "", /version column/);
});
