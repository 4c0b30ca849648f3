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
  if (isCoarse(chart, request.interval, market)) {
    refuse("bars of", request.interval, "longer ones by its stamps");
  }
}

const DAY_SECONDS = 86_400;
/** So many places that all fit a longer interval are no chance, as those without a bar have stamps too. */
const PLACES_MIN = 4;
/** Days never lie further apart throughout, around whatever holidays. */
const APART_SECONDS_MAX = 4 * DAY_SECONDS;

/** Longer bars than were asked for, under the name of the right ones. */
function isCoarse({ slots }: Chart, interval: WireInterval, market: MarketName): boolean {
  const stamps = slots.flatMap(({ stamp }) => stamp ?? []);
  if (interval === "1d") {
    // The last one may be of a live row.
    const apart = stamps.slice(1, -1).map((stamp, index) => stamp - (stamps[index] ?? 0));
    return apart.length >= PLACES_MIN && apart.every((seconds) => seconds > APART_SECONDS_MAX);
  }
  const minutes = Number.parseInt(interval, 10);
  const clock = createLocalClock(MARKETS[market].zone);
  const places = new Map<number, number>();
  for (const stamp of stamps) {
    const at = clock(stamp).secondOfDay / 60;
    const session = YAHOO_MARKETS[market].sessions.find(({ start, end }) => at >= start && at < end);
    if (session !== undefined && (at - session.start) % minutes === 0) {
      places.set(at, at - session.start);
    }
  }
  return places.size >= PLACES_MIN && [...places.values()].every((offset) => offset % (2 * minutes) === 0);
}
