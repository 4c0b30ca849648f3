import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { Temporal } from "temporal-polyfill";

import type { Clock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createMemoryBudget } from "../../src/limits/memory-budget.ts";
import { acquireMany, assertWindows, testBudgetContract } from "./budget-contract.ts";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Time that passes only when nothing else is left to do. */
class ManualClock implements Clock {
  #nowMs = Date.UTC(2025, 0, 2);
  readonly #sleepers = new Set<Sleeper>();

  now(): Temporal.Instant {
    return Temporal.Instant.fromEpochMilliseconds(Math.floor(this.#nowMs));
  }

  nowMs(): number {
    return this.#nowMs;
  }

  elapsedMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper: Sleeper = { atMs: this.#nowMs + Math.max(0, ms), wake: resolve };
    const stop = (): void => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    this.#sleepers.add(sleeper);
    try {
      await promise;
    } finally {
      this.#sleepers.delete(sleeper);
      signal?.removeEventListener("abort", stop);
    }
  }

  /** Wakes one sleeper after the other until the work is done. */
  async run<T>(work: Promise<T>): Promise<T> {
    const state = { isDone: false };
    const done = work.finally(() => {
      state.isDone = true;
    });
    done.catch(() => undefined);
    while (!state.isDone) {
      await turn();
      const next = [...this.#sleepers].toSorted((left, right) => left.atMs - right.atMs)[0];
      if (!state.isDone && next !== undefined) {
        this.#nowMs = Math.max(this.#nowMs, next.atMs);
        this.#sleepers.delete(next);
        next.wake();
      }
    }
    return done;
  }
}

testBudgetContract("memory", 60_000, async ({ limit, waitersMax }) => {
  const clock = new ManualClock();
  const budget = createMemoryBudget({
    limitsOf: () => [limit],
    clock,
    log: silentLog,
    margin: 0,
    ...(waitersMax === undefined ? {} : { waitersMax }),
  });
  return {
    workers: [budget],
    sleep: (ms) => clock.sleep(ms),
    run: (work) => clock.run(work),
    elapsedMs: () => clock.elapsedMs(),
    [Symbol.asyncDispose]: () => budget[Symbol.asyncDispose](),
  };
});

test("memory: five of a hundred calls stay unused, and a limit of one call gets a longer window instead", async () => {
  const clock = new ManualClock();
  await using budget = createMemoryBudget({
    limitsOf: ({ api }) => [{ calls: api === "daily" ? 200 : 1, windowMs: 60_000 }],
    clock,
    log: silentLog,
  });
  const grants = await clock.run(acquireMany([budget], 600));
  assertWindows(grants, { calls: 190, windowMs: 60_000 });
  const beganMs = clock.elapsedMs();
  const key = { provider: "tushare", api: "stock_basic" } as const;
  for (let count = 0; count < 3; count += 1) {
    await clock.run(budget.acquire(key, new AbortController().signal));
  }
  assert.ok(clock.elapsedMs() - beganMs >= 126_000);
});

test("memory: a lower limit is said once and forgotten after its time", async () => {
  const clock = new ManualClock();
  const events: string[] = [];
  await using budget = createMemoryBudget({
    limitsOf: () => [{ calls: 100, windowMs: 60_000 }],
    clock,
    log: { ...silentLog, warn: (event) => events.push(event) },
    margin: 0,
    loweredMs: 3_600_000,
  });
  const { signal } = new AbortController();
  const key = { provider: "tushare", api: "daily" } as const;
  await budget.lower(key, { calls: 2, windowMs: 60_000 }, signal);
  await budget.lower(key, { calls: 2, windowMs: 60_000 }, signal);
  assert.deepEqual(events, ["provider named a lower limit"]);
  assertWindows(await clock.run(acquireMany([budget], 6)), { calls: 2, windowMs: 60_000 });
  await clock.run(clock.sleep(3_600_001));
  const beganMs = clock.elapsedMs();
  await clock.run(acquireMany([budget], 100));
  assert.equal(clock.elapsedMs(), beganMs);
});
