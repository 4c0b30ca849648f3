import { DataError } from "../../base/errors.ts";
import type { DataSet } from "../../domain/rows.ts";
import type { Call } from "../../domain/unit.ts";
import type { PageWanted } from "./requests.ts";

/** Rows of a page in the provider's own client; what the server does with a larger ask is not known. */
export const ROWS_BY_PAGE = 2_000;
/** How far pages are followed: a server that ignores their numbers answers the same full page for ever. */
export const PAGES_MAX = 100;
/** The room that the server has for the whole market of a day: so many rows are what was left of more. */
export const DAY_ROWS_MAX = 20_000;

/** The page that the call is about. RangeError on an offset that no page begins with. */
export function pageOf({ offset = 0 }: Call, rowsByPage: number): PageWanted {
  if (offset % rowsByPage !== 0) {
    throw new RangeError(`calling baostock: ${offset} rows are no number of pages of ${rowsByPage}`);
  }
  return { number: offset / rowsByPage + 1, rows: rowsByPage };
}

/**
 * The call for the page behind this one. A full page is never the end, since a total may be just so many; the one after
 * it is then empty. DataError when it would go on without end, and on a day that filled the server's room.
 */
export function restOf<D extends DataSet>(call: Call<D>, received: number, rowsByPage: number): readonly Call<D>[] {
  if (call.selection.by === "day") {
    if (received >= DAY_ROWS_MAX) {
      throw new DataError(`row-cap paradox: ${call.dataSet} on ${call.selection.day} are cut at ${received} rows`);
    }
    return [];
  }
  // A server that does not page sends more at once, and then all there is.
  if (received !== rowsByPage) {
    return [];
  }
  const offset = (call.offset ?? 0) + rowsByPage;
  if (offset >= PAGES_MAX * rowsByPage) {
    throw new DataError(`row-cap paradox: ${call.dataSet} are said to go on after ${offset} rows`);
  }
  return [{ ...call, offset }];
}
