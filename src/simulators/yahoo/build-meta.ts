import { Temporal } from "temporal-polyfill";

import { addDays, dayAt, type Day } from "../../domain/day.ts";
import type { ChartRow } from "./chart.ts";
import { CLOSING_SECONDS, type DayRow, type View } from "./daily-rows.ts";
import { granularityOf } from "./intervals.ts";
import type { ChartQuery } from "./read-query.ts";
import { abbreviationOf, closeOf, offsetOf, openOf, stampOf } from "./stamps.ts";
import type { TradingHours } from "./yahoo-data.ts";

export const VALID_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"] as const;

/** Every member that an answer has, in the order of the recorded ones; those that are undefined are left out. */
export function buildMeta(
  view: View,
  query: ChartQuery,
  days: readonly DayRow[],
  rows: readonly ChartRow[],
): Readonly<Record<string, unknown>> {
  const { listing, nowSeconds } = view;
  const { hours } = listing;
  const traded = days.filter(({ close }) => close !== null);
  const last = traded.at(-1);
  const isIntraday = query.interval.kind === "minutes";
  const year = traded.slice(-YEAR_ROWS);
  const first = rows[0]?.stamp ?? query.from;
  const before = traded.findLast(({ closesAt }) => closesAt <= first);
  const zone = zoneOf(hours, nowSeconds);
  return {
    currency: listing.currency,
    symbol: listing.symbol,
    exchangeName: listing.exchangeName,
    fullExchangeName: listing.fullExchangeName,
    instrumentType: listing.instrumentType,
    firstTradeDate: openOf(hours, listing.listedOn),
    regularMarketTime: last === undefined ? undefined : Math.min(nowSeconds, last.closesAt + CLOSING_SECONDS),
    hasPrePostMarketData: hours.extended !== undefined,
    gmtoffset: zone.gmtoffset,
    timezone: zone.timezone,
    exchangeTimezoneName: hours.zone,
    regularMarketPrice: rounded(last?.close),
    fiftyTwoWeekHigh: extreme(year, ({ high }) => high, Math.max),
    fiftyTwoWeekLow: extreme(year, ({ low }) => low, Math.min),
    regularMarketDayHigh: rounded(last?.high),
    regularMarketDayLow: rounded(last?.low),
    regularMarketVolume: last?.volume,
    longName: listing.longName,
    shortName: listing.shortName,
    chartPreviousClose: rounded(before?.close),
    previousClose: isIntraday ? rounded(traded.at(-2)?.close) : undefined,
    scale: isIntraday ? 3 : undefined,
    priceHint: listing.priceHint,
    currentTradingPeriod: currentPeriod(hours, nowSeconds),
    tradingPeriods: isIntraday && rows.length > 0 ? tradingPeriods(hours, rows, query.includesExtended) : undefined,
    dataGranularity: granularityOf(query.name),
    range: query.range,
    validRanges: VALID_RANGES,
    ...listing.summary,
  };
}

/** About as many trading days as a year has. */
const YEAR_ROWS = 252;

function extreme(
  rows: readonly DayRow[],
  cellOf: (row: DayRow) => DayRow["high"],
  pick: (...numbers: number[]) => number,
): number | undefined {
  return rows.length === 0 ? undefined : rounded(pick(...rows.map((row) => Number(cellOf(row)))));
}

/** Single prices are told to three decimals. */
function rounded(cell: ChartRow["close"] | undefined): number | undefined {
  return typeof cell === "number" ? Math.round(cell * 1_000) / 1_000 : undefined;
}

interface TradingPeriod {
  readonly timezone: string;
  readonly start: number;
  readonly end: number;
  readonly gmtoffset: number;
}

type Phases = Readonly<Record<"pre" | "regular" | "post", TradingPeriod>>;

function zoneOf({ zone }: TradingHours, stamp: number): { readonly timezone: string; readonly gmtoffset: number } {
  return { timezone: abbreviationOf(zone, stamp), gmtoffset: offsetOf(zone, stamp) };
}

/** Without trading before and after the session those two begin where they end. */
function phasesOf(hours: TradingHours, day: Day): Phases {
  const [opensAt, closesAt] = [openOf(hours, day), closeOf(hours, day)];
  const { extended } = hours;
  const begin = extended === undefined ? opensAt : stampOf(hours, day, extended.from);
  const end = extended === undefined ? closesAt : stampOf(hours, day, extended.to);
  const zone = zoneOf(hours, opensAt);
  const period = (start: number, to: number): TradingPeriod => ({
    timezone: zone.timezone,
    start,
    end: to,
    gmtoffset: zone.gmtoffset,
  });
  return { pre: period(begin, opensAt), regular: period(opensAt, closesAt), post: period(closesAt, end) };
}

/** Of today, or of the last day on which the exchange was open. */
function currentPeriod(hours: TradingHours, nowSeconds: number): Phases {
  let day = dayAt(Temporal.Instant.fromEpochMilliseconds(nowSeconds * 1_000), hours.zone);
  for (let back = 0; back < CLOSED_DAYS_MAX && !hours.isOpenOn(day); back += 1) {
    day = addDays(day, -1);
  }
  return phasesOf(hours, day);
}

/** Longer than any holiday; where a market's days are over the day itself serves. */
const CLOSED_DAYS_MAX = 30;

/** One inner list a day of the rows. */
function tradingPeriods(hours: TradingHours, rows: readonly ChartRow[], includesExtended: boolean): object {
  const phases = [...new Set(rows.map(({ day }) => day))].map((day) => phasesOf(hours, day));
  const regular = phases.map((one) => [one.regular]);
  return includesExtended
    ? { pre: phases.map(({ pre }) => [pre]), regular, post: phases.map(({ post }) => [post]) }
    : regular;
}
