import type { DecimalText } from "../base/decimal.ts";
import type { Log } from "../base/log.ts";
import type { Shutdown } from "../base/shutdown.ts";
import type { Config } from "../config.ts";
import type { RangeRequest } from "../domain/command.ts";
import type { Day } from "../domain/day.ts";
import type { DeadLetterReason } from "../domain/dead-letter.ts";
import type { Frequency } from "../domain/frequency.ts";
import type { OutcomeWord, Tally } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";

/**
 * What the commands ask of the program; `app.ts` exports it as `app`. Everything throws the kinds of base/errors.ts, and
 * rejects with the signal's reason when the signal aborts.
 */
export interface AppApi {
  /** Works until `shutdown` stops it; resolves when all that was in hand is committed. `onReady` is told when it takes work. */
  start(config: Config, log: Log, shutdown: Shutdown, onReady?: (addresses: WorkerAddresses) => void): Promise<void>;
  ensureTopics(config: Config, log: Log, signal: AbortSignal): Promise<readonly TopicReport[]>;
  ensureSchema(config: Config, log: Log, signal: AbortSignal): Promise<readonly SchemaReport[]>;
  adoptSchema(config: Config, options: AdoptOptions, log: Log, signal: AbortSignal): Promise<readonly SchemaReport[]>;
  /**
   * Publishes one message a code (one in all for lists) and yields after each batch that was published. With `wait` it goes
   * on to yield as messages settle, and ends when all have; without, it ends when all are published. Each yield holds the
   * whole state, the last one the result.
   */
  request(config: Config, plan: RequestPlan, log: Log, signal: AbortSignal): AsyncIterable<RequestProgress>;
  /** Holds daily bars in the view `bar` against rows that are known to be right, cell by cell, in the engine. */
  compareBars(config: Config, expected: ExpectedBars, log: Log, signal: AbortSignal): Promise<BarComparison>;
  /** The newest daily bars of a code, sorted by day. */
  latestBars(
    config: Config,
    code: SecurityCode,
    barsMax: number,
    log: Log,
    signal: AbortSignal,
  ): Promise<readonly DayPrices[]>;
  verify(config: Config, options: VerifyOptions, log: Log, signal: AbortSignal): Promise<VerifyReport>;
}

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
  /** Bars that are on both sides. */
  readonly compared: number;
  /** Of these, bars with another value in any column. */
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

export interface AdoptOptions {
  /** Copy the rows of the old tables, with their units converted. */
  readonly copyRows: boolean;
}

export interface VerifyOptions {
  /** Undefined for every code the ledger knows. */
  readonly codes?: readonly SecurityCode[];
  /** Make the ledger forget what differs, so that the next request brings it back. */
  readonly reopen: boolean;
}

export interface TopicReport {
  readonly topic: string;
  /** `differs`: it is there with another shape, and is left so. */
  readonly action: "created" | "exists" | "differs";
  readonly partitions: number;
  /** What is odd about it, such as a partition count other than 24; empty when nothing is. */
  readonly note: string;
}

export interface SchemaReport {
  readonly object: string;
  /** `left`: a table that was put aside before and stays as it is. */
  readonly action: "created" | "exists" | "recreated" | "renamed" | "copied" | "left";
  /** Such as the new name of a renamed table, or how many rows were copied. */
  readonly note: string;
}

export type RequestKind = "bars" | "factors" | "stock-list" | "calendar";

/** What is to be asked of the worker. */
export interface RequestPlan {
  readonly kind: RequestKind;
  /** `all`: every listed code of the stock list. Empty for stock-list and calendar, else at least one without repeats. */
  readonly codes: readonly SecurityCode[] | "all";
  readonly frequency: Frequency;
  readonly range: RangeRequest;
  readonly force: boolean;
  readonly provider: ProviderName | undefined;
  readonly wait: boolean;
}

export interface RequestProgress {
  /** All messages of one `request` share it. */
  readonly requestId: string;
  readonly total: number;
  readonly published: number;
  readonly settled: number;
  /** How many of the settled messages ended with each word. */
  readonly outcomes: Readonly<Record<OutcomeWord, number>>;
  readonly rows: Tally;
  readonly calls: number;
  readonly pendingDays: number;
  readonly unexplainedDays: number;
  /** The first 100 that were set aside. */
  readonly deadLetters: readonly SetAside[];
}

export interface SetAside {
  readonly codes: readonly SecurityCode[];
  readonly reason: DeadLetterReason;
}

/** Days on which ledger and table say different things. */
export interface VerifyDifference {
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  readonly code: SecurityCode;
  readonly from: Day;
  readonly to: Day;
  readonly days: number;
  /** `row-missing`: the ledger says present, the table has no row. `row-unknown`: a row the ledger does not say present. */
  readonly found: "row-missing" | "row-unknown";
}

export interface VerifyReport {
  readonly codes: number;
  /** Days that were compared. */
  readonly days: number;
  readonly differences: readonly VerifyDifference[];
  /** Days that the ledger forgot. */
  readonly reopenedDays: number;
}
