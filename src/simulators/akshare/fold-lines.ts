import { Temporal } from "temporal-polyfill";

import type { Day } from "../../domain/day.ts";
import type { PriceLine } from "../../market/price-line.ts";
import type { DayLine, MinuteLine } from "./akshare-data.ts";

/** One line of several that follow one another; what else it has is the last one's. */
export function foldLines<Kind extends PriceLine>(lines: readonly [Kind, ...Kind[]]): Kind {
  const last = lines.at(-1) ?? lines[0];
  return {
    ...last,
    openMilli: lines[0].openMilli,
    highMilli: Math.max(...lines.map(({ highMilli }) => highMilli)),
    lowMilli: Math.min(...lines.map(({ lowMilli }) => lowMilli)),
    volume: lines.reduce((sum, { volume }) => sum + volume, 0),
    turnoverCents: lines.reduce((sum, { turnoverCents }) => sum + turnoverCents, 0),
  };
}

/** Lines of so many minutes from those of one minute of one day; each ends where its last minute does. */
export function foldMinutes(minutes: readonly MinuteLine[], length: number): readonly MinuteLine[] {
  return foldGroups([...Map.groupBy(minutes.entries(), ([index]) => Math.floor(index / length)).values()].map(values));
}

function values<Item>(entries: readonly (readonly [number, Item])[]): readonly Item[] {
  return entries.map(([, item]) => item);
}

export type LongPeriod = "week" | "month";

/** Weeks or months, each with the day of its last one. */
export function foldDays(days: readonly DayLine[], period: LongPeriod): readonly DayLine[] {
  return foldGroups([...Map.groupBy(days, ({ day }) => periodOf(day, period)).values()]);
}

function foldGroups<Kind extends PriceLine>(groups: readonly (readonly Kind[])[]): readonly Kind[] {
  return groups.flatMap(([first, ...rest]) => (first === undefined ? [] : [foldLines([first, ...rest])]));
}

function periodOf(day: Day, period: LongPeriod): string {
  if (period === "month") {
    return day.slice(0, 7);
  }
  const date = Temporal.PlainDate.from(day);
  return date.subtract({ days: date.dayOfWeek - 1 }).toString();
}
