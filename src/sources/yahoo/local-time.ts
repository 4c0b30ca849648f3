import { Temporal } from "temporal-polyfill";

import { addDays, parseDay, type Day, type ZoneName } from "../../domain/day.ts";

export interface LocalTime {
  readonly day: Day;
  /** Since local midnight, by the wall clock. */
  readonly secondOfDay: number;
}

const DAY_SECONDS = 86_400;

/**
 * Reads stamps (seconds since the epoch) as the wall clock of a zone. The offset is looked up once for all stamps up to
 * the next change of the clocks, since an answer has thousands of them in ascending order.
 */
export function createLocalClock(zone: ZoneName): (stamp: number) => LocalTime {
  let offset = 0;
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const find = (stamp: number): void => {
    const at = Temporal.Instant.fromEpochMilliseconds(stamp * 1_000).toZonedDateTimeISO(zone);
    const next = at.getTimeZoneTransition("next");
    offset = at.offsetNanoseconds / 1_000_000_000;
    from = stamp;
    to = next === null ? Number.POSITIVE_INFINITY : next.epochMilliseconds / 1_000;
  };
  return (stamp) => {
    if (stamp < from || stamp >= to) {
      find(stamp);
    }
    const local = stamp + offset;
    const secondOfDay = ((local % DAY_SECONDS) + DAY_SECONDS) % DAY_SECONDS;
    const midnight = Temporal.Instant.fromEpochMilliseconds((local - secondOfDay) * 1_000);
    return { day: parseDay(midnight.toString().slice(0, 10)), secondOfDay };
  };
}

/** The first second of a day in a zone. */
export function startOf(day: Day, zone: ZoneName): number {
  return Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds / 1_000;
}

/** The first day that begins at or after the stamp. */
export function firstWholeDay(stamp: number, zone: ZoneName): Day {
  const { day } = createLocalClock(zone)(stamp);
  return startOf(day, zone) >= stamp ? day : addDays(day, 1);
}

/** `HH:MM:00` of the minutes since midnight. */
export function clockText(minuteOfDay: number): string {
  return `${twoDigits(Math.floor(minuteOfDay / 60))}:${twoDigits(minuteOfDay % 60)}:00`;
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, "0");
}
