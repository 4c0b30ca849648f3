import { addDays, maxDay, minDay, type Day } from "../../domain/day.ts";
import { MARKETS, type MarketName } from "../../domain/market.ts";
import { DEPTH_DAYS, MINUTE_WINDOW_DAYS, type WireInterval, type YahooFrequency } from "./capabilities.ts";
import { firstWholeDay, startOf } from "./local-time.ts";

export interface ChartRequest {
  readonly symbol: string;
  readonly interval: WireInterval;
  /** Seconds since the epoch, the first one inclusive, the second exclusive. */
  readonly period1: number;
  readonly period2: number;
  readonly includePrePost?: boolean;
  /** Those whose prices bars are to be freed from, and those that a factor is made of. */
  readonly events?: readonly string[];
}

/** Every kind of event that changes the price of a share by itself. */
export const EVENTS = ["div", "split", "capitalGains"] as const;

/** Behind the base address, in the order in which the provider's known clients write it. */
export function toChartPath(request: ChartRequest): string {
  const { symbol, interval, period1, period2, includePrePost = false, events = EVENTS } = request;
  const query = new URLSearchParams({
    useYfid: "true",
    interval,
    includePrePost: `${includePrePost}`,
    events: events.join("|"),
    lang: "en-US",
    period1: `${period1}`,
    period2: `${period2}`,
  });
  return `v8/finance/chart/${encodeURIComponent(symbol)}?${query.toString()}`;
}

/**
 * Half hours are asked for as quarters, since the provider answers them with whole hours at times; so are the hours of a
 * market whose own begin elsewhere.
 */
export function wireIntervalOf(frequency: YahooFrequency, market: MarketName): WireInterval {
  return frequency === "30m" || (frequency === "60m" && market !== "US") ? "15m" : frequency;
}

/** The days that one request brings, and the stamps that it asks with. */
export interface Window {
  readonly from: Day;
  readonly to: Day;
  readonly period1: number;
  readonly period2: number;
  /** Whether it ends now, so that it has all splits there are after its first day. */
  readonly isUpToNow: boolean;
  /** The first day of the days asked for that another request has to bring. */
  readonly restFrom: Day | undefined;
}

/**
 * Bars are asked for up to now, whatever the last day wanted, since the splits up to now are needed to read them. Only
 * minutes come in windows of a week. A request that begins before what the provider keeps is refused whole, so it begins
 * with the first whole day there is. Undefined where nothing of the days can be asked for.
 */
export function planWindow(
  { from, to }: { readonly from: Day; readonly to: Day },
  interval: WireInterval,
  market: MarketName,
  nowSeconds: number,
): Window | undefined {
  const { zone } = MARKETS[market];
  const depth = DEPTH_DAYS[interval];
  const first = depth === undefined ? from : maxDay(from, firstWholeDay(nowSeconds - depth * 86_400, zone));
  const period1 = startOf(first, zone);
  if (first > to || period1 >= nowSeconds) {
    return undefined;
  }
  const end = period1 + MINUTE_WINDOW_DAYS * 86_400;
  if (interval !== "1m" || nowSeconds <= end) {
    return { from: first, to, period1, period2: nowSeconds, isUpToNow: true, restFrom: undefined };
  }
  const last = minDay(to, addDays(first, MINUTE_WINDOW_DAYS - 1));
  return {
    from: first,
    to: last,
    period1,
    // A week in which the clocks go back is an hour too long; what it loses is no hour of trade.
    period2: Math.min(startOf(addDays(last, 1), zone), end),
    isUpToNow: false,
    restFrom: last < to ? addDays(last, 1) : undefined,
  };
}
