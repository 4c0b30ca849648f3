import { Temporal } from "temporal-polyfill";

import { dayAt, SHANGHAI, type Day } from "../../domain/day.ts";
import type { FactorEvent } from "../../market/factor-events.ts";
import type { AkshareData, AkshareListing, DayLine, ExEvent } from "./akshare-data.ts";

/** Minutes of the day in Beijing at which a day is over, trading after hours included. */
const OVER_AT = 15 * 60 + 30;

/** The data as it stands at an instant: nothing of a day before it is over, nothing that is not listed yet. */
export interface View {
  readonly today: Day;
  /** The last market day that is over; undefined before the first. */
  readonly lastDay: Day | undefined;
  /** Days of the market that are over, sorted. */
  readonly days: readonly Day[];
  readonly calendar: readonly Day[];
  /** Sorted by code; delisted ones stay. */
  readonly listings: readonly AkshareListing[];
  listing(code: string): AkshareListing | undefined;
  daysOf(listing: AkshareListing): readonly DayLine[];
  /** Known from the morning of the day on. */
  factorsOf(listing: AkshareListing): readonly FactorEvent[];
  eventsOf(listing: AkshareListing): readonly ExEvent[];
}

export function viewAt(data: AkshareData, now: Temporal.Instant): View {
  const today = dayAt(now, SHANGHAI);
  const local = now.toZonedDateTimeISO(SHANGHAI);
  const isOver = local.hour * 60 + local.minute >= OVER_AT;
  const days = data.days.filter((day) => (isOver ? day <= today : day < today));
  const lastDay = days.at(-1);
  const isKnown = ({ listedOn }: AkshareListing): boolean => listedOn <= today;
  return {
    today,
    lastDay,
    days,
    calendar: data.calendar,
    get listings() {
      return data.listings.filter(isKnown);
    },
    listing: (code) => {
      const found = data.listing(code);
      return found !== undefined && isKnown(found) ? found : undefined;
    },
    daysOf: (listing) => (lastDay === undefined ? [] : upTo(listing.days(), lastDay)),
    factorsOf: (listing) => upTo(listing.factors(), today),
    eventsOf: (listing) => upTo(listing.events(), today),
  };
}

function upTo<Row extends { readonly day: Day }>(rows: readonly Row[], last: Day): readonly Row[] {
  const newest = rows.at(-1);
  return newest === undefined || newest.day <= last ? rows : rows.filter(({ day }) => day <= last);
}

/** Seconds since the epoch of a Beijing time. */
export function secondsAt(day: Day, time: string): number {
  return Temporal.PlainDateTime.from(`${day}T${time}`).toZonedDateTime(SHANGHAI).epochMilliseconds / 1000;
}
