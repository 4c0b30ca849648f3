import assert from "node:assert/strict";
import test from "node:test";

import type { Clock } from "../../base/clock.ts";
import type { ConsumerState, PartitionState } from "../../consumer/consumer-state.ts";
import { LagBook } from "../../health/metrics/lag-book.ts";
import { Metrics } from "../../health/metrics/metrics.ts";
import { Progress } from "../../health/metrics/progress.ts";
import { systemClock } from "../../base/clock.ts";
import { type IdleFacts, isIdle, sampleQueue } from "./sample-queue.ts";

const at = { topic: "t", partition: 0 };
const IDLE: PartitionState = {
  ...at,
  inFlight: 0,
  gap: 0,
  shelved: 0,
  blocking: undefined,
  next: 10n,
  mark: 10n,
  sent: 10n,
};
const BLOCKED: PartitionState = {
  ...IDLE,
  inFlight: 1,
  gap: 2,
  mark: 7n,
  blocking: { offset: 7n, phase: "running", timestampMs: 60_000, forMs: 1_500, stuckMs: 0, isOverdue: false },
};

function stateOf(partitions: readonly PartitionState[], inHand = 0, shelved = 0): ConsumerState {
  const counts = { taken: 9, settled: 8, failed: 0, repeats: 0, strays: 0, late: 0, overdue: 1 };
  return {
    isRebalancing: false,
    inHand,
    running: inHand,
    shelved,
    bytesInHand: 100,
    lanes: 1,
    gap: 0,
    partitions,
    overdue: undefined,
    commit: { underWayForMs: undefined, failingForMs: undefined },
    counts: { ...counts, commits: 4, commitFailures: 2, joins: 1 },
  };
}

function bookOf(end: bigint): LagBook {
  const book = new LagBook(0);
  book.learn([{ ...at, end, committed: 10n, lag: end - 10n }], 0);
  return book;
}

/** Of a worker that holds its partition and learned its lag at the beginning, unless the test says otherwise. */
function isIdleWith(more: Partial<IdleFacts> = {}): boolean {
  return isIdle({
    state: stateOf([IDLE]),
    book: bookOf(10n),
    nowMs: 0,
    isMember: true,
    knownMsMax: 300_000,
    ...more,
  });
}

test("a worker is idle when nothing is in hand and nothing waits", () => {
  assert.equal(isIdleWith(), true);
  assert.equal(isIdleWith({ book: new LagBook(0) }), true, "before the first look");
  assert.equal(isIdleWith({ state: stateOf([BLOCKED], 1) }), false);
  assert.equal(isIdleWith({ state: stateOf([IDLE], 0, 1) }), false, "shelved");
  assert.equal(isIdleWith({ book: bookOf(11n) }), false, "nothing is taken and something waits");
});

test("a worker that has not learned for long what waits is not known to be idle", () => {
  assert.equal(isIdleWith({ nowMs: 300_000 }), true);
  assert.equal(isIdleWith({ nowMs: 300_001 }), false);
  assert.equal(isIdleWith({ nowMs: 300_001, book: new LagBook(0) }), false, "or has never learned it");
});

test("a worker without a partition is idle when others have them, and not when it is in no group and something waits", () => {
  const without = { state: stateOf([]) };
  assert.equal(isIdleWith({ ...without, book: bookOf(500n) }), true, "a spare one");
  assert.equal(isIdleWith({ ...without, book: bookOf(500n), isMember: false }), false);
  const dividing = { ...stateOf([]), isRebalancing: true };
  assert.equal(isIdleWith({ state: dividing, book: bookOf(500n) }), false, "the group does not get on");
  assert.equal(isIdleWith({ ...without, isMember: false }), true, "nothing waits");
});

test("a partition that is given away leaves no series behind", async () => {
  using metrics = new Metrics();
  const clock: Clock = { ...systemClock, nowMs: () => 100_000 };
  const sampling = { metrics: metrics.open, book: bookOf(10n), progress: new Progress(5_000), clock };
  sampleQueue(sampling, stateOf([BLOCKED], 1));
  const held = await metrics.render();
  assert.match(held, /^ginkgo_queue_lag\{topic="t",partition="0"\} 3$/m);
  assert.match(held, /^ginkgo_queue_lag_seconds\{topic="t",partition="0"\} 40$/m);
  assert.match(held, /^ginkgo_queue_blocking_offset\{topic="t",partition="0"\} 7$/m);
  assert.match(held, /^ginkgo_queue_blocking_seconds\{topic="t",partition="0"\} 1.5$/m);
  assert.match(held, /^ginkgo_queue_gap\{topic="t",partition="0"\} 2$/m);
  assert.match(held, /^ginkgo_consumer_commits_total 4$/m);
  assert.match(held, /^ginkgo_consumer_last_progress_timestamp_seconds 5$/m);
  sampleQueue(sampling, stateOf([]));
  const gone = await metrics.render();
  assert.equal(/^ginkgo_queue_(?:lag|lag_seconds|blocking_offset|gap)\{/m.test(gone), false);
  assert.match(gone, /^ginkgo_queue_partitions 0$/m);
  assert.match(gone, /^ginkgo_consumer_commits_total 4$/m, "a count that is kept elsewhere is not added twice");
});
