import assert from "node:assert/strict";
import { test } from "node:test";

import { callsTimeMs } from "./calls-time.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;

test("calls that fit into a window take no time, each further window's worth takes a window", () => {
  const limit = { calls: 190, windowMs: MINUTE, used: 0 };
  assert.deepEqual(
    [0, 1, 190, 191, 380, 381].map((calls) => callsTimeMs(calls, [limit]) / MINUTE),
    [0, 0, 0, 1, 1, 2],
  );
});

test("what is used up counts, once, and the slowest limit tells", () => {
  const minute = { calls: 190, windowMs: MINUTE, used: 0 };
  assert.equal(callsTimeMs(1, [{ ...minute, used: 190 }]), MINUTE);
  assert.equal(callsTimeMs(1, [{ ...minute, used: 900 }]), MINUTE);
  assert.equal(callsTimeMs(12, [minute, { calls: 5, windowMs: DAY, used: 3 }]), 2 * DAY);
  assert.equal(callsTimeMs(12, []), 0);
});
