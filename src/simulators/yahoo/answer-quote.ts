import { createAdjuster } from "./adjust.ts";
import { listingAt } from "./answer-chart.ts";
import { buildMeta } from "./build-meta.ts";
import { dayRows, type View } from "./daily-rows.ts";
import { abbreviationOf, offsetOf } from "./stamps.ts";
import type { YahooData, YahooListing } from "./yahoo-data.ts";

/** The latest prices of several symbols; one that nobody knows is left out, as the provider does. */
export function answerQuote(data: YahooData, symbols: readonly string[], nowSeconds: number): string {
  const result = symbols.flatMap((symbol) => {
    const listing = listingAt(data, symbol, nowSeconds);
    return listing === undefined ? [] : quoteOf(listing, nowSeconds);
  });
  return JSON.stringify({ quoteResponse: { result, error: null } });
}

function quoteOf(listing: YahooListing, nowSeconds: number): object {
  const view: View = { listing, adjuster: createAdjuster(listing, nowSeconds), nowSeconds, liveSeconds: 0 };
  const days = dayRows(view);
  const traded = days.filter(({ close }) => close !== null);
  const [before, last] = [traded.at(-2), traded.at(-1)];
  const range = { from: 0, to: 0, range: "1d", name: "1d", interval: { kind: "day" } } as const;
  const meta = buildMeta(view, { ...range, events: new Set(), includesExtended: false }, days, []);
  const { zone } = listing.hours;
  return {
    language: "en-US",
    region: "US",
    quoteType: listing.instrumentType,
    currency: listing.currency,
    exchange: listing.exchangeName,
    fullExchangeName: listing.fullExchangeName,
    shortName: listing.shortName,
    longName: listing.longName,
    marketState: last !== undefined && nowSeconds < last.closesAt ? "REGULAR" : "CLOSED",
    market: MARKETS[listing.currency] ?? "us_market",
    triggerable: true,
    tradeable: false,
    esgPopulated: false,
    cryptoTradeable: false,
    sourceInterval: 15,
    exchangeDataDelayedBy: 0,
    exchangeTimezoneName: zone,
    exchangeTimezoneShortName: abbreviationOf(zone, nowSeconds),
    gmtOffSetMilliseconds: offsetOf(zone, nowSeconds) * 1_000,
    priceHint: listing.priceHint,
    regularMarketPrice: meta["regularMarketPrice"],
    regularMarketTime: meta["regularMarketTime"],
    regularMarketOpen: last?.open,
    regularMarketDayHigh: meta["regularMarketDayHigh"],
    regularMarketDayLow: meta["regularMarketDayLow"],
    regularMarketVolume: meta["regularMarketVolume"],
    regularMarketPreviousClose: before?.close,
    fiftyTwoWeekHigh: meta["fiftyTwoWeekHigh"],
    fiftyTwoWeekLow: meta["fiftyTwoWeekLow"],
    symbol: listing.symbol,
  };
}

const MARKETS: Readonly<Record<string, string>> = { CNY: "cn_market", HKD: "hk_market", USD: "us_market" };
