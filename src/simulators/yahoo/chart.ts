import type { Day } from "../../domain/day.ts";

/** One place in the parallel arrays of an answer. Text in place of a number goes out as it is, without quotes where it begins with `@`. */
export interface ChartRow {
  readonly stamp: number;
  /** The trading day that it belongs to, or its last one. */
  readonly day: Day;
  readonly open: Cell;
  readonly high: Cell;
  readonly low: Cell;
  readonly close: Cell;
  readonly volume: Cell;
  readonly adjclose: Cell;
}

export type Cell = number | string | null;

export const QUOTE_KEYS = ["open", "high", "low", "close", "volume"] as const;
export type QuoteKey = (typeof QUOTE_KEYS)[number];

/** An answer before it is written as JSON. */
export interface Chart {
  readonly meta: Readonly<Record<string, unknown>>;
  readonly rows: readonly ChartRow[];
  /** By kind, each by its stamp; undefined where there is none or none was asked for. */
  readonly events: ChartEvents | undefined;
  /** Only from a day on. */
  readonly hasAdjclose: boolean;
  /** How many values at the end of one array are missing, which a right answer never lacks. */
  readonly shortBy?: { readonly key: QuoteKey; readonly count: number };
}

export type ChartEvents = Readonly<Record<string, Readonly<Record<string, ChartEvent>>>>;
export type ChartEvent = Readonly<Record<string, number | string>>;

export function nullRow(stamp: number, day: Day): ChartRow {
  return { stamp, day, open: null, high: null, low: null, close: null, volume: null, adjclose: null };
}
