import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { sizes } from "../../../test/support/sizes.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { DataError } from "../../base/errors.ts";
import { ONE, toRatio } from "./ratio.ts";
import { recoverAmount, recoverPrice } from "./recover.ts";

const times = (numerator: bigint, denominator = 1n): { numerator: bigint; denominator: bigint } => ({
  numerator,
  denominator,
});

test("a price is what the exchange had, before later splits and before a float had it", () => {
  const vectors = [
    ["129.0399932861328", ONE, "129.04"],
    ["75.0875015258789", times(4n), "300.35"],
    ["13.237000465393066", times(40n), "529.48"],
    // 500 over 28, and over a consolidation of ten to one.
    ["17.857143402099609", times(28n), "500"],
    ["5000", times(1n, 10n), "500"],
    ["6.510000228881836", ONE, "6.51"],
    ["490.3999938964844", ONE, "490.4"],
    // A tick of thousandths, and an index beyond what a float holds to the digit.
    ["5.8119997978210449", ONE, "5.812"],
    ["3012.345703125", ONE, "3012.3457"],
    ["0.12340000271797180", ONE, "0.1234"],
    // AAPL in 1980 and MSFT in 1986, rounded to six digits before the float, and AAPL in an answer that was not.
    ["0.1283479928970337", times(224n), "28.75"],
    ["0.1289059966802597", times(224n), "28.875"],
    ["0.12165199965238571", times(224n), "27.25"],
    ["0.08854199945926666", times(288n), "25.5"],
    ["0.1222098246216774", times(224n), "27.375"],
    // No float of 32 bits: a decimal, rounded where it is too long.
    ["5.8119997978", ONE, "5.812"],
    ["244.87", ONE, "244.87"],
    ["1234567.89", ONE, "1234567.89"],
    ["1e-9", ONE, "0"],
    ["-1.5", ONE, "-1.5"],
    ["0", ONE, "0"],
  ] as const;
  for (const [text, ratio, wanted] of vectors) {
    assert.equal(recoverPrice(text, ratio), wanted, text);
  }
});

test("every price of two digits below 100,000 comes back through any split", () => {
  const cents = fc.integer({ min: 1, max: 9_999_999 });
  const split = fc.constantFrom(times(1n), times(2n), times(3n, 2n), times(13n, 10n), times(28n), times(1n, 8n));
  fc.assert(
    fc.property(cents, split, (price, ratio) => {
      const raw = price / 100;
      const wire = Math.fround((raw * Number(ratio.denominator)) / Number(ratio.numerator));
      assert.equal(recoverPrice(`${wire}`, ratio), parseDecimal(raw.toFixed(2)));
    }),
    { seed: sizes.seed, numRuns: sizes.propertyRuns },
  );
});

test("every eighth of a dollar comes back through splits of hundreds, whether it was rounded to six digits or not", () => {
  const eighths = fc.integer({ min: 8, max: 4_000 });
  const split = fc.constantFrom(224n, 288n, 480n, 1_000n);
  fc.assert(
    fc.property(eighths, split, fc.boolean(), (price, shares, isCut) => {
      const adjusted = price / 8 / Number(shares);
      const wire = Math.fround(isCut ? Number(adjusted.toFixed(6)) : adjusted);
      assert.equal(recoverPrice(`${wire}`, times(shares)), parseDecimal((price / 8).toFixed(3)));
    }),
    { seed: sizes.seed, numRuns: sizes.propertyRuns },
  );
});

test("an amount cut at six digits comes back through the splits after it, a short one as it is", () => {
  assert.equal(recoverAmount("0.205", times(4n)), "0.82");
  assert.equal(recoverAmount("0.108929", times(28n)), "3.05");
  assert.equal(recoverAmount("0.2", times(4n)), "0.8");
  assert.equal(recoverAmount("0.001333", ONE), "0.001333");
});

test("what is no number is refused", () => {
  for (const cell of [null, undefined, "NaN", "Infinity", "1e400", "", [], true]) {
    assert.throws(() => recoverPrice(cell, ONE), DataError, JSON.stringify(cell));
  }
});

test("the ratio of a decimal is exact", () => {
  assert.deepEqual(toRatio(parseDecimal("1.25")), { numerator: 125n, denominator: 100n });
});
