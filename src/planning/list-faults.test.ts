import assert from "node:assert/strict";
import { test } from "node:test";

import { isShortMarket } from "./list-faults.ts";

test("a market with a tenth fewer rows than codes are listed is short, a small one with more than twenty fewer", () => {
  for (const [rows, listed, isShort] of [
    [5_500, 5_500, false],
    [4_950, 5_500, false],
    [4_949, 5_500, true],
    [280, 300, false],
    [269, 300, true],
    [80, 100, false],
    [79, 100, true],
    [1, 1, false],
    [5_600, 5_500, false],
    // Nothing is published, and nothing is known of the list.
    [0, 5_500, false],
    [5_500, 0, false],
  ] as const) {
    assert.equal(isShortMarket(rows, listed), isShort, `${rows} of ${listed}`);
  }
});
