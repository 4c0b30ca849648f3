import assert from "node:assert/strict";
import test from "node:test";

import { Lifecycle, type WorkerState } from "./lifecycle.ts";
import { liveThrough } from "./live-through.ts";

function followed(): { readonly lifecycle: Lifecycle; readonly states: WorkerState[] } {
  const lifecycle = new Lifecycle();
  const states: WorkerState[] = [];
  lifecycle.onChange(({ to }) => states.push(to));
  return { lifecycle, states };
}

test("a worker that is told to stop goes through stopping to stopped, and can be started again", async () => {
  const { lifecycle, states } = followed();
  for (const answer of [1, 2]) {
    const stop = new AbortController();
    const work = async (): Promise<number> => {
      lifecycle.enter("RUNNING");
      stop.abort();
      await Promise.resolve();
      assert.equal(lifecycle.state, "STOPPING");
      return answer;
    };
    assert.equal(await liveThrough(lifecycle, work, stop.signal), answer);
  }
  const once = ["STARTING", "RUNNING", "STOPPING", "STOPPED"];
  assert.deepEqual(states, [...once, ...once]);
});

test("told to stop while it still waits for something it has stopped; anything else that ends it is an error", async () => {
  for (const [isAsked, expected] of [
    [true, ["STARTING", "STOPPING", "STOPPED"]],
    [false, ["STARTING", "ERROR"]],
  ] as const) {
    const { lifecycle, states } = followed();
    const stop = new AbortController();
    const reason = new Error("no such user");
    const work = (): Promise<never> => {
      if (isAsked) {
        stop.abort(reason);
      }
      return Promise.reject(reason);
    };
    await assert.rejects(liveThrough(lifecycle, work, stop.signal), reason);
    assert.deepEqual(states, expected);
    assert.equal(lifecycle.why, isAsked ? "" : "no such user");
    // A signal that comes after the end is nobody's.
    stop.abort();
    assert.deepEqual(states, expected);
  }
});

test("a stop that came before the start is not lost", async () => {
  const { lifecycle, states } = followed();
  const stopped = AbortSignal.abort(new Error("stopped early"));
  await assert.rejects(
    liveThrough(
      lifecycle,
      () => {
        stopped.throwIfAborted();
        return Promise.resolve();
      },
      stopped,
    ),
    stopped.reason,
  );
  assert.deepEqual(states, ["STARTING", "STOPPING", "STOPPED"]);
});
