import { ZERO, scaleOf, toScaled, type DecimalText } from "../base/decimal.ts";
import type { Day } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import { kindOf } from "../domain/instrument-kind.ts";
import { BAR_FLAGS, type Bar, type RejectedRow } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import { createPlacer, separateConflicts, toRejectedRow, type CheckContext, type Rejection } from "./check-rows.ts";

export interface CheckedBars {
  /** Fit to be stored, flagged, in the order of the answer. */
  readonly rows: readonly Bar[];
  readonly rejected: readonly RejectedRow[];
  /** Rows of days that were not asked for; they are left out. */
  readonly outside: number;
  /** Rows left out because an equal one stands before them. */
  readonly repeated: number;
  /** How many of `rows` carry each flag; flags that none carries are absent. */
  readonly flagged: Readonly<Partial<Record<BarFlag, number>>>;
}

export type BarFlag = keyof typeof BAR_FLAGS;

/** The widest price limit of any board is 30 % (Beijing); limits are rounded to a tick of 0.01, so one tick is forgiven. */
export const JUMP_TENTHS_MAX = 3n;
const JUMP_TICK = 100n;
/** Boards with registration have no price limit on the first five trading days, the others a wide one on the first. */
export const JUMP_FREE_DAYS = 5;

/** Prices are compared as integers of 1/10,000, which is also the scale they are stored in: Decimal(18,4). */
const PRICE_SCALE = 4;
const PRICE_LIMIT = 10n ** 18n;
/** Decimal(20,4). */
const TURNOVER_SCALE = 4;
const TURNOVER_LIMIT = 10n ** 20n;
const FEN = 100n;
/** Int64. */
const VOLUME_MAX = 2n ** 63n - 1n;

/**
 * The check stage for bars, on canonical rows, all arithmetic exact.
 *
 * Rejected, each with its reason, the neighbours go on: a code not asked for; a day in the future; a price that is not
 * above 0; volume that is negative or no whole number; a number that its column cannot hold to the digit; all rows of a
 * key (code, frequency, time, source) that differ.
 *
 * Flagged and stored: `ohlcOrder`, `jump` (from the previous close by more than 30 %, except in the first days after
 * listing), `turnoverRange` (turnover ÷ volume outside [low, high], where both are above 0, by more than the provider cuts
 * off; never of an index, whose points are no price; before about mid-1993 recorded turnover and volume are unreliable,
 * and flagged all the same), `dayNotInCalendar` (000002.SZ has two bars on Sundays), `noTurnover`. Flags that the row came
 * with stay.
 */
export function checkBars(bars: readonly Bar[], context: CheckContext<"bars">): CheckedBars {
  const place = createPlacer(context);
  const rejected: RejectedRow[] = [];
  const sound: Bar[] = [];
  let outside = 0;
  for (const bar of bars) {
    const placement = place(bar, bar.zone);
    if (placement === "outside") {
      outside += 1;
      continue;
    }
    const rejection = placement === "inside" ? findFault(bar) : placement;
    if (rejection === undefined) {
      sound.push(bar);
    } else {
      rejected.push(toRejectedRow("bars", bar, rejection));
    }
  }
  const { distinct, conflicting, repeated } = separateConflicts(sound, keyOf, isEqualBar);
  for (const bar of conflicting) {
    const detail = `two rows of ${bar.code} at ${bar.time} have different values`;
    rejected.push(toRejectedRow("bars", bar, { reason: "conflicting-rows", detail }));
  }
  const flag = createFlagger(context);
  const rows = distinct.map((bar) => {
    const flags = bar.flags | flag(bar);
    return flags === bar.flags ? bar : { ...bar, flags };
  });
  return { rows, rejected, outside, repeated, flagged: countFlags(rows) };
}

function findFault(bar: Bar): Rejection | undefined {
  for (const name of ["open", "high", "low", "close"] as const) {
    const price = bar[name];
    if (price === ZERO || price.startsWith("-")) {
      return { reason: "price-not-positive", detail: `${name} is ${price}` };
    }
    if (!fits(price, PRICE_SCALE, PRICE_LIMIT)) {
      return { reason: "out-of-range", detail: `${name} ${price} does not fit a price of 14 and 4 digits` };
    }
  }
  const { preClose, volume, turnover } = bar;
  if (preClose !== undefined && !fits(preClose, PRICE_SCALE, PRICE_LIMIT)) {
    return { reason: "out-of-range", detail: `previous close ${preClose} does not fit a price of 14 and 4 digits` };
  }
  if (scaleOf(volume) > 0) {
    return { reason: "volume-not-whole", detail: `volume ${volume} is no whole number of shares` };
  }
  if (volume.startsWith("-") || BigInt(volume) > VOLUME_MAX) {
    return { reason: "out-of-range", detail: `volume ${volume} is not from 0 to ${VOLUME_MAX}` };
  }
  if (turnover !== undefined && (turnover.startsWith("-") || !fits(turnover, TURNOVER_SCALE, TURNOVER_LIMIT))) {
    return { reason: "out-of-range", detail: `turnover ${turnover} is negative or does not fit 16 and 4 digits` };
  }
  return undefined;
}

function fits(value: DecimalText, scale: number, limit: bigint): boolean {
  if (scaleOf(value) > scale) {
    return false;
  }
  const scaled = toScaled(value, scale);
  return scaled < limit && scaled > -limit;
}

function keyOf(bar: Bar): string {
  return `${bar.code} ${bar.frequency} ${bar.time} ${bar.source}`;
}

function isEqualBar(left: Bar, right: Bar): boolean {
  return (
    left.tradingDay === right.tradingDay &&
    left.zone === right.zone &&
    left.open === right.open &&
    left.high === right.high &&
    left.low === right.low &&
    left.close === right.close &&
    left.preClose === right.preClose &&
    left.volume === right.volume &&
    left.turnover === right.turnover
  );
}

function createFlagger({ reference }: CheckContext): (bar: Bar) => number {
  const { calendar } = reference;
  const freeUntil = new Map<SecurityCode, JumpFree | undefined>();
  const isJumpFree = ({ code, tradingDay }: Bar): boolean => {
    if (!freeUntil.has(code)) {
      freeUntil.set(code, jumpFreeDays(code, reference));
    }
    const free = freeUntil.get(code);
    return free !== undefined && tradingDay >= free.from && tradingDay <= free.to;
  };
  return (bar) => {
    const open = toScaled(bar.open, PRICE_SCALE);
    const high = toScaled(bar.high, PRICE_SCALE);
    const low = toScaled(bar.low, PRICE_SCALE);
    const close = toScaled(bar.close, PRICE_SCALE);
    let flags = 0;
    if (low > high || open < low || open > high || close < low || close > high) {
      flags |= BAR_FLAGS.ohlcOrder;
    }
    if (bar.preClose !== undefined && isJump(close, toScaled(bar.preClose, PRICE_SCALE)) && !isJumpFree(bar)) {
      flags |= BAR_FLAGS.jump;
    }
    if (bar.turnover === undefined) {
      flags |= BAR_FLAGS.noTurnover;
    } else if (isTurnoverOff(bar, bar.turnover, low, high)) {
      flags |= BAR_FLAGS.turnoverRange;
    }
    if (calendar.knows(bar.tradingDay) && !calendar.isTradingDay(bar.tradingDay)) {
      flags |= BAR_FLAGS.dayNotInCalendar;
    }
    return flags;
  };
}

interface JumpFree {
  readonly from: Day;
  readonly to: Day;
}

function jumpFreeDays(code: SecurityCode, reference: CheckContext["reference"]): JumpFree | undefined {
  const { calendar } = reference;
  const listedOn = reference.instrument(code)?.listedOn;
  if (listedOn === undefined || !calendar.knows(listedOn)) {
    return undefined;
  }
  const last = Math.min(calendar.indexOnOrAfter(listedOn) + JUMP_FREE_DAYS, calendar.size) - 1;
  return { from: listedOn, to: calendar.dayAt(last) };
}

/** |close − previous| beyond 30 % of the previous close and one tick; a previous close of 0 or less is no close at all. */
function isJump(close: bigint, previous: bigint): boolean {
  const distance = close > previous ? close - previous : previous - close;
  return previous <= 0n || 10n * (distance - JUMP_TICK) > JUMP_TENTHS_MAX * previous;
}

/** What TDX cuts volume down to, even in minutes, and Eastmoney behind AKShare rounds to the nearest of. */
const LOT = 100n;
/** Its floats of 32 bits are right to one part in 2²⁴; half of that precision is asked for. */
const FLOAT_PART = 2n ** 23n;

/** `turnover` ÷ `volume` outside [low, high], multiplied out; prices and turnover have the same scale. */
function isTurnoverOff({ code, volume, source }: Bar, turnover: DecimalText, low: bigint, high: bigint): boolean {
  if (volume === ZERO || turnover === ZERO || kindOf(code) === "index") {
    return false;
  }
  const shares = BigInt(volume);
  const money = toScaled(turnover, TURNOVER_SCALE);
  const isCoarse = source === SOURCE.TDX;
  const shareSlack = isCoarse ? LOT + shares / FLOAT_PART : source === SOURCE.AKSHARE ? LOT / 2n : 0n;
  const moneySlack = isCoarse ? FEN + money / FLOAT_PART : 0n;
  return money + moneySlack < low * (shares - shareSlack) || money - moneySlack > high * (shares + shareSlack);
}

function countFlags(rows: readonly Bar[]): Readonly<Partial<Record<BarFlag, number>>> {
  const counts: Partial<Record<BarFlag, number>> = {};
  for (const { flags } of rows) {
    for (const name of flags === 0 ? [] : FLAG_NAMES) {
      if ((flags & BAR_FLAGS[name]) !== 0) {
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
  }
  return counts;
}

const FLAG_NAMES: readonly BarFlag[] = [
  "ohlcOrder",
  "jump",
  "turnoverRange",
  "dayNotInCalendar",
  "auction",
  "noTurnover",
  "built",
];
