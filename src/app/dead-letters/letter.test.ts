import assert from "node:assert/strict";
import { test } from "node:test";

import { toLetter } from "./letter.ts";

test("a letter of somebody else's, with a time that is none, can still be listed", () => {
  for (const timestampMs of [-1, 9.2e18, Number.NaN]) {
    const message = {
      topic: "t",
      partition: 0,
      offset: 7n,
      key: undefined,
      value: undefined,
      headers: [],
      timestampMs,
    };
    const { letter } = toLetter(message, new Map());
    assert.equal(letter.at, "");
    assert.equal(letter.place, "0/7");
  }
});
