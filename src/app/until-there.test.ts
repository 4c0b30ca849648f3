import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock, type Clock } from "../base/clock.ts";
import { PermanentError, TransientError } from "../base/errors.ts";
import { silentLog, type Log } from "../base/log.ts";
import { untilThere } from "./until-there.ts";

const never = new AbortController().signal;

/** A clock that is moved by hand: sleepers wake when their time has come. */
class HandClock implements Clock {
  #nowMs = 0;
  #sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  now(): ReturnType<Clock["now"]> {
    return systemClock.now();
  }
  nowMs(): number {
    return this.#nowMs;
  }
  elapsedMs(): number {
    return this.#nowMs;
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => reject(signal.reason));
    this.#sleepers.push({ atMs: this.#nowMs + ms, wake: resolve });
    await promise;
  }
  async pass(ms: number): Promise<void> {
    for (let step = 0; step < ms; step += 100) {
      this.#nowMs += 100;
      for (const { wake } of this.#sleepers.filter(({ atMs }) => atMs <= this.#nowMs)) {
        wake();
      }
      this.#sleepers = this.#sleepers.filter(({ atMs }) => atMs > this.#nowMs);
      await new Promise(setImmediate);
    }
  }
}

function listening(): { readonly log: Log; readonly said: unknown[] } {
  const said: unknown[] = [];
  return { log: { ...silentLog, warn: (_event, fields) => void said.push(fields) }, said };
}

test("a dependency that is away is waited for, and after the wait its last error comes out", async () => {
  const clock = new HandClock();
  const { log, said } = listening();
  const opening = untilThere(
    "redis at h:1",
    async () => {
      throw new TransientError("connecting to redis at h:1: nobody");
    },
    { waitMs: 11_000, clock, log },
    never,
  );
  opening.catch(() => undefined);
  await clock.pass(12_000);
  await assert.rejects(opening, /^TransientError: connecting to redis at h:1: nobody$/);
  assert.deepEqual(said, [
    { what: "redis at h:1", waitedS: 5, ofS: 11, why: "connecting to redis at h:1: nobody" },
    { what: "redis at h:1", waitedS: 10, ofS: 11, why: "connecting to redis at h:1: nobody" },
  ]);
});

test("an attempt that takes long is spoken of while it lasts", async () => {
  const clock = new HandClock();
  const { log, said } = listening();
  const opening = untilThere(
    "Kafka at k:1",
    async () => {
      await clock.sleep(12_000);
      return "there";
    },
    { waitMs: 60_000, clock, log },
    never,
  );
  await clock.pass(12_500);
  assert.equal(await opening, "there");
  assert.equal(said.length, 2);
  assert.deepEqual(said[0], { what: "Kafka at k:1", waitedS: 5, ofS: 60, why: "no answer yet" });
});

test("what needs a person is thrown at once", async () => {
  const refused = new PermanentError("connecting: refused", "queue");
  const opening = untilThere(
    "Kafka",
    () => Promise.reject(refused),
    { waitMs: 60_000, clock: systemClock, log: silentLog },
    never,
  );
  await assert.rejects(opening, refused);
});
