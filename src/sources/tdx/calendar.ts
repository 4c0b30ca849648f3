import { dayAt, daysBetween, SHANGHAI, type Day } from "../../domain/day.ts";
import { CN_TRADING_DAYS_TO, tradingDays } from "../../domain/cn-trading-days.ts";
import type { Clock } from "../../base/clock.ts";

/** Today in Shanghai. */
export function todayOf(clock: Clock): Day {
  return dayAt(clock.now(), SHANGHAI);
}

/** The last day on or before `day` that the bundled calendar has as a trading day; it may end before. */
export function lastTradingDayUpTo(day: Day): Day | undefined {
  return tradingDays()[indexAfter(tradingDays(), day) - 1];
}

/**
 * About how many trading days lie after `day` up to and with `today`. Where the bundled calendar ends, every weekday
 * counts, so it may be too many.
 */
export function tradingDaysAfter(day: Day, today: Day): number {
  const days = tradingDays();
  const known = indexAfter(days, today) - indexAfter(days, day);
  const from = day > CN_TRADING_DAYS_TO ? day : CN_TRADING_DAYS_TO;
  return Math.max(known, 0) + (today > from ? Math.floor((daysBetween(from, today) * 5) / 7) : 0);
}

/** How many of `days` are not after `day`. */
function indexAfter(days: readonly Day[], day: Day): number {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((days[middle] ?? day) <= day) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
