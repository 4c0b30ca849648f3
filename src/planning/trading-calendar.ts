import { Temporal } from "temporal-polyfill";

import { TransientError } from "../base/errors.ts";
import { CN_TRADING_DAYS_TO, tradingDays } from "../domain/cn-trading-days.ts";
import { addDays, maxDay, parseDay, type Day } from "../domain/day.ts";
import type { CalendarDay } from "../domain/rows.ts";

/** A calendar that was brought up to date reaches further; until then asking more often changes nothing. */
const CALENDAR_WAIT_MS = 60_000;

/**
 * Somebody asked about a day that the calendar does not reach. It passes once the calendar has been brought up to date,
 * so it uses up no message and is tried again a minute later; it is never answered with a guess such as "every weekday".
 */
export class CalendarEndError extends TransientError {
  override readonly name = "CalendarEndError";
  readonly day: Day;

  constructor(day: Day, knownFrom: Day, knownTo: Day) {
    super(`looking up the trading day ${day}: the calendar is known from ${knownFrom} to ${knownTo} only`, {
      retryAfterMs: CALENDAR_WAIT_MS,
    });
    this.day = day;
  }
}

/**
 * When a market is open. Immutable. Trading days are numbered from 0 so that spans of them are counted by subtraction.
 * Every question about a day outside `knownFrom` … `knownTo` throws CalendarEndError.
 */
export class TradingCalendar {
  readonly knownFrom: Day;
  readonly knownTo: Day;
  readonly #days: readonly Day[];
  readonly #index: ReadonlyMap<Day, number>;

  /** It follows from rows of days that are over: of days beyond its end nothing is known yet, and nothing is to be asked for. */
  readonly isRetrospective: boolean;

  /** `openDays` in any order; those outside `knownFrom` … `knownTo` are a RangeError. Every other day in between is closed. */
  static fromDays(openDays: readonly Day[], knownFrom: Day, knownTo: Day, isRetrospective = false): TradingCalendar {
    const days = [...new Set(openDays)].toSorted();
    const first = days[0] ?? knownFrom;
    const last = days.at(-1) ?? knownTo;
    if (knownFrom > knownTo || first < knownFrom || last > knownTo) {
      throw new RangeError(
        `making a calendar of ${first} to ${last}, said to be known from ${knownFrom} to ${knownTo}`,
      );
    }
    return new TradingCalendar(days, knownFrom, knownTo, isRetrospective);
  }

  private constructor(days: readonly Day[], knownFrom: Day, knownTo: Day, isRetrospective: boolean) {
    this.isRetrospective = isRetrospective;
    this.knownFrom = knownFrom;
    this.knownTo = knownTo;
    this.#days = days;
    this.#index = new Map(days.map((day, index) => [day, index]));
  }

  get size(): number {
    return this.#days.length;
  }

  knows(day: Day): boolean {
    return day >= this.knownFrom && day <= this.knownTo;
  }

  /** The day, or the last one known where nothing behind it can be asked for. */
  clip(day: Day): Day {
    return this.isRetrospective && day > this.knownTo ? this.knownTo : day;
  }

  /** Weekdays from `from` to `to` that lie behind the end of what follows from days that are over: each may turn out to be one. */
  countUnknown(from: Day, to: Day): number {
    let count = 0;
    if (this.isRetrospective && this.size > 0) {
      for (let day = maxDay(from, addDays(this.knownTo, 1)); day <= to; day = addDays(day, 1)) {
        count += Temporal.PlainDate.from(day).dayOfWeek <= 5 ? 1 : 0;
      }
    }
    return count;
  }

  isTradingDay(day: Day): boolean {
    this.#mustKnow(day);
    return this.#index.has(day);
  }

  /** Trading days from `from` to `to`, both inclusive; none when `to` lies before `from`. */
  tradingDaysBetween(from: Day, to: Day): readonly Day[] {
    return from > to ? [] : this.#days.slice(this.indexOnOrAfter(from), this.indexOnOrBefore(to) + 1);
  }

  countBetween(from: Day, to: Day): number {
    return from > to ? 0 : this.indexOnOrBefore(to) + 1 - this.indexOnOrAfter(from);
  }

  /** The first trading day after `day`; CalendarEndError when the calendar ends before one comes. */
  next(day: Day): Day {
    const index = this.#index.get(day);
    const found = this.#days[index === undefined ? this.indexOnOrAfter(day) : index + 1];
    return found ?? this.#end(this.knownTo);
  }

  /** The last trading day before `day`; CalendarEndError when the calendar begins after it. */
  previous(day: Day): Day {
    return this.#days[this.indexOnOrAfter(day) - 1] ?? this.#end(this.knownFrom);
  }

  lastTradingDayOnOrBefore(day: Day): Day {
    return this.#days[this.indexOnOrBefore(day)] ?? this.#end(this.knownFrom);
  }

  /**
   * The first day of the last `count` trading days that end on or before `day`: 1 is that last trading day itself.
   * Where the market is younger than that, its first trading day.
   */
  firstOfLast(count: number, day: Day): Day {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`counting back ${count} trading days from ${day}`);
    }
    return this.dayAt(Math.max(0, this.indexOnOrBefore(day) + 1 - count));
  }

  /** The number of the first trading day on or after `day`; `size` when none comes before the calendar's end. */
  indexOnOrAfter(day: Day): number {
    this.#mustKnow(day);
    const exact = this.#index.get(day);
    return exact ?? lowerBound(this.#days, day);
  }

  /** The number of the last trading day on or before `day`; −1 when there is none. */
  indexOnOrBefore(day: Day): number {
    this.#mustKnow(day);
    const exact = this.#index.get(day);
    return exact ?? lowerBound(this.#days, day) - 1;
  }

  /** The trading day of a number that this calendar gave out. */
  dayAt(index: number): Day {
    const day = this.#days[index];
    if (day === undefined) {
      throw new RangeError(`no trading day has the number ${index}; there are ${this.#days.length}`);
    }
    return day;
  }

  #mustKnow(day: Day): void {
    if (!this.knows(day)) {
      throw new CalendarEndError(day, this.knownFrom, this.knownTo);
    }
  }

  #end(day: Day): never {
    throw new CalendarEndError(day, this.knownFrom, this.knownTo);
  }
}

/** No exchange of the mainland was open before the first day of the bundled list, so it is known from the beginning of time. */
const BEGINNING = parseDay("0000-01-01");

/**
 * The bundled calendar (to 2026-12-31) with what is stored laid over it: where both know a day the stored one wins.
 * Its end is the later of both as long as no day lies between them that neither knows; a stored calendar that begins
 * behind such a hole does not count.
 */
export function mergedCalendar(stored: readonly CalendarDay[]): TradingCalendar {
  const open = new Set(tradingDays());
  const byDay = stored.toSorted((left, right) => (left.day < right.day ? -1 : 1));
  let knownTo = CN_TRADING_DAYS_TO;
  for (const row of byDay) {
    if (row.day > knownTo && row.day !== addDays(knownTo, 1)) {
      break;
    }
    if (row.isOpen) {
      open.add(row.day);
    } else {
      open.delete(row.day);
    }
    knownTo = row.day > knownTo ? row.day : knownTo;
  }
  return TradingCalendar.fromDays([...open], BEGINNING, knownTo);
}

/** What there is before anything has been stored. */
export function bundledCalendar(): TradingCalendar {
  return TradingCalendar.fromDays(tradingDays(), BEGINNING, CN_TRADING_DAYS_TO);
}

function lowerBound(days: readonly Day[], day: Day): number {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((days[middle] ?? day) < day) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
