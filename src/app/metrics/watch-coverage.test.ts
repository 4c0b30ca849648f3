import assert from "node:assert/strict";
import test from "node:test";

import { silentLog } from "../../base/log.ts";
import { Metrics } from "../../health/metrics/metrics.ts";
import { addCounts } from "../../planning/coverage.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { CoverageReport } from "../app-api.ts";
import { watchCoverage } from "./watch-coverage.ts";

const HALF_HOUR_MS = 1_800_000;

function reportOf(expected: number, more: Partial<CoverageReport["counts"]>): CoverageReport {
  return {
    market: "CN",
    tradingDays: undefined,
    otherMarkets: [],
    dataSet: "bars",
    frequency: "1d",
    range: undefined,
    expected,
    counts: { ...addCounts([]), ...more },
    codes: [],
    unknownCodes: [],
    neverAsked: 0,
    goneCodes: 0,
    overdue: undefined,
    codesNotCompared: 0,
    rowsUnknown: 0,
    isExplained: false,
    freshness: undefined,
    warning: undefined,
  };
}

test("coverage is read beside the work, and served with its age until it is read again", async () => {
  using metrics = new Metrics();
  const clock = new ManualClock();
  let reads = 0;
  await using watch = watchCoverage({
    metrics: metrics.open,
    read: async (dataSet) => {
      reads += 1;
      return dataSet === "bars" ? reportOf(200, { present: 195, "no-trade": 3, failed: 2 }) : reportOf(0, {});
    },
    mayRead: () => true,
    everyMs: HALF_HOUR_MS,
    clock,
    log: silentLog,
  });
  metrics.sampling(() => watch.sample());
  await clock.advance(29_000);
  assert.equal(reads, 0, "not while the worker starts");
  assert.doesNotMatch(await metrics.render(), /^ginkgo_coverage_(?:ratio|age_seconds)\{/m);
  await clock.advance(61_000);
  const text = await metrics.render();
  assert.match(text, /^ginkgo_coverage_ratio\{data_set="bars"\} 0.99$/m);
  assert.doesNotMatch(text, /ginkgo_coverage_ratio\{data_set="adjustment-factors"\}/, "nothing was asked for");
  assert.match(text, /^ginkgo_coverage_expected\{data_set="bars",state="failed"\} 2$/m);
  assert.match(text, /^ginkgo_coverage_age_seconds\{data_set="bars"\} 60$/m);
  await clock.advance(HALF_HOUR_MS - 61_000);
  assert.equal(reads, 2);
  await clock.advance(61_000);
  assert.equal(reads, 4);
});

test("a reading that takes long is followed by a longer pause", async () => {
  using metrics = new Metrics();
  const clock = new ManualClock();
  let reads = 0;
  await using _ = watchCoverage({
    metrics: metrics.open,
    read: async (_dataSet, signal) => {
      reads += 1;
      await clock.sleep(50_000, signal);
      return reportOf(1, { present: 1 });
    },
    mayRead: () => true,
    everyMs: 60_000,
    clock,
    log: silentLog,
  });
  await clock.advance(30_000 + 100_000 + 390_000);
  assert.equal(reads, 2, "100 s of reading want 500 s of pause");
  await clock.advance(200_000);
  assert.equal(reads, 4);
});

test("a reading that fails is counted, and the last one stays with its age; while the store is away none is tried", async () => {
  using metrics = new Metrics();
  const clock = new ManualClock();
  let isThere = true;
  let fails = false;
  let reads = 0;
  await using watch = watchCoverage({
    metrics: metrics.open,
    read: async () => {
      reads += 1;
      if (fails) {
        throw new Error("no");
      }
      return reportOf(4, { present: 4 });
    },
    mayRead: () => isThere,
    everyMs: 10_000,
    clock,
    log: silentLog,
  });
  metrics.sampling(() => watch.sample());
  await clock.advance(10_000);
  fails = true;
  await clock.advance(10_000);
  const text = await metrics.render();
  assert.match(text, /^ginkgo_coverage_failures_total\{data_set="bars"\} 1$/m);
  assert.match(text, /^ginkgo_coverage_ratio\{data_set="bars"\} 1$/m);
  assert.match(text, /^ginkgo_coverage_age_seconds\{data_set="bars"\} 10$/m);
  isThere = false;
  await clock.advance(60_000);
  assert.equal(reads, 4);
});
