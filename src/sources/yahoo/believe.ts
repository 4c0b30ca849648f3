import { DataError } from "../../base/errors.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import { MARKETS, type MarketName } from "../../domain/market.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { YAHOO_MARKETS, type WireInterval } from "./capabilities.ts";
import type { Chart } from "./chart.ts";
import { createLocalClock } from "./local-time.ts";
import type { ChartRequest } from "./requests.ts";
import { currencyOf } from "./symbols.ts";

/**
 * Throws DataError on an answer to another question: about another security, in another currency, of another zone or
 * interval, whether it says so or its stamps do. `code` is undefined of an index that only tells days.
 */
export function requireAnswerTo(
  chart: Chart,
  request: ChartRequest,
  market: MarketName,
  code: SecurityCode | undefined,
): void {
  const { symbol, currency, zone, granularity } = chart;
  const refuse = (what: string, wanted: string, got: string): never => {
    throw new DataError(
      `reading ${request.interval} of ${request.symbol} from yahoo: asked for ${what} ${wanted}, the answer has ${got}`,
    );
  };
  if (symbol !== request.symbol) {
    refuse("symbol", request.symbol, symbol ?? "none");
  }
  const granularities: readonly string[] = request.interval === "60m" ? ["60m", "1h"] : [request.interval];
  if (granularity === undefined || !granularities.includes(granularity)) {
    refuse("bars of", request.interval, granularity ?? "none");
  }
  if (zone !== undefined && zone !== MARKETS[market].zone) {
    refuse("stamps of", MARKETS[market].zone, zone);
  }
  if (code !== undefined && currency !== currencyOf(code) && !(currency === undefined && kindOf(code) === "index")) {
    refuse("prices in", currencyOf(code), currency ?? "none");
  }
  if (isOfOtherInterval(chart, request.interval, market)) {
    refuse("bars of", request.interval, "others by its stamps");
  }
}

const DAY_SECONDS = 86_400;
/** So many places that all fit a longer interval are no chance, as those without a bar have stamps too. */
const PLACES_MIN = 4;
/** Stamps between the places of the interval that may be there by mistake. */
const STRAYS_MAX = 1;
/** Days never lie further apart throughout, around whatever holidays, nor as near to each other. */
const DAYS_APART_MAX = 4 * DAY_SECONDS;
const DAYS_APART_MIN = DAY_SECONDS / 2;

/** Longer or shorter bars than were asked for, under the name of the right ones. The last one may be a live row. */
function isOfOtherInterval({ slots }: Chart, interval: WireInterval, market: MarketName): boolean {
  const stamps = slots.slice(0, -1).flatMap(({ stamp }) => stamp ?? []);
  if (interval === "1d") {
    const apart = stamps.slice(1).map((stamp, index) => stamp - (stamps[index] ?? 0));
    const isLonger = apart.length >= PLACES_MIN && apart.every((seconds) => seconds > DAYS_APART_MAX);
    return isLonger || apart.filter((seconds) => seconds < DAYS_APART_MIN).length > STRAYS_MAX;
  }
  const minutes = Number.parseInt(interval, 10);
  const offsets = offsetsOf(slots, market);
  const places = new Set(offsets.filter((offset) => offset % minutes === 0));
  const strays = offsetsOf(slots.slice(0, -1), market).filter((offset) => offset % minutes !== 0);
  const isLonger = places.size >= PLACES_MIN && [...places].every((offset) => offset % (2 * minutes) === 0);
  return isLonger || strays.length > STRAYS_MAX;
}

/** Minutes since the beginning of the session that each stamp lies in. */
function offsetsOf(slots: Chart["slots"], market: MarketName): readonly number[] {
  const clock = createLocalClock(MARKETS[market].zone);
  const { sessions } = YAHOO_MARKETS[market];
  return slots.flatMap(({ stamp }) => {
    const at = stamp === undefined ? undefined : clock(stamp).secondOfDay / 60;
    const session = at === undefined ? undefined : sessions.find(({ start, end }) => at >= start && at < end);
    return at === undefined || session === undefined ? [] : [at - session.start];
  });
}
