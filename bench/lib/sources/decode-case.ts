import type { Frequency } from "../../../src/domain/frequency.ts";
import type { ProviderName } from "../../../src/domain/provider.ts";
import { parseDay } from "../../../src/domain/day.ts";
import type { Bar, CalendarDay, Instrument, RejectedRow, Tick } from "../../../src/domain/rows.ts";
import { digitsOf, type SecurityCode } from "../../../src/domain/security-code.ts";
import { checkBars } from "../../../src/planning/check-bars.ts";
import { checkTicks } from "../../../src/planning/check-ticks.ts";
import { bundledCalendar } from "../../../src/planning/trading-calendar.ts";

/** One answer, or one file, and how it becomes rows. */
export interface DecodeCase {
  readonly provider: ProviderName;
  readonly dataSet: "bars" | "ticks" | "stock-list" | "trading-calendar";
  readonly frequency: Frequency;
  /** What the bytes are, in a few words. */
  readonly form: string;
  /** As it comes over the wire. */
  readonly bytes: number;
  /** What must come of it, told from the recording and not by the code that is measured. */
  readonly expected: Checksum;
  /** From bytes to canonical rows, of bars and ticks checked ones; throws where a row is rejected. */
  readonly decode: () => Decoded | Promise<Decoded>;
}

type DecodedRow = Bar | Tick | Instrument | CalendarDay;
export type Decoded = readonly DecodedRow[];

/** Exact sums of two columns. */
export interface Checksum {
  readonly rows: number;
  /** Closes, or prices of ticks, in thousandths; of instruments the digits of their codes, of a calendar the days. */
  readonly values: bigint;
  /** Shares; of instruments the days of listing, of a calendar 1 for each trading day. */
  readonly counts: bigint;
}

export function checksumOf(rows: Decoded): Checksum {
  let values = 0n;
  let counts = 0n;
  for (const row of rows) {
    const [value, count] = figuresOf(row);
    values += value;
    counts += count;
  }
  return { rows: rows.length, values, counts };
}

function figuresOf(row: DecodedRow): readonly [bigint, bigint] {
  if ("volume" in row) {
    return [toThousandths("close" in row ? row.close : row.price), BigInt(row.volume)];
  }
  return "listedOn" in row
    ? [BigInt(digitsOf(row.code)), dayNumber(row.listedOn)]
    : [dayNumber(row.day), row.isOpen ? 1n : 0n];
}

/** 20240102n. */
export function dayNumber(day: string): bigint {
  return BigInt(day.replaceAll("-", ""));
}

/** Of plain decimal text with at most three digits that are not 0 behind the point; cut there. */
export function toThousandths(text: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  return BigInt(`${whole}${fraction.slice(0, 3).padEnd(3, "0")}`);
}

const CALENDAR = bundledCalendar();
const REFERENCE = { calendar: CALENDAR, instrument: () => undefined };
const FROM = parseDay("1990-01-01");

/** The stage that every row of a provider goes through. */
export function checkedBars(
  bars: readonly Bar[],
  rejected: readonly RejectedRow[],
  code: SecurityCode,
  frequency: Frequency,
): readonly Bar[] {
  const selection = { by: "codes", codes: [code], from: FROM, to: CALENDAR.knownTo } as const;
  const checked = checkBars(bars, {
    call: { dataSet: "bars", frequency, selection },
    reference: REFERENCE,
    nowMs: Date.now(),
  });
  refuseRejected([...rejected, ...checked.rejected]);
  return checked.rows;
}

export function checkedTicks(
  ticks: readonly Tick[],
  rejected: readonly RejectedRow[],
  code: SecurityCode,
): readonly Tick[] {
  const selection = { by: "codes", codes: [code], from: FROM, to: CALENDAR.knownTo } as const;
  const checked = checkTicks(ticks, {
    call: { dataSet: "ticks", frequency: "1d", selection },
    reference: REFERENCE,
    nowMs: Date.now(),
  });
  refuseRejected([...rejected, ...checked.rejected]);
  return checked.rows;
}

export function refuseRejected([first]: readonly RejectedRow[]): void {
  if (first !== undefined) {
    throw new RangeError(`a row of ${first.code} was rejected: ${first.reason}: ${first.detail}`);
  }
}
