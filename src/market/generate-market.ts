import { tradingDays } from "../domain/cn-trading-days.ts";
import { parseDay, type Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import { generateHistory } from "./generate-history.ts";
import { CODES_MAX, planSecurities } from "./plan-securities.ts";
import type { MarketBar, MarketSecurity, SecurityHistory } from "./security.ts";

export interface MarketOptions {
  readonly seed: number;
  /** How many securities, 1 to 6,000; 300 by default. */
  readonly codes?: number;
  /** How many trading days; 250 by default. Not with both `from` and `to`. */
  readonly tradingDays?: number;
  /** The first trading day on or after it begins the market. */
  readonly from?: Day;
  /** The last trading day on or before it ends the market; 2025-12-31 by default when there is no `from`. */
  readonly to?: Day;
}

/**
 * A market made from a seed, on the real trading days, with the exchanges' rules of prices: the truth that stored rows
 * are compared with. The same options give the same market on every machine. Histories are drawn when first asked for.
 */
export interface Market {
  readonly seed: number;
  /** Its trading days, sorted. */
  readonly days: readonly Day[];
  /** Sorted by code. */
  readonly securities: readonly MarketSecurity[];
  /** Undefined for a code that the market does not have. */
  history(code: string): SecurityHistory | undefined;
  /** All histories, sorted by code. */
  histories(): IterableIterator<SecurityHistory>;
  /** Bars of a day, sorted by code; none outside the market's days. */
  barsOn(day: Day): readonly MarketBar[];
}

const CODES_DEFAULT = 300;
const TRADING_DAYS_DEFAULT = 250;
/** Fixed, so that a market does not change from one day to the next. */
const TO_DEFAULT = parseDay("2025-12-31");

export function generateMarket(options: MarketOptions): Market {
  const codes = options.codes ?? CODES_DEFAULT;
  if (!Number.isInteger(codes) || codes < 1 || codes > CODES_MAX) {
    throw new RangeError(`generating a market: expected 1 to ${CODES_MAX} codes, got ${codes}`);
  }
  const days = pickDays(options);
  const plans = planSecurities(options.seed, codes, days);
  const planOf = new Map(plans.map((plan) => [String(plan.security.code), plan]));
  const drawn = new Map<string, SecurityHistory>();
  let barsByDay: ReadonlyMap<Day, readonly MarketBar[]> | undefined;

  const history = (code: string): SecurityHistory | undefined => {
    const known = drawn.get(code);
    const plan = planOf.get(code);
    if (known !== undefined || plan === undefined) {
      return known;
    }
    const fresh = generateHistory(options.seed, plan, days);
    drawn.set(code, fresh);
    return fresh;
  };
  function* histories(): Generator<SecurityHistory, undefined, unknown> {
    for (const code of planOf.keys()) {
      const one = history(code);
      if (one !== undefined) {
        yield one;
      }
    }
  }
  return {
    seed: options.seed,
    days,
    securities: plans.map(({ security }) => security),
    history,
    histories,
    barsOn: (day) => {
      barsByDay ??= groupByDay(days, histories());
      return barsByDay.get(day) ?? [];
    },
  };
}

/** How many bars the market has: listed trading days without the suspended ones. */
export function countBars(market: Market, codes?: Iterable<SecurityCode>): number {
  let count = 0;
  for (const code of codes ?? market.securities.map((security) => security.code)) {
    count += market.history(code)?.bars.length ?? 0;
  }
  return count;
}

function groupByDay(
  days: readonly Day[],
  histories: Iterable<SecurityHistory>,
): ReadonlyMap<Day, readonly MarketBar[]> {
  const byDay = new Map<Day, MarketBar[]>(days.map((day) => [day, []]));
  for (const { bars } of histories) {
    for (const bar of bars) {
      byDay.get(bar.day)?.push(bar);
    }
  }
  return byDay;
}

function pickDays(options: MarketOptions): readonly Day[] {
  const { from, to } = options;
  const all = tradingDays();
  const known = all.filter(
    (day) => (from === undefined || day >= from) && day <= (to ?? (from === undefined ? TO_DEFAULT : day)),
  );
  if (from !== undefined && to !== undefined) {
    if (options.tradingDays !== undefined) {
      throw new RangeError("generating a market: give a number of trading days or both ends, not all three");
    }
    if (known.length === 0) {
      throw new RangeError(`generating a market: no trading day between ${from} and ${to}`);
    }
    return known;
  }
  const count = options.tradingDays ?? TRADING_DAYS_DEFAULT;
  if (!Number.isInteger(count) || count < 1 || count > known.length) {
    throw new RangeError(
      `generating a market: ${count} trading days asked for, the calendar has ${known.length} ${from === undefined ? `up to ${to ?? TO_DEFAULT}` : `from ${from}`}`,
    );
  }
  return from === undefined ? known.slice(-count) : known.slice(0, count);
}
