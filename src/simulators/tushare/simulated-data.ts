import type { Day } from "../../domain/day.ts";
import type { DatedApiName } from "./apis.ts";

/** Cells as text in the order of the API's columns, hidden ones included; undefined is null. Numbers never become floats. */
export type SimulatedRow = readonly (string | undefined)[];

/** Minutes of a bar of `stk_mins`. */
export type BarMinutes = 1 | 5 | 15 | 30 | 60;

/** What a simulator serves: a generated market or a recording. Days are `YYYYMMDD`, as Tushare writes them. */
export interface SimulatedData {
  /** All codes of shares that have rows, sorted. */
  readonly codes: readonly string[];
  /** All days that have rows, sorted. */
  readonly days: readonly string[];
  /** Rows of one code, newest first; none for an unknown code. */
  rowsOf(api: DatedApiName, code: string): Iterable<SimulatedRow>;
  /** Rows of one day, of all codes or of those given. */
  rowsOn(api: DatedApiName, day: string, codes?: ReadonlySet<string>): Iterable<SimulatedRow>;
  /** Bars of one code within one of `days`, newest first. */
  minutesOf(code: string, minutes: BarMinutes, day: string): Iterable<SimulatedRow>;
  /** The stock list as it stands on a day, delisted and not yet listed ones included, sorted by code. */
  instruments(today: Day): Iterable<SimulatedRow>;
  /** Dividends of one code, newest first. */
  dividends(code: string): Iterable<SimulatedRow>;
}
