import assert from "node:assert/strict";
import { test } from "node:test";

import type { RequestProgress } from "../app/app-api.ts";
import { describeProgress } from "./progress-line.ts";

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
  assert.equal(describeProgress(HALF, 3_000), "settled 120/300, 40.0/s, 5 s left, 12 calls, 2 dead letters");
});

test("while a provider is out it says so, and does not say how long the rest takes", () => {
  const outages = [{ provider: "tushare", api: "daily", since: "2026-03-02T01:00:00Z" }];
  assert.equal(
    describeProgress({ ...HALF, outages }, 3_000),
    "settled 120/300, 12 calls, 2 dead letters, tushare daily is out since 2026-03-02T01:00:00Z",
  );
});
