import { Temporal } from "temporal-polyfill";

import type { ZoneName } from "../../../domain/day.ts";

/** Days that a cache holds before it begins again; a century of trading days is 25,000. */
const DAYS_MAX = 40_000;
const DAY_SECONDS = 86_400;
const SHAPE = /^\d{4}-\d{2}-\d{2} (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d$/;

interface ZoneDay {
  /** Epoch seconds of the day's first midnight; NaN when there is no such day. */
  readonly startSeconds: number;
  /** No clock was put forward or back on it, so that seconds count from midnight. */
  readonly isEven: boolean;
}

/** Turns wall clocks into epoch seconds, and days into their number since 1970. Bounded memory; NaN for what is no time. */
export interface WallClocks {
  /** `YYYY-MM-DD HH:MM:SS` in `zone`. */
  toSeconds(time: string, zone: ZoneName): number;
  /** `YYYY-MM-DD`. */
  toDays(day: string): number;
}

/**
 * Zone rules are Temporal's, asked once for each day and zone: Shanghai's clock was an hour ahead in the summers of 1986 to
 * 1991, so an offset in the code would misplace recorded bars. On a day of 24 even hours the rest is counting seconds.
 */
export function createWallClocks(): WallClocks {
  const zones = new Map<ZoneName, Map<string, ZoneDay>>();
  const numbers = new Map<string, number>();

  const dayOf = (day: string, zone: ZoneName): ZoneDay => {
    let days = zones.get(zone);
    if (days === undefined) {
      days = new Map();
      zones.set(zone, days);
    }
    let found = days.get(day);
    if (found === undefined) {
      found = readZoneDay(day, zone);
      remember(days, day, found);
    }
    return found;
  };

  return {
    toSeconds(time, zone) {
      const { startSeconds, isEven } = dayOf(time.slice(0, 10), zone);
      if (time.endsWith(" 00:00:00") && time.length === 19) {
        return startSeconds;
      }
      if (!SHAPE.test(time)) {
        return NaN;
      }
      return isEven ? startSeconds + secondsOfDay(time) : readSeconds(time, zone);
    },
    toDays(day) {
      let found = numbers.get(day);
      if (found === undefined) {
        found = readDayNumber(day);
        remember(numbers, day, found);
      }
      return found;
    },
  };
}

function remember<Value>(cache: Map<string, Value>, key: string, value: Value): void {
  if (cache.size >= DAYS_MAX) {
    cache.clear();
  }
  cache.set(key, value);
}

function readZoneDay(day: string, zone: ZoneName): ZoneDay {
  const date = parsePlainDate(day);
  if (date === undefined) {
    return { startSeconds: NaN, isEven: false };
  }
  const start = date.toZonedDateTime(zone);
  const next = date.add({ days: 1 }).toZonedDateTime(zone);
  const startSeconds = start.epochMilliseconds / 1000;
  const isEven =
    start.offsetNanoseconds === next.offsetNanoseconds &&
    next.epochMilliseconds / 1000 - startSeconds === DAY_SECONDS &&
    start.hour === 0;
  return { startSeconds, isEven };
}

function readSeconds(time: string, zone: ZoneName): number {
  const wall = Temporal.PlainDateTime.from(time.replace(" ", "T"));
  return wall.toZonedDateTime(zone).epochMilliseconds / 1000;
}

function readDayNumber(day: string): number {
  const date = parsePlainDate(day);
  return date === undefined ? NaN : EPOCH.until(date, { largestUnit: "days" }).days;
}

const EPOCH = Temporal.PlainDate.from("1970-01-01");

function parsePlainDate(day: string): Temporal.PlainDate | undefined {
  try {
    return /^\d{4}-\d{2}-\d{2}$/.test(day) ? Temporal.PlainDate.from(day, { overflow: "reject" }) : undefined;
  } catch {
    return undefined;
  }
}

function secondsOfDay(time: string): number {
  return twoDigits(time, 11) * 3600 + twoDigits(time, 14) * 60 + twoDigits(time, 17);
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + (text.charCodeAt(at + 1) - 48);
}
