import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { Call } from "../domain/unit.ts";
import { createMemoryLock } from "../limits/memory-lock.ts";
import type { Lock } from "../ports/lock.ts";
import type { Page, Source } from "../ports/source.ts";
import { withFleetTurn } from "./fleet-turn.ts";

const never = new AbortController().signal;
const CALL: Call<"trading-calendar"> = {
  dataSet: "trading-calendar",
  frequency: "1d",
  selection: { by: "status", status: "listed" },
};
const PAGE: Page<"trading-calendar"> = {
  dataSet: "trading-calendar",
  rows: [],
  rejected: [],
  received: 0,
  rest: [],
};

const TIMES = { idleMsMax: 40, turnMsMax: 100 };

/** Workers of one fleet before a provider that counts who is there. */
function openFleet(lock: Lock = createMemoryLock()) {
  const seen = { open: 0, most: 0, opened: 0, calls: 0 };
  const open = (): Source => {
    let isConnected = false;
    const rest = async (): Promise<void> => {
      if (isConnected) {
        isConnected = false;
        await sleep(5);
        seen.open -= 1;
      }
    };
    return {
      provider: "baostock",
      capabilities: [],
      fetch: async (_call, signal) => {
        if (!isConnected) {
          isConnected = true;
          seen.open += 1;
          seen.opened += 1;
          seen.most = Math.max(seen.most, seen.open);
        }
        seen.calls += 1;
        await sleep(5, undefined, { signal });
        // The test asks for one data set only.
        return PAGE as never;
      },
      rest,
      [Symbol.asyncDispose]: rest,
    };
  };
  const shared = { lock, clock: systemClock, log: silentLog } as const;
  const worker = (times: { readonly idleMsMax: number; readonly turnMsMax: number } = TIMES): Source =>
    withFleetTurn({ ...shared, ...times, source: open(), lookEveryMs: 5 });
  return { seen, worker };
}

test("of several workers one has a connection at a time, and each comes to its turn", async () => {
  const { seen, worker } = openFleet();
  await using first = worker();
  await using second = worker();
  await using third = worker();
  const many = (source: Source) =>
    Promise.all(
      [...Array(30).keys()].map(async (at) => {
        await sleep(at * 8);
        await source.fetch(CALL, never);
      }),
    );
  await Promise.all([many(first), many(second), many(third)]);
  assert.equal(seen.calls, 90);
  assert.equal(seen.most, 1);
  assert.ok(seen.opened >= 3, `${seen.opened} turns`);
});

test(
  "a worker that stays busy goes from turn to turn, and no turn has to grow idle for that",
  { timeout: 20_000 },
  async () => {
    const { seen, worker } = openFleet();
    await using source = worker({ idleMsMax: 600_000, turnMsMax: 50 });
    for (let at = 0; at < 60; at += 1) {
      await source.fetch(CALL, never);
    }
    assert.ok(seen.opened >= 3, `${seen.opened} turns`);
    assert.ok(seen.opened <= 20, `${seen.opened} turns for ${seen.calls} calls`);
  },
);

test("calls that come while a turn lasts share it, and an idle worker lets the next one in", async () => {
  const { seen, worker } = openFleet();
  await using first = worker();
  await using second = worker();
  await Promise.all([first.fetch(CALL, never), first.fetch(CALL, never)]);
  assert.equal(seen.opened, 1);
  await second.fetch(CALL, never);
  assert.deepEqual([seen.opened, seen.most], [2, 1]);
});

test("a worker is ready when its turn has come, and no call is under way until then", async () => {
  const { seen, worker } = openFleet();
  await using first = worker({ idleMsMax: 60_000, turnMsMax: 60_000 });
  const second = worker();
  await first.ready?.(never);
  assert.deepEqual([seen.opened, seen.calls], [0, 0]);
  await first.fetch(CALL, never);
  const stopped = new AbortController();
  const waiting = second.ready?.(stopped.signal);
  await sleep(30);
  assert.equal(seen.opened, 1);
  const reason = new Error("stopped by the test");
  stopped.abort(reason);
  await assert.rejects(async () => await waiting, reason);
  await second[Symbol.asyncDispose]();
  await second.ready?.(never);
  await assert.rejects(second.fetch(CALL, never), /the source was closed/);
});

test("whoever waits for a turn can be called off, and the turn goes on for others", async () => {
  const { seen, worker } = openFleet();
  await using first = worker();
  await using second = worker();
  await first.fetch(CALL, never);
  const reason = new Error("stopped by the test");
  const controller = new AbortController();
  const waiting = second.fetch(CALL, controller.signal);
  controller.abort(reason);
  await assert.rejects(waiting, (error) => error === reason);
  await second.fetch(CALL, never);
  assert.equal(seen.most, 1);
});

test("a closed source leaves no connection, and a failure to open is the caller's, who may try again", async () => {
  const { seen, worker } = openFleet();
  const source = worker();
  await source.fetch(CALL, never);
  await source[Symbol.asyncDispose]();
  assert.equal(seen.open, 0);
  await assert.rejects(source.fetch(CALL, never), /the source was closed/);

  let isBroken = true;
  const lock: Lock = {
    withLock: async (_name, act) => {
      if (isBroken) {
        throw new Error("no lock today");
      }
      return await act();
    },
  };
  const fleet = openFleet(lock);
  await using other = fleet.worker();
  await assert.rejects(other.fetch(CALL, never), /no lock today/);
  isBroken = false;
  await other.fetch(CALL, never);
  assert.equal(fleet.seen.calls, 1);
});
