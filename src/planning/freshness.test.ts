import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../domain/day.ts";
import { isStale, judgeFreshness, lastFetchedAtMs, REFERENCE_AGE_MS_MAX } from "./freshness.ts";

const nowMs = 1_764_000_000_000;

test("a list that was never fetched or is older than 20 h must be fetched", () => {
  assert.equal(isStale(undefined, nowMs), true);
  assert.equal(isStale(nowMs - REFERENCE_AGE_MS_MAX, nowMs), false);
  assert.equal(isStale(nowMs - REFERENCE_AGE_MS_MAX - 1, nowMs), true);
  assert.deepEqual(judgeFreshness({ calendarFetchedAtMs: nowMs, stockListFetchedAtMs: undefined }, nowMs), {
    needsCalendar: false,
    needsStockList: true,
  });
});

test("the ledger tells when a list was last fetched", () => {
  const day = parseDay("2025-01-02");
  const evidence = { provider: "tushare", callId: "c", note: "" } as const;
  const older = { from: day, to: day, state: "present", evidence: { ...evidence, version: 5_000_000n } } as const;
  const newer = { ...older, evidence: { ...evidence, version: 7_000_999n } };
  assert.equal(lastFetchedAtMs([newer, older]), 7_000);
  assert.equal(lastFetchedAtMs([{ ...newer, state: "failed" }]), undefined);
});
