import assert from "node:assert/strict";
import { test } from "node:test";

import { array, assert as assertProperty, integer, property } from "fast-check";

import { LIMIT_DEFAULT, LimitGate, type LimitRule } from "./limit-gate.ts";
import { RequestLog } from "./request-log.ts";

const SLIDING: LimitRule = { ...LIMIT_DEFAULT, calls: 3, windowMs: 1_000 };
const CLOCK: LimitRule = { ...SLIDING, kind: "clock" };

test("a sliding limit grants at most its calls in any window, wherever it begins", () => {
  assertProperty(
    property(array(integer({ min: 0, max: 900 }), { maxLength: 60 }), (gapsMs) => {
      const gate = new LimitGate([SLIDING], false);
      const log = new RequestLog(1_000);
      let nowMs = 5_000;
      let refused = 0;
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        if (gate.admit("t", "daily", nowMs) === undefined) {
          log.open(nowMs, "daily", {});
        } else {
          refused += 1;
        }
      }
      assert.ok(log.maxCallsInAnyWindow(SLIDING.windowMs) <= SLIDING.calls);
      assert.equal(log.requests.length + refused, gapsMs.length);
    }),
  );
});

test("a sliding limit opens again exactly when its window has passed", () => {
  const gate = new LimitGate([SLIDING], false);
  const granted = [0, 10, 20, 999, 1_000, 1_009, 1_010].map((ms) => gate.admit("t", "daily", 5_000 + ms) === undefined);
  assert.deepEqual(granted, [true, true, true, false, true, false, true]);
});

test("a clock limit starts anew at each full window, so twice as many fit around its edge", () => {
  const gate = new LimitGate([CLOCK], false);
  const granted = [1_990, 1_991, 1_992, 1_993, 2_000, 2_001, 2_002, 2_003].map(
    (ms) => gate.admit("t", "daily", ms) === undefined,
  );
  assert.deepEqual(granted, [true, true, true, false, true, true, true, false]);
});

test("a day's limit starts anew at midnight in Beijing", () => {
  const gate = new LimitGate([{ ...CLOCK, calls: 1, windowMs: 86_400_000, unit: "day" }], false);
  const granted = ["2024-01-02T15:59:58Z", "2024-01-02T15:59:59Z", "2024-01-02T16:00:00Z"].map(
    (text) => gate.admit("t", "daily", Date.parse(text)) === undefined,
  );
  assert.deepEqual(granted, [true, false, true]);
});

test("tokens and apis are counted apart, a rule may be for one api only", () => {
  const gate = new LimitGate(
    [
      { ...SLIDING, calls: 1, api: "stock_basic" },
      { ...SLIDING, calls: 2 },
    ],
    false,
  );
  assert.equal(gate.admit("a", "stock_basic", 0), undefined);
  assert.equal(gate.admit("a", "stock_basic", 1)?.calls, 1);
  assert.equal(gate.admit("b", "stock_basic", 2), undefined);
  assert.equal(gate.admit("a", "daily", 3), undefined);
  assert.equal(gate.admit("a", "daily", 4), undefined);
  assert.equal(gate.admit("a", "daily", 5)?.calls, 2);
});

test("refused calls count only where the gate is told so", () => {
  const times = [0, 1, 2, 900, 1_001];
  const grantedBy = (countsRefused: boolean): readonly boolean[] => {
    const gate = new LimitGate([{ ...SLIDING, calls: 1 }], countsRefused);
    return times.map((ms) => gate.admit("t", "daily", ms) === undefined);
  };
  assert.deepEqual(grantedBy(false), [true, false, false, false, true]);
  assert.deepEqual(grantedBy(true), [true, false, false, false, false]);
});

test("the log finds the fullest window and keeps the newest calls", () => {
  const log = new RequestLog(5);
  [0, 500, 999, 1_000, 1_400, 5_000].forEach((ms) =>
    log.open(ms, ms === 1_400 ? "trade_cal" : "daily", { token: "secret", a: 1 }),
  );
  assert.equal(log.requests.length, 5);
  assert.deepEqual(log.requests[0]?.params, { a: 1 });
  assert.equal(log.maxCallsInAnyWindow(1_000), 3);
  assert.equal(log.maxCallsInAnyWindow(500), 2);
  assert.equal(log.maxCallsInAnyWindow(1_000, "trade_cal"), 1);
  assert.equal(log.maxCallsInAnyWindow(1_000, "adj_factor"), 0);
});
