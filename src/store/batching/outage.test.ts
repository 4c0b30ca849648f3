import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../../base/clock.ts";
import { Outage } from "./outage.ts";

function outageAt() {
  let nowMs = 100;
  const outage = new Outage({ ...systemClock, elapsedMs: () => nowMs });
  return { outage, passes: (ms: number) => (nowMs += ms) };
}

test("what passes at once is no outage", () => {
  const { outage, passes } = outageAt();
  const trying = outage.begin();
  passes(500);
  trying.end();
  assert.deepEqual(
    [outage.isAway, outage.totalMs, outage.awayForMs, outage.lastError],
    [false, 0, undefined, undefined],
  );
});

test("an outage lasts from the first try that failed to the next that passed", () => {
  const { outage, passes } = outageAt();
  const trying = outage.begin();
  passes(10);
  trying.failed(new Error("refused"));
  assert.deepEqual([outage.isAway, outage.awayForMs, outage.lastError], [true, 10, "refused"]);
  passes(20);
  trying.failed(new Error("reset"));
  assert.deepEqual([outage.totalMs, outage.lastError], [30, "reset"]);
  passes(5);
  trying.end();
  assert.deepEqual([outage.isAway, outage.totalMs, outage.lastError], [false, 35, undefined]);
  passes(1_000);
  assert.equal(outage.totalMs, 35);
});

test("the time of several that fail counts once, and it is over when none of them fails", () => {
  const { outage, passes } = outageAt();
  const [one, other, good] = [outage.begin(), outage.begin(), outage.begin()];
  passes(10);
  one.failed(new Error("1"));
  other.failed(new Error("2"));
  passes(10);
  good.end();
  one.end();
  assert.deepEqual([outage.isAway, outage.lastError], [true, "2"]);
  passes(10);
  other.end();
  assert.deepEqual([outage.isAway, outage.totalMs], [false, 30]);
});

test("no moment counts twice, however long a try has taken that fails after an outage ended", () => {
  const { outage, passes } = outageAt();
  const slow = outage.begin();
  const quick = outage.begin();
  quick.failed(new Error("1"));
  passes(10);
  quick.end();
  passes(5);
  slow.failed(new Error("2"));
  slow.end();
  assert.equal(outage.totalMs, 15);
});
