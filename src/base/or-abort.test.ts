import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { orAbort } from "./or-abort.ts";

test("whoever gives up gets the signal's reason at once, the others get what comes", async () => {
  const shared = Promise.withResolvers<number>();
  const gone = new AbortController();
  const stays = new AbortController();
  const left = orAbort(shared.promise, gone.signal);
  const kept = orAbort(shared.promise, stays.signal);
  gone.abort(new Error("partition lost"));
  await assert.rejects(left, /partition lost/);
  shared.resolve(7);
  assert.equal(await kept, 7);
  assert.deepEqual(getEventListeners(stays.signal, "abort"), []);
});

test("a failure after the abort is no unhandled rejection, and a signal that has aborted waits for nothing", async () => {
  const shared = Promise.withResolvers<number>();
  await assert.rejects(orAbort(shared.promise, AbortSignal.abort(new Error("dropped"))), /dropped/);
  shared.reject(new Error("late"));
  await new Promise((resolve) => setImmediate(resolve));
});
