import type { DecimalText } from "../base/decimal.ts";
import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";

/** Where a running worker is found on this machine. */
export interface WorkerAddresses {
  readonly url: string;
  /** ClickHouse's interface to the engine inside the process; undefined where the store is a server. */
  readonly storeUrl: string | undefined;
}

/** A daily bar, named like the columns of the view `bar`: prices and amount in yuan, volume in shares. */
export interface ExpectedBar {
  readonly code: SecurityCode;
  readonly day: Day;
  readonly open: DecimalText;
  readonly high: DecimalText;
  readonly low: DecimalText;
  readonly close: DecimalText;
  readonly pre_close: DecimalText;
  readonly volume: DecimalText;
  readonly amount: DecimalText;
}

export interface ExpectedBars {
  readonly rows: Iterable<ExpectedBar>;
  /** What is compared: these codes on these days, both ends included. */
  readonly codes: readonly SecurityCode[];
  readonly from: Day;
  readonly to: Day;
}

export interface BarComparison {
  /** Bars that were given as right; `compared` and `missing` add up to it. */
  readonly expected: number;
  /** Bars that are on both sides. */
  readonly compared: number;
  /** Of these, bars with another value in any column; an unknown value differs from every known one. */
  readonly different: number;
  /** Expected and not stored. */
  readonly missing: number;
  /** Stored and not expected. */
  readonly extra: number;
  /** Rows of a plain SELECT on `bar`, and how many of them repeat a code and day. */
  readonly bars: number;
  readonly duplicates: number;
}

export interface DayPrices {
  readonly day: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
}
