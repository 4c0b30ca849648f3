import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { TransientError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { type Day, HONG_KONG, parseDay } from "../domain/day.ts";
import { MARKET, SOURCE } from "../domain/enums.ts";
import { ledgerKeyText, type Span } from "../domain/ledger.ts";
import type { CalendarDay } from "../domain/rows.ts";
import { createMemoryLock } from "../limits/memory-lock.ts";
import type { Capability, Page, Source } from "../ports/source.ts";
import { IndexCalendars } from "./index-calendars.ts";
import type { ListParts } from "./keep-list.ts";
import { ListLines } from "./list-lines.ts";
import { ProviderChain } from "./provider-chain.ts";
import { ProviderGate } from "./provider-gate.ts";
import { ProviderLine } from "./provider-line.ts";

const never = new AbortController().signal;
const [THURSDAY, FRIDAY] = [parseDay("2026-03-12"), parseDay("2026-03-13")];

test("a weekday that is just over and has no bar is looked at again, and a day later it was a holiday", async () => {
  const { calendars, clock, index } = openCalendars();
  index.push(THURSDAY);
  await calendars.ensure("HK", never);
  assert.deepEqual([calendars.calendar("HK").knownTo, index.asked], [THURSDAY, 1]);
  await calendars.ensure("HK", never);
  assert.equal(index.asked, 1, "not at once");
  index.push(FRIDAY);
  await clock.advance(20 * 60_000);
  await calendars.ensure("HK", never);
  assert.equal(calendars.calendar("HK").isTradingDay(FRIDAY), true);

  const closed = openCalendars();
  closed.index.push(THURSDAY);
  await closed.calendars.ensure("HK", never);
  await closed.clock.advance(25 * 3_600_000);
  await closed.calendars.ensure("HK", never);
  const calendar = closed.calendars.calendar("HK");
  assert.equal(calendar.isTradingDay(FRIDAY), false);
  assert.ok(calendar.knownTo >= FRIDAY);
});

test("what is under way for nobody ends when the calendars are closed", { timeout: 5_000 }, async () => {
  const { calendars, clock, index, close } = openCalendars();
  index.failure = new TransientError("banned", { retryAfterMs: 1_800_000 });
  const stop = new AbortController();
  const waiting = calendars.ensure("HK", stop.signal);
  await clock.advance(1_000);
  assert.ok(clock.sleepers > 0);
  stop.abort(new Error("given back"));
  await assert.rejects(waiting, /given back/);
  assert.ok(clock.sleepers > 0);
  close.abort(new Error("closed"));
  await calendars.ended();
  assert.equal(clock.sleepers, 0);
});

class Index extends Array<Day> {
  asked = 0;
  failure: Error | undefined;
}

/** On Friday evening, a little after the day is complete. */
function openCalendars() {
  const clock = new ManualClock("2026-03-13T11:05:00Z");
  const index = new Index();
  const stored = new Map<Day, CalendarDay>();
  const spans = new Map<string, readonly Span[]>();
  const source: Source = {
    provider: "yahoo",
    capabilities: [],
    fetch: async (call) => {
      index.asked += 1;
      if (index.failure !== undefined) {
        throw index.failure;
      }
      const rows = [...index].map((day) => ({ market: MARKET.OTHER, day, isOpen: true, source: SOURCE.YAHOO }));
      const page: Page<"trading-calendar"> = {
        dataSet: "trading-calendar",
        rows,
        rejected: [],
        received: rows.length,
        rest: [],
      };
      return page as Page<typeof call.dataSet>;
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const waits = { waitMs: 1, factor: 2, waitMsMax: 2 };
  const limits = { failuresToOpen: 5, pauses: waits, outageDeadlineMs: 0 };
  const line = new ProviderLine({
    source,
    capability: CAPABILITY,
    budget: {
      acquire: async () => ({ grantedAtMicros: BigInt(clock.nowMs()) * 1_000n, callsLeft: 1, waitedMs: 0 }),
      lower: async () => undefined,
      pause: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    },
    gate: new ProviderGate({ key: { provider: "yahoo", api: "chart" }, limits, clock, log: silentLog }),
    retryWaits: waits,
    clock,
    log: silentLog,
    newCallId: () => "call-1",
  });
  const close = new AbortController();
  const parts: ListParts = {
    stored: { instruments: async () => [], calendar: async () => [...stored.values()] },
    store: {
      addBatch: async (models) => {
        for (const model of models) {
          if (model.model === "calendar-day") {
            stored.set(model.row.day, model.row);
          }
        }
        return models.map(() => "new" as const);
      },
      quarantine: async () => undefined,
    },
    ledger: {
      read: async (keys) => new Map(keys.map((key) => [ledgerKeyText(key), spans.get(ledgerKeyText(key)) ?? []])),
      write: async (changes) => {
        for (const { key, change } of changes) {
          spans.set(ledgerKeyText(key), change([]));
        }
      },
    },
    lock: createMemoryLock(),
    clock,
    log: silentLog,
    work: close.signal,
  };
  const chain = new ProviderChain({ providers: ["yahoo"], log: silentLog });
  const lines = new ListLines({ list: "trading days", lines: [line], chain, clock, log: silentLog });
  const calendars = new IndexCalendars(parts, new Map([["HK", lines]]));
  return { calendars, clock, index, close };
}

const CAPABILITY: Capability = {
  dataSet: "trading-calendar",
  frequency: "1d",
  api: "chart",
  rowsMax: 10_000,
  rowsPerDay: 1,
  codesMax: 0,
  byDay: false,
  completeFrom: "19:00",
  zone: HONG_KONG,
  exchanges: ["HK"],
  kinds: ["stock"],
  since: undefined,
};
