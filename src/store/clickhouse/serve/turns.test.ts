import assert from "node:assert/strict";
import { test } from "node:test";

import { EngineError } from "./engine-error.ts";
import { Turns } from "./turns.ts";

const never = new AbortController().signal;

test("so many run at once, the others wait in their order, and one too many is refused with 202", async () => {
  const turns = new Turns(1, 2);
  const order: string[] = [];
  const first = Promise.withResolvers<void>();
  const runs = [
    turns.run(() => first.promise, never),
    turns.run(async () => void order.push("second"), never),
    turns.run(async () => void order.push("third"), never),
  ];
  await assert.rejects(
    turns.run(async () => void order.push("fourth"), never),
    (error) => error instanceof EngineError && error.code === 202,
  );
  assert.deepEqual(order, []);
  first.resolve();
  await Promise.all(runs);
  assert.deepEqual(order, ["second", "third"]);
});

test("who leaves while waiting never runs and makes room", async () => {
  const turns = new Turns(1, 1);
  const first = Promise.withResolvers<void>();
  const running = turns.run(() => first.promise, never);
  const client = new AbortController();
  const left = turns.run(() => assert.fail("ran"), client.signal);
  client.abort(new Error("gone"));
  await assert.rejects(left, /gone/);
  const next = turns.run(() => Promise.resolve("next"), never);
  first.resolve();
  await running;
  assert.equal(await next, "next");
});

test("a failure gives the turn on, and idle waits for the last or for its signal", async () => {
  const turns = new Turns(1, 1);
  await assert.rejects(
    turns.run(() => Promise.reject(new Error("no")), never),
    /no/,
  );
  await turns.idle(never);
  const work = Promise.withResolvers<void>();
  const running = turns.run(() => work.promise, never);
  const patience = new AbortController();
  const impatient = turns.idle(patience.signal);
  patience.abort();
  await impatient;
  const idle = turns.idle(never);
  work.resolve();
  await idle;
  await running;
});
