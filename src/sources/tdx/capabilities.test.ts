import assert from "node:assert/strict";
import { test } from "node:test";

import { tdxCapabilities } from "./source.ts";

test("nothing of a day is complete while trades after the close go on, which is until 15:30", () => {
  for (const { dataSet, frequency, completeFrom } of tdxCapabilities()) {
    assert.ok(completeFrom > "15:30", `${dataSet} at ${frequency}: ${completeFrom}`);
  }
});

test("bars of minutes begin in the first year that their time can say", () => {
  for (const { dataSet, frequency, since } of tdxCapabilities()) {
    if (dataSet === "bars") {
      assert.equal(since, frequency === "1d" ? undefined : "2004-01-01", frequency);
    }
  }
});
