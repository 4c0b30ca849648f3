import { SHANGHAI, type Day } from "../../domain/day.ts";
import { COMPOSITES, compositeHistory, compositeMinutes, type Composite } from "../../market/composites.ts";
import type { ForeignMarkets } from "../../market/foreign.ts";
import type { Market } from "../../market/generate-market.ts";
import { minuteBarsOf } from "../../market/intraday.ts";
import type { CorporateAction, MarketSecurity, SecurityHistory } from "../../market/security.ts";
import { foreignListing } from "./foreign-data.ts";
import { symbolOf } from "./symbols.ts";
import type { Payout, RawMinute, Split, TradingHours, YahooData, YahooListing } from "./yahoo-data.ts";

export interface YahooDataOptions {
  /** Whose days without a trade are rows of nulls: nobody's, those of one code in four (the default), or everybody's. */
  readonly nullRows?: "none" | "some" | "all";
}

/**
 * Generated markets as the provider has them: Shanghai and Shenzhen without Beijing, their composite indices and funds, and
 * foreign markets where they are given. Bonus shares are splits, cash is a dividend, both may fall on one day; of rights
 * issues the provider knows nothing, so that its prices before one stay as they were traded.
 */
export function yahooData(market: Market, foreign?: ForeignMarkets, options: YahooDataOptions = {}): YahooData {
  const hours = mainlandHours(market);
  const nullRows = options.nullRows ?? "some";
  const makers = new Map<string, () => YahooListing | undefined>();
  for (const security of market.securities) {
    const symbol = symbolOf(security.code);
    if (symbol !== undefined) {
      makers.set(symbol, () => {
        const history = market.history(security.code);
        return history === undefined ? undefined : stockListing(symbol, market, history, hours, nullRows);
      });
    }
  }
  for (const composite of COMPOSITES) {
    const symbol = symbolOf(composite.code);
    if (symbol !== undefined) {
      makers.set(symbol, () => compositeListing(symbol, market, composite, hours));
    }
  }
  for (const security of foreign?.securities ?? []) {
    const symbol = symbolOf(security.code);
    if (foreign !== undefined && symbol !== undefined) {
      makers.set(symbol, () => foreignListing(symbol, foreign, security, nullRows !== "none"));
    }
  }

  const listings = new Map<string, YahooListing | undefined>();
  const days = [...market.days, ...(foreign?.days("HK") ?? []), ...(foreign?.days("US") ?? [])].toSorted();
  return {
    symbols: [...makers.keys()].toSorted(),
    firstDay: days[0],
    lastDay: days.at(-1),
    listing: (symbol) => {
      const known = listings.get(symbol) ?? makers.get(symbol)?.();
      listings.set(symbol, known);
      return known;
    },
  };
}

const OPENS_AT = 9 * 60 + 30;
const CLOSES_AT = 15 * 60;
const NOON_AT = 11 * 60 + 30;

function mainlandHours(market: Market): TradingHours {
  const days = new Set(market.days);
  return {
    zone: SHANGHAI,
    opensAt: OPENS_AT,
    closesAt: () => CLOSES_AT,
    extended: undefined,
    noonPrintAt: NOON_AT,
    isOpenOn: (day) => days.has(day),
  };
}

function stockListing(
  symbol: string,
  market: Market,
  { security, bars, suspensions, actions }: SecurityHistory,
  hours: TradingHours,
  nullRows: "none" | "some" | "all",
): YahooListing {
  const hasNulls = nullRows === "all" || (nullRows === "some" && showsNulls(security));
  const empty = suspensions.filter(({ timing }) => timing === undefined).map(({ day }) => day);
  return {
    ...exchangeOf(symbol),
    symbol,
    instrumentType: "EQUITY",
    longName: security.name,
    shortName: security.name,
    priceHint: 2,
    hours,
    decimals: 2,
    listedOn: laterOf(security.listedOn, market.days[0]),
    delistedOn: security.delistedOn,
    bars: bars.map(({ day, openCents, highCents, lowCents, closeCents, volume }) => ({
      day,
      open: openCents,
      high: highCents,
      low: lowCents,
      close: closeCents,
      volume,
    })),
    nullDays: hasNulls ? empty : [],
    splits: actions.flatMap((action) => splitOf(action) ?? []),
    payouts: actions.flatMap((action) => payoutOf(action) ?? []),
    minutesOf: (day) =>
      minuteBarsOf(market, security.code, day).map(
        ({ endsAt, openCents, highCents, lowCents, closeCents, volume }) => ({
          startsAt: startOf(endsAt),
          open: openCents,
          high: highCents,
          low: lowCents,
          close: closeCents,
          volume,
        }),
      ),
  };
}

/** Every fourth code by its number, so that a market of any size has both kinds. */
function showsNulls({ code }: MarketSecurity): boolean {
  return Number.parseInt(code.slice(0, 6), 10) % 4 === 0;
}

function compositeListing(symbol: string, market: Market, composite: Composite, hours: TradingHours): YahooListing {
  return {
    ...exchangeOf(symbol),
    symbol,
    instrumentType: composite.kind === "index" ? "INDEX" : "ETF",
    longName: composite.name,
    shortName: composite.name,
    priceHint: composite.decimals,
    hours,
    decimals: 3,
    listedOn: laterOf(market.days[0], undefined),
    delistedOn: undefined,
    bars: compositeHistory(market, composite.code).map((bar) => ({ day: bar.day, ...pricesOf(bar) })),
    nullDays: [],
    splits: [],
    payouts: [],
    minutesOf: (day) =>
      compositeMinutes(market, composite.code, day).map((minute) => ({
        startsAt: startOf(minute.endsAt),
        ...pricesOf(minute),
      })),
  };
}

interface MilliPrices {
  readonly openMilli: number;
  readonly highMilli: number;
  readonly lowMilli: number;
  readonly closeMilli: number;
  readonly volume: number;
}

function pricesOf({ openMilli, highMilli, lowMilli, closeMilli, volume }: MilliPrices): Omit<RawMinute, "startsAt"> {
  return { open: openMilli, high: highMilli, low: lowMilli, close: closeMilli, volume };
}

function exchangeOf(symbol: string): Pick<YahooListing, "currency" | "exchangeName" | "fullExchangeName"> {
  return symbol.endsWith(".SS")
    ? { currency: "CNY", exchangeName: "SHH", fullExchangeName: "Shanghai" }
    : { currency: "CNY", exchangeName: "SHZ", fullExchangeName: "Shenzhen" };
}

/** 45 tenths of a share for ten are 29 new for 20 old ones. */
function splitOf({ exDay, terms }: CorporateAction): Split | undefined {
  if (terms.bonusTenthsPer10 === 0) {
    return undefined;
  }
  const [numerator, denominator] = [100 + terms.bonusTenthsPer10, 100];
  const divisor = greatestCommonDivisor(numerator, denominator);
  return { exDay, numerator: numerator / divisor, denominator: denominator / divisor };
}

function payoutOf({ exDay, terms }: CorporateAction): Payout | undefined {
  return terms.cashCentsPer10 === 0 ? undefined : { kind: "dividend", exDay, amountE4: terms.cashCentsPer10 * 10 };
}

function greatestCommonDivisor(left: number, right: number): number {
  return right === 0 ? left : greatestCommonDivisor(right, left % right);
}

/** The provider stamps a minute with its beginning. */
function startOf(endsAt: string): number {
  return Number.parseInt(endsAt.slice(0, 2), 10) * 60 + Number.parseInt(endsAt.slice(3), 10) - 1;
}

function laterOf(left: Day | undefined, right: Day | undefined): Day {
  const later = left === undefined || (right !== undefined && right > left) ? right : left;
  if (later === undefined) {
    throw new RangeError("serving a market: it has no day");
  }
  return later;
}
