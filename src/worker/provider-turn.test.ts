import assert from "node:assert/strict";
import test from "node:test";

import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { SHANGHAI } from "../domain/day.ts";
import { MAINLAND_EXCHANGES } from "../domain/security-code.ts";
import type { Budget } from "../ports/budget.ts";
import type { Source } from "../ports/source.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine } from "./provider-line.ts";

const never = new AbortController().signal;
const WAITS = { waitMs: 1, factor: 2, waitMsMax: 10 };

test("no grant is taken for a provider that is not ready for a call", async () => {
  const readiness = Promise.withResolvers<void>();
  const done: string[] = [];
  const refuse = (): never => {
    throw new TypeError("not asked for here");
  };
  const source: Source = {
    provider: "baostock",
    capabilities: [],
    fetch: refuse,
    ready: async () => {
      done.push("asked");
      await readiness.promise;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const budget: Budget = {
    acquire: async () => {
      done.push("granted");
      return { grantedAtMicros: 1n, callsLeft: 1, waitedMs: 0 };
    },
    lower: refuse,
    pause: refuse,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const parts = { clock: systemClock, log: silentLog };
  const limits = { failuresToOpen: 5, pauses: WAITS, outageDeadlineMs: 1_000 };
  const line = new ProviderLine({
    ...parts,
    source,
    capability: {
      dataSet: "bars",
      frequency: "1d",
      api: "baostock",
      rowsMax: 10,
      rowsPerDay: 1,
      codesMax: 1,
      byDay: false,
      completeFrom: "17:30",
      zone: SHANGHAI,
      exchanges: MAINLAND_EXCHANGES,
      kinds: ["stock"],
      since: undefined,
    },
    budget,
    gate: new ProviderGate({ ...parts, key: { provider: "baostock", api: "baostock" }, limits }),
    retryWaits: WAITS,
    newCallId: () => "c",
  });
  const admission = line.admit(never);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(done, ["asked"]);
  readiness.resolve();
  line.giveBack(await admission);
  assert.deepEqual(done, ["asked", "granted"]);
});
