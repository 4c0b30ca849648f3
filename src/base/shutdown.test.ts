import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";

import type { Clock } from "./clock.ts";
import { systemClock } from "./clock.ts";
import { listenForShutdown, StopError } from "./shutdown.ts";

/** A clock whose only sleep ends when the test says so. */
function handClock() {
  const asleep = Promise.withResolvers<void>();
  const slept: number[] = [];
  const clock: Clock = {
    ...systemClock,
    sleep: async (ms, signal) => {
      slept.push(ms);
      const aborted = Promise.withResolvers<never>();
      signal?.addEventListener("abort", () => aborted.reject(signal.reason));
      await Promise.race([asleep.promise, aborted.promise]);
    },
  };
  return { clock, slept, wake: asleep.resolve };
}

test("the first signal stops the intake and leaves the work alone", () => {
  const source = new EventEmitter();
  using shutdown = listenForShutdown(25_000, source, handClock().clock);
  assert.equal(shutdown.signal, undefined);
  source.emit("SIGTERM");
  assert.deepEqual([shutdown.intake.aborted, shutdown.work.aborted, shutdown.signal], [true, false, "SIGTERM"]);
  assert.ok(shutdown.intake.reason instanceof StopError);
});

test("the second signal drops the work, and the first one stays the reason of the end", () => {
  const source = new EventEmitter();
  using shutdown = listenForShutdown(25_000, source, handClock().clock);
  source.emit("SIGINT");
  source.emit("SIGTERM");
  assert.deepEqual([shutdown.work.aborted, shutdown.signal], [true, "SIGINT"]);
});

test("the drain deadline drops the work", async () => {
  const source = new EventEmitter();
  const { clock, slept, wake } = handClock();
  using shutdown = listenForShutdown(25_000, source, clock);
  source.emit("SIGTERM");
  assert.deepEqual(slept, [25_000]);
  const dropped = new Promise((resolve) => shutdown.work.addEventListener("abort", resolve));
  wake();
  await dropped;
  assert.match(String(shutdown.work.reason), /not done within 25000 ms/);
});

test("after disposal nobody listens and no deadline is left", async () => {
  const source = new EventEmitter();
  const { clock, wake } = handClock();
  const shutdown = listenForShutdown(25_000, source, clock);
  source.emit("SIGTERM");
  shutdown[Symbol.dispose]();
  wake();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(shutdown.work.aborted, false);
  assert.deepEqual([source.listenerCount("SIGTERM"), source.listenerCount("SIGINT")], [0, 0]);
});
