import { Temporal } from "temporal-polyfill";

import { toDay, type Day } from "../../domain/day.ts";
import type { ChartRow } from "./chart.ts";
import type { DayRow } from "./daily-rows.ts";
import type { Interval } from "./intervals.ts";
import { midnightOf } from "./stamps.ts";
import type { TradingHours } from "./yahoo-data.ts";

type Period = Exclude<Interval["kind"], "minutes" | "day">;

/** What a request wants: from inclusive, to exclusive. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Rows of days. The one that contains `from` is among them; a live row may lie after `to`. */
export function selectDays(rows: readonly DayRow[], { from, to }: Span): readonly DayRow[] {
  return rows.filter(({ opensAt, closesAt }) => closesAt > from && opensAt < to);
}

/**
 * Rows of periods, each at its first local midnight, the one that contains `from` among them. A live row stands behind them
 * by itself, in the period of the row before it or in one that has only begun.
 */
export function selectPeriods(
  rows: readonly DayRow[],
  period: Period,
  span: Span,
  { zone }: TradingHours,
): readonly ChartRow[] {
  if (period === "five-days") {
    return chunksOf(selectDays(rows, span), 5).flatMap((chunk) => fold(chunk, chunk[0]?.opensAt ?? 0) ?? []);
  }
  const finished = rows.filter(({ isLive }) => !isLive);
  const groups = Map.groupBy(finished, ({ day }) => firstDayOf(period, day));
  const folded = [...groups].flatMap(([first, group]) => {
    const stamp = midnightOf(zone, first);
    const isWanted = midnightOf(zone, nextAfter(period, first)) > span.from && stamp < span.to;
    return isWanted ? (fold(group, stamp) ?? []) : [];
  });
  return [...folded, ...selectDays(rows, span).filter(({ isLive }) => isLive)];
}

/** Nulls count for nothing; a group of nothing else has no row. */
function fold(group: readonly DayRow[], stamp: number): ChartRow | undefined {
  const traded = group.filter(({ close }) => close !== null);
  const [first, last] = [traded[0], traded.at(-1)];
  if (first === undefined || last === undefined) {
    return undefined;
  }
  return {
    stamp,
    day: last.day,
    open: first.open,
    high: Math.max(...traded.map(({ high }) => Number(high))),
    low: Math.min(...traded.map(({ low }) => Number(low))),
    close: last.close,
    volume: traded.reduce((sum, { volume }) => sum + Number(volume), 0),
    adjclose: last.adjclose,
  };
}

function firstDayOf(period: Exclude<Period, "five-days">, text: Day): Day {
  const day = Temporal.PlainDate.from(text);
  if (period === "week") {
    return toDay(day.subtract({ days: day.dayOfWeek - 1 }));
  }
  return toDay(day.with({ day: 1, month: period === "month" ? day.month : day.month - ((day.month - 1) % 3) }));
}

function nextAfter(period: Exclude<Period, "five-days">, first: Day): Day {
  const day = Temporal.PlainDate.from(first);
  return toDay(day.add(period === "week" ? { days: 7 } : { months: period === "month" ? 1 : 3 }));
}

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
