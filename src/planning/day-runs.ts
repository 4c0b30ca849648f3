import type { Day } from "../domain/day.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** Days from `from` to `to`, both inclusive, with nothing but trading days that belong together. */
export interface DayRun {
  readonly from: Day;
  readonly to: Day;
  readonly days: number;
}

/** Neighbouring trading days of a sorted list as one run; a day outside of the calendar is a run of its own. */
export function toDayRuns(days: readonly Day[], calendar: TradingCalendar): readonly DayRun[] {
  const runs: { from: Day; to: Day; days: number }[] = [];
  for (const day of days) {
    const last = runs.at(-1);
    if (last !== undefined && calendar.isTradingDay(day) && calendar.countBetween(last.to, day) === 2) {
      last.to = day;
      last.days += 1;
    } else {
      runs.push({ from: day, to: day, days: 1 });
    }
  }
  return runs;
}
