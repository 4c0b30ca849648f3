import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../src/base/errors.ts";
import type { Budget, BudgetKey, BudgetState, CallLimit, Grant, WatchedBudget } from "../../src/ports/budget.ts";

export const KEY: BudgetKey = { provider: "tushare", api: "daily" };
const OTHER_KEY: BudgetKey = { provider: "tushare", api: "adj_factor" };
const never = new AbortController().signal;

export interface BudgetRigOptions {
  /** Held exactly, without a margin. */
  readonly limit: CallLimit;
  readonly waitersMax?: number;
}

/** Workers that share one budget, and the time they live in. */
export interface BudgetRig extends AsyncDisposable {
  /** One for each worker; a budget in memory has one only. */
  readonly workers: readonly WatchedBudget[];
  sleep(ms: number): Promise<void>;
  /** Lets time pass until the work is done. */
  run<T>(work: Promise<T>): Promise<T>;
  elapsedMs(): number;
}

/** Every Budget passes this suite. `windowMs` is the length of the tests' windows, small where time is real. */
export function testBudgetContract(
  name: string,
  windowMs: number,
  openRig: (options: BudgetRigOptions) => Promise<BudgetRig>,
): void {
  const limit: CallLimit = { calls: 20, windowMs };

  test(`${name}: no window of the limit's length holds more grants than the limit`, async () => {
    for (const seed of [1, 2]) {
      await using rig = await openRig({ limit });
      const random = randomFrom(seed);
      const asked: Promise<Grant>[] = [];
      const asking = async (worker: Budget): Promise<void> => {
        for (let count = 0; count < 72 / rig.workers.length; count += 1) {
          // Bursts and pauses, so that windows begin at every phase.
          if (random() < 0.3) {
            await rig.sleep(random() * windowMs * 0.4);
          }
          asked.push(worker.acquire(KEY, never));
        }
      };
      await rig.run(Promise.all(rig.workers.map(asking)));
      const grants = await rig.run(Promise.all(asked));
      assertWindows(grants, limit);
    }
  });

  test(`${name}: whoever waits is told for how long at the least, whichever worker was told to pause`, async () => {
    await using rig = await openRig({ limit });
    const [first] = rig.workers;
    const last = rig.workers.at(-1);
    assert.ok(first !== undefined && last !== undefined);
    await rig.run(first.pause(KEY, windowMs * 20, never));
    const stop = new AbortController();
    const told: number[] = [];
    const waiting = last.acquire(KEY, stop.signal, (ms) => told.push(ms)).catch(() => undefined);
    await rig.run(rig.sleep(windowMs / 2));
    stop.abort();
    await rig.run(waiting);
    assert.ok(told.length > 0 && Math.max(...told) > windowMs * 10, `told ${told.join(", ")} of ${windowMs * 20} ms`);
  });

  test(`${name}: the whole limit can be used, and the next call waits until a window is free`, async () => {
    await using rig = await openRig({ limit });
    const beganMs = rig.elapsedMs();
    const first = await rig.run(acquireMany(rig.workers, limit.calls));
    assert.ok(rig.elapsedMs() - beganMs < windowMs / 2, "the limit was free");
    assert.equal(Math.min(...first.map(({ callsLeft }) => callsLeft)), 0);
    const [next] = await rig.run(acquireMany(rig.workers, 1));
    assert.ok(next !== undefined && next.waitedMs > windowMs / 2, "the call after the limit waited");
    assert.ok(rig.elapsedMs() - beganMs < windowMs * 2.5, "and not for longer than a window needs");
  });

  test(`${name}: what is left and who waits is told at any moment, and time alone gives calls back`, async () => {
    await using rig = await openRig({ limit });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    const stateOf = (key: BudgetKey): BudgetState | undefined =>
      worker.states().find((state) => state.key.api === key.api);
    assert.equal(stateOf(KEY), undefined);
    await rig.run(acquireMany([worker], 5));
    assert.deepEqual(stateOf(KEY), { key: KEY, waiting: 0, callsLeft: 15 });
    await rig.run(acquireMany([worker], 15));
    const more = acquireMany([worker], 2);
    assert.deepEqual(stateOf(KEY), { key: KEY, waiting: 2, callsLeft: 0 });
    await rig.run(more);
    await rig.run(rig.sleep(windowMs * 2));
    assert.deepEqual(stateOf(KEY), { key: KEY, waiting: 0, callsLeft: 20 });
    await rig.run(worker.pause(KEY, windowMs * 4, never));
    assert.equal(stateOf(KEY)?.callsLeft, 0, "a provider that said to wait grants nothing");
  });

  test(`${name}: keys do not share a limit`, async () => {
    await using rig = await openRig({ limit: { calls: 1, windowMs: windowMs * 20 } });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    await rig.run(worker.acquire(KEY, never));
    const grant = await rig.run(worker.acquire(OTHER_KEY, never));
    assert.ok(grant.waitedMs < windowMs * 10);
  });

  test(`${name}: callers of one process are served in the order they came, with rising versions`, async () => {
    await using rig = await openRig({ limit: { calls: 3, windowMs: windowMs / 4 } });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    const order: number[] = [];
    const asked = Array.from({ length: 12 }, async (_, index) => {
      const grant = await worker.acquire(index % 2 === 0 ? KEY : OTHER_KEY, never);
      order.push(index);
      return grant;
    });
    const grants = await rig.run(Promise.all(asked));
    const ordersOf = [0, 1].map((parity) => order.filter((index) => index % 2 === parity));
    for (const own of ordersOf) {
      assert.deepEqual(
        own,
        own.toSorted((left, right) => left - right),
      );
    }
    const versions = order.map((index) => grants[index]?.grantedAtMicros ?? 0n);
    // The two keys' grants may be handed over in either order; each one's versions rise, and none is used twice.
    assert.equal(new Set(versions).size, versions.length);
    for (const parity of [0, 1]) {
      const own = grants.filter((_, index) => index % 2 === parity).map(({ grantedAtMicros }) => grantedAtMicros);
      assert.ok(own.every((version, index) => index === 0 || version > (own[index - 1] ?? 0n)));
    }
  });

  test(`${name}: a caller that aborts leaves at once and the next takes its place`, async () => {
    await using rig = await openRig({ limit: { calls: 1, windowMs }, waitersMax: 2 });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    await rig.run(worker.acquire(KEY, never));
    const controller = new AbortController();
    const reason = new Error("no longer needed");
    const first = assert.rejects(worker.acquire(KEY, controller.signal), reason);
    const second = worker.acquire(KEY, never);
    await assert.rejects(worker.acquire(KEY, never), TransientError);
    const abortedAtMs = performance.now();
    controller.abort(reason);
    await first;
    assert.ok(performance.now() - abortedAtMs < 50);
    const third = worker.acquire(KEY, never);
    const grants = await rig.run(Promise.all([second, third]));
    assert.ok((grants[0]?.grantedAtMicros ?? 0n) < (grants[1]?.grantedAtMicros ?? 0n));
    await assert.rejects(worker.acquire(KEY, AbortSignal.abort(reason)), reason);
  });

  test(`${name}: a lower limit holds for all workers, a higher one changes nothing`, async () => {
    await using rig = await openRig({ limit });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    await worker.lower(KEY, { calls: limit.calls * 5, windowMs }, never);
    await worker.lower(KEY, { calls: 4, windowMs }, never);
    await worker.lower(KEY, { calls: 10, windowMs }, never);
    assertWindows(await rig.run(acquireMany(rig.workers, 12)), { calls: 4, windowMs });
  });

  test(`${name}: a limit over a longer window holds beside the first`, async () => {
    await using rig = await openRig({ limit });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    const longer: CallLimit = { calls: 22, windowMs: windowMs * 2 };
    await worker.lower(KEY, longer, never);
    const grants = await rig.run(acquireMany(rig.workers, 26));
    assertWindows(grants, limit);
    assertWindows(grants, longer);
  });

  test(`${name}: a pause holds for all workers, and the longer of two holds`, async () => {
    await using rig = await openRig({ limit });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    const beganMs = rig.elapsedMs();
    await worker.pause(KEY, windowMs, never);
    await worker.pause(KEY, windowMs / 10, never);
    await rig.run(acquireMany(rig.workers, 3));
    assert.ok(rig.elapsedMs() - beganMs >= windowMs * 0.99, `paused for ${rig.elapsedMs() - beganMs} ms`);
  });

  test(`${name}: whoever waits when the budget is closed is told so`, async () => {
    const rig = await openRig({ limit: { calls: 1, windowMs: windowMs * 100 } });
    const [worker] = rig.workers;
    assert.ok(worker !== undefined);
    await rig.run(worker.acquire(KEY, never));
    const refused = assert.rejects(worker.acquire(KEY, never), TransientError);
    await rig[Symbol.asyncDispose]();
    await refused;
    await assert.rejects(worker.acquire(KEY, never), TransientError);
  });
}

/** Any two grants that are `calls` apart lie more than a window apart: then no window holds more than `calls`. */
export function assertWindows(grants: readonly Grant[], { calls, windowMs }: CallLimit): void {
  const instants = grants.map(({ grantedAtMicros }) => grantedAtMicros).toSorted((a, b) => (a < b ? -1 : 1));
  for (const [index, instant] of instants.entries()) {
    const later = instants[index + calls];
    assert.ok(
      later === undefined || later - instant > BigInt(windowMs * 1_000),
      `${calls + 1} grants within ${later === undefined ? 0n : later - instant} µs`,
    );
  }
}

export function acquireMany(workers: readonly Budget[], count: number): Promise<readonly Grant[]> {
  return Promise.all(
    Array.from({ length: count }, (_, index) => {
      const worker = workers[index % workers.length];
      assert.ok(worker !== undefined);
      return worker.acquire(KEY, never);
    }),
  );
}

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
