import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { fromScaled, parseDecimal, toScaled, type DecimalText } from "../../../base/decimal.ts";
import type { BadValue, ColumnEncoder } from "./column.ts";
import { decimalColumn, nullableDecimalColumn, wholeColumn } from "./decimal-column.ts";

const itself = (text: DecimalText) => text;

test("every decimal that fits is its scaled integer, short ones and long ones, of either sign", () => {
  const shapes = [
    { precision: 18, scale: 4 },
    { precision: 18, scale: 8 },
    { precision: 20, scale: 4 },
    { precision: 38, scale: 10 },
  ];
  for (const { precision, scale } of shapes) {
    const column = decimalColumn("price", precision, scale, itself);
    const max = 10n ** BigInt(precision) - 1n;
    const anySize = fc.integer({ min: 0, max: precision }).chain((digits) => {
      const bound = 10n ** BigInt(digits) - 1n;
      return fc.bigInt({ min: -bound, max: bound });
    });
    fc.assert(
      fc.property(fc.array(anySize, { minLength: 1, maxLength: 20 }), (scaled) => {
        const texts = [...scaled, max, -max, 0n].map((value) => fromScaled(value, scale));
        const bad: BadValue[] = [];
        assert.deepEqual(decode(column, texts, bad), [...scaled, max, -max, 0n]);
        assert.deepEqual(bad, []);
      }),
    );
  }
});

test("whole numbers keep all 64 bits", () => {
  const column = wholeColumn("volume", itself);
  const values = [
    0n,
    1n,
    -1n,
    9_007_199_254_740_993n,
    4_294_967_295n,
    4_294_967_296n,
    -4_294_967_296n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ];
  assert.deepEqual(
    decode(
      column,
      values.map((value) => fromScaled(value, 0)),
      [],
    ),
    values,
  );
});

test("what does not fit is reported with its row, column and value, and leaves its neighbours alone", () => {
  const bad: BadValue[] = [];
  const column = decimalColumn("close", 18, 4, itself);
  const texts = [
    "1",
    "0.00001",
    "100000000000000",
    "abc",
    "",
    "-",
    "1.",
    "1e3",
    "2",
  ] as readonly string[] as readonly DecimalText[];
  const values = decode(column, texts, bad);
  assert.equal(values[0], 10_000n);
  assert.equal(values[8], 20_000n);
  assert.deepEqual(
    bad.map(({ index, detail }) => [index, detail]),
    [
      [1, 'close "0.00001" has more than 4 digits behind the point'],
      [2, 'close "100000000000000" does not fit Decimal(18, 4)'],
      [3, 'close "abc" is not a decimal number'],
      [4, 'close "" is not a decimal number'],
      [5, 'close "-" is not a decimal number'],
      [6, 'close "1." is not a decimal number'],
      [7, 'close "1e3" is not a decimal number'],
    ],
  );
  const overflow: BadValue[] = [];
  decode(wholeColumn("volume", itself), [parseDecimal("9223372036854775808"), parseDecimal("0.5")], overflow);
  assert.deepEqual(
    overflow.map(({ index }) => index),
    [0, 1],
  );
});

test("an absent value is NULL where the column may be, and a bad value where it may not", () => {
  const nullable = nullableDecimalColumn("amount", 20, 4, (text: DecimalText | undefined) => text);
  const [nulls, values] = nullable.encode([undefined, parseDecimal("-1.5")], { ingestedAtMs: 0 }, []);
  assert.deepEqual([...(nulls ?? [])], [1, 0]);
  assert.equal(values?.readBigInt64LE(16), -15_000n);
  assert.equal(values?.readBigInt64LE(24), -1n);
  const bad: BadValue[] = [];
  decimalColumn("close", 18, 4, (text: DecimalText) => text).encode([undefined as never], { ingestedAtMs: 0 }, bad);
  assert.equal(bad.length, 1);
});

test("the fast way and the exact way agree at every length of digits", () => {
  const column = decimalColumn("price", 18, 4, itself);
  const texts = Array.from({ length: 14 }, (_, digits) => parseDecimal(`${"9".repeat(digits + 1)}.${"9".repeat(4)}`));
  assert.deepEqual(
    decode(column, texts, []),
    texts.map((text) => toScaled(text, 4)),
  );
});

function decode(column: ColumnEncoder<DecimalText>, texts: readonly DecimalText[], bad: BadValue[]): readonly bigint[] {
  const [bytes] = column.encode(texts, { ingestedAtMs: 0 }, bad);
  assert.ok(bytes !== undefined);
  const width = bytes.length / texts.length;
  return texts.map((_, index) =>
    width === 8
      ? bytes.readBigInt64LE(index * 8)
      : (bytes.readBigInt64LE(index * 16 + 8) << 64n) + bytes.readBigUInt64LE(index * 16),
  );
}
