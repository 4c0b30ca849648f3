import type { Span } from "../domain/ledger.ts";

/** Calendar and stock list are brought up to date when they are older than this: once a day, at whatever hour work comes. */
export const REFERENCE_AGE_MS_MAX = 20 * 60 * 60 * 1000;

/** Which of the two lists every plan rests on must be fetched before the next plan. */
export interface Freshness {
  readonly needsCalendar: boolean;
  readonly needsStockList: boolean;
}

/** When each was last fetched, in epoch milliseconds; undefined when it never was. `lastFetchedAtMs` reads it from the ledger. */
export interface ReferenceAges {
  readonly calendarFetchedAtMs: number | undefined;
  readonly stockListFetchedAtMs: number | undefined;
}

export function judgeFreshness(ages: ReferenceAges, nowMs: number): Freshness {
  return {
    needsCalendar: isStale(ages.calendarFetchedAtMs, nowMs),
    needsStockList: isStale(ages.stockListFetchedAtMs, nowMs),
  };
}

/** Absent, or more than REFERENCE_AGE_MS_MAX old. A time in the future (a clock was set back) counts as fresh. */
export function isStale(fetchedAtMs: number | undefined, nowMs: number): boolean {
  return fetchedAtMs === undefined || nowMs - fetchedAtMs > REFERENCE_AGE_MS_MAX;
}

/** The grant of the newest call that a data set of the whole market is known from. */
export function lastFetchedAtMs(spans: readonly Span[]): number | undefined {
  let newest: bigint | undefined;
  for (const { state, evidence } of spans) {
    if (state === "present" && (newest === undefined || evidence.version > newest)) {
      newest = evidence.version;
    }
  }
  return newest === undefined ? undefined : Number.parseInt((newest / 1000n).toString(), 10);
}
