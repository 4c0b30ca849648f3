import assert from "node:assert/strict";
import test from "node:test";

import { drawCandles } from "./candles.ts";

test("a rising, a falling and a flat day are drawn between the highest and the lowest price", () => {
  const rows = drawCandles(
    [
      { open: 10, high: 14, low: 10, close: 12 },
      { open: 13, high: 13.9, low: 10.5, close: 11 },
      { open: 12.5, high: 12.5, low: 12.5, close: 12.5 },
    ],
    4,
  );
  assert.deepEqual(rows, ["    14.00 ││", "          │█┃", "          ┃█", "    10.00 ┃█"]);
});

test("prices that never move are one line, and no candles are no picture", () => {
  const flat = { open: 5, high: 5, low: 5, close: 5 };
  assert.deepEqual(drawCandles([flat, flat], 1), ["     5.00 ┃┃"]);
  assert.deepEqual(drawCandles([], 5), []);
});
