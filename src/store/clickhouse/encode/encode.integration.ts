import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { suiteOnEngines, type OpenDatabase } from "../../../../test/support/clickhouse-suite.ts";
import { fromScaled, type DecimalText } from "../../../base/decimal.ts";
import { cleanText } from "./clean-text.ts";
import { decimalColumn, nullableDecimalColumn, wholeColumn } from "./decimal-column.ts";
import { encodeNative } from "./native-block.ts";
import { textColumn } from "./text-column.ts";

const never = new AbortController().signal;

interface Row {
  readonly price: DecimalText;
  readonly factor: DecimalText;
  readonly amount: DecimalText | undefined;
  readonly volume: DecimalText;
  readonly name: string;
}

suiteOnEngines("encoding", defineEncodingTests);

function defineEncodingTests(open: OpenDatabase): void {
  test("any decimals and texts come back from the engine as they were given, the extremes included", async (t) => {
    const clickhouse = await open(t, "encoding");
    if (clickhouse === undefined) {
      return;
    }
    const { database } = clickhouse;
    await clickhouse.command(`CREATE DATABASE ${database}`, {}, never);
    await clickhouse.command(
      `CREATE TABLE ${database}.value (id UInt32, price Decimal(18, 4), factor Decimal(18, 8), amount Nullable(Decimal(20, 4)),
       volume Int64, name LowCardinality(String)) ENGINE = MergeTree ORDER BY id`,
      {},
      never,
    );
    const rows = [...extremes(), ...fc.sample(anyRow, 3000)];
    const columns = [
      {
        name: "id",
        type: "UInt32",
        encode: (all: readonly Row[]) => [Buffer.from(Uint32Array.from(all.keys()).buffer)],
      },
      decimalColumn("price", 18, 4, (row: Row) => row.price),
      decimalColumn("factor", 18, 8, (row: Row) => row.factor),
      nullableDecimalColumn("amount", 20, 4, (row: Row) => row.amount),
      wholeColumn("volume", (row: Row) => row.volume),
      textColumn("name", (row: Row) => row.name),
    ];
    const { bytes, bad } = encodeNative(columns, rows, { ingestedAtMs: 0 });
    assert.deepEqual(bad, []);
    await clickhouse.insertEncoded(
      "value",
      columns.map(({ name }) => name),
      { format: "Native", body: bytes, rows: rows.length },
      never,
    );
    const stored = await clickhouse.query(
      `SELECT price, factor, amount, volume, name FROM ${database}.value ORDER BY id`,
      {},
      never,
    );
    assert.deepEqual(
      stored,
      rows.map((row) => ({ ...row, amount: row.amount ?? null, name: cleanText(row.name) })),
    );
  });
}

function decimal(digits: number, scale: number): fc.Arbitrary<DecimalText> {
  return fc.integer({ min: 1, max: digits }).chain((size) => {
    const max = 10n ** BigInt(size) - 1n;
    return fc.bigInt({ min: -max, max }).map((scaled) => fromScaled(scaled, scale));
  });
}

const anyRow: fc.Arbitrary<Row> = fc.record({
  price: decimal(18, 4),
  factor: decimal(18, 8),
  amount: fc.option(decimal(20, 4), { nil: undefined }),
  volume: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => fromScaled(value, 0)),
  name: fc.string({ unit: "binary", maxLength: 20 }),
});

function extremes(): readonly Row[] {
  return [1n, -1n].map((sign) => ({
    price: fromScaled(sign * (10n ** 18n - 1n), 4),
    factor: fromScaled(sign * (10n ** 18n - 1n), 8),
    amount: fromScaled(sign * (10n ** 20n - 1n), 4),
    volume: fromScaled(sign > 0n ? 2n ** 63n - 1n : -(2n ** 63n), 0),
    name: "\u0000",
  }));
}
