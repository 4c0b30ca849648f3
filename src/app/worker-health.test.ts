import assert from "node:assert/strict";
import test from "node:test";

import { silentLog } from "../base/log.ts";
import type { ConsumerState } from "../consumer/consumer-state.ts";
import { DependencyWatch } from "../health/dependency-watch.ts";
import { reportHealth, type HealthReport } from "../health/health-report.ts";
import { Lifecycle } from "../health/lifecycle.ts";
import type { Queue, QueueHealth } from "../ports/queue.ts";
import type { OutcomeRecord, StoreHealth } from "../ports/store.ts";
import type { BreakerSeen } from "../worker/provider-gate.ts";
import { workerHealth } from "./worker-health.ts";
import { WorkerWatch } from "./worker-watch.ts";
import { StillClock } from "../../test/support/still-clock.ts";

const MINUTE = 60_000;

const WELL: QueueHealth = {
  isReady: true,
  isFresh: true,
  topics: ["updates"],
  partitions: 1,
  heardAgoMs: 10,
  fetchedAgoMs: 10,
  reopened: 0,
  rebuilt: 0,
};
const STORE: StoreHealth = {
  isAway: false,
  awayForMs: undefined,
  outageMs: 0,
  lastError: undefined,
  rowsInHand: 0,
  oldestMs: undefined,
  tables: [],
};
const STATE: ConsumerState = {
  isRebalancing: false,
  inHand: 0,
  running: 0,
  shelved: 0,
  bytesInHand: 0,
  lanes: 0,
  gap: 0,
  partitions: [
    {
      topic: "updates",
      partition: 3,
      inFlight: 0,
      gap: 0,
      shelved: 0,
      blocking: undefined,
      next: 5n,
      mark: 5n,
      sent: 5n,
    },
  ],
  overdue: undefined,
  commit: { underWayForMs: undefined, failingForMs: undefined },
  counts: {
    taken: 0,
    settled: 0,
    failed: 0,
    repeats: 0,
    strays: 0,
    late: 0,
    overdue: 0,
    commits: 0,
    commitFailures: 0,
    joins: 0,
  },
};

/** A worker that runs and is well, every part of which the test can break. */
class Bench implements AsyncDisposable {
  readonly clock = new StillClock();
  readonly lifecycle = new Lifecycle();
  readonly heartbeat = { isAway: false, isContested: false, writtenAgoMs: 0 };
  queueHealth = WELL;
  storeHealth = STORE;
  breakers: readonly BreakerSeen[] = [];
  readonly watch: DependencyWatch;
  readonly worker: WorkerWatch;
  readonly #queue: Queue;

  constructor() {
    const { clock, lifecycle } = this;
    const never = (): never => assert.fail("health asks nobody");
    this.#queue = {
      health: () => this.queueHealth,
      lag: () => Promise.resolve([{ topic: "updates", partition: 3, end: 9n, committed: 5n, lag: 4n }]),
      subscribe: never,
      pull: never,
      commit: never,
      isFresh: () => this.queueHealth.isFresh,
      stopDelivery: never,
      [Symbol.asyncDispose]: never,
    };
    lifecycle.enter("STARTING");
    lifecycle.enter("RUNNING");
    this.watch = new DependencyWatch({ dependencies: [], clock, log: silentLog });
    this.worker = new WorkerWatch({ lifecycle, queue: this.#queue, clock, log: silentLog, lagEveryMs: 15_000 });
    this.turn();
  }

  turn(state: Partial<ConsumerState> = {}): void {
    this.worker.onState({ ...STATE, ...state });
  }

  settle(reason: OutcomeRecord["reason"], times: number): void {
    for (let count = 0; count < times; count += 1) {
      // Nothing else of a record is looked at.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      this.worker.onSettled({ reason } as OutcomeRecord);
    }
  }

  report(): HealthReport {
    const { lifecycle, watch, heartbeat, worker } = this;
    return reportHealth(
      workerHealth({
        lifecycle,
        queue: this.#queue,
        watch,
        heartbeat,
        beatAgeMsMax: MINUTE,
        worker,
        storeHealth: () => this.storeHealth,
        breakers: () => this.breakers,
        redact: (text) => text.replaceAll("hunter2", "[secret]"),
      }),
    );
  }

  /** Names of the checks that are not well, with how. */
  unwell(): readonly string[] {
    return this.report()
      .checks.filter(({ status }) => status !== "ok")
      .map(({ name, status }) => `${name} ${status}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.worker[Symbol.asyncDispose](), this.watch[Symbol.asyncDispose]()]);
  }
}

test("a worker that runs is well, and says the state of its lifecycle", async () => {
  await using bench = new Bench();
  const { status, state, notes } = bench.report();
  assert.deepEqual([status, state, notes, bench.unwell()], ["ok", "RUNNING", [], []]);
  bench.lifecycle.enter("STOPPING");
  assert.deepEqual([bench.report().state, bench.unwell()], ["STOPPING", ["state failed"]]);
});

test("a heartbeat that Redis does not take is a warning; one that is old for another reason is a failure", async () => {
  await using bench = new Bench();
  bench.heartbeat.writtenAgoMs = MINUTE;
  assert.deepEqual(bench.unwell(), []);
  bench.heartbeat.writtenAgoMs = 10 * MINUTE;
  bench.heartbeat.isAway = true;
  assert.deepEqual([bench.report().status, bench.unwell()], ["ok", ["heartbeat warning"]]);
  bench.heartbeat.isAway = false;
  bench.heartbeat.isContested = true;
  assert.deepEqual([bench.report().status, bench.unwell()], ["not-ok", ["heartbeat failed"]]);
  const detail = bench.report().checks.find(({ name }) => name === "heartbeat")?.detail;
  assert.equal(detail, "another worker has our node id; the last one was written 10 min ago");
});

test("a member without a partition has a minute to get one, and is well as soon as it has", async () => {
  await using bench = new Bench();
  bench.turn({ partitions: [] });
  bench.clock.elapsed += MINUTE;
  bench.turn({ partitions: [] });
  assert.deepEqual(bench.unwell(), []);
  bench.clock.elapsed += 1_000;
  bench.turn({ partitions: [] });
  assert.deepEqual(bench.unwell(), ["assignment failed"]);
  bench.turn();
  assert.deepEqual(bench.unwell(), []);
});

test("commits that fail make it unready, one that never ends makes it stuck", async () => {
  await using bench = new Bench();
  bench.turn({ commit: { underWayForMs: undefined, failingForMs: MINUTE } });
  assert.deepEqual(bench.unwell(), []);
  bench.turn({ commit: { underWayForMs: undefined, failingForMs: MINUTE + 1 } });
  assert.deepEqual(bench.unwell(), ["commits failed"]);
  // Only time in which somebody looked counts, and that is every second.
  for (let underWayForMs = 0; underWayForMs <= 2 * MINUTE; underWayForMs += 1_000) {
    bench.turn({ commit: { underWayForMs, failingForMs: undefined } });
    assert.equal(bench.report().state, "RUNNING");
    bench.clock.elapsed += 1_000;
  }
  bench.turn({ commit: { underWayForMs: 2 * MINUTE + 1, failingForMs: undefined } });
  assert.deepEqual([bench.report().state, bench.unwell()], ["ERROR", ["progress failed", "state failed"]]);
  bench.turn();
  assert.deepEqual([bench.report().state, bench.unwell()], ["RUNNING", []]);
});

test("ten failures are a run of errors unless one of them was its sender's own fault, and never touch liveness", async () => {
  await using bench = new Bench();
  bench.settle("defect", 9);
  bench.settle("bad-parameter", 1);
  bench.settle("defect", 9);
  assert.deepEqual(bench.unwell(), []);
  await using other = new Bench();
  other.settle("attempts-exhausted", 10);
  assert.deepEqual(other.unwell(), ["errors failed"]);
  other.clock.elapsed += 5 * MINUTE + 1;
  other.turn();
  assert.deepEqual(other.unwell(), []);
});

test("ten minutes without a message are a note, unless something is in hand", async () => {
  await using bench = new Bench();
  bench.clock.elapsed += 10 * MINUTE;
  bench.turn();
  assert.deepEqual([bench.report().status, bench.report().notes], ["ok", ["idle: no message was settled for 10 min"]]);
  bench.turn({ inHand: 1 });
  assert.deepEqual(bench.report().notes, []);
  bench.turn();
  bench.settle(undefined, 1);
  assert.deepEqual(bench.report().notes, []);
});

test("a provider that is out is a note that says since when, and turns nothing false", async () => {
  await using bench = new Bench();
  const out = { provider: "tushare", api: "daily", state: "open", since: "2026-03-02T01:00:00Z" } as const;
  bench.breakers = [
    { ...out, why: "refused hunter2" },
    { ...out, api: "adj_factor", state: "half-open", why: "reset" },
    { provider: "tdx", api: "tdx", state: "closed" },
  ];
  assert.deepEqual([bench.report().status, bench.unwell()], ["ok", []]);
  assert.deepEqual(bench.report().notes, [
    "outage: tushare daily is out since 2026-03-02T01:00:00Z: refused [secret]",
    "outage: tushare adj_factor is out since 2026-03-02T01:00:00Z: reset",
  ]);
});

test("no deadline runs while the group is not heard of", async () => {
  await using bench = new Bench();
  bench.turn();
  assert.equal(bench.worker.isQueueAway, false);
  bench.queueHealth = { ...WELL, heardAgoMs: 10_001 };
  bench.turn();
  assert.equal(bench.worker.isQueueAway, true);
  // The embedded queue has no group to be heard of.
  bench.queueHealth = { ...WELL, heardAgoMs: undefined };
  bench.turn();
  assert.equal(bench.worker.isQueueAway, false);
});

test("the lag of a heartbeat is that of the partitions held", async () => {
  await using bench = new Bench();
  await new Promise(setImmediate);
  assert.equal(bench.worker.heldLag, 4n);
  bench.turn({ partitions: [] });
  assert.equal(bench.worker.heldLag, 0n);
});

test("what another program answered is told without our secrets", async () => {
  await using bench = new Bench();
  bench.storeHealth = { ...STORE, isAway: true, awayForMs: 1_000, lastError: "no user worker with hunter2" };
  bench.lifecycle.enter("ERROR", "the broker refused hunter2");
  const report = JSON.stringify(bench.report());
  assert.match(report, /no user worker with \[secret\]/);
  assert.match(report, /the broker refused \[secret\]/);
  assert.doesNotMatch(report, /hunter2/);
});
