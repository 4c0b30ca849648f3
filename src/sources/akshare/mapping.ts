import {
  compareDecimal,
  fromScaled,
  parseDecimal,
  scaleOf,
  shiftDecimal,
  toScaled,
  ZERO,
  type DecimalText,
} from "../../base/decimal.ts";
import { HONG_KONG, parseDay, SHANGHAI, type Day } from "../../domain/day.ts";
import { SOURCE, TICK_DIRECTION, type SourceNumber, type TickDirectionNumber } from "../../domain/enums.ts";
import { isIntraday, type Frequency } from "../../domain/frequency.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import { BAR_FLAGS, TICK_FLAGS, type Bar, type RejectedRow, type Suspension, type Tick } from "../../domain/rows.ts";
import { exchangeOf, type SecurityCode } from "../../domain/security-code.ts";
import { fit, PRICE, rejectRow, RowError, show, TURNOVER, VOLUME_MAX } from "../read-cells.ts";
import { isStarShare } from "./codes.ts";
import { minuteOf } from "./minute-grid.ts";
import type { WireBar } from "./wire-bar.ts";
import type { WireTick } from "./tencent.ts";

export interface MappedBars {
  readonly bars: readonly Bar[];
  readonly rejected: readonly RejectedRow[];
  /** Days of the answer that have a row and no trade. */
  readonly suspensions: readonly Suspension[];
  /** Rows of the days that were asked for. */
  readonly received: number;
}

/** How an upstream counts shares; `told`: in lots or in shares, and the turnover says which. */
export type VolumeUnit = "shares" | "lots" | "told";

/**
 * Which unit the bars of a code have at an upstream. Shares of the board for science were seen in both, and of minutes of
 * funds nobody says.
 */
export function volumeUnitOf(code: SecurityCode, api: string, frequency: Frequency): VolumeUnit {
  if (api === "sina" || exchangeOf(code) === "HK") {
    return "shares";
  }
  const kind = kindOf(code);
  const isFund = kind === "etf" || kind === "fund";
  return isStarShare(code) || (isFund && isIntraday(frequency)) ? "told" : "lots";
}

export interface BarsAsked {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  readonly from: Day;
  readonly to: Day;
  readonly unit: VolumeUnit;
  /** Rows of upstreams that round differently are rows of different sources; AKShare's own number by default. */
  readonly source?: SourceNumber;
}

/**
 * Bars in canonical units, of the days that were asked for; minutes come with the days before and after. A row that
 * cannot be read is a RejectedRow; a day without volume and turnover is a suspension and no bar, save of an index.
 */
export function mapBars(rows: readonly WireBar[], asked: BarsAsked): MappedBars {
  const { code, frequency, from, to } = asked;
  const inside = rows.filter(({ day }) => !isDay(day) || (day >= from && day <= to));
  const bars: Bar[] = [];
  const rejected: RejectedRow[] = [];
  const suspensions: Suspension[] = [];
  for (const row of inside) {
    try {
      const bar = readBar(row, asked);
      if (frequency === "1d" && kindOf(code) !== "index" && bar.volume === ZERO && (bar.turnover ?? ZERO) === ZERO) {
        suspensions.push({ code, day: bar.tradingDay });
      } else {
        bars.push(bar);
      }
    } catch (error) {
      rejected.push(rejectRow(error, { dataSet: "bars", code, date: row.day, raw: row.raw }));
    }
  }
  return { bars: frequency === "1m" ? withAuction(bars) : bars, rejected, suspensions, received: inside.length };
}

function readBar(row: WireBar, { code, frequency, unit, source = SOURCE.AKSHARE }: BarsAsked): Bar {
  const tradingDay = parseDay(row.day, "day");
  const prices = {
    open: readPrice(row.open, "open"),
    high: readPrice(row.high, "high"),
    low: readPrice(row.low, "low"),
    close: readPrice(row.close, "close"),
  };
  const turnover = readTurnover(row.amount);
  return {
    code,
    frequency,
    tradingDay,
    time: `${tradingDay} ${isIntraday(frequency) ? minuteOf(row.endsAt, frequency) : "00:00"}:00`,
    zone: exchangeOf(code) === "HK" ? HONG_KONG : SHANGHAI,
    ...prices,
    preClose: undefined,
    volume: toShares(readCount(row.volume, "volume"), unit, { ...prices, turnover }),
    turnover,
    source,
    flags: turnover === undefined ? BAR_FLAGS.noTurnover : 0,
  };
}

/**
 * The minute line has the opening auction in a row of its own, at 09:30. Our first minute, which ends at 09:31, begins with
 * the auction: the two rows are one bar. An auction without a trade has the last close for a price, at which nobody traded.
 */
function withAuction(bars: readonly Bar[]): readonly Bar[] {
  const auctions = new Map(
    bars.filter(({ time, volume }) => time.endsWith("09:30:00") && volume !== ZERO).map((bar) => [bar.tradingDay, bar]),
  );
  return bars.flatMap((bar) => {
    const auction = auctions.get(bar.tradingDay);
    if (auction === undefined || !bar.time.endsWith("09:31:00")) {
      return bar.time.endsWith("09:30:00") ? [] : [bar];
    }
    const turnover =
      bar.turnover === undefined || auction.turnover === undefined ? undefined : sum(bar.turnover, auction.turnover);
    return [
      {
        ...bar,
        open: auction.open,
        high: compareDecimal(auction.high, bar.high) > 0 ? auction.high : bar.high,
        low: compareDecimal(auction.low, bar.low) < 0 ? auction.low : bar.low,
        volume: sum(bar.volume, auction.volume),
        turnover,
      },
    ];
  });
}

function sum(left: DecimalText, right: DecimalText): DecimalText {
  return fromScaled(toScaled(left, SCALE) + toScaled(right, SCALE), SCALE);
}

function readPrice(cell: unknown, column: string): DecimalText {
  return fit(parseDecimal(cell, column), column, PRICE);
}

/** `-` stands for a missing number. */
function readTurnover(cell: unknown): DecimalText | undefined {
  if (cell === undefined || cell === null || cell === "" || cell === "-") {
    return undefined;
  }
  const turnover = fit(parseDecimal(cell, "amount"), "amount", TURNOVER);
  if (compareDecimal(turnover, ZERO) < 0) {
    throw new RowError("out-of-range", `amount: ${turnover} is no turnover`);
  }
  return turnover;
}

function readCount(cell: unknown, column: string): DecimalText {
  const count = parseDecimal(cell, column);
  if (scaleOf(count) > 0) {
    throw new RowError("volume-not-whole", `${column}: ${count}`);
  }
  if (compareDecimal(count, ZERO) < 0 || compareDecimal(count, VOLUME_MAX) > 0) {
    throw new RowError("out-of-range", `${column}: ${count} is no volume`);
  }
  return count;
}

interface Traded {
  readonly low: DecimalText;
  readonly high: DecimalText;
  readonly turnover: DecimalText | undefined;
}

function toShares(count: DecimalText, unit: VolumeUnit, traded: Traded): DecimalText {
  const isInLots = unit === "lots" || (unit === "told" && isCountedInLots(count, traded));
  const shares = isInLots ? shiftDecimal(count, 2) : count;
  if (compareDecimal(shares, VOLUME_MAX) > 0) {
    throw new RowError("out-of-range", `volume: ${shares} shares is no volume`);
  }
  return shares;
}

/** Prices and turnovers have four digits behind the point at most. */
const SCALE = 4;

/**
 * Which of lots of 100 and shares it is: with which the turnover lies between the lowest and the highest price, with a
 * hundredth to spare, and half a lot since lots are rounded. They are a hundred times apart, so one fits at most. RowError
 * where none does.
 */
function isCountedInLots(count: DecimalText, { low, high, turnover }: Traded): boolean {
  const units = BigInt(count);
  if (units === 0n) {
    return false;
  }
  if (turnover === undefined) {
    throw new RowError("out-of-range", `volume ${count} comes without a turnover that tells its unit`);
  }
  // Twice the shares, so that half a lot is whole.
  const fits = (fewest: bigint, most: bigint): boolean => {
    const money = toScaled(turnover, SCALE) * 200n;
    return money >= toScaled(low, SCALE) * fewest * 99n && money <= toScaled(high, SCALE) * most * 101n;
  };
  const isLots = fits((2n * units - 1n) * 100n, (2n * units + 1n) * 100n);
  if (isLots === fits(2n * units, 2n * units)) {
    throw new RowError("out-of-range", `volume ${count} and turnover ${turnover} fit no price from ${low} to ${high}`);
  }
  return isLots;
}

export interface MappedTicks {
  readonly ticks: readonly Tick[];
  readonly rejected: readonly RejectedRow[];
}

/** Of both sides, in the words of Tencent and of AKTools. */
const SIDES: ReadonlyMap<unknown, TickDirectionNumber> = new Map([
  ["B", TICK_DIRECTION.ACTIVEBUY],
  ["买盘", TICK_DIRECTION.ACTIVEBUY],
  ["S", TICK_DIRECTION.ACTIVESELL],
  ["卖盘", TICK_DIRECTION.ACTIVESELL],
  ["M", TICK_DIRECTION.NEUTRAL],
  ["中性盘", TICK_DIRECTION.NEUTRAL],
]);

/**
 * Ticks of one whole day in canonical units. `sequence` counts every row of a second, also those that are rejected, so a
 * place means the same however a row is read.
 */
export function mapTicks(rows: readonly WireTick[], code: SecurityCode, day: Day): MappedTicks {
  const ticks: Tick[] = [];
  const rejected: RejectedRow[] = [];
  const places = new Map<string, number>();
  for (const row of rows) {
    const sequence = places.get(row.time) ?? 0;
    places.set(row.time, sequence + 1);
    try {
      const price = readTickPrice(row.price);
      ticks.push({
        code,
        tradingDay: day,
        time: `${day} ${readClock(row.time)}`,
        zone: SHANGHAI,
        sequence,
        price,
        volume: readTickVolume(row, price, code),
        trades: undefined,
        direction: readSide(row.side),
        source: SOURCE.AKSHARE,
        flags: flagsAt(row.time),
      });
    } catch (error) {
      rejected.push(rejectRow(error, { dataSet: "ticks", code, date: day, raw: row.raw }));
    }
  }
  return { ticks, rejected };
}

const CLOCK = /^(?:09|1[0-5]):[0-5]\d:[0-5]\d$/;

function readClock(time: string): string {
  if (!CLOCK.test(time)) {
    throw new RowError("not-parseable", `time: expected a second of a trading day, got ${show(time)}`);
  }
  return time;
}

function readTickPrice(cell: unknown): DecimalText {
  const price = readPrice(cell, "price");
  if (compareDecimal(price, ZERO) <= 0) {
    throw new RowError("price-not-positive", `price: expected more than 0, got ${price}`);
  }
  return price;
}

/**
 * In lots; of shares of the board for science the print's own turnover tells whether in lots or in shares. It is of three
 * seconds and their prices, a little apart from the one that it shows.
 */
function readTickVolume({ volume, amount }: WireTick, price: DecimalText, code: SecurityCode): DecimalText {
  const count = readCount(volume, "volume");
  const turnover = readTurnover(amount);
  if (!isStarShare(code)) {
    return toShares(count, "lots", { low: price, high: price, turnover });
  }
  const at = toScaled(price, SCALE);
  const around = { low: fromScaled((at * 9n) / 10n, SCALE), high: fromScaled((at * 11n) / 10n, SCALE) };
  return toShares(count, "told", { ...around, turnover });
}

function readSide(side: unknown): TickDirectionNumber {
  const direction = SIDES.get(side);
  if (direction === undefined) {
    throw new RowError("not-parseable", `side: expected B, S or M, got ${show(side)}`);
  }
  return direction;
}

/** The opening auction ends before 09:30; the closing one is printed at 15:00, and from 15:05 on the fixed price holds. */
function flagsAt(time: string): number {
  if (time < "09:30:00" || (time >= "15:00:00" && time < "15:05:00")) {
    return TICK_FLAGS.auction;
  }
  return time >= "15:05:00" ? TICK_FLAGS.afterHours : 0;
}

function isDay(text: string): boolean {
  try {
    parseDay(text);
    return true;
  } catch {
    return false;
  }
}
