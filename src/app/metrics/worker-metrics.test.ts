import assert from "node:assert/strict";
import test from "node:test";

import fastify from "fastify";

import { ManualClock } from "../../../test/support/manual-clock.ts";
import { TransientError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { loadConfig } from "../../config.ts";
import { WorkerMetrics, type WatchedParts } from "./worker-metrics.ts";
import type { ConsumerState } from "../../consumer/consumer-state.ts";

const MINUTE = 60_000;
const STARTED_S = Date.parse("2026-03-02T00:00:00Z") / 1_000;
const CALL = { provider: "tushare", api: "daily", waitedMs: 0, ms: 100, received: 5_000 } as const;

function heldState(more: Partial<ConsumerState> = {}): ConsumerState {
  const counts = { taken: 1, settled: 0, failed: 0, repeats: 0, strays: 0, late: 0, overdue: 0 };
  return {
    isRebalancing: false,
    inHand: 1,
    running: 1,
    shelved: 0,
    bytesInHand: 100,
    lanes: 1,
    gap: 0,
    partitions: [],
    overdue: undefined,
    commit: { underWayForMs: undefined, failingForMs: undefined },
    counts: { ...counts, commits: 0, commitFailures: 0, joins: 1 },
    ...more,
  };
}

/** Metrics of a worker with one message in hand, whose calls and batches the test tells. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly metrics: WorkerMetrics;
  readonly #watching: AsyncDisposable;
  readonly #server = fastify();

  constructor() {
    const env = { GINKGO_METRICS_COVERAGE_EVERY_MS: "0" };
    const { config } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
    this.metrics = new WorkerMetrics(config, this.clock);
    const parts = {
      store: { health: () => ({ rowsInHand: 0 }) },
      budget: { states: () => [] },
      breakers: () => [],
      watch: { states: () => [] },
      state: () => heldState(),
      log: silentLog,
    };
    // Without coverage nothing else of them is looked at.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    this.#watching = this.metrics.watch(parts as unknown as WatchedParts);
    this.metrics.routes()(this.#server);
  }

  /** Seconds from the start to when work last got on, as it is served. */
  async progressS(): Promise<number> {
    const { body } = await this.#server.inject("/metrics");
    const [, seconds = "NaN"] = /^ginkgo_consumer_last_progress_timestamp_seconds (\S+)$/m.exec(body) ?? [];
    return Number(seconds) - STARTED_S;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watching[Symbol.asyncDispose]();
    await this.#server.close();
    this.metrics[Symbol.dispose]();
  }
}

test("a message that takes many calls gets on with each answer and each durable batch, and not with failures", async () => {
  await using bench = new Bench();
  const { clock, metrics } = bench;
  await clock.advance(11 * MINUTE);
  metrics.turned(heldState(), true);
  assert.equal(await bench.progressS(), 0, "in hand, and nothing of it is done");
  // Nothing else of a call is looked at.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const answered = CALL as unknown as Parameters<typeof metrics.onCall>[0];
  metrics.onCall({ ...answered, error: undefined });
  assert.equal(await bench.progressS(), 11 * 60);
  await clock.advance(MINUTE);
  metrics.onSent({ model: "bar", rows: 5_000, callers: 1, reason: "rows", ms: 50 });
  assert.equal(await bench.progressS(), 12 * 60);
  await clock.advance(MINUTE);
  metrics.onCall({ ...answered, error: new TransientError("calling daily: time-out") });
  assert.equal(await bench.progressS(), 12 * 60, "a failing provider is no progress");
});

test("an idle worker gets on, until it has not learned for five minutes what waits", async () => {
  await using bench = new Bench();
  const { clock, metrics } = bench;
  const idle = heldState({ inHand: 0, partitions: [] });
  const turnTo = async (minutes: number): Promise<void> => {
    for (let at = 0; at < minutes; at += 1) {
      await clock.advance(MINUTE);
      metrics.turned(idle, true);
    }
  };
  await turnTo(5);
  assert.equal(await bench.progressS(), 5 * 60);
  await turnTo(10);
  assert.equal(await bench.progressS(), 5 * 60);
  metrics.onLag([]);
  await turnTo(1);
  assert.equal(await bench.progressS(), 16 * 60);
});
