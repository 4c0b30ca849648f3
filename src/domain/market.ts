import { HONG_KONG, NEW_YORK, parseDay, SHANGHAI, type Day, type ZoneName } from "./day.ts";
import { CURRENCY, MARKET, type CurrencyNumber, type MarketNumber } from "./enums.ts";
import { exchangeOf, type Exchange, type SecurityCode } from "./security-code.ts";

/** Where one calendar and one clock hold. */
export const MARKET_NAMES = ["CN", "HK", "US"] as const;
export type MarketName = (typeof MARKET_NAMES)[number];

export interface MarketFacts {
  readonly zone: ZoneName;
  readonly exchanges: readonly Exchange[];
  /** What its days and instruments are stored under; Ginkgo has no number for Hong Kong, nor for its dollar. */
  readonly number: MarketNumber;
  readonly currency: CurrencyNumber;
  /** The first day that anybody is asked about. */
  readonly since: Day;
  /** For people. */
  readonly title: string;
}

/** The earliest whose midnight in China the table of trading days can hold (`DateTime`); the exchanges are older. */
const FIRST_STORED_DAY = parseDay("1970-01-02");

export const MARKETS: { readonly [M in MarketName]: MarketFacts } = {
  CN: {
    zone: SHANGHAI,
    exchanges: ["SH", "SZ", "BJ"],
    number: MARKET.CHINA,
    currency: CURRENCY.CNY,
    since: parseDay("1990-12-19"),
    title: "mainland China",
  },
  HK: {
    zone: HONG_KONG,
    exchanges: ["HK"],
    number: MARKET.OTHER,
    currency: CURRENCY.OTHER,
    since: FIRST_STORED_DAY,
    title: "Hong Kong",
  },
  US: {
    zone: NEW_YORK,
    exchanges: ["US"],
    number: MARKET.NASDAQ,
    currency: CURRENCY.USD,
    since: FIRST_STORED_DAY,
    title: "the United States",
  },
};

/** Whether any of these exchanges is one of the market's. */
export function isOfMarket(exchanges: readonly Exchange[], market: MarketName): boolean {
  return exchanges.some((exchange) => marketOfExchange(exchange) === market);
}

export function marketOf(code: SecurityCode): MarketName {
  return marketOfExchange(exchangeOf(code));
}

export function marketOfExchange(exchange: Exchange): MarketName {
  return exchange === "HK" || exchange === "US" ? exchange : "CN";
}
