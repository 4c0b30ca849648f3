import { HONG_KONG, NEW_YORK } from "../../domain/day.ts";
import { isTradingDay, sessionOf, type ForeignMarketName } from "../../market/foreign-calendar.ts";
import type { ForeignSecurity } from "../../market/foreign-securities.ts";
import type { ForeignMarkets } from "../../market/foreign.ts";
import type { TradingHours, YahooListing } from "./yahoo-data.ts";

export function foreignListing(
  symbol: string,
  markets: ForeignMarkets,
  security: ForeignSecurity,
  hasNulls: boolean,
): YahooListing | undefined {
  const history = markets.history(security.code);
  const listedOn = markets.days(security.market)[0];
  if (history === undefined || listedOn === undefined) {
    return undefined;
  }
  const { bars, actions, suspended } = history;
  return {
    ...exchangeOf(security),
    symbol,
    currency: security.market === "HK" ? "HKD" : "USD",
    instrumentType: TYPES[security.kind],
    longName: security.name,
    shortName: security.name.toUpperCase(),
    priceHint: security.decimals,
    hours: HOURS[security.market],
    decimals: security.decimals,
    listedOn,
    delistedOn: undefined,
    bars,
    nullDays: hasNulls ? suspended : [],
    splits: actions.flatMap((action) =>
      action.kind === "split"
        ? [{ exDay: action.exDay, numerator: action.numerator, denominator: action.denominator }]
        : [],
    ),
    payouts: actions.flatMap((action) =>
      action.kind === "split" ? [] : [{ kind: action.kind, exDay: action.exDay, amountE4: action.amountE4 }],
    ),
    minutesOf: (day) => markets.minutes(security.code, day),
  };
}

const TYPES = { stock: "EQUITY", etf: "ETF", index: "INDEX" } as const;

const HOURS: { readonly [M in ForeignMarketName]: TradingHours } = {
  HK: { ...regularHours("HK"), zone: HONG_KONG, extended: undefined },
  US: { ...regularHours("US"), zone: NEW_YORK, extended: { from: 4 * 60, to: 20 * 60 } },
};

function regularHours(market: ForeignMarketName): Omit<TradingHours, "zone" | "extended"> {
  return {
    opensAt: 9 * 60 + 30,
    closesAt: (day) => sessionOf(market, day).at(-1)?.to ?? 0,
    noonPrintAt: undefined,
    isOpenOn: (day) => isTradingDay(market, day),
  };
}

function exchangeOf({ code, market, kind }: ForeignSecurity): Pick<YahooListing, "exchangeName" | "fullExchangeName"> {
  if (market === "HK") {
    return { exchangeName: "HKG", fullExchangeName: "HKSE" };
  }
  if (kind === "index") {
    return { exchangeName: "SNP", fullExchangeName: "SNP" };
  }
  if (kind === "etf") {
    return { exchangeName: "PCX", fullExchangeName: "NYSEArca" };
  }
  return NASDAQ.has(code)
    ? { exchangeName: "NMS", fullExchangeName: "NasdaqGS" }
    : { exchangeName: "NYQ", fullExchangeName: "NYSE" };
}

const NASDAQ: ReadonlySet<string> = new Set(["AAPL.US", "MSFT.US"]);
