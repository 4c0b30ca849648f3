import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { fixedText } from "../decimal-text.ts";
import { ratioOf } from "./ratio-of.ts";
import { createAdjustment, percentText, priceText } from "./k-lines.ts";

test("adjusted prices are the recorded ones: price times factor, to ten decimals", () => {
  assert.equal(priceText(6_630, 936_211, "2"), "6.2070789300");
  assert.equal(priceText(6_600, 936_211, "2"), "6.1789926000");
  assert.equal(priceText(6_630, 1_000_000, "3"), "6.6300");
  assert.deepEqual([percentText(6_600 - 6_620, 6_620), percentText(6_640 - 6_600, 6_600)], ["-0.302100", "0.606100"]);
});

test("each day's factor is that of the newest event on or before it", () => {
  const events = [
    { day: parseDay("2025-02-03"), factorE4: 20_000 },
    { day: parseDay("2025-06-03"), factorE4: 50_000 },
  ];
  const days = ["2025-02-02", "2025-02-03", "2025-06-02", "2025-06-03"].map((day) => parseDay(day));
  const factors = (flag: "1" | "2" | "3", until: string): readonly number[] =>
    days.map(createAdjustment(events, flag, parseDay(until)).factorE6);
  assert.deepEqual(factors("1", "2025-12-31"), [1_000_000, 2_000_000, 2_000_000, 5_000_000]);
  assert.deepEqual(factors("2", "2025-12-31"), [200_000, 400_000, 400_000, 1_000_000]);
  assert.deepEqual(factors("2", "2025-06-02"), [500_000, 1_000_000, 1_000_000, 1_000_000]);
  assert.deepEqual(factors("3", "2025-12-31"), [1_000_000, 1_000_000, 1_000_000, 1_000_000]);
});

test("numbers are padded and rounded as exact text", () => {
  assert.deepEqual(
    [fixedText(5, 2), fixedText(-5, 2), fixedText(12_345, 0), fixedText(0, 3)],
    ["0.05", "-0.05", "12345", "0.000"],
  );
  assert.deepEqual(
    [ratioOf(1, 2, 0), ratioOf(-1, 2, 0), ratioOf(1, 3, 4), ratioOf(-2, 3, 4)],
    [1n, -1n, 3333n, -6667n],
  );
});
