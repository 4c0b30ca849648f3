import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../../test/support/manual-clock.ts";
import type { BreakerSeen } from "../../worker/provider-gate.ts";
import { watchWork } from "./watch-work.ts";
import type { WorkerSaid } from "./worker-said.ts";

const never = new AbortController().signal;

test("what is out is said once, since the earliest worker, and whoever does not answer says nothing", async () => {
  const clock = new ManualClock();
  const daily = { provider: "tushare", api: "daily", state: "open" } as const;
  const suspensions = {
    provider: "tushare",
    api: "suspend_d",
    state: "half-open",
    since: "2026-03-02T03:00:00Z",
  } as const;
  const answers: (readonly BreakerSeen[] | undefined)[] = [
    [],
    [suspensions, { ...daily, since: "2026-03-02T02:00:00Z" }, { ...daily, since: "2026-03-02T01:00:00Z", why: "a" }],
    [{ ...daily, since: "2026-03-02T01:00:00Z", why: "b" }, suspensions],
    undefined,
  ];
  let asked = 0;
  const ask = async (): Promise<readonly WorkerSaid[]> => {
    const outages = answers[asked];
    asked += 1;
    return outages === undefined
      ? Promise.reject(new Error("redis is away"))
      : [{ state: "running", outages, calls: [], held: undefined }];
  };
  await using watch = watchWork(ask, clock, never, 1_000);
  const seen: unknown[] = [watch.latest.outages];
  for (let second = 0; second < answers.length; second += 1) {
    await clock.advance(1_000);
    seen.push(watch.latest.outages);
  }
  const out = [
    { provider: "tushare", api: "daily", since: "2026-03-02T01:00:00Z" },
    { provider: "tushare", api: "suspend_d", since: "2026-03-02T03:00:00Z" },
  ];
  assert.deepEqual(seen, [[], [], out, out, []]);
  assert.equal(seen[1], seen[0], "nothing new is the same array");
  assert.equal(seen[3], seen[2]);
});

test("closing ends a question that nobody answers", async () => {
  const clock = new ManualClock();
  let isAborted = false;
  const ask = (signal: AbortSignal): Promise<never> =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        isAborted = true;
        reject(signal.reason as Error);
      });
    });
  const watch = watchWork(ask, clock, never, 1_000);
  await clock.advance(1_000);
  await watch[Symbol.asyncDispose]();
  assert.ok(isAborted);
  assert.equal(clock.sleepers, 0);
});
