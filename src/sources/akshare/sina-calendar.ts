import { addDays, daysBetween, maxDay, minDay, parseDay, type Day } from "../../domain/day.ts";
import { MARKET, SOURCE } from "../../domain/enums.ts";
import type { CalendarDay } from "../../domain/rows.ts";
import type { UpstreamRequest } from "./client.ts";
import { garbled } from "./errors.ts";

export function calendarRequest(): UpstreamRequest {
  return {
    upstream: "sina",
    host: "finance.sina.com.cn",
    path: "/realstock/company/klc_td_sh.txt",
    referer: "https://finance.sina.com.cn/",
    doing: "asking sina for the trading calendar",
  };
}

export interface SinaCalendar {
  readonly from: Day;
  /** The last trading day that was published. */
  readonly to: Day;
  /** Its trading days, counted from the opening of the exchange. */
  readonly open: ReadonlySet<number>;
}

const DAY_ZERO = parseDay("1990-12-19");
/** A trading day that the list has for a closed one. */
const FORGOTTEN = daysBetween(DAY_ZERO, parseDay("1992-05-04"));
/** Some time after the year 2100. */
const DAYS_MAX = 40_000;
const ID = 139;
const VERSION_MAX = 1;
/** Day 0 was a Wednesday. */
const SATURDAY = 3;
const SUNDAY = 4;
const WEEK = 7;
/** Lengths of runs of 8 to this power are longer than any calendar. */
const WIDTH_MAX = 6;
const PAYLOAD_MAX = 65_536;
/** Characters of six bits: what is left over of a whole list is less than one. */
const CHARACTER_BITS = 6;

/**
 * The list is the lengths of runs of trading weekdays, each followed by one weekday without trading; Saturdays and Sundays
 * are not in it. Throws TransientError on anything that does not end just where it says that it ends: half a calendar
 * would read as a market that closed for years.
 */
export function readCalendar(text: string, doing: string): SinaCalendar {
  const payload = /^\s*var\s+\w+\s*=\s*"([A-Za-z0-9+/]+)"/.exec(text)?.[1];
  if (payload === undefined || payload.length > PAYLOAD_MAX) {
    throw garbled(doing, "expected a packed list of days", text);
  }
  const bits = new BitReader(payload);
  const id = bits.unsigned(12);
  const version = 63 ^ bits.unsigned(6);
  const start = bits.unsigned(18) - 1;
  const end = bits.unsigned(18);
  if (id !== ID || version > VERSION_MAX || start < -1 || start >= end || end > DAYS_MAX) {
    throw garbled(doing, `the list has the number ${id}, the version ${version} and the days ${start} to ${end}`);
  }
  const days = readRuns(bits, start, end);
  if (!isLastBefore(days.at(-1), end) || bits.isOverrun || bits.left >= CHARACTER_BITS) {
    throw garbled(doing, `the list of ${payload.length} characters does not end on its last day`);
  }
  return toCalendar(days);
}

/** Indices of trading days, sorted; what they are worth shows at their end. */
function readRuns(bits: BitReader, start: number, end: number): readonly number[] {
  const days: number[] = [];
  let width = 0;
  let left = -1;
  let isFirst = true;
  let day = start;
  while (day < end && !bits.isOverrun) {
    day = afterWeekend(day + 1);
    if (left > 0) {
      days.push(day);
    } else {
      width += bits.unsigned(1) === 1 ? bits.signedCount() : 0;
      if (width < 0 || width > WIDTH_MAX) {
        return [];
      }
      left = bits.unsigned(3 * width) + 1;
      if (isFirst) {
        // The weekday before a run is closed, but nothing is before the first.
        days.push(day);
        left -= 1;
        isFirst = false;
      }
    }
    left -= 1;
  }
  return days;
}

/** The last day of the year may be of a weekend. */
function isLastBefore(last: number | undefined, end: number): boolean {
  return last === end || (last !== undefined && last < end && afterWeekend(last + 1) > end);
}

function afterWeekend(day: number): number {
  const weekday = ((day % WEEK) + WEEK) % WEEK;
  return weekday === SATURDAY || weekday === SUNDAY ? day + SUNDAY + 1 - weekday : day;
}

function toCalendar(days: readonly number[]): SinaCalendar {
  const [first = 0] = days;
  const last = days.at(-1) ?? first;
  const open = new Set(days);
  if (first < FORGOTTEN && FORGOTTEN < last) {
    open.add(FORGOTTEN);
  }
  return { from: addDays(DAY_ZERO, first), to: addDays(DAY_ZERO, last), open };
}

/** Every day between two that the list has, closed ones too. */
export function mapCalendar({ from: first, to: last, open }: SinaCalendar, from: Day, to: Day): readonly CalendarDay[] {
  const rows: CalendarDay[] = [];
  const end = minDay(to, last);
  let day = maxDay(from, first);
  for (let index = daysBetween(DAY_ZERO, day); day <= end; index += 1) {
    rows.push({ market: MARKET.CHINA, day, isOpen: open.has(index), source: SOURCE.AKSHARE });
    day = addDays(day, 1);
  }
  return rows;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Characters of six bits, the lowest first. Beyond the end every bit is 0. */
class BitReader {
  readonly #payload: string;
  #at = 0;

  constructor(payload: string) {
    this.#payload = payload;
  }

  get isOverrun(): boolean {
    return this.#at > this.#payload.length * CHARACTER_BITS;
  }

  get left(): number {
    return Math.max(this.#payload.length * CHARACTER_BITS - this.#at, 0);
  }

  #bit(): number {
    const value = ALPHABET.indexOf(this.#payload.charAt(Math.floor(this.#at / CHARACTER_BITS)) || "A");
    const bit = (value >> (this.#at % CHARACTER_BITS)) & 1;
    this.#at += 1;
    return bit;
  }

  unsigned(bits: number): number {
    let value = 0;
    for (let place = 0; place < bits; place += 1) {
      value += this.#bit() * 2 ** place;
    }
    return value;
  }

  /** A sign, and as many as there are ones before the next zero, and one. */
  signedCount(): number {
    const isPlus = this.#bit() === 1;
    let count = 1;
    while (this.#bit() === 1) {
      count += 1;
    }
    return isPlus ? count : -count;
  }
}
