import { parseDay, SHANGHAI } from "../../domain/day.ts";
import { MAINLAND_EXCHANGES } from "../../domain/security-code.ts";
import type { Capability } from "../../ports/source.ts";

/** The server's row caps; accounts and years differ (protocol section 5), so each is a setting. */
export interface TushareRowCaps {
  readonly daily: number;
  readonly index_daily: number;
  readonly fund_daily: number;
  readonly stk_mins: number;
  readonly adj_factor: number;
  readonly stock_basic: number;
  readonly trade_cal: number;
  readonly suspend_d: number;
}

export const TUSHARE_ROW_CAPS: TushareRowCaps = {
  daily: 6_000,
  index_daily: 8_000,
  // Not stated for certain; the least that its users report.
  fund_daily: 2_000,
  stk_mins: 8_000,
  // Not stated by the provider; its clients assume that of daily.
  adj_factor: 6_000,
  stock_basic: 6_000,
  // Not stated; the full history is longer than one answer, so it is cut beforehand as if it were that of daily.
  trade_cal: 6_000,
  suspend_d: 5_000,
};

export interface TushareBounds {
  readonly rowCaps?: Partial<TushareRowCaps>;
  /** Codes one call for daily bars names; long lists are refused from about 100 on. Default 80. */
  readonly codesMax?: number;
}

/** When a day's rows are complete, in Shanghai: daily bars from 15:00 on and whole by about 17:00, minutes by 21:00. */
export const TUSHARE_COMPLETE_FROM = {
  bars: "17:00",
  minutes: "21:00",
  ticks: "17:00",
  "adjustment-factors": "09:20",
} as const;

/** Bars that each frequency has on a full day beside the one of the opening auction. */
const MINUTE_ROWS = { "1m": 240, "5m": 48, "15m": 16, "30m": 8, "60m": 4 } as const;
const MINUTES = ["1m", "5m", "15m", "30m", "60m"] as const;

/** The provider promises more than ten years and names no first day; of years before this one nothing is known. */
const MINUTES_BEGIN = parseDay("2009-01-05");

/** What the source can answer; known without an account. */
export function tushareCapabilities({ rowCaps, codesMax = 80 }: TushareBounds): readonly Capability[] {
  const caps = { ...TUSHARE_ROW_CAPS, ...rowCaps };
  const common = {
    frequency: "1d",
    zone: SHANGHAI,
    rowsPerDay: 1,
    codesMax: 1,
    byDay: false,
    exchanges: MAINLAND_EXCHANGES,
    kinds: ["stock"],
    since: undefined,
  } as const;
  const daily = { ...common, dataSet: "bars", completeFrom: TUSHARE_COMPLETE_FROM.bars } as const;
  const list = { ...common, codesMax: 0, completeFrom: "00:00" } as const;
  return [
    { ...daily, api: "daily", rowsMax: caps.daily, codesMax, byDay: true },
    { ...daily, api: "index_daily", rowsMax: caps.index_daily, kinds: ["index"], exchanges: ["SH", "SZ"] },
    // The market of a day could be had as well; a call by day does not say of which kind, and that of stocks is worth more.
    { ...daily, api: "fund_daily", rowsMax: caps.fund_daily, kinds: ["etf", "fund"], exchanges: ["SH", "SZ"] },
    ...MINUTES.map((frequency) => ({
      ...common,
      dataSet: "bars" as const,
      frequency,
      api: "stk_mins",
      rowsMax: countedRows(caps.stk_mins, frequency),
      rowsPerDay: MINUTE_ROWS[frequency],
      completeFrom: TUSHARE_COMPLETE_FROM.minutes,
      since: MINUTES_BEGIN,
    })),
    {
      ...common,
      dataSet: "adjustment-factors",
      api: "adj_factor",
      rowsMax: caps.adj_factor,
      byDay: true,
      completeFrom: TUSHARE_COMPLETE_FROM["adjustment-factors"],
    },
    { ...list, dataSet: "stock-list", api: "stock_basic", rowsMax: caps.stock_basic },
    { ...list, dataSet: "trading-calendar", api: "trade_cal", rowsMax: caps.trade_cal },
    {
      ...common,
      dataSet: "suspensions",
      api: "suspend_d",
      rowsMax: caps.suspend_d,
      byDay: true,
      // The provider states no hour; a halt may be declared during the session, so the list is whole with the bars.
      completeFrom: "17:00",
    },
  ];
}

/** What the server's cap leaves to bars that are planned with: each day may have one more, that of the opening auction. */
function countedRows(cap: number, frequency: (typeof MINUTES)[number]): number {
  const rows = MINUTE_ROWS[frequency];
  return Math.max(1, Math.floor((cap * rows) / (rows + 1)));
}

/** The server's own cap of an api. */
export function capOf(caps: Partial<TushareRowCaps> | undefined, api: string): number {
  const all: Readonly<Record<string, number>> = { ...TUSHARE_ROW_CAPS, ...caps };
  const cap = all[api];
  if (cap === undefined) {
    throw new RangeError(`calling tushare ${api}: its row cap is not known`);
  }
  return cap;
}
