import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { SHANGHAI } from "../domain/day.ts";
import { MAINLAND_EXCHANGES } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import type { Source } from "../ports/source.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine, type EndedWait } from "./provider-line.ts";

const never = new AbortController().signal;
const key = { provider: "tushare", api: "trade_cal" } as const;
const call: Call<"trading-calendar"> = {
  dataSet: "trading-calendar",
  frequency: "1d",
  selection: { by: "status", status: "listed" },
};
const capability = {
  dataSet: "trading-calendar",
  frequency: "1d",
  api: "trade_cal",
  rowsMax: 6_000,
  codesMax: 0,
  byDay: false,
  completeFrom: "00:00",
  zone: SHANGHAI,
  rowsPerDay: 1,
  exchanges: MAINLAND_EXCHANGES,
  kinds: ["stock"],
  since: undefined,
} as const;

test("every wait is told once it is over: between tries, and while the provider is out", async () => {
  const clock = new ManualClock();
  const waits: EndedWait[] = [];
  let failures = 3;
  const fetch = (): Promise<never> => {
    failures -= 1;
    return failures >= 0
      ? Promise.reject(new TransientError("calling trade_cal: time-out"))
      : Promise.resolve({ dataSet: "trading-calendar", rows: [], rejected: [], received: 0, rest: [] } as never);
  };
  const source: Source = {
    provider: "tushare",
    capabilities: [capability],
    fetch,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const limits = { failuresToOpen: 2, pauses: { waitMs: 1_000, factor: 2, waitMsMax: 60_000 }, outageDeadlineMs: 0 };
  const line = new ProviderLine({
    source,
    capability,
    budget: {
      acquire: () => Promise.resolve({ grantedAtMicros: 1n, callsLeft: 1, waitedMs: 0 }),
      lower: () => Promise.resolve(),
      pause: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    gate: new ProviderGate({ key, limits, clock, log: silentLog, random: () => 1 }),
    retryWaits: { waitMs: 1, factor: 1, waitMsMax: 1 },
    clock,
    log: silentLog,
    newCallId: () => "c",
    onWait: (wait) => waits.push(wait),
  });
  const answer = line.fetchAll(call, never);
  // Beyond all pauses of the breaker.
  for (let turns = 0; turns < 50; turns += 1) {
    await clock.advance(100);
  }
  assert.equal((await answer).callIds.length, 1);
  assert.ok(waits.every(({ provider, api }) => provider === "tushare" && api === "trade_cal"));
  // The second failure opens the breaker: from then on only its pauses are waited for.
  assert.deepEqual(
    waits.map(({ reason }) => reason).filter((reason, index, all) => reason !== all[index - 1]),
    ["retry", "outage"],
  );
  const outage = waits.filter(({ reason }) => reason === "outage").map(({ ms }) => Math.round(ms));
  assert.deepEqual(outage, [1_000, 2_000]);
});

test("a wait of the budget beyond a minute and a half is held against the line, a shorter one is not", async () => {
  for (const [waitMs, word] of [
    [60_000, "there"],
    [1_800_000, "out"],
  ] as const) {
    const clock = new ManualClock();
    const limits = { failuresToOpen: 2, pauses: { waitMs: 1_000, factor: 2, waitMsMax: 60_000 }, outageDeadlineMs: 0 };
    const line = new ProviderLine({
      source: {
        provider: "tushare",
        capabilities: [capability],
        fetch: () => assert.fail("nothing is granted"),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      capability,
      budget: {
        acquire: (_key, signal, onWait) => {
          onWait?.(waitMs);
          return new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          });
        },
        lower: () => Promise.resolve(),
        pause: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
      gate: new ProviderGate({ key, limits, clock, log: silentLog }),
      retryWaits: { waitMs: 1, factor: 1, waitMsMax: 1 },
      clock,
      log: silentLog,
      newCallId: () => "c",
    });
    const stop = new AbortController();
    const admitted = assert.rejects(line.admit(stop.signal), /enough/);
    await clock.advance(1);
    assert.equal(line.standing().word, word);
    stop.abort(new Error("enough"));
    await admitted;
  }
});

test("a call is under way from the request until its answer or its failure", async () => {
  const clock = new ManualClock();
  const limits = { failuresToOpen: 9, pauses: { waitMs: 1_000, factor: 2, waitMsMax: 60_000 }, outageDeadlineMs: 0 };
  let fail: (error: Error) => void = () => assert.fail("nothing was asked");
  const line = new ProviderLine({
    source: {
      provider: "tushare",
      capabilities: [capability],
      fetch: () => new Promise((_resolve, reject) => (fail = reject)),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    capability,
    budget: {
      acquire: () => Promise.resolve({ grantedAtMicros: 1n, callsLeft: 1, waitedMs: 0 }),
      lower: () => Promise.resolve(),
      pause: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    gate: new ProviderGate({ key, limits, clock, log: silentLog }),
    retryWaits: { waitMs: 1, factor: 1, waitMsMax: 1 },
    clock,
    log: silentLog,
    newCallId: () => "c",
  });
  const admission = await line.admit(never);
  assert.equal(line.callsUnderWay, 0);
  const asked = line.ask(call, admission, never);
  assert.equal(line.callsUnderWay, 1);
  fail(new TransientError("time-out"));
  await assert.rejects(asked, /time-out/);
  assert.equal(line.callsUnderWay, 0);
});
