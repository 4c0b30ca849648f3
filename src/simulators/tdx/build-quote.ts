import type { TdxBar, TdxLevel, TdxQuote, TdxSecurity } from "./tdx-data.ts";
import type { TdxView } from "./view.ts";

const LEVELS = 5;
const SHARES_A_LOT = 100;
const CENTS_A_YUAN = 100;

const NO_LEVELS: readonly TdxLevel[] = Array.from({ length: LEVELS }, () => ({
  bid: 0,
  ask: 0,
  bidVolume: 0,
  askVolume: 0,
}));

/** What a host says of a code that it does not know. */
export const ZERO_QUOTE: TdxQuote = {
  activity: 0,
  price: 0,
  preClose: 0,
  open: 0,
  high: 0,
  low: 0,
  serverTime: 0,
  minusPrice: 0,
  volume: 0,
  currentVolume: 0,
  turnoverYuan: 0,
  inside: 0,
  outside: 0,
  unknown: 0,
  openingTurnover: 0,
  levels: NO_LEVELS,
  tail: [0, 0, 0, 0, 0],
  speed: 0,
};

/** A quote of the session that the clock has reached, from its bar and its prints; the levels lie a tick apart. */
export function buildQuote(view: TdxView, security: TdxSecurity): TdxQuote {
  const { code, decimals, isIndex } = security;
  const day = view.sessionDay;
  if (day === undefined) {
    return ZERO_QUOTE;
  }
  const unit = 10 ** (3 - Math.min(decimals, 3));
  const toUnits = (milli: number): number => Math.floor(milli / unit);
  const bar = view.dayBars(code).findLast((own) => own.day === day && own.volume > 0);
  const preClose = toUnits(view.preCloseOf(code, day));
  if (bar === undefined) {
    return { ...ZERO_QUOTE, preClose, price: preClose, minusPrice: -preClose };
  }
  const ticks = view.ticks(code, day);
  const lotsOf = (side: number): number =>
    ticks.reduce((sum, tick) => sum + (tick.side === side ? Math.floor(tick.volume / SHARES_A_LOT) : 0), 0);
  const price = toUnits(bar.closeMilli);
  const volume = Math.floor(bar.volume / (isIndex ? SHARES_A_LOT * SHARES_A_LOT : SHARES_A_LOT));
  return {
    ...ZERO_QUOTE,
    activity: ticks.length % 0x1_0000,
    price,
    preClose,
    open: toUnits(bar.openMilli),
    high: toUnits(bar.highMilli),
    low: toUnits(bar.lowMilli),
    serverTime: serverTimeOf(view, bar),
    minusPrice: -price,
    volume,
    currentVolume: Math.floor((ticks.at(-1)?.volume ?? 0) / SHARES_A_LOT),
    turnoverYuan: bar.turnoverCents / CENTS_A_YUAN,
    outside: lotsOf(0),
    inside: lotsOf(1),
    levels: isIndex ? NO_LEVELS : levelsAround(price, volume),
  };
}

function levelsAround(price: number, volume: number): readonly TdxLevel[] {
  return Array.from({ length: LEVELS }, (_, index) => ({
    bid: price - index,
    ask: price + index + 1,
    bidVolume: 1 + ((volume + 7 * index) % 997),
    askVolume: 1 + ((volume + 11 * index) % 883),
  }));
}

/** HHMMSScc of the newest moment that the quote shows. */
function serverTimeOf(view: TdxView, bar: TdxBar): number {
  const minute = bar.day === view.today ? Math.min(view.minute, bar.endMinute) : bar.endMinute;
  return Math.floor(minute / 60) * 1_000_000 + (minute % 60) * 10_000;
}
