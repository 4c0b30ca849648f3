import { compareDecimal, fromScaled, shiftDecimal, ZERO, type DecimalText } from "../../base/decimal.ts";
import { parseDay, SHANGHAI, type Day } from "../../domain/day.ts";
import { SOURCE, TICK_DIRECTION, type TickDirectionNumber } from "../../domain/enums.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { kindOf, type InstrumentKind } from "../../domain/instrument-kind.ts";
import { TICK_FLAGS, type Bar, type DataSet, type RejectedRow, type Suspension, type Tick } from "../../domain/rows.ts";
import { digitsOf, exchangeOf, type SecurityCode } from "../../domain/security-code.ts";
import { rejectRow, RowError } from "../read-cells.ts";
import type { KLine } from "./k-lines.ts";
import { clockText, roundDecimal } from "./primitives.ts";
import type { WireTick } from "./ticks.ts";

export interface MappedBars {
  readonly bars: readonly Bar[];
  readonly rejected: readonly RejectedRow[];
  /** Days of the answer that have a row and no trade. */
  readonly suspensions: readonly Suspension[];
}

/** Bars have thousandths whatever the kind. */
const BAR_PRICE_SCALE = 3;
/** Turnover is a float of 32 bits, whose last digits are none: to the fen it is as good as it ever was. */
const TURNOVER_SCALE = 2;
const MORNING_END = 690;
const AFTERNOON_BEGIN = 780;
const MIDNIGHT = 1_440;

/**
 * Bars in canonical units. A row that cannot be read is a RejectedRow; a day without volume and turnover is a suspension
 * and no bar, save of an index. While the market has its afternoon the row of 11:30 is stamped 13:00, which is mended.
 */
export function mapKLines(rows: readonly KLine[], code: SecurityCode, frequency: Frequency): MappedBars {
  const kind = kindOf(code);
  const mornings = new Set(rows.filter(({ minutes }) => minutes === MORNING_END).map(({ date }) => date));
  const bars: Bar[] = [];
  const rejected: RejectedRow[] = [];
  const suspensions: Suspension[] = [];
  for (const row of rows) {
    try {
      const tradingDay = readDay(row.date);
      // An index never stands still; some are published without volume.
      if (frequency === "1d" && kind !== "index" && row.volume === ZERO && row.amount === ZERO) {
        suspensions.push({ code, day: tradingDay });
        continue;
      }
      const minutes = frequency === "1d" ? 0 : readBarMinutes(row, mornings);
      bars.push({
        code,
        frequency,
        tradingDay,
        time: `${tradingDay} ${clockText(minutes)}:00`,
        zone: SHANGHAI,
        open: fromScaled(BigInt(row.open), BAR_PRICE_SCALE),
        high: fromScaled(BigInt(row.high), BAR_PRICE_SCALE),
        low: fromScaled(BigInt(row.low), BAR_PRICE_SCALE),
        close: fromScaled(BigInt(row.close), BAR_PRICE_SCALE),
        preClose: undefined,
        volume: toShares(row, kind, frequency),
        turnover: roundDecimal(row.amount, TURNOVER_SCALE),
        source: SOURCE.TDX,
        flags: 0,
      });
    } catch (error) {
      rejected.push(toRejectedRow("bars", code, row.date, error, row));
    }
  }
  return { bars, rejected, suspensions };
}

/** What one unit of a day's volume is, in powers of ten of a share: lots of 100, and of an index a hundred lots. */
const DAY_PLACES = { stock: 2, etf: 2, fund: 2, index: 4 } as const;

/**
 * Exact. Days of all but bonds come in a known unit, minutes of stocks, ETFs and funds in shares. For the rest nothing
 * says in which unit it comes, and the turnover decides. A volume that is no whole number is left to the check of rows.
 */
function toShares({ volume, amount, low, high }: KLine, kind: InstrumentKind, frequency: Frequency): DecimalText {
  if (kind === "bond") {
    return shiftDecimal(volume, bondPlaces(volume, amount, { low: BigInt(low), high: BigInt(high) }));
  }
  if (frequency === "1d") {
    return shiftDecimal(volume, DAY_PLACES[kind]);
  }
  return kind === "index" ? shiftDecimal(volume, indexPlaces(volume, amount)) : volume;
}

/**
 * Bonds come in lots of ten, in single ones or in hundreds of lots, by exchange and by sort: of these units the one is
 * taken with which the turnover lies between the lowest and the highest price, with a tenth to spare. Neighbouring units
 * are ten times apart, so there is never a choice.
 */
export function bondPlaces(
  volume: DecimalText,
  amount: DecimalText,
  { low, high }: { readonly low: bigint; readonly high: bigint },
): number {
  return fittingPlaces(volume, amount, { low: (low * 9n) / 10n, high: (high * 11n) / 10n }, [0, 1, 2, 3, 4]);
}

/**
 * Minutes of an index: in shares, lots or hundreds of lots, which its members' average price tells apart. Servers were
 * also seen to give the turnover in hundreds of yuan in the volume's place; then no unit fits.
 */
function indexPlaces(volume: DecimalText, amount: DecimalText): number {
  return fittingPlaces(volume, amount, AVERAGE_PRICES, [0, 2, 4]);
}

/** In thousandths; less than a hundred times apart, so that one unit fits at most. */
const AVERAGE_PRICES = { low: 2_000n, high: 99_000n } as const;

/** A figure of a quote or of a minute line of today: prices in the kind's own unit, volume in the wire's. */
export interface Traded {
  readonly lots: number;
  readonly amount: DecimalText;
  readonly low: number;
  readonly high: number;
}

/**
 * What one unit of volume is in a quote, in powers of ten of a share; undefined where only a turnover could tell and none
 * does: of an index and a bond.
 */
export function quotePlaces({ lots, amount, low, high }: Traded, code: SecurityCode): number | undefined {
  const kind = kindOf(code);
  if (kind !== "index" && kind !== "bond") {
    return DAY_PLACES[kind];
  }
  const volume = fromScaled(BigInt(lots), 0);
  if (volume === ZERO) {
    return undefined;
  }
  const unit = 10n ** BigInt(BAR_PRICE_SCALE - tickPriceScale(code));
  const prices = { low: BigInt(low) * unit, high: BigInt(high) * unit };
  return orNone(() => (kind === "index" ? indexPlaces(volume, amount) : bondPlaces(volume, amount, prices)));
}

/** Shares of a day, a week or a month; undefined of a bond where no unit fits its turnover. */
export function sharesOfPeriod(row: KLine, code: SecurityCode): DecimalText | undefined {
  return orNone(() => toShares(row, kindOf(code), "1d"));
}

function orNone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RowError) {
      return undefined;
    }
    throw error;
  }
}

/** The first unit with which turnover ÷ volume lies in the range, which is in thousandths. */
function fittingPlaces(
  volume: DecimalText,
  amount: DecimalText,
  { low, high }: { readonly low: bigint; readonly high: bigint },
  candidates: readonly number[],
): number {
  if (volume === ZERO) {
    return 0;
  }
  const money = shiftDecimal(amount, BAR_PRICE_SCALE);
  const found = candidates.find((places) => {
    const shares = shiftDecimal(volume, places);
    return compareDecimal(money, times(shares, low)) >= 0 && compareDecimal(money, times(shares, high)) <= 0;
  });
  if (found === undefined) {
    const range = `${fromScaled(low, BAR_PRICE_SCALE)} to ${fromScaled(high, BAR_PRICE_SCALE)}`;
    throw new RowError("out-of-range", `volume ${volume} and turnover ${amount} fit no price from ${range}`);
  }
  return found;
}

function times(text: DecimalText, factor: bigint): DecimalText {
  const point = text.indexOf(".");
  const scale = point === -1 ? 0 : text.length - point - 1;
  return fromScaled(BigInt(text.replace(".", "")) * factor, scale);
}

function readBarMinutes({ minutes, date }: KLine, mornings: ReadonlySet<string>): number {
  if (minutes === AFTERNOON_BEGIN && !mornings.has(date)) {
    return MORNING_END;
  }
  if (minutes === AFTERNOON_BEGIN || minutes >= MIDNIGHT) {
    throw new RowError("not-parseable", `no bar ends at minute ${minutes} of the day`);
  }
  return minutes;
}

export interface MappedTicks {
  readonly ticks: readonly Tick[];
  readonly rejected: readonly RejectedRow[];
}

/**
 * Opening and closing call auction: before the first is over, and from the second's begin to its end. Shanghai traded
 * on until 15:00 before it had a closing one.
 */
const AUCTION = { openingEnd: 570, closingFrom: 897, closingTo: 900, closingInShanghaiSince: parseDay("2018-08-20") };

interface Side {
  readonly direction: TickDirectionNumber;
  readonly flags: number;
}

/** The wire's own codes; they are no numbers of ours. */
const SIDES: ReadonlyMap<number, Side> = new Map([
  [0, { direction: TICK_DIRECTION.ACTIVEBUY, flags: 0 }],
  [1, { direction: TICK_DIRECTION.ACTIVESELL, flags: 0 }],
  [2, { direction: TICK_DIRECTION.NEUTRAL, flags: 0 }],
  [5, { direction: TICK_DIRECTION.NEUTRAL, flags: TICK_FLAGS.afterHours }],
  [8, { direction: TICK_DIRECTION.NEUTRAL, flags: TICK_FLAGS.snapshot }],
]);

/**
 * Ticks of one whole day in canonical units. `sequence` counts every row of a minute, also those that are rejected, so
 * a place means the same however a row is read. Volume is in lots of 100; what is smaller than a lot comes as 0 lots.
 */
export function mapTicks(rows: readonly WireTick[], code: SecurityCode, day: Day): MappedTicks {
  const scale = tickPriceScale(code);
  const ticks: Tick[] = [];
  const rejected: RejectedRow[] = [];
  const places = new Map<number, number>();
  const hasClosingAuction = exchangeOf(code) !== "SH" || day >= AUCTION.closingInShanghaiSince;
  for (const row of rows) {
    const sequence = places.get(row.minutes) ?? 0;
    places.set(row.minutes, sequence + 1);
    try {
      const { direction, flags } = readSide(row, hasClosingAuction);
      if (row.minutes >= MIDNIGHT) {
        throw new RowError("not-parseable", `no tick has minute ${row.minutes} of the day`);
      }
      ticks.push({
        code,
        tradingDay: day,
        time: `${day} ${clockText(row.minutes)}:00`,
        zone: SHANGHAI,
        sequence,
        price: readTickPrice(row, scale),
        volume: readTickVolume(row, flags),
        trades: readTrades(row),
        direction,
        source: SOURCE.TDX,
        flags,
      });
    } catch (error) {
      rejected.push(toRejectedRow("ticks", code, day, error, row));
    }
  }
  return { ticks, rejected };
}

/**
 * Digits behind the point of prices in ticks, quotes and minute lines: two for stocks and indices, three for ETFs,
 * funds, bonds and the dollar shares of Shanghai. Only the security list says it for sure, and for some bonds it is 2.
 */
export function tickPriceScale(code: SecurityCode): number {
  const kind = kindOf(code);
  const isDollarShare = exchangeOf(code) === "SH" && digitsOf(code).startsWith("900");
  return (kind === "stock" && !isDollarShare) || kind === "index" ? 2 : 3;
}

function readSide({ side, minutes }: WireTick, hasClosingAuction: boolean): Side {
  const known = SIDES.get(side);
  if (known === undefined) {
    throw new RowError("not-parseable", `side: expected 0, 1, 2, 5 or 8, got ${side}`);
  }
  const isOpening = minutes < AUCTION.openingEnd && side <= 2;
  const isClosing = hasClosingAuction && minutes >= AUCTION.closingFrom && minutes <= AUCTION.closingTo && side === 2;
  return isOpening || isClosing ? { ...known, flags: known.flags | TICK_FLAGS.auction } : known;
}

function readTickPrice({ price }: WireTick, scale: number): DecimalText {
  if (price <= 0) {
    throw new RowError("price-not-positive", `price: expected more than 0, got ${price}`);
  }
  return fromScaled(BigInt(price), scale);
}

function readTickVolume({ lots }: WireTick, flags: number): DecimalText {
  if (lots < 0 || (lots > 0 && (flags & TICK_FLAGS.snapshot) !== 0)) {
    throw new RowError("out-of-range", `volume: ${lots} lots is no volume of such a row`);
  }
  return fromScaled(BigInt(lots) * 100n, 0);
}

function readTrades({ trades }: WireTick): number | undefined {
  if (trades !== undefined && trades < 0) {
    throw new RowError("out-of-range", `trades: expected a count, got ${trades}`);
  }
  return trades;
}

function readDay(text: string): Day {
  return parseDay(text);
}

/** The row as it was read, since bytes of one row mean nothing without the rows before it. */
export function toRejectedRow(
  dataSet: DataSet,
  code: SecurityCode,
  date: string,
  error: unknown,
  row: unknown,
): RejectedRow {
  return rejectRow(error, { dataSet, code, date, raw: JSON.stringify(row) });
}
