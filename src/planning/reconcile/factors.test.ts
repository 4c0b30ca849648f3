import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { sizes } from "../../../test/support/sizes.ts";
import { fromScaled, parseDecimal } from "../../base/decimal.ts";
import { BAOSTOCK_FACTS } from "../../sources/baostock/facts.ts";
import { TUSHARE_FACTS } from "../../sources/tushare/facts.ts";
import { compareFactors, toSignificant } from "./factors.ts";

const STEPS = [TUSHARE_FACTS.factorRounding, BAOSTOCK_FACTS.factorRounding] as const;
const EXACT = [[], []] as const;
const base = (left: string, right: string) => ({ left: parseDecimal(left), right: parseDecimal(right) });

test("levels do not count, what happened since the first common day does", () => {
  assert.equal(compareFactors(["108.031", "11.9"], base("108.031", "11.9"), EXACT).verdict, "equal");
  assert.equal(compareFactors(["216.062", "23.8"], base("108.031", "11.9"), EXACT).verdict, "equal");
  const differs = compareFactors(["216.062", "24.8"], base("108.031", "11.9"), EXACT);
  assert.deepEqual([differs.verdict, differs.ratios], ["different", ["2", "2.08403"]]);
});

test("six digits are held against each other, and the digits that each provider writes are allowed for", () => {
  assert.equal(compareFactors(["2.0000001", "2"], base("1", "1"), EXACT).verdict, "rounded");
  assert.equal(compareFactors(["2.00001", "2"], base("1", "1"), EXACT).verdict, "different");
  // A step of rounding without an event: 111.0487, then 111.049.
  assert.equal(compareFactors(["111.049", "11.949786"], base("111.0487", "11.949786"), STEPS).verdict, "rounded");
  // 1.021 of three digits may be 1.021345; 1.0213 may not be 1.0219.
  assert.equal(compareFactors(["1.021", "1.021345"], base("1", "1"), STEPS).verdict, "rounded");
  assert.equal(compareFactors(["1.0213", "1.021945"], base("1", "1"), STEPS).verdict, "different");
});

test("significant digits are the number's own first ones, rounded half up", () => {
  const digits = (numerator: bigint, denominator: bigint): string => toSignificant(numerator, denominator, 6);
  assert.equal(digits(1n, 3n), "0.333333");
  assert.equal(digits(2n, 3n), "0.666667");
  assert.equal(digits(1_234_567n, 1n), "1234570");
  assert.equal(digits(9_999_999n, 10_000_000n), "1");
  assert.equal(digits(1n, 1_000_000n), "0.000001");
});

test("one history told with another level and fewer digits is never different", () => {
  const events = fc.array(fc.integer({ min: 1_001, max: 3_000 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(events, fc.integer({ min: 1_000, max: 90_000 }), (steps, level) => {
      // Thousandths of a ratio each; the levels are 1 and level ÷ 1000.
      let [numerator, denominator] = [1n, 1n];
      const fraction = (unit: bigint, places: number): string =>
        fromScaled((2n * numerator * unit + denominator) / (2n * denominator), places);
      const told = (): readonly [string, string] => [fraction(BigInt(level) * 10n, 4), fraction(1_000_000n, 6)];
      const first = base(...told());
      for (const step of steps) {
        numerator *= BigInt(step);
        denominator *= 1_000n;
        const [left, right] = told();
        if (left.length > 15 || right.length > 15) {
          return;
        }
        assert.notEqual(compareFactors([left, right], first, STEPS).verdict, "different", `${left} and ${right}`);
      }
    }),
    { numRuns: sizes.propertyRuns },
  );
});
