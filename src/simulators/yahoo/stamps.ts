import { Temporal } from "temporal-polyfill";

import type { Day, ZoneName } from "../../domain/day.ts";
import type { TradingHours } from "./yahoo-data.ts";

/** Unix seconds of local midnight; zone rules say what summer time does to it. */
export function midnightOf(zone: ZoneName, day: Day): number {
  const key = `${zone} ${day}`;
  const known = midnights.get(key);
  if (known !== undefined) {
    return known;
  }
  const fresh = Temporal.PlainDate.from(day).toZonedDateTime(zone).epochMilliseconds / 1_000;
  if (midnights.size >= MIDNIGHTS_MAX) {
    midnights.clear();
  }
  midnights.set(key, fresh);
  return fresh;
}

/** Every row asks for its day's, and a calendar object for each would be most of an answer's time. */
const midnights = new Map<string, number>();
const MIDNIGHTS_MAX = 50_000;

/**
 * Unix seconds of so many minutes on the local clock. No zone of ours changes its clock between eight in the morning and
 * eight in the evening, so noon's distance from midnight is that of every session minute.
 */
export function stampOf({ zone }: TradingHours, day: Day, minute: number): number {
  const midnight = midnightOf(zone, day);
  const shift = offsetOf(zone, midnight + NOON) - offsetOf(zone, midnight);
  return midnight + minute * 60 - shift;
}

export function openOf(hours: TradingHours, day: Day): number {
  return stampOf(hours, day, hours.opensAt);
}

export function closeOf(hours: TradingHours, day: Day): number {
  return stampOf(hours, day, hours.closesAt(day));
}

const NOON = 12 * 3_600;

/** Seconds east of Greenwich. */
export function offsetOf(zone: ZoneName, stamp: number): number {
  const key = `${zone} ${Math.floor(stamp / 900)}`;
  const known = offsets.get(key);
  if (known !== undefined) {
    return known;
  }
  const fresh =
    Temporal.Instant.fromEpochMilliseconds(stamp * 1_000).toZonedDateTimeISO(zone).offsetNanoseconds / 1_000_000_000;
  if (offsets.size >= MIDNIGHTS_MAX) {
    offsets.clear();
  }
  offsets.set(key, fresh);
  return fresh;
}

/** By the quarter of an hour: no zone changes its clock within one. */
const offsets = new Map<string, number>();

/** As Yahoo writes it: `CST`, `HKT`, `EST` or `EDT`. */
export function abbreviationOf(zone: ZoneName, stamp: number): string {
  const offset = offsetOf(zone, stamp);
  return ABBREVIATIONS[zone]?.[offset] ?? `GMT${offset < 0 ? "-" : "+"}${Math.abs(offset) / 3_600}`;
}

const ABBREVIATIONS: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  "Asia/Shanghai": { 28_800: "CST", 32_400: "CDT" },
  "Asia/Hong_Kong": { 28_800: "HKT" },
  "America/New_York": { [-18_000]: "EST", [-14_400]: "EDT" },
  "Europe/Berlin": { 3_600: "CET", 7_200: "CEST" },
};
