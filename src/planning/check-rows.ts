import { Temporal } from "temporal-polyfill";

import { dayAt, type Day, type ZoneName } from "../domain/day.ts";
import type { Instrument, RejectedRow, RejectReason } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call, CodeDataSet } from "../domain/unit.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** What the check stage compares rows with. */
export interface CheckContext<D extends CodeDataSet = CodeDataSet> {
  /** The call whose answer they are: which codes and days were asked for. */
  readonly call: Call<D>;
  readonly reference: {
    readonly calendar: TradingCalendar;
    instrument(code: SecurityCode): Instrument | undefined;
  };
  readonly nowMs: number;
}

/** What every row says of itself. */
export interface DatedRow {
  readonly code: SecurityCode;
  readonly tradingDay: Day;
}

/** A row of the answer: to be looked at further, rejected, or of a day nobody asked for (providers may answer more). */
export type Placement = "inside" | "outside" | Rejection;

export interface Rejection {
  readonly reason: RejectReason;
  /** What was wrong, with the value. */
  readonly detail: string;
}

/** As much of a row as quarantine keeps. */
const RAW_CHARACTERS_MAX = 2_000;

/**
 * Whether a row belongs to the call: a code that was not asked for and a day in the future are rejected, a day outside
 * the call's is left out. A call is planned for final days only, so rows of an unfinished day are left out, too.
 */
export function createPlacer({
  call: { selection },
  nowMs,
}: CheckContext): (row: DatedRow, zone: ZoneName) => Placement {
  const codes = selection.by === "codes" ? new Set<string>(selection.codes) : undefined;
  const first = selection.by === "day" ? selection.day : selection.by === "status" ? undefined : selection.from;
  const last = selection.by === "day" ? selection.day : selection.by === "status" ? undefined : selection.to;
  const now = Temporal.Instant.fromEpochMilliseconds(nowMs);
  const todays = new Map<ZoneName, Day>();
  return ({ code, tradingDay }, zone) => {
    if (codes !== undefined && !codes.has(code)) {
      return { reason: "wrong-code", detail: `${code} was not asked for` };
    }
    const today = todays.get(zone) ?? dayAt(now, zone);
    todays.set(zone, today);
    if (tradingDay > today) {
      return { reason: "future-day", detail: `${tradingDay} lies in the future: today is ${today}` };
    }
    const isInside = (first === undefined || tradingDay >= first) && (last === undefined || tradingDay <= last);
    return isInside ? "inside" : "outside";
  };
}

/** `raw` is the canonical row: what the provider sent is known to its adapter only. */
export function toRejectedRow(dataSet: CodeDataSet, row: DatedRow, { reason, detail }: Rejection): RejectedRow {
  const raw = JSON.stringify(row).slice(0, RAW_CHARACTERS_MAX);
  return { dataSet, code: row.code, day: row.tradingDay, reason, detail, raw };
}

/** Rows by key: one of equal ones, and those whose key stands for different values. */
export interface KeyedRows<Row> {
  readonly distinct: readonly Row[];
  /** All rows of a key with different values: none of them can be told to be the right one. */
  readonly conflicting: readonly Row[];
  readonly repeated: number;
}

/** Keeps the order of first appearance. */
export function separateConflicts<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  isEqual: (left: Row, right: Row) => boolean,
): KeyedRows<Row> {
  const firsts = new Map<string, Row>();
  const conflicts = new Set<string>();
  let repeated = 0;
  for (const row of rows) {
    const key = keyOf(row);
    const first = firsts.get(key);
    if (first === undefined) {
      firsts.set(key, row);
    } else if (isEqual(first, row)) {
      repeated += 1;
    } else {
      conflicts.add(key);
    }
  }
  if (conflicts.size === 0) {
    return { distinct: [...firsts.values()], conflicting: [], repeated };
  }
  const conflicting = rows.filter((row) => conflicts.has(keyOf(row)));
  const distinct = [...firsts].flatMap(([key, row]) => (conflicts.has(key) ? [] : [row]));
  return { distinct, conflicting, repeated };
}
