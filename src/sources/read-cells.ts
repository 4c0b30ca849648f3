import { parseDecimal, scaleOf, type DecimalText } from "../base/decimal.ts";
import { DataError } from "../base/errors.ts";
import { parseDay, type Day } from "../domain/day.ts";
import type { RejectedRow, RejectReason } from "../domain/rows.ts";

/** A row that cannot be read, with the reason. */
export class RowError extends Error {
  readonly reason: RejectReason;

  constructor(reason: RejectReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Digits that a column of the store holds before and behind the point. */
export interface Room {
  readonly wholeMax: number;
  readonly scaleMax: number;
}
export const PRICE: Room = { wholeMax: 14, scaleMax: 4 };
export const TURNOVER: Room = { wholeMax: 16, scaleMax: 4 };
export const FACTOR: Room = { wholeMax: 10, scaleMax: 8 };
/** Volume is an Int64. */
export const VOLUME_MAX = parseDecimal("9223372036854775807");

/** RowError on a number that its column cannot hold to the digit. */
export function fit(text: DecimalText, column: string, room: Room): DecimalText {
  const whole = text.replace("-", "").split(".")[0] ?? "";
  if (scaleOf(text) > room.scaleMax || whole.length > room.wholeMax) {
    throw new RowError(
      "out-of-range",
      `${column}: ${text} has more than ${room.wholeMax} digits before or ${room.scaleMax} behind the point`,
    );
  }
  return text;
}

/** A cell in a message. */
export function show(cell: unknown): string {
  return (JSON.stringify(cell) ?? typeof cell).slice(0, 60);
}

const RAW_CHARS_MAX = 2_000;

/** What a RowError or a DataError makes of a row; any other error is thrown on. */
export function rejectRow(
  error: unknown,
  row: Pick<RejectedRow, "dataSet" | "code" | "raw"> & { readonly date: unknown },
): RejectedRow {
  if (!(error instanceof RowError) && !(error instanceof DataError)) {
    throw error;
  }
  const { date, raw, ...rest } = row;
  return {
    ...rest,
    day: dayOf(date),
    reason: error instanceof RowError ? error.reason : "not-parseable",
    detail: error instanceof DataError && error.path !== "" ? `${error.path}: ${error.message}` : error.message,
    raw: raw.slice(0, RAW_CHARS_MAX),
  };
}

function dayOf(date: unknown): Day | undefined {
  try {
    return parseDay(date);
  } catch {
    return undefined;
  }
}
