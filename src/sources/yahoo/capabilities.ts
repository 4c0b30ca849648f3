import { parseDay, type Day } from "../../domain/day.ts";
import type { InstrumentKind } from "../../domain/instrument-kind.ts";
import { MARKETS, type MarketName } from "../../domain/market.ts";
import type { Capability } from "../../ports/source.ts";
import { YAHOO_EXCHANGES } from "./symbols.ts";

/** What bars are asked for on the wire; of Yahoo's other intervals none is needed. */
export type WireInterval = "1d" | "1m" | "5m" | "15m" | "60m";

export const INTRADAY = ["1m", "5m", "15m", "30m", "60m"] as const;
export type YahooFrequency = "1d" | (typeof INTRADAY)[number];

/** Minutes since local midnight, the last one exclusive. */
export interface Session {
  readonly start: number;
  readonly end: number;
}

export interface YahooMarket {
  readonly sessions: readonly Session[];
  /** After it the day's last corrections are in; auctions and late prints end well before. */
  readonly completeFrom: string;
  readonly kinds: readonly InstrumentKind[];
  /**
   * Bars of a full day, and on how many trading days back from the last complete one they are sure to be there. The
   * provider counts calendar days from now (30, 60 and 730, `DEPTH_DAYS`), so longest holidays decide.
   */
  readonly intraday: {
    readonly [F in (typeof INTRADAY)[number]]?: { readonly rowsPerDay: number; readonly daysKept: number };
  };
}

/**
 * What the provider calls an hour begins at whole hours of its own in Shanghai and Hong Kong, across the pause at noon:
 * those bars are none of ours. In Shanghai an hour is built from quarters instead, and reaches back as far as they do.
 * Hong Kong's morning has two hours and a half, of which nobody makes hours that all agree on: it has none.
 */
export const YAHOO_MARKETS: { readonly [M in MarketName]: YahooMarket } = {
  CN: {
    sessions: [
      { start: 9 * 60 + 30, end: 11 * 60 + 30 },
      { start: 13 * 60, end: 15 * 60 },
    ],
    completeFrom: "18:00",
    // Of indices volume was seen as 0 throughout, and years of rows were missing.
    kinds: ["stock", "etf", "fund"],
    intraday: {
      "1m": { rowsPerDay: 240, daysKept: 13 },
      "5m": { rowsPerDay: 48, daysKept: 32 },
      "15m": { rowsPerDay: 16, daysKept: 32 },
      "30m": { rowsPerDay: 8, daysKept: 32 },
      "60m": { rowsPerDay: 4, daysKept: 32 },
    },
  },
  HK: {
    sessions: [
      { start: 9 * 60 + 30, end: 12 * 60 },
      { start: 13 * 60, end: 16 * 60 },
    ],
    completeFrom: "19:00",
    kinds: ["stock"],
    intraday: {
      "1m": { rowsPerDay: 330, daysKept: 15 },
      "5m": { rowsPerDay: 66, daysKept: 35 },
      "15m": { rowsPerDay: 22, daysKept: 35 },
      "30m": { rowsPerDay: 11, daysKept: 35 },
    },
  },
  US: {
    sessions: [{ start: 9 * 60 + 30, end: 16 * 60 }],
    completeFrom: "20:00",
    kinds: ["stock"],
    intraday: {
      "1m": { rowsPerDay: 390, daysKept: 17 },
      "5m": { rowsPerDay: 78, daysKept: 38 },
      "15m": { rowsPerDay: 26, daysKept: 38 },
      "30m": { rowsPerDay: 13, daysKept: 38 },
      "60m": { rowsPerDay: 7, daysKept: 495 },
    },
  },
};

/** How far back from now a request may begin, one day short of what the provider refuses. */
export const DEPTH_DAYS: { readonly [I in WireInterval]: number | undefined } = {
  "1d": undefined,
  "1m": 29,
  "5m": 59,
  "15m": 59,
  "60m": 729,
};

/** Calendar days of one request for minutes, and the trading days in them. */
export const MINUTE_WINDOW_DAYS = 7;
const MINUTE_WINDOW_TRADING_DAYS = 5;

/** Whole histories come in one answer. */
const DAILY_ROWS_MAX = 30_000;
const CALENDAR_BEGIN: { readonly [M in Exclude<MarketName, "CN">]: Day } = {
  HK: parseDay("1986-12-31"),
  US: MARKETS.US.since,
};

/** What the source can answer; known without a server. All of it is one api, since limits are per address over all. */
export function yahooCapabilities(): readonly Capability[] {
  return [...barsOf("CN"), ...barsOf("HK"), ...barsOf("US"), ...eventsOf("HK"), ...eventsOf("US")];
}

function commonOf(
  market: MarketName,
): Omit<Capability, "dataSet" | "frequency" | "rowsMax" | "rowsPerDay" | "codesMax"> {
  const { zone, exchanges } = MARKETS[market];
  const { completeFrom, kinds } = YAHOO_MARKETS[market];
  return {
    api: "chart",
    byDay: false,
    zone,
    completeFrom,
    exchanges: YAHOO_EXCHANGES.filter((exchange) => exchanges.includes(exchange)),
    kinds,
    isSilentlyShort: true,
    since: undefined,
  };
}

function barsOf(market: MarketName): readonly Capability[] {
  const bars = { ...commonOf(market), dataSet: "bars", codesMax: 1, hasHoles: true } as const;
  const { intraday } = YAHOO_MARKETS[market];
  return [
    { ...bars, frequency: "1d", rowsMax: DAILY_ROWS_MAX, rowsPerDay: 1 },
    ...INTRADAY.flatMap((frequency): readonly Capability[] => {
      const kept = intraday[frequency];
      if (kept === undefined) {
        return [];
      }
      const { rowsPerDay, daysKept } = kept;
      return [
        {
          ...bars,
          frequency,
          // More than is ever kept, so that a plan never cuts a call where the provider does not.
          rowsMax: rowsPerDay * 2 * daysKept,
          ...(frequency === "1m" ? { pageRowsMax: rowsPerDay * MINUTE_WINDOW_TRADING_DAYS } : {}),
          rowsPerDay,
          daysKept,
          // There nobody trades every minute, and what was not traded is null as what is missing is.
          skipsIdleBars: market !== "CN",
        },
      ];
    }),
  ];
}

function eventsOf(market: Exclude<MarketName, "CN">): readonly Capability[] {
  const daily = { ...commonOf(market), frequency: "1d", rowsMax: DAILY_ROWS_MAX, rowsPerDay: 1 } as const;
  return [
    { ...daily, dataSet: "adjustment-factors", codesMax: 1, isByEvent: true },
    { ...daily, dataSet: "trading-calendar", codesMax: 0, since: CALENDAR_BEGIN[market] },
  ];
}
