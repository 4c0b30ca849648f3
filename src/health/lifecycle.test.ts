import assert from "node:assert/strict";
import test from "node:test";

import { Lifecycle, type StateChange, TRANSITIONS, type WorkerState } from "./lifecycle.ts";

/** Written out once more, so that a change of the table is a change of this promise. */
const ALLOWED: readonly string[] = [
  "STOPPED STARTING",
  "STARTING RUNNING",
  "STARTING STOPPING",
  "STARTING ERROR",
  "RUNNING STOPPING",
  "RUNNING ERROR",
  "STOPPING STOPPED",
  "STOPPING ERROR",
  "ERROR STARTING",
  "ERROR RUNNING",
  "ERROR STOPPING",
];
const WAYS: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  STOPPED: [],
  STARTING: ["STARTING"],
  RUNNING: ["STARTING", "RUNNING"],
  STOPPING: ["STARTING", "STOPPING"],
  ERROR: ["STARTING", "ERROR"],
};
const states = ["STOPPED", "STARTING", "RUNNING", "STOPPING", "ERROR"] as const;

function lifecycleIn(state: WorkerState): Lifecycle {
  const lifecycle = new Lifecycle();
  for (const next of WAYS[state]) {
    lifecycle.enter(next);
  }
  assert.equal(lifecycle.state, state);
  return lifecycle;
}

test("of the twenty changes between five states eleven are allowed, and the others throw and change nothing", () => {
  for (const from of states) {
    for (const to of states.filter((other) => other !== from)) {
      const lifecycle = lifecycleIn(from);
      if (ALLOWED.includes(`${from} ${to}`)) {
        lifecycle.enter(to);
        assert.equal(lifecycle.state, to);
      } else {
        assert.throws(() => lifecycle.enter(to), new RangeError(`a worker that is ${from} cannot become ${to}`));
        assert.equal(lifecycle.state, from);
      }
    }
  }
  assert.equal(Object.values(TRANSITIONS).flat().length, ALLOWED.length);
});

test("each change is told once with its reason, the same state again is none, and the reason goes with the error", () => {
  const lifecycle = new Lifecycle();
  const told: StateChange[] = [];
  using listening = lifecycle.onChange((change) => told.push(change));
  lifecycle.enter("STARTING");
  lifecycle.enter("STARTING");
  lifecycle.enter("ERROR", "no such user");
  assert.equal(lifecycle.why, "no such user");
  lifecycle.enter("STARTING");
  assert.equal(lifecycle.why, "");
  listening[Symbol.dispose]();
  lifecycle.enter("RUNNING");
  assert.deepEqual(told, [
    { from: "STOPPED", to: "STARTING", why: "" },
    { from: "STARTING", to: "ERROR", why: "no such user" },
    { from: "ERROR", to: "STARTING", why: "" },
  ]);
});
