import assert from "node:assert/strict";
import { test } from "node:test";

import { barModel, calendarDayModel, weekdays } from "../../../test/support/models.ts";
import { systemClock, type Clock } from "../../base/clock.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import { silentLog, type Log, type LogFields } from "../../base/log.ts";
import type { Model, RowOutcome, Store, WriteOptions } from "../../ports/store.ts";
import { StorePressureError } from "../pressure-error.ts";
import { BATCH_LIMITS_DEFAULT } from "./limits.ts";
import { withBatching } from "./with-batching.ts";

const never = new AbortController().signal;
const DAYS = weekdays("2024-01-02", 200);
const bars = (from: number, count: number) =>
  DAYS.slice(from, from + count).map((tradingDay) => barModel({ tradingDay }));

/** A clock that never waits: sleeping moves it on. */
function createJumpingClock(): Clock & { readonly slept: readonly number[] } {
  let nowMs = 0;
  const slept: number[] = [];
  return {
    ...systemClock,
    slept,
    nowMs: () => nowMs,
    elapsedMs: () => nowMs,
    sleep: async (ms, signal) => {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
      nowMs += ms;
      slept.push(ms);
    },
  };
}

class FakeStore implements Store {
  readonly batches: (readonly Model[])[] = [];
  isDisposed = false;
  /** Of each try, how many rows one insert might have. */
  readonly rowsMax: number[] = [];
  #answer: (models: readonly Model[], signal: AbortSignal) => Promise<readonly RowOutcome[]>;

  constructor(answer: (models: readonly Model[], signal: AbortSignal) => Promise<readonly RowOutcome[]> = sayNew) {
    this.#answer = answer;
  }

  async addBatch(
    models: readonly Model[],
    signal: AbortSignal,
    { rowsPerInsertMax = 0 }: WriteOptions = {},
  ): Promise<readonly RowOutcome[]> {
    this.batches.push(models);
    this.rowsMax.push(rowsPerInsertMax);
    return await this.#answer(models, signal);
  }

  quarantine(): Promise<void> {
    return Promise.resolve();
  }

  storedTicks(): Promise<never[]> {
    return Promise.resolve([]);
  }

  storedDays(): Promise<never[]> {
    return Promise.resolve([]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    return Promise.resolve();
  }
}

const sayNew = (models: readonly Model[]) => Promise.resolve(models.map((): RowOutcome => "new"));

test("rows of many callers go out in one batch, and each caller gets the outcomes of its own rows", async () => {
  const inner = new FakeStore((models) =>
    Promise.resolve(
      models.map((model): RowOutcome => (model.model === "bar" && model.row.tradingDay === DAYS[2] ? "same" : "new")),
    ),
  );
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), silentLog);
  const answers = await Promise.all([store.addBatch(bars(0, 2), never), store.addBatch(bars(2, 2), never)]);
  assert.deepEqual(answers, [
    ["new", "new"],
    ["same", "new"],
  ]);
  assert.deepEqual(
    inner.batches.map((batch) => batch.length),
    [4],
  );
});

test("a store that is away is tried again as far apart as the settings say", async () => {
  let failures = 6;
  const inner = new FakeStore((models) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new TransientError("store away")) : sayNew(models);
  });
  const waits: unknown[] = [];
  const log: Log = { ...silentLog, warn: (_event, { waitMs } = {}) => void waits.push(waitMs) };
  const retryWaits = { waitMs: 20, factor: 2, waitMsMax: 40 };
  const store = withBatching(inner, { ...BATCH_LIMITS_DEFAULT, retryWaits }, createJumpingClock(), log);
  assert.deepEqual(await store.addBatch(bars(0, 1), never), ["new"]);
  assert.equal(waits.length, 6);
  assert.ok(
    waits.every((waitMs, index) => typeof waitMs === "number" && waitMs <= (index === 0 ? 20 : 40)),
    waits.join(", "),
  );
});

test("rows gather while a batch of their table is being written, and one writer serves a table", async () => {
  let inFlight = 0;
  let inFlightMax = 0;
  const first = Promise.withResolvers<void>();
  const inner = new FakeStore(async (models) => {
    inFlight += 1;
    inFlightMax = Math.max(inFlightMax, inFlight);
    await first.promise;
    inFlight -= 1;
    return sayNew(models);
  });
  const store = withBatching(inner, { ...BATCH_LIMITS_DEFAULT, rowsReady: 1 }, createJumpingClock(), silentLog);
  const waiting = [store.addBatch(bars(0, 2), never)];
  while (inner.batches.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  waiting.push(...Array.from({ length: 10 }, (_, index) => store.addBatch(bars(2 + index, 1), never)));
  first.resolve();
  await Promise.all(waiting);
  assert.deepEqual(
    inner.batches.map((batch) => batch.length),
    [2, 10],
  );
  assert.equal(inFlightMax, 1);
});

test("a mixed batch is split by table and its outcomes come in the caller's order", async () => {
  const inner = new FakeStore((models) =>
    Promise.resolve(models.map(({ model }): RowOutcome => (model === "bar" ? "new" : "same"))),
  );
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), silentLog);
  const outcomes = await store.addBatch(
    [barModel(), calendarDayModel(), barModel({ tradingDay: DAYS[3] as never })],
    never,
  );
  assert.deepEqual(outcomes, ["new", "same", "new"]);
  assert.equal(inner.batches.length, 2);
});

test("an outage is waited out with the same batch, one warn line a try, and nothing is dropped", async () => {
  let failures = 5;
  const inner = new FakeStore((models) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new TransientError("inserting: too many parts")) : sayNew(models);
  });
  const lines: LogFields[] = [];
  const log: Log = { ...silentLog, warn: (_event, fields) => lines.push(fields ?? {}) };
  const clock = createJumpingClock();
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, clock, log);
  assert.deepEqual(await store.addBatch(bars(0, 3), never), ["new", "new", "new"]);
  assert.equal(lines.length, 5);
  assert.equal(new Set(inner.batches).size, 1);
  assert.ok(clock.slept.every((ms) => ms <= 30_000));
});

test("a permanent error reaches every caller of the batch", async () => {
  const inner = new FakeStore(() => Promise.reject(new PermanentError("no such table", "store")));
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), silentLog);
  const results = await Promise.allSettled([store.addBatch(bars(0, 1), never), store.addBatch(bars(1, 1), never)]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(inner.batches.length, 1);
});

test("one caller's defect fails that caller alone", async () => {
  const inner = new FakeStore((models) =>
    models.some((model) => model.model === "bar" && model.row.tradingDay === DAYS[1])
      ? Promise.reject(new TypeError("cannot read the row"))
      : sayNew(models),
  );
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), silentLog);
  const results = await Promise.allSettled([0, 1, 2].map((at) => store.addBatch(bars(at, 1), never)));
  assert.deepEqual(
    results.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});

test("who has too many rows in hand waits until some are durable", async () => {
  const gate = Promise.withResolvers<void>();
  const inner = new FakeStore(async (models) => {
    await gate.promise;
    return sayNew(models);
  });
  const limits = { ...BATCH_LIMITS_DEFAULT, rowsReady: 1, rowsInHandMax: 10 };
  const store = withBatching(inner, limits, createJumpingClock(), silentLog);
  const first = store.addBatch(bars(0, 10), never);
  let isSecondDone = false;
  const second = store.addBatch(bars(10, 1), never).then(() => {
    isSecondDone = true;
  });
  while (inner.batches.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(isSecondDone, false);
  gate.resolve();
  await Promise.all([first, second]);
  assert.deepEqual(
    inner.batches.map((batch) => batch.length),
    [10, 1],
  );
});

test("a caller that gives up leaves the batch of the others alone", async () => {
  const inner = new FakeStore();
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), silentLog);
  const controller = new AbortController();
  const leaving = store.addBatch(bars(0, 2), controller.signal);
  const staying = store.addBatch(bars(2, 1), never);
  controller.abort(new Error("drained"));
  await assert.rejects(leaving, /drained/);
  assert.deepEqual(await staying, ["new"]);
  assert.deepEqual(inner.batches.map((batch) => batch.length).at(-1), 1);
});

test("an outage ends for nobody when every caller has given up", async () => {
  const inner = new FakeStore(() => Promise.reject(new TransientError("away")));
  const controller = new AbortController();
  const clock = createJumpingClock();
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, clock, silentLog);
  const waiting = store.addBatch(bars(0, 1), controller.signal);
  while (inner.batches.length < 3) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  controller.abort(new Error("drained"));
  await assert.rejects(waiting, /drained/);
  await store[Symbol.asyncDispose]();
  const tries = inner.batches.length;
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(inner.batches.length, tries);
});

test("closing sends what has gathered and then closes the store", async () => {
  const inner = new FakeStore();
  const store = withBatching(
    inner,
    { ...BATCH_LIMITS_DEFAULT, quietMs: 60_000, ageMsIdle: 60_000 },
    systemClock,
    silentLog,
  );
  const waiting = store.addBatch(bars(0, 3), never);
  await new Promise((resolve) => setImmediate(resolve));
  await store[Symbol.asyncDispose]();
  assert.deepEqual(await waiting, ["new", "new", "new"]);
  assert.equal(inner.isDisposed, true);
});

test("a batch in hand that is refused for memory is stored in smaller inserts, as the same batch", async () => {
  let failures = 2;
  const inner = new FakeStore((models) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new StorePressureError("241", "memory")) : sayNew(models);
  });
  const many = Array.from({ length: 5 }, () => bars(0, 200)).flat();
  const lines: LogFields[] = [];
  const log: Log = { ...silentLog, warn: (_event, fields) => lines.push(fields ?? {}) };
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), log);
  await store.addBatch(many, never);
  assert.deepEqual(
    lines.map(({ attempt, pressure, batchRowsMax }) => ({ attempt, pressure, batchRowsMax })),
    [
      { attempt: 1, pressure: "memory", batchRowsMax: 500 },
      { attempt: 2, pressure: "memory", batchRowsMax: 250 },
    ],
    "one line a refusal, which says what is done about it",
  );
  assert.deepEqual(inner.rowsMax, [100_000, 500, 250], "each try in smaller inserts");
  assert.equal(new Set(inner.batches).size, 1);
  const [table] = store.health().tables;
  assert.deepEqual(table, { model: "bar", pressure: "memory", isRefused: false, batchRowsMax: 313, gather: 1 });
});

test("a batch that is refused for too many parts is repeated whole, later, and the next ones gather more", async () => {
  let failures = 2;
  const inner = new FakeStore((models) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new StorePressureError("252", "parts")) : sayNew(models);
  });
  const clock = createJumpingClock();
  const limits = { ...BATCH_LIMITS_DEFAULT, ageMsIdle: 100, quietMs: 5 };
  const store = withBatching(inner, limits, clock, silentLog);
  await store.addBatch(bars(0, 20), never);
  assert.deepEqual(inner.rowsMax, [100_000, 100_000, 100_000], "smaller inserts would make more parts");
  const [, first = 0, second = 0] = clock.slept;
  assert.ok(first >= 1_000 && second >= 2_000, `waited ${first} and ${second} ms`);
  await store.addBatch(bars(20, 1), never);
  assert.equal(Math.round(clock.slept.at(-1) ?? 0), 200, "a lone row waits for more as long as it may");
});

test("while the store has too many queries, tables are written one after the other", async () => {
  let inFlight = 0;
  let inFlightMax = 0;
  let isRefusing = true;
  const inner = new FakeStore(async (models) => {
    if (isRefusing) {
      throw new StorePressureError("202", "queries");
    }
    inFlight += 1;
    inFlightMax = Math.max(inFlightMax, inFlight);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inFlight -= 1;
    return sayNew(models);
  });
  const log: Log = {
    ...silentLog,
    warn: () => {
      isRefusing = inner.batches.length < 2;
    },
  };
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), log);
  await store.addBatch([barModel(), calendarDayModel()], never);
  assert.equal(inFlightMax, 1, "one table at a time");
  await store.addBatch([barModel(), calendarDayModel()], never);
  assert.equal(inFlightMax, 2, "and side by side again after that");
});

test("health tells of an outage, its length, its cause, and what waits; and that all of it is over", async () => {
  let failures = 3;
  const seen: unknown[] = [];
  const inner = new FakeStore((models) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new TransientError("inserting: reset")) : sayNew(models);
  });
  const log: Log = {
    ...silentLog,
    warn: () => {
      const { isAway, lastError, rowsInHand, awayForMs, oldestMs } = store.health();
      seen.push({ isAway, lastError, rowsInHand, isTimed: (awayForMs ?? -1) >= 0 && (oldestMs ?? -1) >= 0 });
    },
  };
  const store = withBatching(inner, BATCH_LIMITS_DEFAULT, createJumpingClock(), log);
  await store.addBatch(bars(0, 3), never);
  assert.deepEqual(seen[0], { isAway: true, lastError: "inserting: reset", rowsInHand: 3, isTimed: true });
  const { outageMs, isAway, lastError, rowsInHand, oldestMs } = store.health();
  assert.deepEqual([isAway, lastError, rowsInHand, oldestMs], [false, undefined, 0, undefined]);
  assert.ok(outageMs > 0);
});

test("asked whether it takes rows, it says no while a store that is there refuses them, and why", async () => {
  let failures = 2;
  const asked: Promise<string>[] = [];
  const inner = new FakeStore((models) => {
    failures -= 1;
    const refusal = failures === 1 ? new StorePressureError("252 parts", "parts") : new TransientError("reset");
    return failures >= 0 ? Promise.reject(refusal) : sayNew(models);
  });
  const ask = () =>
    store.askWrites().then(
      () => "takes rows",
      (error: unknown) => String(error),
    );
  const clock = createJumpingClock();
  const asking = {
    ...clock,
    sleep: (ms: number, signal?: AbortSignal) => (asked.push(ask()), clock.sleep(ms, signal)),
  };
  const store = withBatching(inner, { ...BATCH_LIMITS_DEFAULT, quietMs: 0 }, asking, silentLog);
  await store.addBatch(bars(0, 1), never);
  asked.push(ask());
  const [refused, reset, ...after] = await Promise.all(asked);
  assert.match(refused ?? "", /storing rows \(bar\): the store refuses them for now: 252 parts/);
  assert.match(reset ?? "", /refuses them for now: reset/);
  assert.deepEqual(after, ["takes rows"]);
});
