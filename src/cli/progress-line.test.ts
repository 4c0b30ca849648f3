import assert from "node:assert/strict";
import { test } from "node:test";

import type { RequestProgress } from "../app/app-api.ts";
import { StillClock } from "../../test/support/still-clock.ts";
import { createProgressLine, describeProgress } from "./progress-line.ts";

const HALF: RequestProgress = {
  requestId: "r",
  total: 300,
  published: 300,
  settled: 120,
  outcomes: { stored: 118, "up-to-date": 0, pending: 0, unexplained: 0, ignored: 0, "dead-letter": 2 },
  rows: { new: 0, same: 0, revised: 0, rejected: 0 },
  calls: 12,
  pendingDays: 0,
  unexplainedDays: 0,
  deadLetters: [],
};

test("how long the rest takes is told from how fast it went", () => {
  assert.equal(describeProgress(HALF, 3_000), "settled 120/300 after 3 s, 40.0/s, 5 s left, 12 calls, 2 dead letters");
});

test("while a provider is out it says so, and does not say how long the rest takes", () => {
  const outages = [{ provider: "tushare", api: "daily", since: "2026-03-02T01:00:00Z" }];
  assert.equal(
    describeProgress({ ...HALF, outages }, 3_000),
    "settled 120/300 after 3 s, tushare daily is out since 2026-03-02T01:00:00Z, 12 calls, 2 dead letters",
  );
});

test("what is asked of the providers is said, and of one that is out only that", () => {
  const calls = { provider: "tushare", api: "daily", underWay: 0, waiting: 3 };
  const callsNow = [calls, { provider: "baostock", api: "baostock", underWay: 1, waiting: 1 }];
  const nothing = { ...HALF, settled: 0, calls: 0, outcomes: { ...HALF.outcomes, "dead-letter": 0 }, callsNow };
  assert.equal(
    describeProgress(nothing, 725_000),
    "settled 0/300 after 12 min, tushare daily: 3 calls wait for its budget, " +
      "baostock: 1 call under way and 1 call waits for its budget, 0 calls",
  );
  const outages = [{ provider: "tushare", api: "daily", since: "2026-03-02T01:00:00Z" }];
  assert.equal(
    describeProgress({ ...nothing, outages, callsNow: [calls] }, 5_000),
    "settled 0/300 after 5 s, tushare daily is out since 2026-03-02T01:00:00Z, 0 calls",
  );
});

test("a request that goes on is shown in its place on a terminal, cut to its width, and elsewhere twice a minute", () => {
  const shown = (isTTY: boolean): readonly string[] => {
    const clock = new StillClock();
    const pieces: string[] = [];
    const line = createProgressLine({ write: (piece) => pieces.push(String(piece)), isTTY, columns: 24 }, clock);
    for (; clock.elapsed <= 60_000; clock.elapsed += 1_000) {
      line.show({ ...HALF, settled: 0 });
    }
    return pieces;
  };
  assert.deepEqual(
    shown(false).map((line) => /^settled 0\/300 after \d+ s/.exec(line)?.[0]),
    ["settled 0/300 after 0 s", "settled 0/300 after 30 s", "settled 0/300 after 60 s"],
  );
  assert.equal(shown(true).length, 61);
  assert.equal(shown(true)[59], "\r\u{1b}[2Ksettled 0/300 after 59…");
});
