import type { BaostockData, BaostockQuery, BaostockRow, Published } from "./baostock-data.ts";
import type { SettledFault } from "./faults.ts";
import { dayColumnOf, isPublished } from "./publication.ts";
import type { ReadQuery } from "./read-query.ts";

export interface SelectedRows {
  readonly rows: number;
  /** JSON text, or nothing where there is no row. */
  readonly data: string;
}

/** The page of rows that a query asks for, of what is published, with what a fault does to it. */
export function selectRows(
  data: BaostockData,
  { query, columns, rows: { from, to } }: ReadQuery,
  published: Published,
  fault: SettledFault | undefined,
): SelectedRows {
  const out = [...data.rowsOf(query, published)].filter((row) => isPublished(row, query, published));
  const known = fault?.kind === "stale" ? withoutNewestDays(out, query, fault.days) : out;
  const page = fault?.kind === "empty" ? [] : known.slice(from, to);
  const sent = fault?.kind === "truncated" ? page.slice(0, fault.rows) : page;
  const record = sent.map((row) => columns.map((column) => row[column] ?? ""));
  return { rows: record.length, data: record.length === 0 ? "" : JSON.stringify({ record }) };
}

function withoutNewestDays(rows: readonly BaostockRow[], query: BaostockQuery, days: number): readonly BaostockRow[] {
  const column = dayColumnOf(query);
  if (column === undefined) {
    return rows;
  }
  const newest = new Set([...new Set(rows.map((row) => row[column] ?? ""))].toSorted().slice(-days || Infinity));
  return rows.filter((row) => !newest.has(row[column] ?? ""));
}
