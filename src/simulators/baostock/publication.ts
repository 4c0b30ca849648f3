import { Temporal } from "temporal-polyfill";

import { SHANGHAI, toDay, type Day } from "../../domain/day.ts";
import type { BaostockQuery, BaostockRow, Published } from "./baostock-data.ts";
import type { MethodName } from "./methods.ts";

/** Minutes of the day in Beijing from which on the day's rows are out. */
const DAILY_AT = 17 * 60 + 30;
const FACTORS_AT = 18 * 60;
const MINUTES_AT = 20 * 60;

/** Weeks come out on Saturday and months on the 1st of the next, both at the hour of daily rows. */
export function publishedAt(now: Temporal.Instant): Published {
  const local = now.toZonedDateTimeISO(SHANGHAI);
  const today = local.toPlainDate();
  const minuteOfDay = local.hour * 60 + local.minute;
  const dayBy = (at: number): Temporal.PlainDate => (minuteOfDay >= at ? today : today.subtract({ days: 1 }));
  const daily = dayBy(DAILY_AT);
  return {
    today: toDay(today),
    daily: toDay(daily),
    weekly: toDay(daily.subtract({ days: (daily.dayOfWeek + 1) % 7 })),
    monthly: toDay(daily.with({ day: 1 }).subtract({ days: 1 })),
    minutes: toDay(dayBy(MINUTES_AT)),
    factors: toDay(dayBy(FACTORS_AT)),
  };
}

/** Whether the row is out; rows without a day of their own always are. */
export function isPublished(row: BaostockRow, query: BaostockQuery, published: Published): boolean {
  const bound = boundOf(query, published);
  return bound === undefined || (row[bound.column] ?? "") <= bound.day;
}

/** The column with a row's day; undefined where rows have none. */
export function dayColumnOf({ method }: Pick<BaostockQuery, "method">): string | undefined {
  return DAY_COLUMNS[method];
}

const DAY_COLUMNS: Readonly<Partial<Record<MethodName, string>>> = {
  query_history_k_data_plus: "date",
  query_daily_history_k_AStock: "date",
  query_daily_history_k_ETF: "date",
  query_adjust_factor: "dividOperateDate",
  query_daily_adjust_factor: "dividOperateDate",
  query_trade_dates: "calendar_date",
  query_suspended_stocks: "updateDate",
  query_st_stocks: "updateDate",
  query_starst_stocks: "updateDate",
  query_terminated_stocks: "updateDate",
};

function boundOf(query: BaostockQuery, published: Published): { column: string; day: Day } | undefined {
  const column = dayColumnOf(query);
  if (column === undefined || query.method === "query_trade_dates") {
    return undefined;
  }
  if (column === "dividOperateDate") {
    return { column, day: published.factors };
  }
  if (query.method !== "query_history_k_data_plus") {
    return { column, day: published.daily };
  }
  const days = { d: published.daily, w: published.weekly, m: published.monthly };
  const { frequency } = query;
  return {
    column,
    day: frequency === "d" || frequency === "w" || frequency === "m" ? days[frequency] : published.minutes,
  };
}
