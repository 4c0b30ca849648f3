import type { Day } from "../domain/day.ts";
import { parseSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import { drawMinutes, endMinuteOf, shareOut, spreadTurnover, type DrawnMinute } from "./draw-minutes.ts";
import { drawTicks } from "./draw-ticks.ts";
import type { Market } from "./generate-market.ts";
import { clockText } from "./intraday.ts";
import { divideHalfUp } from "./price-rules.ts";
import { createRandom, type Random } from "./random.ts";
import type { MarketBar } from "./security.ts";

/** A code that is made of others: the composite index of an exchange, or a fund that follows one. */
export interface Composite {
  readonly code: SecurityCode;
  readonly name: string;
  readonly kind: "index" | "etf";
  /** The exchange whose stocks it stands for. */
  readonly suffix: "SH" | "SZ";
  /** Digits behind the point of its prices: two for an index, three for a fund. */
  readonly decimals: 2 | 3;
}

/** A day of it. Prices are in thousandths, of a point or of a yuan. */
export interface CompositeBar {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly openMilli: number;
  readonly highMilli: number;
  readonly lowMilli: number;
  readonly closeMilli: number;
  readonly preCloseMilli: number;
  readonly volume: number;
  readonly turnoverCents: number;
  /** Stocks of the exchange that closed above and below their previous close. */
  readonly ups: number;
  readonly downs: number;
}

export interface CompositeMinute {
  readonly code: SecurityCode;
  readonly day: Day;
  /** `HH:MM` at which it ends. */
  readonly endsAt: string;
  readonly openMilli: number;
  readonly highMilli: number;
  readonly lowMilli: number;
  readonly closeMilli: number;
  readonly volume: number;
  readonly turnoverCents: number;
}

export interface CompositeTick {
  readonly code: SecurityCode;
  readonly day: Day;
  /** As of a stock's tick. */
  readonly minute: string;
  readonly priceMilli: number;
  readonly volume: number;
  readonly trades: number;
  readonly side: "buy" | "sell" | "neutral";
}

export const COMPOSITES: readonly Composite[] = [
  { code: parseSecurityCode("000001.SH"), name: "上证指数", kind: "index", suffix: "SH", decimals: 2 },
  { code: parseSecurityCode("399001.SZ"), name: "深证成指", kind: "index", suffix: "SZ", decimals: 2 },
  { code: parseSecurityCode("510300.SH"), name: "300ETF", kind: "etf", suffix: "SH", decimals: 3 },
  { code: parseSecurityCode("159915.SZ"), name: "创业板ETF", kind: "etf", suffix: "SZ", decimals: 3 },
];

/** What the first day of a market starts from, in units of the last digit. */
const START: Readonly<Record<string, number>> = {
  "000001.SH": 312_345,
  "399001.SZ": 1_023_456,
  "510300.SH": 3_871,
  "159915.SZ": 2_106,
};

export function compositeOf(code: string): Composite | undefined {
  return COMPOSITES.find((composite) => composite.code === code);
}

/**
 * One bar for every trading day of the market, sorted; none for a code that is no composite. An index moves by the mean of
 * its exchange's stocks and has their volume and turnover in all; a fund moves with them and has a volume of its own.
 */
export function compositeHistory(market: Market, code: string): readonly CompositeBar[] {
  const composite = compositeOf(code);
  if (composite === undefined) {
    return [];
  }
  const known = histories.get(market) ?? new Map<string, readonly CompositeBar[]>();
  histories.set(market, known);
  const bars = known.get(code) ?? drawHistory(market, composite);
  known.set(code, bars);
  return bars;
}

/** The 240 minutes of a day, with the day's prices and sums exactly as those of a stock have; none for another day. */
export function compositeMinutes(market: Market, code: string, day: Day): readonly CompositeMinute[] {
  const composite = compositeOf(code);
  const bar = compositeHistory(market, code).find((own) => own.day === day);
  if (composite === undefined || bar === undefined) {
    return [];
  }
  const unit = unitOf(composite);
  const minutes = minutesOf(market, composite, bar);
  const turnovers =
    composite.kind === "etf"
      ? spreadTurnover(minutes, bar.turnoverCents, MILLIS_A_CENT)
      : shareOut(
          bar.turnoverCents,
          minutes.map(({ volume }) => volume),
        );
  return minutes.map((minute, position) => ({
    code: composite.code,
    day,
    endsAt: clockText(endMinuteOf(position)),
    openMilli: minute.open * unit,
    highMilli: minute.high * unit,
    lowMilli: minute.low * unit,
    closeMilli: minute.close * unit,
    volume: minute.volume,
    turnoverCents: turnovers[position] ?? 0,
  }));
}

/** The prints of a fund's day, as a stock has them; an index has none. */
export function compositeTicks(market: Market, code: string, day: Day): readonly CompositeTick[] {
  const composite = compositeOf(code);
  const bar = compositeHistory(market, code).find((own) => own.day === day);
  if (composite?.kind !== "etf" || bar === undefined) {
    return [];
  }
  const random = createRandom(market.seed, `ticks ${code} ${day}`);
  return drawTicks(minutesOf(market, composite, bar), bar.preCloseMilli, random).map(({ minute, price, ...tick }) => ({
    code: composite.code,
    day,
    minute: clockText(minute),
    priceMilli: price,
    ...tick,
  }));
}

const MILLIS_A_CENT = 10;
/** Parts of the whole in which a day's mean move is counted. */
const WHOLE = 1_000_000;
/** Of a fund in a day: at least so many lots, and up to so many more. */
const FUND_LOTS = { least: 100_000, more: 4_000_000 } as const;

/** A market never changes, so what was drawn of it stays true for as long as somebody holds it. */
const histories = new WeakMap<Market, Map<string, readonly CompositeBar[]>>();

/** In units of the last digit of its prices. */
function minutesOf(market: Market, composite: Composite, bar: CompositeBar): readonly DrawnMinute[] {
  const unit = unitOf(composite);
  return drawMinutes(
    {
      open: bar.openMilli / unit,
      high: bar.highMilli / unit,
      low: bar.lowMilli / unit,
      close: bar.closeMilli / unit,
      volume: bar.volume,
      turnover: composite.kind === "etf" ? bar.turnoverCents * MILLIS_A_CENT : undefined,
      stopped: undefined,
    },
    createRandom(market.seed, `minutes ${bar.code} ${bar.day}`),
  );
}

function unitOf({ decimals }: Composite): number {
  return decimals === 2 ? MILLIS_A_CENT : 1;
}

function drawHistory(market: Market, composite: Composite): readonly CompositeBar[] {
  const unit = unitOf(composite);
  let last = START[composite.code] ?? WHOLE;
  return market.days.map((day) => {
    const stocks = market.barsOn(day).filter(({ code }) => code.endsWith(`.${composite.suffix}`));
    const moved = (priceOf: (bar: MarketBar) => number): number =>
      divideHalfUp(last * meanMove(stocks, priceOf), WHOLE);
    const prices = {
      openMilli: moved(({ openCents }) => openCents) * unit,
      highMilli: moved(({ highCents }) => highCents) * unit,
      lowMilli: moved(({ lowCents }) => lowCents) * unit,
      closeMilli: moved(({ closeCents }) => closeCents) * unit,
      preCloseMilli: last * unit,
    };
    last = prices.closeMilli / unit;
    const traded =
      composite.kind === "etf"
        ? drawFundTrade(prices, createRandom(market.seed, `fund ${composite.code} ${day}`))
        : { volume: total(stocks, ({ volume }) => volume), turnoverCents: total(stocks, (bar) => bar.turnoverCents) };
    return {
      code: composite.code,
      day,
      ...prices,
      ...traded,
      ups: stocks.filter(({ closeCents, preCloseCents }) => closeCents > preCloseCents).length,
      downs: stocks.filter(({ closeCents, preCloseCents }) => closeCents < preCloseCents).length,
    };
  });
}

/** The mean of price ÷ previous close; days without price limit, which may multiply a price, are left out. */
function meanMove(bars: readonly MarketBar[], priceOf: (bar: MarketBar) => number): number {
  const limited = bars.filter(({ limits }) => limits !== undefined);
  if (limited.length === 0) {
    return WHOLE;
  }
  return divideHalfUp(
    total(limited, (bar) => divideHalfUp(priceOf(bar) * WHOLE, bar.preCloseCents)),
    limited.length,
  );
}

/** Whole lots at an average price between low and high, so that the turnover is whole cents. */
function drawFundTrade(
  { lowMilli, highMilli }: Pick<CompositeBar, "lowMilli" | "highMilli">,
  random: Random,
): Pick<CompositeBar, "volume" | "turnoverCents"> {
  const volume = (FUND_LOTS.least + random.below(FUND_LOTS.more)) * 100;
  const averageMilli = random.between(lowMilli, highMilli);
  return { volume, turnoverCents: (averageMilli * volume) / MILLIS_A_CENT };
}

function total(bars: readonly MarketBar[], numberOf: (bar: MarketBar) => number): number {
  return bars.reduce((sum, bar) => sum + numberOf(bar), 0);
}
