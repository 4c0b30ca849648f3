import { DataError } from "../../base/errors.ts";
import { addDays, daysBetween, type Day } from "../../domain/day.ts";
import { isIntraday } from "../../domain/frequency.ts";
import type { DataSet } from "../../domain/rows.ts";
import type { Call } from "../../domain/unit.ts";
import type { TushareTable } from "./envelope.ts";

/**
 * How far offsets are followed: in pages of our row cap, and in rows where that cap is set low. A server that ignores
 * offsets answers the same full page for ever; no market is as large.
 */
export const OFFSET_PAGES_MAX = 10;
export const OFFSET_ROWS_MAX = 60_000;

/** Caps are round numbers: answers of so many rows and more, of a whole multiple of this, look as if one had cut them. */
const ROUND_ROWS = { from: 500, step: 100 } as const;

/**
 * Whether rows are missing behind a page. One of exactly the cap is never the end, whatever `has_more` says; an empty page
 * after an offset is. Without `has_more` a round number of rows may be the work of a cap that is lower than ours.
 */
export function isCut({ offset }: Call, { items, hasMore }: TushareTable, rowsMax: number): boolean {
  const received = items.length;
  if (offset !== undefined && received === 0) {
    return false;
  }
  const isRound = received >= ROUND_ROWS.from && received % ROUND_ROWS.step === 0;
  return hasMore === true || received >= rowsMax || (hasMore === undefined && isRound);
}

/**
 * The calls that bring what a cut answer leaves out. Truncation is silent and the order of rows is not to be relied on,
 * so nothing of the cut page is counted on: the call is split where it can be split (codes, then days), and goes on by
 * offset where it cannot. `received` is the number of rows in the answer.
 * Throws DataError when nothing is left to split.
 */
export function splitCall<D extends DataSet>(call: Call<D>, received: number, rowsMax: number): readonly Call<D>[] {
  const { selection } = call;
  if (selection.by === "day" || selection.by === "status") {
    return [goOn(call, received, rowsMax)];
  }
  if (selection.by === "codes" && selection.codes.length > 1) {
    return halve(selection.codes).map((codes) => ({ ...call, selection: { ...selection, codes } }));
  }
  if (selection.from < selection.to) {
    return halveDays(selection.from, selection.to).map((days) => ({ ...call, selection: { ...selection, ...days } }));
  }
  // Of bars within the day one code has many on one day.
  if (selection.by === "range" || isIntraday(call.frequency)) {
    return [goOn(call, received, rowsMax)];
  }
  throw new DataError(
    `row-cap paradox: ${call.dataSet} of ${selection.codes.join()} on ${selection.from} fill a page of ${received} rows`,
  );
}

function goOn<D extends DataSet>(call: Call<D>, received: number, rowsMax: number): Call<D> {
  const offset = (call.offset ?? 0) + received;
  if (received === 0 || offset >= Math.max(OFFSET_PAGES_MAX * rowsMax, OFFSET_ROWS_MAX)) {
    throw new DataError(`row-cap paradox: ${call.dataSet} are said to go on after ${offset} rows`);
  }
  return { ...call, offset };
}

function halve<T>(list: readonly T[]): readonly [readonly T[], readonly T[]] {
  const middle = Math.ceil(list.length / 2);
  return [list.slice(0, middle), list.slice(middle)];
}

interface Days {
  readonly from: Day;
  readonly to: Day;
}

function halveDays(from: Day, to: Day): readonly [Days, Days] {
  const middle = addDays(from, Math.floor(daysBetween(from, to) / 2));
  return [
    { from, to: middle },
    { from: addDays(middle, 1), to },
  ];
}
