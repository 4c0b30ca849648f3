import { Temporal } from "temporal-polyfill";

import type { Day } from "../../domain/day.ts";
import type { TdxBar } from "./tdx-data.ts";

/** One bar of several that follow one another; it ends where the last one does. */
export function foldBars(bars: readonly TdxBar[]): TdxBar {
  const [first, last] = [bars[0], bars.at(-1)];
  if (first === undefined || last === undefined) {
    throw new RangeError("folding bars: there are none");
  }
  // A suspended day has prices without a trade; it counts only where the whole interval is suspended.
  const traded = bars.some(({ volume }) => volume > 0) ? bars.filter(({ volume }) => volume > 0) : bars;
  return {
    ...last,
    openMilli: (traded[0] ?? first).openMilli,
    highMilli: Math.max(...traded.map(({ highMilli }) => highMilli)),
    lowMilli: Math.min(...traded.map(({ lowMilli }) => lowMilli)),
    volume: bars.reduce((sum, { volume }) => sum + volume, 0),
    turnoverCents: bars.reduce((sum, { turnoverCents }) => sum + turnoverCents, 0),
  };
}

export type LongPeriod = "week" | "month" | "quarter" | "year";

/** Bars of a longer period, each with the day of its last one. */
export function foldDays(bars: readonly TdxBar[], period: LongPeriod): readonly TdxBar[] {
  return [...Map.groupBy(bars, ({ day }) => periodOf(day, period)).values()].map((group) => foldBars(group));
}

function periodOf(day: Day, period: LongPeriod): string {
  const date = Temporal.PlainDate.from(day);
  if (period === "week") {
    return date.subtract({ days: date.dayOfWeek - 1 }).toString();
  }
  const lengths = { month: 1, quarter: 3, year: 12 } as const;
  return `${date.year} ${Math.floor((date.month - 1) / lengths[period])}`;
}

const MORNING_MINUTES = 120;

/** The 5, 15, 30 or 60 minutes of one day. An unfinished one is stamped with the minute at which it will end. */
export function foldMinuteBars(bars: readonly TdxBar[], minutes: number): readonly TdxBar[] {
  if (minutes === 1) {
    return bars;
  }
  return [...Map.groupBy(bars, ({ endMinute }) => endOf(endMinute, minutes))].map(([endMinute, group]) => ({
    ...foldBars(group),
    endMinute,
  }));
}

function endOf(endMinute: number, minutes: number): number {
  const position = endMinute <= 11 * 60 + 30 ? endMinute - (9 * 60 + 31) : MORNING_MINUTES + endMinute - (13 * 60 + 1);
  const last = (Math.floor(Math.max(position, 0) / minutes) + 1) * minutes;
  return last <= MORNING_MINUTES ? 9 * 60 + 30 + last : 13 * 60 + last - MORNING_MINUTES;
}
