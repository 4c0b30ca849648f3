import { divideHalfUp } from "./price-rules.ts";
import type { Random } from "./random.ts";

/** Rows of a trading day: minutes that end at 09:31 … 11:30 and 13:01 … 15:00. */
export const MINUTES_A_DAY = 240;
const MINUTES_A_HALF = 120;
/** The last minute holds the closing auction; the orders of the two before it only wait for it. */
const CLOSING = MINUTES_A_DAY - 1;
const LAST_CONTINUOUS = CLOSING - 3;
const LOT = 100;
/** A minute may need four prints (its open, high, low and close), and a print is at least one lot. */
const LOTS_MIN = 4;
const LOTS_A_MINUTE = { from: 8, to: 16 } as const;
/** How many minutes a move towards the day's high, low or close takes. */
const MOVE_MINUTES = 6;

/** A day to be spread over its minutes, prices in any whole unit. */
export interface DayShape {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** In price units × shares; undefined where it is not bound to the prices, as for an index. */
  readonly turnover: number | undefined;
  /** When trading stopped for a part of the day, such as `09:30-10:00`. */
  readonly stopped: string | undefined;
}

export interface DrawnMinute {
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  /** True where one auction is all that was traded. */
  readonly isAuction: boolean;
}

/**
 * The 240 minutes of a day: together they have exactly its open, high, low, close and volume, and their prices leave room
 * for its turnover. A minute without trade repeats the close before it, and trading goes on from there, so that bars of
 * several minutes are the same whether quiet minutes are counted or left out.
 */
export function drawMinutes(shape: DayShape, random: Random): readonly DrawnMinute[] {
  const lots = Math.floor(shape.volume / LOT);
  const traded = drawTradedMinutes(lots, shape.stopped, random);
  const volumes = drawVolumes(shape.volume, traded, random);
  const minutes = drawPrices(shape, traded, volumes, random);
  if (shape.turnover !== undefined) {
    widen(minutes, shape, shape.turnover);
  }
  return fillQuietMinutes(minutes, traded, shape.open);
}

/**
 * Each minute's share of a turnover, between its low × volume and its high × volume. Prices may be in tenths of a cent
 * (`unitsPerCent` 10) where volumes are whole lots.
 */
export function spreadTurnover(
  minutes: readonly DrawnMinute[],
  turnoverCents: number,
  unitsPerCent: number,
): readonly number[] {
  const least = minutes.map(({ low, volume }) => (low * volume) / unitsPerCent);
  const room = minutes.map(({ low, high, volume }) => ((high - low) * volume) / unitsPerCent);
  const wanted = turnoverCents - sum(least);
  const roomInAll = sum(room);
  if (wanted < 0 || wanted > roomInAll) {
    throw new RangeError(
      `spreading a turnover of ${turnoverCents}: the minutes have room for ${roomInAll} above their least`,
    );
  }
  return shareOut(wanted, room).map((share, index) => (least[index] ?? 0) + share);
}

/** Shares `amount` out in proportion to `weights`, exactly: no share exceeds its weight where `amount` is at most their sum. */
export function shareOut(amount: number, weights: readonly number[]): readonly number[] {
  const all = BigInt(sum(weights));
  let weightSoFar = 0n;
  let given = 0n;
  return weights.map((weight) => {
    // Rounding what is given so far down keeps every share within its weight and the last sum exact.
    weightSoFar += BigInt(weight);
    const upTo = all === 0n ? 0n : (BigInt(amount) * weightSoFar) / all;
    const share = upTo - given;
    given = upTo;
    return Number(share);
  });
}

/** Positions within the day, sorted: always the first minute, and the last one in which trading was not stopped. */
function drawTradedMinutes(lots: number, stopped: string | undefined, random: Random): readonly number[] {
  if (lots < LOTS_MIN) {
    return lots === 0 ? [] : [CLOSING];
  }
  const isStopped = stopOf(stopped);
  const last = isStopped(CLOSING) ? firstStopped(isStopped) - 1 : CLOSING;
  const between: number[] = [];
  for (let position = 1; position <= LAST_CONTINUOUS && position < last; position += 1) {
    if (!isStopped(position)) {
      between.push(position);
    }
  }
  if (lots < 2 * LOTS_MIN) {
    return [last];
  }
  const wanted = Math.floor(lots / random.between(LOTS_A_MINUTE.from, LOTS_A_MINUTE.to)) - 2;
  const count = Math.max(0, Math.min(wanted, between.length - random.below(MOVE_MINUTES)));
  for (let index = 0; index < count; index += 1) {
    const other = index + random.below(between.length - index);
    [between[index], between[other]] = [between[other] ?? 0, between[index] ?? 0];
  }
  return [0, ...between.slice(0, count).toSorted((left, right) => left - right), last];
}

function firstStopped(isStopped: (position: number) => boolean): number {
  let position = CLOSING;
  while (position > 1 && isStopped(position - 1)) {
    position -= 1;
  }
  return position;
}

/** Which minutes a stop covers. The opening auction is over before any stop begins, so it never covers the first minute. */
function stopOf(stopped: string | undefined): (position: number) => boolean {
  const match = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(stopped ?? "");
  if (match === null) {
    return () => false;
  }
  const [, fromHour = "", fromMinute = "", toHour = "", toMinute = ""] = match;
  const from = Number.parseInt(fromHour, 10) * 60 + Number.parseInt(fromMinute, 10);
  const to = Number.parseInt(toHour, 10) * 60 + Number.parseInt(toMinute, 10);
  return (position) => position > 0 && endMinuteOf(position) > from && endMinuteOf(position) <= to;
}

/** Minutes since midnight at which the minute at a position ends. */
export function endMinuteOf(position: number): number {
  return position < MINUTES_A_HALF ? 9 * 60 + 31 + position : 13 * 60 + 1 + (position - MINUTES_A_HALF);
}

/** Whole lots, at least four a minute, most of them after the open and at the close; what is no lot goes to the last. */
function drawVolumes(volume: number, traded: readonly number[], random: Random): readonly number[] {
  const lots = Math.floor(volume / LOT);
  const least = traded.length > 1 ? LOTS_MIN : 0;
  const weights = traded.map((position) => {
    const opening = Math.max(0, 300 - 25 * position);
    const closing = position > LAST_CONTINUOUS ? 300 : position > LAST_CONTINUOUS - 12 ? 60 : 0;
    return 30 + random.below(120) + opening + closing;
  });
  const shares = shareOut(lots - least * traded.length, weights);
  return shares.map((share, index) => (share + least) * LOT + (index === shares.length - 1 ? volume % LOT : 0));
}

/** A walk from open to close that keeps near the average price and touches high and low, one minute after the other. */
function drawPrices(
  shape: DayShape,
  traded: readonly number[],
  volumes: readonly number[],
  random: Random,
): DrawnMinute[] {
  const { open, high, low, close } = shape;
  const count = traded.length;
  // An opening auction after which nothing is traded for a while stands alone in its minute.
  const hasLoneOpening = count > 2 && (traded[1] ?? 0) > MOVE_MINUTES;
  const touchFrom = hasLoneOpening ? 1 : 0;
  const highAt = touchFrom + random.below(Math.max(1, count - 1 - touchFrom));
  const lowAt = touchFrom + random.below(Math.max(1, count - 1 - touchFrom));
  const average =
    shape.turnover === undefined
      ? divideHalfUp(open + close, 2)
      : divideHalfUp(shape.turnover, Math.max(shape.volume, 1));
  const step = Math.max(1, Math.floor((high - low) / 40));
  const clamp = (price: number): number => Math.min(Math.max(price, low), high);
  const targetOf = (index: number): number => {
    if (index >= count - MOVE_MINUTES) {
      return close;
    }
    if (index <= highAt && index > highAt - MOVE_MINUTES) {
      return high;
    }
    return index <= lowAt && index > lowAt - MOVE_MINUTES ? low : average;
  };

  const minutes: DrawnMinute[] = [];
  let last = open;
  traded.forEach((position, index) => {
    const isLast = index === count - 1;
    const isClosing = isLast && position === CLOSING && count > 1;
    const isLoneOpening = index === 0 && hasLoneOpening;
    const from = isClosing ? close : last;
    let to = clamp(last + divideHalfUp(targetOf(index) - last, MOVE_MINUTES) + random.between(-step, step));
    // Where only quiet minutes stand between it and the closing auction, a walk that had not arrived would jump.
    if (isLast || (index === count - 2 && position < LAST_CONTINUOUS - 1)) {
      to = close;
    }
    if (isLoneOpening) {
      to = open;
    }
    const isAuction = isClosing || isLoneOpening;
    const reach = isAuction ? 0 : step;
    minutes.push({
      open: from,
      high: index === highAt ? high : clamp(Math.max(from, to) + random.below(reach + 1)),
      low: index === lowAt ? low : clamp(Math.min(from, to) - random.below(reach + 1)),
      close: to,
      volume: volumes[index] ?? 0,
      isAuction,
    });
    last = to;
  });
  return minutes;
}

/** Lowers lows or raises highs, a little everywhere, until the turnover fits; auctions keep their one price if they can. */
function widen(minutes: readonly DrawnMinute[], shape: DayShape, turnover: number): void {
  for (const group of [minutes.filter(({ isAuction }) => !isAuction), minutes]) {
    let missing = sum(minutes.map(({ low, volume }) => low * volume)) - turnover;
    while (missing > 0 && group.some(({ low }) => low > shape.low)) {
      const step = Math.max(1, Math.ceil(missing / shape.volume));
      for (const minute of group) {
        const lowered = missing > 0 ? Math.max(shape.low, minute.low - step) : minute.low;
        missing -= (minute.low - lowered) * minute.volume;
        minute.low = lowered;
      }
    }
    missing = turnover - sum(minutes.map(({ high, volume }) => high * volume));
    while (missing > 0 && group.some(({ high }) => high < shape.high)) {
      const step = Math.max(1, Math.ceil(missing / shape.volume));
      for (const minute of group) {
        const raised = missing > 0 ? Math.min(shape.high, minute.high + step) : minute.high;
        missing -= (raised - minute.high) * minute.volume;
        minute.high = raised;
      }
    }
  }
}

function fillQuietMinutes(
  minutes: readonly DrawnMinute[],
  traded: readonly number[],
  open: number,
): readonly DrawnMinute[] {
  const at = new Map(traded.map((position, index) => [position, minutes[index]]));
  let last = open;
  return Array.from({ length: MINUTES_A_DAY }, (_, position) => {
    const minute = at.get(position) ?? { open: last, high: last, low: last, close: last, volume: 0, isAuction: false };
    last = minute.close;
    return minute;
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
