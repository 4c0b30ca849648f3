import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { Breaker, type BreakerLimits, type Pass } from "./breaker.ts";

const LIMITS: BreakerLimits = { failuresToOpen: 3, pauses: { waitMs: 100, factor: 2, waitMsMax: 350 } };
const RESET = { why: "reset", statedWaitMs: undefined };

test("so many failures in a row open it, and an answer in between starts the count anew", () => {
  const breaker = new Breaker(LIMITS, () => 1);
  for (const isAnswered of [false, false, true, false, false]) {
    const pass = breaker.admit(0);
    if (isAnswered) {
      breaker.answered(pass);
    } else {
      assert.equal(breaker.failed(pass, RESET, 0), false);
    }
  }
  assert.equal(breaker.word, "closed");
  assert.equal(breaker.failed(breaker.admit(7), RESET, 7), true);
  assert.deepEqual([breaker.word, breaker.outSinceMs, breaker.waitMs(7)], ["open", 7, 100]);
  assert.throws(() => breaker.admit(106), RangeError);
});

test("after the pause exactly one call goes; failing it doubles the pause up to the longest, answering it closes", () => {
  const breaker = opened();
  const pauses: number[] = [];
  let nowMs = 0;
  for (let probe = 0; probe < 4; probe += 1) {
    pauses.push(breaker.waitMs(nowMs));
    nowMs += breaker.waitMs(nowMs);
    const pass = breaker.admit(nowMs);
    assert.equal(breaker.word, "half-open");
    assert.equal(breaker.waitMs(nowMs), Infinity);
    assert.throws(() => breaker.admit(nowMs), RangeError);
    assert.equal(breaker.failed(pass, RESET, nowMs), false, "it was out already");
  }
  assert.deepEqual(pauses, [100, 200, 350, 350]);
  assert.equal(breaker.outSinceMs, 0);
  nowMs += breaker.waitMs(nowMs);
  assert.equal(breaker.answered(breaker.admit(nowMs)), true);
  assert.deepEqual([breaker.word, breaker.outSinceMs, breaker.waitMs(nowMs)], ["closed", undefined, 0]);
});

test("pauses are full jitter", () => {
  assert.equal(opened(() => 0.25).waitMs(0), 25);
  assert.equal(opened(() => 0).waitMs(0), 0);
});

test("a wait that the provider states opens it at once for just that long", () => {
  const breaker = new Breaker(LIMITS, () => 1);
  assert.equal(breaker.failed(breaker.admit(0), { why: "429", statedWaitMs: 60_000 }, 0), true);
  assert.equal(breaker.waitMs(1), 59_999);
  const probe = breaker.admit(60_000);
  breaker.failed(probe, { why: "banned", statedWaitMs: 1_800_000 }, 60_100);
  assert.equal(breaker.waitMs(60_100), 1_800_000);
});

test("calls that were under way when it opened change nothing, but a wait they were told of prolongs the pause", () => {
  const breaker = new Breaker(LIMITS, () => 1);
  const early = [breaker.admit(0), breaker.admit(0), breaker.admit(0)] as const;
  for (let failures = 0; failures < 3; failures += 1) {
    breaker.failed(breaker.admit(0), RESET, 0);
  }
  assert.equal(breaker.answered(early[0]), false);
  assert.equal(breaker.failed(early[1], RESET, 50), false);
  assert.equal(breaker.waitMs(50), 50);
  breaker.failed(early[2], { why: "429", statedWaitMs: 1_000 }, 50);
  assert.equal(breaker.waitMs(50), 1_000);
});

test("a probe that came to nothing leaves its place to the next call", () => {
  const breaker = opened();
  breaker.withdrawn(breaker.admit(100));
  assert.deepEqual([breaker.word, breaker.waitMs(100)], ["half-open", 0]);
  assert.equal(breaker.answered(breaker.admit(100)), true);
});

test("whatever happens, no call goes before the pause is over, and never two while it is out", () => {
  const step = fc.record({
    act: fc.constantFrom("admit", "answer", "fail", "state", "withdraw"),
    which: fc.nat(5),
    ms: fc.nat(200),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const breaker = new Breaker(LIMITS, () => 0.5);
      const out: { readonly pass: Pass; readonly isProbe: boolean }[] = [];
      let nowMs = 0;
      for (const { act, which, ms } of steps) {
        nowMs += ms;
        if (act === "admit") {
          if (breaker.waitMs(nowMs) === 0) {
            const isProbe = breaker.word !== "closed";
            out.push({ pass: breaker.admit(nowMs), isProbe });
          }
        } else {
          const [ended] = out.splice(which % Math.max(1, out.length), 1);
          if (ended === undefined) {
            continue;
          }
          const before = { word: breaker.word, isCurrent: breaker.isCurrent(ended.pass) };
          if (act === "answer") {
            breaker.answered(ended.pass);
          } else if (act === "withdraw") {
            breaker.withdrawn(ended.pass);
          } else {
            breaker.failed(ended.pass, { why: act, statedWaitMs: act === "state" ? ms : undefined }, nowMs);
          }
          // Only the probe ends an outage.
          assert.ok(before.word === "closed" || breaker.word !== "closed" || (ended.isProbe && before.isCurrent));
        }
        assert.ok(out.filter(({ pass, isProbe }) => isProbe && breaker.isCurrent(pass)).length <= 1);
        assert.equal(breaker.outSinceMs === undefined, breaker.word === "closed");
      }
    }),
    { seed: 20_260_302, numRuns: 2_000 },
  );
});

function opened(random: () => number = () => 1): Breaker {
  const breaker = new Breaker(LIMITS, random);
  for (let failures = 0; failures < LIMITS.failuresToOpen; failures += 1) {
    breaker.failed(breaker.admit(0), RESET, 0);
  }
  return breaker;
}
