import assert from "node:assert/strict";
import test from "node:test";

import { ErrorRun, type Settled } from "./error-run.ts";

const MINUTE = 60_000;

function runOf(...settled: readonly (readonly [what: Settled, atMs: number])[]): ErrorRun {
  const run = new ErrorRun();
  for (const [what, atMs] of settled) {
    run.settled(what, atMs);
  }
  return run;
}

/** One a second from `fromMs` on. */
function failures(count: number, fromMs = 0): readonly (readonly ["failed", number])[] {
  return Array.from({ length: count }, (_, index) => ["failed", fromMs + index * 1_000] as const);
}

test("ten failures within five minutes are a run, nine are none, and the run ends by itself", () => {
  assert.equal(runOf(...failures(9)).at(9_000), undefined);
  const run = runOf(...failures(12));
  assert.deepEqual(run.at(12_000), { failures: 12 });
  // The tenth from the end came after two seconds.
  assert.deepEqual(run.at(2_000 + 5 * MINUTE), { failures: 12 });
  assert.equal(run.at(2_001 + 5 * MINUTE), undefined);
});

test("one that did not fail ends a run, and within five minutes of it there is no other", () => {
  const run = runOf(...failures(12), ["fine", 12_000]);
  assert.equal(run.at(12_000), undefined);
  for (const [what, atMs] of failures(20, 13_000)) {
    run.settled(what, atMs);
  }
  assert.equal(run.at(33_000), undefined);
  for (const [what, atMs] of failures(10, 12_000 + 5 * MINUTE)) {
    run.settled(what, atMs);
  }
  assert.deepEqual(run.at(22_000 + 5 * MINUTE), { failures: 30 });
});

test("failures far apart are no run, however many", () => {
  const run = new ErrorRun();
  for (let count = 0; count < 100; count += 1) {
    run.settled("failed", count * MINUTE);
    assert.equal(run.at(count * MINUTE), undefined);
  }
});
