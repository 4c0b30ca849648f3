import { parseDay, type Day } from "../../domain/day.ts";
import { textAnswer, type Answer } from "./answer.ts";
import type { Inquiry } from "./inquiry.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BITS_A_LETTER = 6;
const DAY_ZERO = parseDay("1990-12-19");
const ID = 139;
/** The version is 0, and written as its opposite. */
const VERSION = 63;
/** A trading day that the upstream's list does not have. */
const LEFT_OUT = "1992-05-04";

/** `/realstock/company/klc_td_sh.txt`: the trading days up to the end of the year. */
export function calendarAnswer({ view }: Inquiry): Answer {
  const end = `${view.today.slice(0, 4)}-12-31`;
  const days = view.calendar.filter((day) => day <= end && day !== LEFT_OUT);
  return textAnswer(`var datelist="${encodeCalendar(days)}";var KLC_TD_SH=datelist;`, days.length);
}

/**
 * Lengths of runs of trading weekdays, between which single weekdays without trade stand; all runs have one width, which
 * is said before the first. `days` are sorted weekdays.
 */
export function encodeCalendar(days: readonly Day[]): string {
  const zero = dayNumber(DAY_ZERO);
  const numbers = days.map((day) => dayNumber(day) - zero);
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (first === undefined || last === undefined) {
    throw new RangeError("encoding a calendar: it has no day");
  }
  const runs = runsOf(new Set(numbers), first, last);
  const longest = Math.max(...runs);
  let thirds = 0;
  while (8 ** thirds <= longest) {
    thirds += 1;
  }
  const bits = new BitWriter().number(ID, 12).number(VERSION, 6).number(first, 18).number(last, 18);
  runs.forEach((run, index) => {
    bits.number(index === 0 ? 1 : 0, 1);
    if (index === 0) {
      bits.plus(thirds);
    }
    bits.number(run, 3 * thirds);
  });
  return bits.toText();
}

function runsOf(trading: ReadonlySet<number>, first: number, last: number): readonly number[] {
  const runs: number[] = [];
  let run = 0;
  for (let day = first; day <= last; day += 1) {
    if (isWeekend(day)) {
      continue;
    }
    if (trading.has(day)) {
      run += 1;
    } else {
      runs.push(run);
      run = 0;
    }
  }
  return [...runs, run];
}

/** Day 0 is a Wednesday. */
function isWeekend(day: number): boolean {
  return day % 7 === 3 || day % 7 === 4;
}

/** Days since the beginning of March of the year 0; thousands of days are asked for at once, so it is arithmetic. */
function dayNumber(day: Day): number {
  const [year = 0, month = 0, date = 0] = day.split("-").map((part) => Number.parseInt(part, 10));
  const sinceMarch = (month + 9) % 12;
  const years = month < 3 ? year - 1 : year;
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return 365 * years + leapDays + Math.floor((153 * sinceMarch + 2) / 5) + date;
}

/** The lowest bit comes first. */
class BitWriter {
  readonly #bits: number[] = [];

  number(value: number, width: number): this {
    for (let place = 0; place < width; place += 1) {
      this.#bits.push((value >>> place) & 1);
    }
    return this;
  }

  /** +`count`, of 1 or more: its sign, then a 1 for each above the first, and a 0. */
  plus(count: number): this {
    this.#bits.push(1, ...Array.from({ length: count - 1 }, () => 1), 0);
    return this;
  }

  toText(): string {
    let text = "";
    for (let from = 0; from < this.#bits.length; from += BITS_A_LETTER) {
      const letter = this.#bits
        .slice(from, from + BITS_A_LETTER)
        .reduce((value, bit, place) => value | (bit << place), 0);
      text += ALPHABET[letter] ?? "";
    }
    return text;
  }
}
