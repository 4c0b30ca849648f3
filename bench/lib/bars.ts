import { fromScaled, parseDecimal, type DecimalText } from "../../src/base/decimal.ts";
import { parseDay, SHANGHAI, type Day } from "../../src/domain/day.ts";
import { SOURCE } from "../../src/domain/enums.ts";
import type { Bar } from "../../src/domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../../src/domain/security-code.ts";
import type { BarModel } from "../../src/store/clickhouse/encode/model-columns.ts";

/**
 * The peers' million bars: 4,000 codes × 250 weekdays from 2024-01-02, by whole numbers alone, so that every language makes
 * the same ones. Order `code`: all days of a code, then the next code, as a backfill writes; order `day`: all codes of a
 * day, as a daily update writes.
 */
export type BarOrder = "code" | "day";

export const CODES = 4000;
export const DAYS = 250;
export const ROWS_MAX = CODES * DAYS;

/** One bar in whole numbers; prices in 1/10000. */
export interface WholeBar {
  readonly code: number;
  readonly day: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** Row `index` of the million in the given order. */
export function wholeBar(order: BarOrder, index: number): WholeBar {
  const code = order === "code" ? Math.floor(index / DAYS) : index % CODES;
  const day = order === "code" ? index % DAYS : Math.floor(index / CODES);
  const number = code * DAYS + day;
  const a = hash(number + 1);
  const b = hash(number + 1_000_001);
  const base = 50_000 + (hash(code + 2_000_001) % 2_000_000);
  const open = base + (a % 10_000);
  const close = base + (b % 10_000);
  return {
    code,
    day,
    open,
    high: Math.max(open, close) + ((a >>> 16) % 1000),
    low: Math.min(open, close) - ((b >>> 16) % 1000),
    close,
    volume: (hash(number + 3_000_001) % 1_000_000) * 100,
  };
}

/** Rows `from` to `from + count - 1` as the store is given them: texts made here, before any clock runs. */
export function barModels(order: BarOrder, from: number, count: number): readonly BarModel[] {
  return Array.from({ length: count }, (_, at) => toModel(wholeBar(order, from + at)));
}

/** What the stored rows must sum up to. */
export interface Checksum {
  readonly rows: number;
  readonly volume: bigint;
  /** Sum of open + high + low + close in 1/10000. */
  readonly prices: bigint;
  /** Sum of the turnover in 1/10000. */
  readonly turnover: bigint;
}

export function checksumOf(order: BarOrder, rows: number): Checksum {
  let volume = 0n;
  let prices = 0n;
  let turnover = 0n;
  for (let index = 0; index < rows; index += 1) {
    const bar = wholeBar(order, index);
    volume += BigInt(bar.volume);
    prices += BigInt(bar.open + bar.high + bar.low + bar.close);
    turnover += BigInt(bar.close) * BigInt(bar.volume);
  }
  return { rows, volume, prices, turnover };
}

const PROVENANCE = { version: 1n, callId: "bench-call", requestId: "bench" };

const WEEKDAYS: readonly Day[] = listWeekdays();

function toModel(bar: WholeBar): BarModel {
  const day = WEEKDAYS[bar.day] ?? WEEKDAYS[0];
  if (day === undefined) {
    throw new RangeError(`making bars: there is no day ${bar.day}`);
  }
  const row: Bar = {
    code: codeOf(bar.code),
    frequency: "1d",
    tradingDay: day,
    time: `${day} 00:00:00`,
    zone: SHANGHAI,
    open: textOf(BigInt(bar.open), 4),
    high: textOf(BigInt(bar.high), 4),
    low: textOf(BigInt(bar.low), 4),
    close: textOf(BigInt(bar.close), 4),
    preClose: undefined,
    volume: textOf(BigInt(bar.volume), 0),
    turnover: textOf(BigInt(bar.close) * BigInt(bar.volume), 4),
    source: SOURCE.TUSHARE,
    flags: 0,
  };
  return { model: "bar", row, provenance: PROVENANCE };
}

/**
 * A text that stands in one piece. What is put together from parts is only joined when it is first read, which would be
 * within the time that is measured.
 */
function textOf(scaled: bigint, scale: number): DecimalText {
  return parseDecimal(Buffer.from(fromScaled(scaled, scale)).toString("latin1"));
}

function codeOf(index: number): SecurityCode {
  return parseSecurityCode(`${String(index + 1).padStart(6, "0")}.SZ`);
}

/** Unsigned 32-bit arithmetic, as `h` of the peers' page. */
function hash(value: number): number {
  let mixed = value >>> 0;
  for (let round = 0; round < 2; round += 1) {
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x45d9f3b) >>> 0;
  }
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function listWeekdays(): readonly Day[] {
  const days: Day[] = [];
  for (let at = Date.UTC(2024, 0, 2); days.length < DAYS; at += 86_400_000) {
    const date = new Date(at);
    if (date.getUTCDay() !== 0 && date.getUTCDay() !== 6) {
      days.push(parseDay(date.toISOString().slice(0, 10)));
    }
  }
  return days;
}
