import { parseDay, type Day } from "../domain/day.ts";
import { drawForeignHistory, type ForeignAction, type ForeignBar } from "./draw-foreign.ts";
import { drawSession } from "./draw-session.ts";
import { lastTradingDays, sessionOf, type ForeignMarketName } from "./foreign-calendar.ts";
import { FOREIGN_SECURITIES, type ForeignSecurity } from "./foreign-securities.ts";
import { createRandom } from "./random.ts";

export interface ForeignOptions {
  readonly seed: number;
  /** How many trading days each of the two markets has; 250 by default. */
  readonly tradingDays?: number;
  /** The last trading day of each on or before it ends that market; 2025-12-31 by default. */
  readonly to?: Day;
}

/** A minute of the regular session, in the units of the security's prices. */
export interface ForeignMinute extends Omit<ForeignBar, "day"> {
  /** Minutes since local midnight at which it begins. */
  readonly startsAt: number;
}

/** Everything that happened to a security within its market's days; every list is sorted by day. */
export interface ForeignHistory {
  readonly security: ForeignSecurity;
  readonly bars: readonly ForeignBar[];
  readonly actions: readonly ForeignAction[];
  /** Whole days without trading. */
  readonly suspended: readonly Day[];
}

/**
 * Hong Kong and the United States made from a seed, small: five codes and one index each, on trading days of their own,
 * half days among them. The same options give the same markets on every machine.
 */
export interface ForeignMarkets {
  readonly seed: number;
  /** Sorted by market, then by code. */
  readonly securities: readonly ForeignSecurity[];
  /** Trading days of a market, sorted. */
  days(market: ForeignMarketName): readonly Day[];
  /** Of a code (`00700.HK`, `BRK-B.US`) or an index (`^HSI`, `^GSPC`); undefined for any other. */
  history(code: string): ForeignHistory | undefined;
  /** The minutes of a day with a bar, which have its prices and its volume exactly; none for another day. */
  minutes(code: string, day: Day): readonly ForeignMinute[];
}

const TRADING_DAYS_DEFAULT = 250;
const TRADING_DAYS_MAX = 5_000;
const TO_DEFAULT = parseDay("2025-12-31");

export function generateForeignMarkets({ seed, ...options }: ForeignOptions): ForeignMarkets {
  const count = options.tradingDays ?? TRADING_DAYS_DEFAULT;
  if (!Number.isInteger(count) || count < 1 || count > TRADING_DAYS_MAX) {
    throw new RangeError(`generating foreign markets: expected 1 to ${TRADING_DAYS_MAX} trading days, got ${count}`);
  }
  const to = options.to ?? TO_DEFAULT;
  const days = { HK: lastTradingDays("HK", to, count), US: lastTradingDays("US", to, count) };
  const histories = new Map(
    FOREIGN_SECURITIES.map((security) => [
      security.code,
      {
        security,
        ...drawForeignHistory(security, days[security.market], createRandom(seed, `foreign ${security.code}`)),
      },
    ]),
  );
  return {
    seed,
    securities: FOREIGN_SECURITIES,
    days: (market) => days[market],
    history: (code) => histories.get(code),
    minutes: (code, day) => {
      const history = histories.get(code);
      const bar = history?.bars.find((own) => own.day === day);
      return history === undefined || bar === undefined ? [] : minutesOf(seed, history.security, bar);
    },
  };
}

function minutesOf(seed: number, { code, market }: ForeignSecurity, bar: ForeignBar): readonly ForeignMinute[] {
  const starts = sessionOf(market, bar.day).flatMap(({ from, to }) =>
    Array.from({ length: to - from }, (_, index) => from + index),
  );
  const random = createRandom(seed, `foreign minutes ${code} ${bar.day}`);
  return drawSession(bar, starts.length, random).map((minute, index) => ({
    ...minute,
    startsAt: starts[index] ?? 0,
  }));
}
