import { Temporal } from "temporal-polyfill";

import { addDays, dayAt, maxDay, parseDay, type Day, type ZoneName } from "../domain/day.ts";
import { RUN_NAMES, type RunName, type RunTime, type RunTimes } from "../domain/run-time.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";

/** One run of one day. */
export interface Slot {
  readonly name: RunName;
  readonly day: Day;
  /** When it is to be done, epoch milliseconds. */
  readonly atMs: number;
}

export interface DueRun extends Slot {
  /** A day without trading: it is done only if the run before it left days that were not published. */
  readonly isOnlyIfOwed: boolean;
}

export interface DueInput {
  readonly times: RunTimes;
  /** The last day whose run needs no doing any more, by name. */
  readonly done: ReadonlyMap<RunName, Day>;
  readonly calendar: TradingCalendar;
  readonly zone: ZoneName;
  readonly nowMs: number;
  readonly catchUpDays: number;
}

/**
 * What is to be done now: of each name the latest run whose time has come, unless it or a later one was done. The runs
 * before it are not made up, since a run asks for everything that is missing. On a day that the calendar does not
 * reach a run is done: a guess would be worse than messages that find nothing to do.
 */
export function dueRuns({ times, done, calendar, zone, nowMs, catchUpDays }: DueInput): readonly DueRun[] {
  const today = todayAt(nowMs, zone);
  return RUN_NAMES.flatMap((name): readonly DueRun[] => {
    const time = times[name];
    const doneOn = doneDay(done.get(name), today);
    if (time === undefined) {
      return [];
    }
    const oldest = maxDay(addDays(today, -catchUpDays), doneOn === undefined ? BEGINNING : addDays(doneOn, 1));
    for (let day = today; day >= oldest; day = addDays(day, -1)) {
      const atMs = slotAtMs(day, time, zone);
      if (atMs <= nowMs && isDayOf(time, day, calendar)) {
        return [{ name, day, atMs, isOnlyIfOwed: false }];
      }
    }
    const atMs = slotAtMs(today, time, zone);
    const isSkipped = time.days === "trading-days" && atMs <= nowMs && !isDayOf(time, today, calendar);
    return isSkipped && doneOn !== undefined && doneOn < today ? [{ name, day: today, atMs, isOnlyIfOwed: true }] : [];
  });
}

const BEGINNING = parseDay("1900-01-01");

/** When to look again: the next time of any run, on whatever day. Undefined when all are off. */
export function nextLookMs(times: RunTimes, zone: ZoneName, nowMs: number): number | undefined {
  const today = todayAt(nowMs, zone);
  const atMs = Object.values(times)
    .filter((time) => time !== undefined)
    .flatMap((time) => [slotAtMs(today, time, zone), slotAtMs(addDays(today, 1), time, zone)])
    .filter((ms) => ms > nowMs);
  return atMs.length === 0 ? undefined : Math.min(...atMs);
}

/** So far ahead the next run is looked for; no holiday is as long. */
const DAYS_AHEAD_MAX = 40;

/** The run of a name that comes next; undefined when there is none. */
export function nextSlot(
  name: RunName,
  { times, calendar, zone, nowMs }: Pick<DueInput, "times" | "calendar" | "zone" | "nowMs">,
): Slot | undefined {
  const time = times[name];
  const today = todayAt(nowMs, zone);
  if (time === undefined) {
    return undefined;
  }
  for (let ahead = 0; ahead <= DAYS_AHEAD_MAX; ahead += 1) {
    const day = addDays(today, ahead);
    const atMs = slotAtMs(day, time, zone);
    if (atMs > nowMs && isDayOf(time, day, calendar)) {
      return { name, day, atMs };
    }
  }
  return undefined;
}

export function requestIdOf({ name, day }: Pick<Slot, "name" | "day">): string {
  return `schedule-${name}-${day}`;
}

/** What a clock that was wrong has noted for days to come does not count. */
function doneDay(day: Day | undefined, today: Day): Day | undefined {
  return day !== undefined && day > today ? undefined : day;
}

function isDayOf({ days }: RunTime, day: Day, calendar: TradingCalendar): boolean {
  if (days === "daily") {
    return true;
  }
  if (days === "trading-days") {
    return !calendar.knows(day) || calendar.isTradingDay(day);
  }
  const { dayOfWeek } = Temporal.PlainDate.from(day);
  return days.some((weekday) => weekday === dayOfWeek);
}

function slotAtMs(day: Day, { time }: RunTime, timeZone: ZoneName): number {
  const plainTime = Temporal.PlainTime.from(time);
  return Temporal.PlainDate.from(day).toZonedDateTime({ timeZone, plainTime }).epochMilliseconds;
}

function todayAt(nowMs: number, zone: ZoneName): Day {
  return dayAt(Temporal.Instant.fromEpochMilliseconds(nowMs), zone);
}
