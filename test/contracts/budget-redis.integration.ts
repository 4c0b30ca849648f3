import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { after, test, type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock } from "../../src/base/clock.ts";
import { PermanentError, TransientError } from "../../src/base/errors.ts";
import { silentLog, type Log } from "../../src/base/log.ts";
import { openRedisBudget, type RedisBudget, type RedisBudgetOptions } from "../../src/limits/redis-budget.ts";
import { openRedis, type RedisConnection } from "../../src/limits/redis-client.ts";
import { createRedisLock } from "../../src/limits/redis-lock.ts";
import type { Budget, CallLimit, Grant } from "../../src/ports/budget.ts";
import { acquireMany, assertWindows, KEY, testBudgetContract } from "./budget-contract.ts";
import { hasRedisServer, OwnRedis } from "./budget-redis-server.ts";

const TOKEN = "0123456789abcdef".repeat(3) + "01234567";
const never = new AbortController().signal;

interface Worker extends AsyncDisposable {
  readonly budget: RedisBudget;
  readonly connection: RedisConnection;
  readonly events: readonly string[];
}

/** A worker as a process of its own would have it: its own connection and its own budget. */
async function openWorker(
  server: OwnRedis,
  limit: CallLimit,
  options: Partial<RedisBudgetOptions> = {},
): Promise<Worker> {
  const events: string[] = [];
  const note = (event: string): void => void events.push(event);
  const log: Log = { ...silentLog, info: note, warn: note, error: note };
  const connection = await openRedis({ host: "127.0.0.1", port: server.port, log: silentLog }, never);
  const budget = await openRedisBudget({
    client: connection.client,
    identityOf: () => TOKEN,
    limitsOf: () => [limit],
    clock: systemClock,
    log,
    margin: 0,
    probeMs: 20,
    helloMs: 200,
    ...options,
  });
  return {
    budget,
    connection,
    events,
    [Symbol.asyncDispose]: async () => {
      await budget[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
    },
  };
}

async function openFleet(
  server: OwnRedis,
  count: number,
  limit: CallLimit,
  options: Partial<RedisBudgetOptions> = {},
): Promise<AsyncDisposableStack & { readonly workers: readonly Worker[] }> {
  const stack = new AsyncDisposableStack();
  const workers: Worker[] = [];
  for (let index = 0; index < count; index += 1) {
    workers.push(stack.use(await openWorker(server, limit, options)));
  }
  return Object.assign(stack, { workers });
}

function requireServer(t: TestContext): boolean {
  if (hasRedisServer()) {
    return true;
  }
  assert.notEqual(process.env["REQUIRE_SERVICES"], "1", "redis-server is not installed: npm run services");
  t.skip("redis-server is not installed: npm run services");
  return false;
}

/** Asks without a pause until stopped, as a backfill does. */
async function askOn(budgets: readonly Budget[], signal: AbortSignal): Promise<readonly Grant[]> {
  const grants: Grant[] = [];
  const ask = async (budget: Budget): Promise<void> => {
    while (!signal.aborted) {
      try {
        grants.push(await budget.acquire(KEY, signal));
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      }
    }
  };
  await Promise.allSettled(budgets.flatMap((budget) => [ask(budget), ask(budget)]));
  return grants;
}

if (hasRedisServer()) {
  const shared = await OwnRedis.start();
  after(() => shared[Symbol.asyncDispose]());
  const cleaner = await openRedis({ host: "127.0.0.1", port: shared.port, log: silentLog }, never);
  after(() => cleaner[Symbol.asyncDispose]());

  testBudgetContract("redis, three workers", 500, async ({ limit, waitersMax }) => {
    await cleaner.client.flushAll();
    const fleet = await openFleet(shared, 3, limit, waitersMax === undefined ? {} : { waitersMax });
    return {
      workers: fleet.workers.map(({ budget }) => budget),
      sleep: (ms) => sleep(ms),
      run: (work) => work,
      elapsedMs: () => performance.now(),
      [Symbol.asyncDispose]: () => fleet.disposeAsync(),
    };
  });
}

test("redis: no key and no value tells the token, and every key expires", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  await using server = await OwnRedis.start();
  await using worker = await openWorker(server, { calls: 5, windowMs: 500 });
  await acquireMany([worker.budget], 2);
  await worker.budget.lower(KEY, { calls: 2, windowMs: 1_000 }, never);
  await worker.budget.pause(KEY, 1_000, never);
  const { client } = worker.connection;
  const keys = await client.keys("*");
  assert.ok(keys.length >= 4);
  for (const key of keys) {
    assert.match(key, /^ginkgo:budget:(tushare:[0-9a-f]{12}:daily(:\w+)?|workers|epoch)$/);
    assert.ok((await client.pTTL(key)) > 0, `${key} never expires`);
    assert.ok(!(await client.dump(key)).includes(TOKEN));
  }
});

test("redis: a server that restarts empty under load grants no window more than the limit", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  const limit = { calls: 30, windowMs: 1_000 };
  await using server = await OwnRedis.start();
  await using fleet = await openFleet(server, 3, limit);
  const controller = new AbortController();
  const asking = askOn(
    fleet.workers.map(({ budget }) => budget),
    controller.signal,
  );
  const killedAt: bigint[] = [];
  for (const aliveMs of [1_300, 900, 1_700]) {
    await sleep(aliveMs);
    killedAt.push(BigInt(Date.now()) * 1_000n);
    await server.kill();
    await sleep(aliveMs / 3);
    await server.start();
  }
  await sleep(2_500);
  controller.abort();
  const grants = await asking;
  assertWindows(grants, limit);
  // Work went on: with a limit of 30 a second, more than eight seconds grant far more than a hundred.
  assert.ok(grants.length > 120, `${grants.length} grants`);
  assert.ok(fleet.workers.every(({ budget }) => budget.isShared()));
});

test("redis: a server that loses its memory without ending is filled again", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  const limit = { calls: 20, windowMs: 1_000 };
  await using server = await OwnRedis.start();
  await using fleet = await openFleet(server, 3, limit);
  const budgets = fleet.workers.map(({ budget }) => budget);
  const controller = new AbortController();
  const asking = askOn(budgets, controller.signal);
  for (let flush = 0; flush < 3; flush += 1) {
    await sleep(700);
    await fleet.workers[0]?.connection.client.flushAll();
  }
  await sleep(1_500);
  controller.abort();
  assertWindows(await asking, limit);
});

test("redis: while it is away each worker takes its share, says so once, and comes back", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  const limit = { calls: 30, windowMs: 600 };
  await using server = await OwnRedis.start();
  await using fleet = await openFleet(server, 3, limit);
  const budgets = fleet.workers.map(({ budget }) => budget);
  const before = await acquireMany(budgets, 6);
  await sleep(300);
  await server.kill();
  const beganAtMs = performance.now();
  const controller = new AbortController();
  const asking = askOn(budgets, controller.signal);
  await sleep(1_500);
  controller.abort();
  const grants = await asking;
  const windows = (performance.now() - beganAtMs) / limit.windowMs;
  assertWindows([...before, ...grants], limit);
  assert.ok(grants.length > limit.calls * (windows - 1.5), `${grants.length} grants in ${windows} windows`);
  for (const { events, budget } of fleet.workers) {
    assert.equal(budget.isShared(), false);
    assert.equal(events.filter((event) => event === "budget goes on without redis").length, 1);
  }
  await server.start();
  for (let attempt = 0; attempt < 200 && !budgets.every((budget) => budget.isShared()); attempt += 1) {
    await sleep(20);
  }
  for (const { events, budget } of fleet.workers) {
    assert.ok(budget.isShared());
    assert.equal(events.at(-1), "budget is shared through redis");
  }
});

test("redis: who has just looked leaves so many calls unseen as it was promised, until the promise runs out", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  // Of 200 calls 10 may be unseen, for a second.
  const limit = { calls: 200, windowMs: 60_000 };
  await using server = await OwnRedis.start();
  await using fleet = await openFleet(server, 2, limit, { helloMs: 60_000 });
  const [first, second] = fleet.workers.map(({ budget }) => budget);
  assert.ok(first !== undefined && second !== undefined);
  const { grantedAtMicros: lookedAt } = await first.acquire(KEY, never);
  const instants = (await acquireMany([second], 40)).map(({ grantedAtMicros }) => grantedAtMicros - lookedAt);
  assert.equal(instants.filter((micros) => micros <= 1_000_000n).length, 10);
  assert.ok((instants.at(-1) ?? 0n) < 3_000_000n, "and no longer");
});

test("redis: workers that just had calls go on at once when it goes away, within a limit that is far from used", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  const limit = { calls: 90, windowMs: 60_000 };
  await using server = await OwnRedis.start();
  await using fleet = await openFleet(server, 3, limit);
  const budgets = fleet.workers.map(({ budget }) => budget);
  const before = await acquireMany(budgets, 9);
  await server.kill();
  const after = await acquireMany(budgets, 30);
  assert.ok(Math.max(...after.map(({ waitedMs }) => waitedMs)) < 2_000);
  assertWindows([...before, ...after], limit);
});

test("redis: a worker that comes back is heard of only when all it was granted alone is told", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  await using server = await OwnRedis.start();
  await using connection = await openRedis({ host: "127.0.0.1", port: server.port, log: silentLog }, never);
  const gate = { isShut: false, opened: Promise.withResolvers<void>(), reached: Promise.withResolvers<void>() };
  const client = new Proxy(connection.client, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== "sendCommand") {
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      }
      return async (words: readonly string[]): Promise<unknown> => {
        // The script of two keys is the hello.
        if (gate.isShut && words[2] === "2") {
          gate.reached.resolve();
          await gate.opened.promise;
        }
        return target.sendCommand([...words]);
      };
    },
  });
  await using budget = await openRedisBudget({
    client,
    identityOf: () => TOKEN,
    limitsOf: () => [{ calls: 50, windowMs: 60_000 }],
    clock: systemClock,
    log: silentLog,
    margin: 0,
    probeMs: 20,
    helloMs: 500,
  });
  await budget.acquire(KEY, never);
  gate.isShut = true;
  await connection.client.flushAll();
  const alone = await budget.acquire(KEY, never);
  await gate.reached.promise;
  const asked = budget.acquire(KEY, never);
  await sleep(100);
  assert.equal(budget.states()[0]?.waiting, 1, "a call now would be unknown to all others");
  gate.opened.resolve();
  const next = await asked;
  assert.ok(next.grantedAtMicros > alone.grantedAtMicros);
  assert.ok(budget.isShared());
});

test("redis: a server that hangs holds up no call for longer than one answer may take", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  await using server = await OwnRedis.start();
  await using worker = await openWorker(server, { calls: 100, windowMs: 1_000 }, { commandMsMax: 100 });
  await acquireMany([worker.budget], 1);
  server.freeze();
  try {
    const beganAtMs = performance.now();
    const grants = await acquireMany([worker.budget], 20);
    assert.ok(performance.now() - beganAtMs < 400);
    const versions = grants.map(({ grantedAtMicros }) => grantedAtMicros);
    assert.ok(versions.every((version, index) => index === 0 || version > (versions[index - 1] ?? 0n)));
  } finally {
    server.thaw();
  }
});

test("redis: a worker that starts while it is away begins with a quarter", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  await using server = await OwnRedis.start();
  await using connection = await openRedis({ host: "127.0.0.1", port: server.port, log: silentLog }, never);
  await server.kill();
  await using budget = await openRedisBudget({
    client: connection.client,
    identityOf: () => TOKEN,
    limitsOf: () => [{ calls: 40, windowMs: 400 }],
    clock: systemClock,
    log: silentLog,
    margin: 0,
  });
  const grants = await acquireMany([budget], 25);
  assertWindows(grants, { calls: 10, windowMs: 400 });
});

test("redis: a limit one worker learns is known to one that starts later, also after an empty restart", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  const limit = { calls: 50, windowMs: 400 };
  const lower = { calls: 3, windowMs: 400 };
  await using server = await OwnRedis.start();
  await using first = await openWorker(server, limit);
  await first.budget.lower(KEY, lower, never);
  await server.kill();
  await server.start();
  for (let attempt = 0; attempt < 200 && !first.budget.isShared(); attempt += 1) {
    await sleep(20);
  }
  await sleep(300);
  await using second = await openWorker(server, limit);
  assertWindows(await acquireMany([second.budget], 8), lower);
});

test("redis: a refused password needs a person", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  await using server = await OwnRedis.start("--requirepass", "right");
  for (const password of ["wrong", undefined]) {
    await assert.rejects(
      async () => {
        await using connection = await openRedis(
          { host: "127.0.0.1", port: server.port, log: silentLog, ...(password === undefined ? {} : { password }) },
          AbortSignal.timeout(3_000),
        );
        const budget = await openRedisBudget({
          client: connection.client,
          identityOf: () => TOKEN,
          limitsOf: () => [{ calls: 1, windowMs: 100 }],
          clock: systemClock,
          log: silentLog,
        });
        await budget[Symbol.asyncDispose]();
      },
      (error) => error instanceof PermanentError && error.scope === "budget" && error.isCredentials,
    );
  }
});

test("redis: connecting ends with the signal, also when what answers says nothing", async () => {
  await using silent = await listenTcp(() => undefined);
  const reason = new Error("enough");
  // Before its socket is connected, while it is, and when it waits for an answer.
  for (const afterMs of [0, 1, 2, 4, 50]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), afterMs);
    const opening = openRedis({ host: "127.0.0.1", port: silent.port, log: silentLog }, controller.signal);
    await assert.rejects(opening, reason);
  }
});

test("redis: where nobody listens, one attempt says so with the address", async () => {
  const gone = await listenTcp(() => undefined);
  await gone[Symbol.asyncDispose]();
  await assert.rejects(openRedis({ host: "127.0.0.1", port: gone.port, log: silentLog }, never), (error) => {
    assert.ok(error instanceof TransientError);
    assert.match(
      error.message,
      new RegExp(`^connecting to redis at 127\\.0\\.0\\.1:${gone.port}: redis is away .*REFUSED`),
    );
    return true;
  });
});

test("redis: another service on the port is told from Redis, whether it speaks, hangs up or says nothing", async () => {
  const others: readonly ((socket: Socket) => void)[] = [
    (socket) => socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
    (socket) => socket.once("data", () => socket.end()),
    () => undefined,
  ];
  for (const answer of others) {
    await using server = await listenTcp(answer);
    const options = { host: "127.0.0.1", port: server.port, log: silentLog, connectMsMax: 300 };
    await assert.rejects(openRedis(options, never), (error) => {
      assert.ok(error instanceof TransientError, String(error));
      assert.match(error.message, /something answers there, but it is not Redis, or it expects TLS: check redis\.host/);
      return true;
    });
  }
});

test("redis: a lock goes ahead while the server hangs, and takes no longer than its answers may", async (t) => {
  if (!requireServer(t)) {
    return;
  }
  await using server = await OwnRedis.start();
  await using connection = await openRedis({ host: "127.0.0.1", port: server.port, log: silentLog }, never);
  const lock = createRedisLock({
    client: connection.client,
    scope: "s",
    clock: systemClock,
    log: silentLog,
    answerMsMax: 100,
  });
  assert.equal(await lock.withLock("lists", async () => 1, never), 1);
  server.freeze();
  try {
    const startedMs = performance.now();
    assert.equal(await lock.withLock("lists", async () => 2, never), 2);
    assert.ok(performance.now() - startedMs < 2_000);

    const reason = new Error("stop");
    const patient = createRedisLock({ client: connection.client, scope: "s", clock: systemClock, log: silentLog });
    const controller = new AbortController();
    const waiting = patient.withLock("lists", async () => 3, controller.signal);
    controller.abort(reason);
    await assert.rejects(waiting, reason);
  } finally {
    server.thaw();
  }
});

async function listenTcp(answer: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).resume();
    answer(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return {
    port: address.port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) {
        socket.destroy();
      }
      server.close();
      await once(server, "close");
    },
  };
}
