import assert from "node:assert/strict";
import { test } from "node:test";

import { Gate } from "./gate.ts";

const never = new AbortController().signal;

test("what has no room waits, and goes in first come first served", async () => {
  const gate = new Gate(10);
  await gate.enter(6, never);
  const order: string[] = [];
  const large = gate.enter(9, never).then(() => order.push("large"));
  const small = gate.enter(1, never).then(() => order.push("small"));
  await Promise.resolve();
  assert.deepEqual(order, []);
  gate.leave(6);
  await Promise.all([large, small]);
  assert.deepEqual(order, ["large", "small"]);
  assert.equal(gate.inside, 10);
});

test("more than there is room for goes in alone", async () => {
  const gate = new Gate(10);
  await gate.enter(50, never);
  assert.equal(gate.inside, 50);
});

test("who gives up waiting makes room in the queue for the next", async () => {
  const gate = new Gate(10);
  await gate.enter(8, never);
  const controller = new AbortController();
  const large = gate.enter(10, controller.signal);
  const small = gate.enter(2, never);
  controller.abort(new Error("gone"));
  await assert.rejects(large, /gone/);
  await small;
  assert.equal(gate.inside, 10);
});
