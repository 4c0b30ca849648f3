import assert from "node:assert/strict";
import { test } from "node:test";

import { divideHalfUp, exRightPrice, limitsOf, nextFactorE4 } from "./price-rules.ts";

const CASH_ONLY = { bonusTenthsPer10: 0, rightsTenthsPer10: 0, rightsPriceCents: 0 };

test("halves are rounded up, also below zero", () => {
  assert.deepEqual(
    [divideHalfUp(5, 10), divideHalfUp(4, 10), divideHalfUp(15, 10), divideHalfUp(-5, 10), divideHalfUp(-6, 10)],
    [1, 0, 2, 0, -1],
  );
  assert.throws(() => divideHalfUp(2 ** 53, 3), RangeError);
  assert.throws(() => divideHalfUp(1, 0), RangeError);
});

test("limit prices equal the recorded ones of 2019-06-25", () => {
  // Tushare page, golden sample (b): pre_close, up_limit, down_limit of five securities.
  const recorded = [
    [1369, 1506, 1232],
    [2813, 3094, 2532],
    [2286, 2515, 2057],
    [317, 349, 285],
    [558, 614, 502],
  ] as const;
  for (const [preClose, up, down] of recorded) {
    assert.deepEqual(limitsOf(preClose, 10), { upCents: up, downCents: down });
  }
});

test("a price of a few cents can still move by one tick", () => {
  assert.deepEqual(limitsOf(3, 5), { upCents: 4, downCents: 2 });
  assert.deepEqual(limitsOf(1, 5), { upCents: 2, downCents: 1 });
});

test("the ex-right price follows the exchange's formula", () => {
  // 000001.SZ 2021-05-14: close 23.07, 1.80 yuan for ten shares, reference price 22.89.
  assert.equal(exRightPrice(2307, { cashCentsPer10: 180, ...CASH_ONLY }), 2289);
  // 000001.SZ 2013-06-20: close 19.24, 1.70 yuan and 6 bonus shares for ten, reference price 11.92.
  assert.equal(exRightPrice(1924, { ...CASH_ONLY, cashCentsPer10: 170, bonusTenthsPer10: 60 }), 1192);
  // Three rights for ten at 5.00 over a close of 10.00: (100 + 15) ÷ 13 = 8.846…
  assert.equal(
    exRightPrice(1000, { cashCentsPer10: 0, bonusTenthsPer10: 0, rightsTenthsPer10: 30, rightsPriceCents: 500 }),
    885,
  );
});

test("a recorded factor step is close before ÷ reference price", () => {
  // 000001.SZ: 109.1694 → 111.0487 on 2020-05-28 (13.00 → 12.78), → 111.922 on 2021-05-14 (23.07 → 22.89).
  assert.equal(nextFactorE4(1_091_694, 1300, 1278), 1_110_487);
  assert.equal(nextFactorE4(1_110_487, 2307, 2289), 1_119_220);
});
