import { Temporal } from "temporal-polyfill";

import { BoundedMap } from "../base/bounded-map.ts";
import { addDays, dayAt, type Day } from "../domain/day.ts";
import type { Capability } from "../ports/source.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** When a provider's rows of a day are complete; both fields of a capability. */
export type Publication = Pick<Capability, "completeFrom" | "zone">;

/**
 * The instant from which on the rows of `day` are final: `completeFrom` by the wall clock of `zone` on that very day
 * (A-share daily bars 17:00, adjustment factors 09:20). Before it the day is pending. Epoch milliseconds.
 */
export function askAgainAtMs(day: Day, publication: Publication): number {
  const name = `${publication.completeFrom} ${publication.zone}`;
  let known = completeAtMs.get(name);
  if (known === undefined) {
    known = new BoundedMap(DAYS_MAX);
    completeAtMs.set(name, known);
  }
  let atMs = known.get(day);
  if (atMs === undefined) {
    atMs = toEpochMs(day, publication);
    known.set(day, atMs);
  }
  return atMs;
}

/**
 * A history of the whole market asks this tens of millions of times about a few thousand days, and the wall clock of a
 * zone is dear: without this, one message for all codes held up everything else for seconds.
 */
const completeAtMs = new Map<string, BoundedMap<Day, number>>();
/** All trading days there were, and as many again. */
const DAYS_MAX = 20_000;

function toEpochMs(day: Day, publication: Publication): number {
  return Temporal.PlainDate.from(day).toZonedDateTime({
    timeZone: publication.zone,
    plainTime: Temporal.PlainTime.from(publication.completeFrom),
  }).epochMilliseconds;
}

/** Of one market the publication whose days are final first. */
export function earlierOf(one: Publication, other: Publication | undefined): Publication {
  return other === undefined || one.completeFrom <= other.completeFrom ? one : other;
}

export function isFinal(day: Day, publication: Publication, nowMs: number): boolean {
  return askAgainAtMs(day, publication) <= nowMs;
}

/** The last day of which rows are final at `nowMs`, trading day or not: today or yesterday. No calendar is needed to tell. */
export function lastFinalDay(publication: Publication, nowMs: number): Day {
  const today = todayAt(publication, nowMs);
  return isFinal(today, publication, nowMs) ? today : addDays(today, -1);
}

/** The last trading day that is final at `nowMs`. CalendarEndError when the calendar ends before that day. */
export function lastFinalTradingDay(calendar: TradingCalendar, publication: Publication, nowMs: number): Day {
  return calendar.lastTradingDayOnOrBefore(lastFinalDay(publication, nowMs));
}

/** The day it is at the exchange. */
export function todayAt(publication: Publication, nowMs: number): Day {
  return dayAt(Temporal.Instant.fromEpochMilliseconds(nowMs), publication.zone);
}
