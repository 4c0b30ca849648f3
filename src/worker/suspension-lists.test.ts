import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { PermanentError, TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { parseDay, SHANGHAI } from "../domain/day.ts";
import { MAINLAND_EXCHANGES, parseSecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import type { Capability, Source } from "../ports/source.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine } from "./provider-line.ts";
import { SuspensionLists } from "./suspension-lists.ts";

const DAY = parseDay("2026-03-02");
const never = new AbortController().signal;

test("who refuses the list refuses nothing else: it is asked no more, and no list was read", async () => {
  for (const scope of ["api", "provider"] as const) {
    const asked: Call[] = [];
    const lists = openLists(asked, new PermanentError("the token was refused", scope));
    for (const code of ["600000.SH", "600004.SH"]) {
      const { days, evidence } = await lists.suspendedDays(parseSecurityCode(code), [DAY]);
      assert.deepEqual([days.size, evidence], [0, undefined]);
    }
    assert.equal(asked.length, 1);
  }
});

test("a list of the mainland says nothing of a code of another market, and is not asked", async () => {
  const asked: Call[] = [];
  const lists = openLists(asked);
  assert.equal((await lists.suspendedDays(parseSecurityCode("00700.HK"), [DAY])).evidence, undefined);
  assert.equal(asked.length, 0);
  assert.notEqual((await lists.suspendedDays(parseSecurityCode("600000.SH"), [DAY])).evidence, undefined);
  assert.equal(asked.length, 1);
});

test("another provider's rows do not wait for a list whose provider is out, its own do", async () => {
  const banned = new TransientError("too many calls", { retryAfterMs: 3_600_000 });
  const lists = openLists([], banned);
  const code = parseSecurityCode("600000.SH");
  const { days, evidence } = await lists.suspendedDays(code, [DAY], "tdx");
  assert.deepEqual([days.size, evidence], [0, undefined]);
  let isAnswered = false;
  void lists.suspendedDays(code, [DAY], "tushare").then(() => (isAnswered = true));
  assert.deepEqual((await lists.suspendedDays(code, [DAY], "baostock")).evidence, undefined);
  assert.equal(isAnswered, false);
});

function openLists(asked: Call[], refusal?: Error): SuspensionLists {
  const clock = new ManualClock("2026-03-16T12:00:00Z");
  const key = { provider: "tushare", api: "suspend_d" } as const;
  const source: Source = {
    provider: key.provider,
    capabilities: [],
    fetch: async (call) => {
      asked.push(call);
      if (refusal !== undefined) {
        throw refusal;
      }
      return { dataSet: call.dataSet, rows: [], rejected: [], received: 0, rest: [] };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const waits = { waitMs: 1, factor: 2, waitMsMax: 2 };
  const limits = { failuresToOpen: 5, pauses: waits, outageDeadlineMs: 0 };
  const line = new ProviderLine({
    source,
    capability: CAPABILITY,
    budget: {
      acquire: async () => ({ grantedAtMicros: 1n, callsLeft: 1, waitedMs: 0 }),
      lower: async () => undefined,
      pause: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    },
    gate: new ProviderGate({ key, limits, clock, log: silentLog }),
    retryWaits: waits,
    clock,
    log: silentLog,
    newCallId: () => "call-1",
  });
  return new SuspensionLists(line, clock, silentLog, never);
}

const CAPABILITY: Capability = {
  dataSet: "suspensions",
  frequency: "1d",
  api: "suspend_d",
  rowsMax: 5_000,
  rowsPerDay: 1,
  codesMax: 1,
  byDay: true,
  completeFrom: "17:00",
  zone: SHANGHAI,
  exchanges: MAINLAND_EXCHANGES,
  kinds: ["stock"],
  since: undefined,
};
