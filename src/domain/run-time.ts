import { DataError } from "../base/errors.ts";

/** What the schedule brings up to date. Runs that are due together are done in this order: lists before what needs them. */
export const RUN_NAMES = ["calendar", "list", "factors", "bars"] as const;
export type RunName = (typeof RUN_NAMES)[number];

/** 1 is Monday, 7 is Sunday, as Temporal counts. */
export type Weekday = 1 | 2 | 3 | 4 | 5 | 6 | 7;

/** When a run is to be done, by the wall clock of the exchange. */
export interface RunTime {
  readonly days: "daily" | "trading-days" | readonly Weekday[];
  /** `HH:MM`. */
  readonly time: string;
}

/** Undefined where a run is switched off. */
export type RunTimes = Readonly<Record<RunName, RunTime | undefined>>;

const WEEKDAYS: Readonly<Record<string, Weekday>> = { mon: 1, tue: 2, wed: 3, thu: 4, fri: 5, sat: 6, sun: 7 };
const NAMES = Object.keys(WEEKDAYS);
const FULL_NAMES = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const TIME = /^([01]\d|2[0-3]):[0-5]\d$/;
const OFF = "off";

/**
 * `17:30`, with days before it where they differ from `daysByDefault`: `daily`, `trading-days`, or names such as
 * `mon,thu` or `mon-fri`; `off` for never. DataError says which part is wrong.
 */
export function parseRunTime(text: string, daysByDefault: RunTime["days"]): RunTime | undefined {
  const words = text.trim().toLowerCase().split(/\s+/);
  if (words.length === 1 && words[0] === OFF) {
    return undefined;
  }
  if (words.length > 2) {
    throw new DataError("leave out what is more than days and a time, and the blanks between days");
  }
  const time = words.at(-1) ?? "";
  if (!TIME.test(time)) {
    throw new DataError(`${JSON.stringify(time)} is no time from 00:00 to 23:59 with two digits each`);
  }
  return { days: words.length === 1 ? daysByDefault : parseDays(words[0] ?? ""), time };
}

export function showRunTime(at: RunTime | undefined): string {
  return at === undefined ? OFF : `${showDays(at.days)} ${at.time}`;
}

function parseDays(text: string): RunTime["days"] {
  if (text === "daily" || text === "trading-days") {
    return text;
  }
  const days = new Set(text.split(",").flatMap((part) => parseSpan(part)));
  return [...days].toSorted((left, right) => left - right);
}

/** `mon`, or `mon-fri`; `sat-mon` goes over the week's end. */
function parseSpan(text: string): readonly Weekday[] {
  const ends = text.split("-");
  if (ends.length > 2) {
    throw new DataError(`${JSON.stringify(text)} is no day and no span of days`);
  }
  const first = parseWeekday(ends[0] ?? "");
  const last = parseWeekday(ends[1] ?? ends[0] ?? "");
  const week = Object.values(WEEKDAYS);
  const isInside = (day: Weekday): boolean =>
    first <= last ? day >= first && day <= last : day >= first || day <= last;
  return week.filter(isInside);
}

function parseWeekday(name: string): Weekday {
  const short = FULL_NAMES.includes(name) ? name.slice(0, 3) : name;
  const day = Object.hasOwn(WEEKDAYS, short) ? WEEKDAYS[short] : undefined;
  if (day === undefined) {
    throw new DataError(`${JSON.stringify(name)} is none of daily, trading-days, ${NAMES.join(", ")}`);
  }
  return day;
}

function showDays(days: RunTime["days"]): string {
  return typeof days === "string" ? days : days.map((day) => NAMES[day - 1] ?? "").join(",");
}
