import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { createAdjustment } from "./adjust-prices.ts";
import type { ExEvent } from "./akshare-data.ts";

function event(day: string, terms: Partial<ExEvent["terms"]>): ExEvent {
  return {
    day: parseDay(day),
    terms: { cashCentsPer10: 0, bonusTenthsPer10: 0, rightsTenthsPer10: 0, rightsPriceCents: 0, ...terms },
  };
}

test("seven dividends of 000001 take 1.35 yuan off, as AKShare's documentation (MIT) shows", () => {
  const events = [158, 136, 145, 218, 180, 228, 285].map((cash, index) =>
    event(`20${18 + index}-06-01`, { cashCentsPer10: cash }),
  );
  const price = createAdjustment(events, "forward", 2);
  assert.deepEqual(
    [9490, 9430, 9410].map((milli) => price(milli, parseDay("2017-01-03"))),
    [814n, 808n, 806n],
  );
  assert.equal(price(9490, parseDay("2024-06-01")), 949n);
  assert.equal(createAdjustment(events, "none", 2)(9490, parseDay("2017-01-03")), 949n);
});

test("an event counts from its own day on, and backward is the inverse of forward", () => {
  const events = [
    event("2024-06-03", { cashCentsPer10: 200, bonusTenthsPer10: 50 }),
    event("2025-06-03", { rightsTenthsPer10: 30, rightsPriceCents: 500 }),
  ];
  const [forward, backward] = [createAdjustment(events, "forward", 2), createAdjustment(events, "backward", 2)];
  // (10 × 17 − 2) ÷ 15 = 11.2; (10 × 11.2 + 5 × 3) ÷ 13 = 9.769…
  assert.equal(forward(17_000, parseDay("2024-05-31")), 977n);
  assert.equal(forward(11_200, parseDay("2024-06-03")), 977n);
  assert.equal(forward(9_770, parseDay("2025-06-03")), 977n);
  assert.equal(backward(17_000, parseDay("2024-05-31")), 1700n);
  assert.equal(backward(11_200, parseDay("2024-06-03")), 1700n);
  // (9.77 × 13 − 15) ÷ 10 = 11.201; (11.201 × 15 + 2) ÷ 10 = 17.0015
  assert.equal(backward(9_770, parseDay("2025-06-03")), 1700n);
});

test("prices far back may be zero or below", () => {
  const price = createAdjustment([event("2024-06-03", { cashCentsPer10: 9000 })], "forward", 2);
  assert.deepEqual([price(9000, parseDay("2024-05-31")), price(8500, parseDay("2024-05-31"))], [0n, -50n]);
});
