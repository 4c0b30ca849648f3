import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { DaySpan } from "../domain/unit.ts";
import { toDayRuns } from "../planning/day-runs.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";

/** Runs of days of which an answer should have brought rows and did not: unexplained, or with a row that was rejected. */
export type DaysLeft = ReadonlyMap<SecurityCode, readonly DaySpan[]>;

interface Calendars {
  readonly calendarOf: (code: SecurityCode) => TradingCalendar;
}

/** How many trading days they are. */
export function countDays(days: DaysLeft, calendars: Calendars): number {
  let count = 0;
  for (const [code, spans] of days) {
    count += spans.reduce((sum, { from, to }) => sum + calendars.calendarOf(code).countBetween(from, to), 0);
  }
  return count;
}

export function joinDays(one: DaysLeft, other: DaysLeft): DaysLeft {
  const joined = new Map(one);
  for (const [code, days] of other) {
    joined.set(
      code,
      [...days, ...(joined.get(code) ?? [])].toSorted((a, b) => (a.from < b.from ? -1 : 1)),
    );
  }
  return joined;
}

export function withoutDays(days: DaysLeft, gone: DaysLeft, calendars: Calendars): DaysLeft {
  const left = new Map<SecurityCode, readonly DaySpan[]>();
  for (const [code, spans] of days) {
    const calendar = calendars.calendarOf(code);
    const open = ({ from, to }: DaySpan): readonly Day[] => calendar.tradingDaysBetween(from, to);
    const without = new Set((gone.get(code) ?? []).flatMap(open));
    const still = spans.flatMap(open).filter((day) => !without.has(day));
    if (still.length > 0) {
      left.set(code, toDayRuns(still, calendar));
    }
  }
  return left;
}
