import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { parseDecimal } from "../../base/decimal.ts";
import { sizes } from "../../../test/support/sizes.ts";
import { varint } from "../../../test/support/tdx-server.ts";
import { GarbledAnswerError } from "./errors.ts";
import {
  ByteReader,
  decodeGbk,
  float32ToDecimal,
  float32ToShortest,
  roundDecimal,
  unpackDate,
  unpackMinuteTime,
} from "./primitives.ts";

function readVarint(hex: string): number {
  const reader = new ByteReader(Buffer.from(hex, "hex"), "a number");
  const value = reader.varint();
  reader.expectEnd();
  return value;
}

function bitsOf(value: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes.readUInt32LE();
}

test("numbers of varying length, the examples of the protocol", () => {
  const examples = { "00": 0, "01": 1, "41": -1, "40": 0, b28c01: 9_010, "880b": 712, c801: -72 };
  for (const [hex, value] of Object.entries(examples)) {
    assert.ok(Object.is(readVarint(hex), value), hex);
  }
});

test("numbers beyond 2^31 and 2^34 come back as they went", () => {
  for (const value of [2 ** 31, 2 ** 34 + 1, -(2 ** 40) - 3, 2 ** 48 - 1, 765_169_500_000]) {
    assert.equal(readVarint(varint(value).toString("hex")), value);
  }
  const whole = fc.integer({ min: -(2 ** 48) + 1, max: 2 ** 48 - 1 });
  fc.assert(
    fc.property(whole, (value) => {
      assert.equal(readVarint(varint(value).toString("hex")), value);
    }),
    { seed: sizes.seed, numRuns: sizes.propertyRuns },
  );
});

test("a number without an end is refused", () => {
  assert.throws(() => readVarint("ffffffffffffffff01"), GarbledAnswerError);
  assert.throws(() => readVarint("ff"), GarbledAnswerError);
});

test("floats of 32 bits become their exact value, whatever the bits", () => {
  const examples: readonly (readonly [number, string])[] = [
    [0, "0"],
    [-0, "0"],
    [3, "3"],
    [0.1, "0.100000001490116119384765625"],
    [12.34, "12.340000152587890625"],
    [320_520_904, "320520896"],
    [1_113_082_036_224, "1113082036224"],
    [-1.5, "-1.5"],
    [3.4028234663852886e38, "340282346638528859811704183484516925440"],
  ];
  for (const [value, text] of examples) {
    assert.equal(float32ToDecimal(bitsOf(value)), text);
  }
  for (const value of [Number.NaN, Infinity, -Infinity]) {
    assert.equal(float32ToDecimal(bitsOf(value)), undefined);
  }
  fc.assert(
    fc.property(
      fc.float({ noNaN: true, noDefaultInfinity: true, min: Math.fround(-1e20), max: Math.fround(1e20) }),
      (value) => {
        // All digits that a text of thirty digits behind the point has; `toFixed` is exact below 10^21.
        const exact = value.toFixed(40).slice(0, -10);
        assert.equal(float32ToDecimal(bitsOf(value)), parseDecimal(exact));
      },
    ),
    { seed: sizes.seed, numRuns: sizes.propertyRuns },
  );
});

test("the shortest decimal of a float is the number it was made from", () => {
  for (const text of ["3.56", "0.615", "2.46", "1.2345", "100", "0", "-0.35", "4850.017"]) {
    assert.equal(float32ToShortest(bitsOf(Number(text))), text);
  }
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 999_999 }), fc.integer({ min: 0, max: 6 }), (digits, places) => {
      const text = parseDecimal((digits / 10 ** places).toFixed(places));
      assert.equal(float32ToShortest(bitsOf(Number(text))), text);
    }),
    { seed: sizes.seed, numRuns: sizes.propertyRuns },
  );
});

test("rounding is half up, away from zero", () => {
  const round = (text: string, places: number): string => roundDecimal(parseDecimal(text), places);
  assert.deepEqual(
    [
      round("12.345", 2),
      round("12.3449999", 2),
      round("-12.345", 2),
      round("0.996", 2),
      round("7", 2),
      round("1.5", 0),
    ],
    ["12.35", "12.34", "-12.35", "1", "7", "2"],
  );
});

test("dates and times of bars", () => {
  assert.deepEqual(unpackMinuteTime(20 * 2_048 + 102, 575), { date: "2024-01-02", minutes: 575 });
  assert.deepEqual(unpackMinuteTime(31 * 2_048 + 1_231, 900), { date: "2035-12-31", minutes: 900 });
  assert.equal(unpackDate(20_240_102), "2024-01-02");
});

test("names end at the first NUL, and half a character at the end is left out", () => {
  assert.equal(decodeGbk(Buffer.from("c6bdb0b2d2f8d0d0", "hex")), "平安银行");
  assert.equal(decodeGbk(Buffer.from("c6bdb0b2d2f8d0", "hex")), "平安银");
  assert.equal(decodeGbk(Buffer.from("c6bd00b0b2", "hex")), "平");
});
