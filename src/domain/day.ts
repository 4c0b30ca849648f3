import { Temporal } from "temporal-polyfill";

import { DataError } from "../base/errors.ts";

/**
 * A calendar day as ISO text, `2024-01-02`: it compares, sorts, keys a map and travels in JSON as it is.
 * Arithmetic goes through Temporal. Where it means a trading day it is the exchange's own day.
 */
export type Day = string & { readonly __day: unique symbol };

/** An IANA zone name, never an offset: China kept summer time from 1986 to 1991. */
export type ZoneName = string & { readonly __zone: unique symbol };

export const SHANGHAI = "Asia/Shanghai" as ZoneName;
export const HONG_KONG = "Asia/Hong_Kong" as ZoneName;
export const NEW_YORK = "America/New_York" as ZoneName;

const PATTERN = /^(\d{4})-?(\d{2})-?(\d{2})$/;

/** Takes `YYYYMMDD` or `YYYY-MM-DD`; DataError on any other text and on days that do not exist. */
export function parseDay(input: unknown, path = ""): Day {
  const match = typeof input === "string" ? PATTERN.exec(input) : null;
  const isMixed = typeof input === "string" && input.length === 9;
  if (match !== null && !isMixed) {
    const [, year = "", month = "", day = ""] = match;
    if (isRealDay(Number(year), Number(month), Number(day))) {
      return `${year}-${month}-${day}` as Day;
    }
  }
  throw new DataError(
    `expected a day such as 20240102 or 2024-01-02, got ${JSON.stringify(input)?.slice(0, 60)}`,
    path,
  );
}

export function addDays(day: Day, count: number): Day {
  return toDay(Temporal.PlainDate.from(day).add({ days: count }));
}

/** Calendar days from `from` to `to`; 0 when they are the same, negative when `to` lies before. */
export function daysBetween(from: Day, to: Day): number {
  return Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to), { largestUnit: "days" }).days;
}

export function dayAt(instant: Temporal.Instant, zone: ZoneName): Day {
  return toDay(instant.toZonedDateTimeISO(zone).toPlainDate());
}

/** `20240102`, as most providers write it. */
export function compactDay(day: Day): string {
  return day.replaceAll("-", "");
}

export function toDay(date: Temporal.PlainDate): Day {
  return date.toString() as Day;
}

export function minDay(left: Day, right: Day): Day {
  return left < right ? left : right;
}

export function maxDay(left: Day, right: Day): Day {
  return left > right ? left : right;
}

/** Every row of every provider asks this, so it is arithmetic and no calendar object. */
function isRealDay(year: number, month: number, day: number): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last = month === 2 && isLeap ? 29 : DAYS_OF_MONTH[month - 1];
  return last !== undefined && day >= 1 && day <= last;
}

const DAYS_OF_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
