import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../base/clock.ts";
import { createGatherer } from "../base/gather.ts";
import { RETRY_WAITS_DEFAULT } from "../base/jitter.ts";
import { silentLog } from "../base/log.ts";
import { ZERO } from "../base/decimal.ts";
import { SHANGHAI, type Day } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import type { AdjustmentFactor } from "../domain/rows.ts";
import { MAINLAND_EXCHANGES, type SecurityCode } from "../domain/security-code.ts";
import type { Call, Unit } from "../domain/unit.ts";
import { coalesce } from "../planning/coalesce.ts";
import { bundledCalendar } from "../planning/trading-calendar.ts";
import type { Budget } from "../ports/budget.ts";
import type { Capability, Source } from "../ports/source.ts";
import { CallDesk } from "./call-desk.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine } from "./provider-line.ts";

// The desk looks at a row's code and day only, so factors stand for bars here, asked for as either is.
type FactorCall = Call<"adjustment-factors">;

const calendar = bundledCalendar();
const never = new AbortController().signal;
const TO = calendar.indexOnOrBefore("2026-11-20" as Day);
/** As the worker sets it. */
const ROWS_IN_HAND_MAX = 30_000;
const CALLS_AT_ONCE = 4;
const ROWS_MAX = 6_000;

test("the whole market over months comes in the least calls, and what is in hand stays bounded", async () => {
  for (const [codes, days, codesMax, calls] of [
    // Bars: 80 codes a call, or the market on a day.
    [5_500, 30, 80, 30],
    [5_500, 68, 80, 68],
    [1_000, 250, 80, 43],
    // Factors: one code a call, or the market on a day.
    [5_500, 68, 1, 68],
    [1_000, 250, 1, 250],
  ] as const) {
    const result = await bring({ codes, days, codesMax });
    const what = `${codes} codes × ${days} days, ${codesMax} codes a call`;
    assert.equal(result.calls, calls, what);
    assert.equal(result.rows, codes * days, what);
    assert.ok(
      result.rowsInHandMost <= ROWS_IN_HAND_MAX + CALLS_AT_ONCE * ROWS_MAX,
      `${what}: ${result.rowsInHandMost}`,
    );
  }
});

interface Brought {
  readonly calls: number;
  readonly rows: number;
  readonly rowsInHandMost: number;
}

/** All codes ask for the same last days; what is handed over together takes a moment to be stored. */
async function bring(size: {
  readonly codes: number;
  readonly days: number;
  readonly codesMax: number;
}): Promise<Brought> {
  const capability: Capability = {
    dataSet: "adjustment-factors",
    frequency: "1d",
    api: "adj_factor",
    rowsMax: ROWS_MAX,
    codesMax: size.codesMax,
    byDay: true,
    completeFrom: "09:20",
    zone: SHANGHAI,
    rowsPerDay: 1,
    exchanges: MAINLAND_EXCHANGES,
    kinds: ["stock"],
    since: undefined,
  };
  const codes = Array.from({ length: size.codes }, (_, index) => `${600_000 + index}.SH` as SecurityCode);
  let [calls, rows, inHand, rowsInHandMost] = [0, 0, 0, 0];
  const source: Source = {
    provider: "tushare",
    capabilities: [capability],
    fetch: async (call) => {
      const page = rowsOf(call as FactorCall, codes);
      calls += 1;
      inHand += page.length;
      rowsInHandMost = Math.max(rowsInHandMost, inHand);
      return { dataSet: call.dataSet, rows: page as never, rejected: [], received: page.length, rest: [] };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  await using desk = new CallDesk<"adjustment-factors">(
    {
      line: new ProviderLine({
        source,
        capability,
        budget: freeBudget(),
        gate: new ProviderGate({
          key: { provider: "tushare", api: capability.api },
          limits: { failuresToOpen: 5, pauses: RETRY_WAITS_DEFAULT, outageDeadlineMs: 0 },
          clock: systemClock,
          log: silentLog,
        }),
        retryWaits: RETRY_WAITS_DEFAULT,
        clock: systemClock,
        log: silentLog,
        newCallId: () => "call",
      }),
      coalesce: (units) => coalesce(units, capability, { calendar, marketRowsByDay: size.codes }),
      check: (page) => ({ rows: page, rejected: [] }),
      setAside: () => Promise.resolve(),
      clock: systemClock,
      log: silentLog,
      retryWaits: RETRY_WAITS_DEFAULT,
      limits: { callsAtOnceMax: CALLS_AT_ONCE, rowsInHandMax: ROWS_IN_HAND_MAX, gatherMs: 5, gatherMsMax: 60 },
    },
    never,
  );
  const store = createGatherer<number, void>(async (counts) => {
    await systemClock.sleep(1);
    const stored = counts.reduce((sum, count) => sum + count, 0);
    rows += stored;
    inHand -= stored;
    return counts.map(() => undefined);
  }, Infinity);
  await Promise.all(
    codes.map((code) => desk.fetch(unitOf(code, size.days), ({ fetched }) => store(fetched.length), never)),
  );
  return { calls, rows, rowsInHandMost };
}

function rowsOf({ selection }: FactorCall, market: readonly SecurityCode[]): readonly AdjustmentFactor[] {
  if (selection.by !== "day" && selection.by !== "codes") {
    throw new RangeError(`not asked for by ${selection.by}`);
  }
  const days = selection.by === "day" ? [selection.day] : calendar.tradingDaysBetween(selection.from, selection.to);
  const codes = selection.by === "day" ? market : selection.codes;
  return codes.flatMap((code) =>
    days.map((tradingDay) => ({ code, tradingDay, factor: ZERO, source: SOURCE.TUSHARE })),
  );
}

function unitOf(code: SecurityCode, days: number): Unit {
  const [from, to] = [calendar.dayAt(TO - days + 1), calendar.dayAt(TO)];
  const span = { from, to, tradingDays: days, missing: [{ from, to }] };
  return { dataSet: "adjustment-factors", frequency: "1d", code, ...span, provider: "tushare" };
}

function freeBudget(): Budget {
  let grants = 0n;
  return {
    acquire: async () => ({ grantedAtMicros: (grants += 1n), callsLeft: 1, waitedMs: 0 }),
    lower: () => Promise.resolve(),
    pause: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
