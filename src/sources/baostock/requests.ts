import type { Day } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import { toWireCode } from "./mapping.ts";
import type { BaostockRequest } from "./table.ts";

/** The provider's letters for what it has bars of. */
export const WIRE_FREQUENCIES = {
  "1d": "d",
  "5m": "5",
  "15m": "15",
  "30m": "30",
  "60m": "60",
  "1w": "w",
  "1M": "m",
} as const satisfies Readonly<Partial<Record<Frequency, string>>>;

/** Raw prices: adjusted ones change whenever an event comes. */
const UNADJUSTED = "3";
/** Before any event; without a start the provider leaves out everything before 2015. */
const BEFORE_ALL = "1990-01-01";

const INDEX_FIELDS = "date,code,open,high,low,close,preclose,volume,amount";
const DAILY_FIELDS = `${INDEX_FIELDS},adjustflag,tradestatus`;
const LONG_FIELDS = "date,code,open,high,low,close,volume,amount,adjustflag";
const MINUTE_FIELDS = "date,time,code,open,high,low,close,volume,amount,adjustflag";

export interface PageWanted {
  readonly number: number;
  readonly rows: number;
}

export function toBarsRequest(
  code: SecurityCode,
  frequency: keyof typeof WIRE_FREQUENCIES,
  from: Day,
  to: Day,
  page: PageWanted,
): BaostockRequest {
  const params = [toWireCode(code), fieldsOf(code, frequency), from, to, WIRE_FREQUENCIES[frequency], UNADJUSTED];
  return { type: "95", method: "query_history_k_data_plus", page, params, fieldsAt: 8 };
}

/** Shares only, and all of them on one day. */
export function toDayRequest(day: Day): BaostockRequest {
  return { type: "98", method: "query_daily_history_k_AStock", params: [day], fieldsAt: 5 };
}

export function toFactorsRequest(code: SecurityCode, to: Day, page: PageWanted): BaostockRequest {
  const params = [toWireCode(code), BEFORE_ALL, to];
  return { type: "15", method: "query_adjust_factor", page, params, fieldsAt: 10 };
}

/** Everything that was ever listed, since the provider asks for no status. */
export function toListRequest(page: PageWanted): BaostockRequest {
  return { type: "45", method: "query_stock_basic", page, params: ["", ""], fieldsAt: 9 };
}

export function toCalendarRequest(from: Day, to: Day, page: PageWanted): BaostockRequest {
  return { type: "33", method: "query_trade_dates", page, params: [from, to], fieldsAt: 9 };
}

/** Dividends whose ex-day lies in the year. */
export function toDividendsRequest(code: SecurityCode, year: string, page: PageWanted): BaostockRequest {
  const params = [toWireCode(code), year, "operate"];
  return { type: "13", method: "query_dividend_data", page, params, fieldsAt: 10 };
}

export function toSecuritiesRequest(day: Day, page: PageWanted): BaostockRequest {
  return { type: "35", method: "query_all_stock", page, params: [day], fieldsAt: 8 };
}

export function toIndustryRequest(code: SecurityCode, page: PageWanted): BaostockRequest {
  return { type: "59", method: "query_stock_industry", page, params: [toWireCode(code), ""], fieldsAt: 9 };
}

/** RangeError on what the source does not offer. */
export function toRequest({ dataSet, frequency, selection }: Call, page: PageWanted): BaostockRequest {
  const [code] = selection.by === "codes" ? selection.codes : [];
  if (dataSet === "bars" && selection.by === "day") {
    return toDayRequest(selection.day);
  }
  if (dataSet === "bars" && selection.by === "codes" && code !== undefined && isWireFrequency(frequency)) {
    return toBarsRequest(code, frequency, selection.from, selection.to, page);
  }
  if (dataSet === "adjustment-factors" && selection.by === "codes" && code !== undefined) {
    return toFactorsRequest(code, selection.to, page);
  }
  if (dataSet === "stock-list") {
    return toListRequest(page);
  }
  if (dataSet === "trading-calendar" && selection.by === "range") {
    return toCalendarRequest(selection.from, selection.to, page);
  }
  throw new RangeError(`calling baostock: it has no ${dataSet} at ${frequency} by ${selection.by}`);
}

function isWireFrequency(frequency: Frequency): frequency is keyof typeof WIRE_FREQUENCIES {
  return Object.hasOwn(WIRE_FREQUENCIES, frequency);
}

/** An index is neither adjusted nor suspended, and a column that there is not is refused. */
function fieldsOf(code: SecurityCode, frequency: keyof typeof WIRE_FREQUENCIES): string {
  if (frequency === "1d") {
    return kindOf(code) === "index" ? INDEX_FIELDS : DAILY_FIELDS;
  }
  return frequency === "1w" || frequency === "1M" ? LONG_FIELDS : MINUTE_FIELDS;
}
