import assert from "node:assert/strict";
import { test } from "node:test";

import { barModel } from "../../../../test/support/models.ts";
import {
  ADJUSTFACTOR_ROW,
  BAR_ROW,
  insertColumns,
  QUARANTINE_ROW,
  STOCK_INFO_ROW,
  TICK_DAY_ROW,
  TICK_ROW,
  TRADE_DAY_ROW,
} from "../tables.ts";
import {
  barColumns,
  calendarDayColumns,
  factorColumns,
  instrumentColumns,
  quarantineColumns,
  tickColumns,
  tickDayColumns,
} from "./model-columns.ts";
import { encodeNative } from "./native-block.ts";
import { createWallClocks } from "./wall-clock.ts";

const clocks = createWallClocks();

test("every table is written column by column, in its own order and with its own types", () => {
  const pairs = [
    [BAR_ROW, barColumns(clocks)],
    [TICK_ROW, tickColumns(clocks)],
    [TICK_DAY_ROW, tickDayColumns(clocks)],
    [ADJUSTFACTOR_ROW, factorColumns(clocks)],
    [STOCK_INFO_ROW, instrumentColumns(clocks)],
    [TRADE_DAY_ROW, calendarDayColumns(clocks)],
    [QUARANTINE_ROW, quarantineColumns(clocks)],
  ] as const;
  for (const [table, columns] of pairs) {
    assert.deepEqual(
      columns.map(({ name }) => name),
      insertColumns(table),
    );
    for (const { name, type } of columns) {
      const stored = table.columns.find((column) => column.name === name)?.type ?? "";
      const plain = stored
        .replace(/^LowCardinality\((.*)\)$/, "$1")
        .replace(/^DateTime\('.*'\)$/, "DateTime")
        .replace(/^DateTime64\(3, 'Asia\/Shanghai'\)$/, "DateTime64(3)");
      assert.equal(type, plain, `${table.name}.${name}`);
    }
  }
});

test("the same rows and context make the same bytes, whichever blocks were made before", () => {
  const columns = barColumns(clocks);
  const rows = [barModel(), barModel({}, 11n)];
  const [first, , third] = [1, 2, 1].map((ingestedAtMs) => encodeNative(columns, rows, { ingestedAtMs }).bytes);
  assert.deepEqual(first, third);
});
