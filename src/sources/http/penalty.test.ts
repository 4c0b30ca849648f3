import assert from "node:assert/strict";
import { test } from "node:test";

import { Penalty } from "./penalty.ts";

test("requests that were under way when the first refusal came count with it", () => {
  const penalty = new Penalty({ firstMs: 60, lastMs: 1_000 });
  assert.equal(penalty.refused(0, 10), 60);
  assert.equal(penalty.refused(5, 11), 60);
  penalty.succeeded(6);
  assert.equal(penalty.refused(70, 75), 120, "an answer to an older request changes nothing");
  penalty.succeeded(200);
  assert.equal(penalty.refused(300, 310), 60);
});

test("a wait grows up to its bound, and the first one is within it too", () => {
  const penalty = new Penalty({ firstMs: 10, lastMs: 25 });
  assert.deepEqual(
    [1, 2, 3, 4].map((atMs) => penalty.refused(atMs, atMs)),
    [10, 20, 25, 25],
  );
  assert.equal(new Penalty({ firstMs: 60, lastMs: 25 }).refused(0, 0), 25);
});
