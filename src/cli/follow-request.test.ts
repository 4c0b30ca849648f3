import assert from "node:assert/strict";
import { test } from "node:test";

import type { RequestPlan, RequestProgress } from "../app/app-api.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { describeRequest } from "./follow-request.ts";

const PLAN: RequestPlan = {
  kind: "bars",
  codes: [parseSecurityCode("000001.SZ")],
  frequency: "1d",
  range: { full: false, start: undefined, end: undefined, days: undefined },
  force: false,
  provider: undefined,
  wait: true,
};
const LAST: RequestProgress = {
  requestId: "r",
  total: 1,
  published: 1,
  settled: 1,
  outcomes: { stored: 0, "up-to-date": 0, pending: 0, unexplained: 1, ignored: 0, "dead-letter": 0 },
  rows: { new: 0, same: 0, revised: 0, rejected: 0 },
  calls: 1,
  pendingDays: 0,
  unexplainedDays: 4,
  deadLetters: [],
};

test("days that stay away are called what coverage calls them, and where the reason is to be read", () => {
  for (const [plan, flags] of [
    [PLAN, ""],
    [{ ...PLAN, frequency: "5m" }, " --frequency 5m"],
    [{ ...PLAN, kind: "ticks" }, " --data-set ticks"],
    [{ ...PLAN, kind: "factors" }, " --data-set factors"],
  ] as const) {
    const line = `\n  days unexplained or failed: 4; gdw coverage${flags} says why\n`;
    assert.ok(describeRequest(LAST, plan).includes(line), flags);
  }
});
