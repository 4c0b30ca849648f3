import type { Log } from "../base/log.ts";
import type { Shutdown } from "../base/shutdown.ts";
import type { Config } from "../config.ts";
import type { BarComparison, DayPrices, ExpectedBars, WorkerAddresses } from "./demo-api.ts";
import type { RangeRequest } from "../domain/command.ts";
import type { MarketName } from "../domain/market.ts";
import type { Day } from "../domain/day.ts";
import type { DeadLetterReason } from "../domain/dead-letter.ts";
import type { Frequency, ReadFrequency } from "../domain/frequency.ts";
import type { OutcomeWord, Tally } from "../domain/outcome.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet } from "../domain/unit.ts";
import type { CodeCoverage, CoverageCounts, CoverageSpan, CoverageState } from "../planning/coverage.ts";
import type { BarRecord, StoredFactor } from "../store/clickhouse/read-bars.ts";
import type { StoredTickDays, TickRecord } from "../store/clickhouse/read-ticks.ts";
import type { DeadLettersApi } from "./dead-letters/dead-letters-api.ts";
import type { DoctorApi } from "./doctor/doctor-api.ts";
import type { RequestEstimate } from "./estimate-request.ts";
import type { AskApi } from "./ask-api.ts";
import type { ImportApi } from "./import/import-api.ts";
import type { ReconcileApi } from "./reconcile-api.ts";
import type { ScheduleApi } from "./schedule/schedule-api.ts";
import type { StatusApi } from "./status/status-api.ts";
import type { CallsSeen } from "./status/calls-seen.ts";
import type { OutageSeen } from "./status/watch-work.ts";

/**
 * What the commands ask of the program; `app.ts` exports it as `app`. Everything throws the kinds of base/errors.ts, and
 * rejects with the signal's reason when the signal aborts.
 */
export interface AppApi extends DeadLettersApi, StatusApi, DoctorApi, ScheduleApi, AskApi, ImportApi, ReconcileApi {
  /** Works until `shutdown` stops it; resolves when all that was in hand is committed. `onReady` is told when it takes work. */
  start(config: Config, log: Log, shutdown: Shutdown, onReady?: (addresses: WorkerAddresses) => void): Promise<void>;
  ensureTopics(config: Config, log: Log, signal: AbortSignal): Promise<readonly TopicReport[]>;
  ensureSchema(config: Config, log: Log, signal: AbortSignal): Promise<readonly SchemaReport[]>;
  adoptSchema(config: Config, options: AdoptOptions, log: Log, signal: AbortSignal): Promise<readonly SchemaReport[]>;
  /**
   * Publishes one message a code (one in all for lists) and yields after each batch that was published. With `wait` it goes
   * on to yield as messages settle, and every second besides, so that whoever shows it can say how long; it ends when all
   * have. Without, it ends when all are published. Each yield holds the whole state, the last one the result.
   */
  request(config: Config, plan: RequestPlan, log: Log, signal: AbortSignal): AsyncIterable<RequestProgress>;
  /** What `request` would cost, without asking or publishing anything. */
  estimate(config: Config, plan: RequestPlan, log: Log, signal: AbortSignal): Promise<RequestEstimate>;
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
  /** Bars of one code. DataError when the anchor that is named has no factor. */
  bars(config: Config, request: BarsRequest, log: Log, signal: AbortSignal): Promise<BarsReport>;
  /** Ticks of one code and day, of one provider. */
  ticks(config: Config, request: TicksRequest, log: Log, signal: AbortSignal): Promise<TicksReport>;
  /** What the ledger, the stock list, the calendar and the tables say of the days on which there should be rows. */
  coverage(config: Config, options: CoverageOptions, log: Log, signal: AbortSignal): Promise<CoverageReport>;
  /** What of it a request could heal. */
  gaps(config: Config, options: CoverageOptions, log: Log, signal: AbortSignal): Promise<GapsReport>;
  /** The answer to one statement that only reads. DataError when it would do more, or when the engine refuses it. */
  sql(config: Config, statement: string, format: SqlFormat, log: Log, signal: AbortSignal): AsyncIterable<Uint8Array>;
  verify(config: Config, options: VerifyOptions, log: Log, signal: AbortSignal): Promise<VerifyReport>;
}

/** `rows`: JSON arrays, one a line, of names, of types, then of values; `csv` with a head line; `json`: an object a line. */
export type SqlFormat = "rows" | "csv" | "json";

export type AdjustDirection = "forward" | "backward";

export interface BarsRequest {
  readonly code: SecurityCode;
  readonly frequency: ReadFrequency;
  /** Trading days, both inclusive; undefined is without bound. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /** Daily bars and minutes: those of a day by the day's factor. */
  readonly adjust: AdjustDirection | undefined;
  /** The day whose factor divides. Forward: the last day that has a factor unless named; backward: none unless named. */
  readonly anchor: Day | undefined;
  /** Gets the rows as pieces of a Parquet file as well, unless there are none. */
  readonly parquet?: (piece: Uint8Array) => Promise<void>;
}

export interface BarsReport {
  /** In the order in which they are to be shown. */
  readonly columns: readonly string[];
  /** By time. Prices, factors and amounts in yuan and volume in shares, as exact decimal text. */
  readonly rows: readonly BarRecord[];
  /** The factor that divided. */
  readonly anchor: StoredFactor | undefined;
  /** Days that could not be adjusted; undefined when there are none. */
  readonly withoutFactor: DaysWithoutFactor | undefined;
  /** Without rows: what else is stored of the code, if anything is. */
  readonly stored: { readonly from: Day; readonly to: Day; readonly bars: string } | undefined;
}

export interface TicksRequest {
  readonly code: SecurityCode;
  /** The trading day; undefined is the last one that has ticks. */
  readonly day: Day | undefined;
}

export interface TicksReport {
  /** In the order in which they are to be shown. */
  readonly columns: readonly string[];
  /** The day that was looked at; undefined when none was named and none is stored. */
  readonly day: Day | undefined;
  /** In their order. Price in yuan and volume in shares, as exact decimal text. */
  readonly rows: readonly TickRecord[];
  /** Of which days ticks of the code are stored; undefined when there are none. */
  readonly stored: StoredTickDays | undefined;
}

export interface DaysWithoutFactor {
  /** Some have a factor, and of another source than the one that is adjusted with. */
  readonly hasOtherSource: boolean;
  readonly days: number;
  readonly from: Day;
  readonly to: Day;
}

export type { RequestEstimate };

export type { CodeCoverage, CoverageSpan, CoverageState };

export interface CoverageOptions {
  readonly dataSet: CodeDataSet;
  /** Of bars; 1d by default. */
  readonly frequency?: Frequency;
  /** `asked`: every code that the ledger knows; `listed`: those, and every code of the stock list that is listed in the range. */
  readonly codes: readonly SecurityCode[] | "asked" | "listed";
  /** Days, both inclusive; undefined is the earliest and the latest that any of the codes was asked for. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /** One calendar holds for one market: that of the first code by default, and the mainland's where none is named. */
  readonly market?: MarketName;
}

export interface CoverageRange {
  readonly from: Day;
  readonly to: Day;
  readonly isNamed: boolean;
  /** The end that was named, where the trading calendar ends before it: then `to` is the calendar's end. */
  readonly namedTo?: Day | undefined;
}

export interface CoverageReport {
  readonly market: MarketName;
  /** Where its trading days are known from, where nobody publishes them; undefined for the mainland. */
  readonly tradingDays: { readonly source: string; readonly knownTo: Day | undefined } | undefined;
  /** Codes of other markets that were left out. */
  readonly otherMarkets: readonly { readonly market: MarketName; readonly codes: number }[];
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  /** The days looked at; undefined when no day was named and none was ever asked for. */
  readonly range: CoverageRange | undefined;
  /** Nothing is unexplained, failed, overdue or without its row, every code is known, and of a named range every day was asked for. */
  readonly isExplained: boolean;
  /** Sums of all codes; `counts` add up to `expected`. */
  readonly expected: number;
  readonly counts: CoverageCounts;
  /** By code. */
  readonly codes: readonly CodeCoverage[];
  /** Codes that neither the stock list nor the ledger knows. */
  readonly unknownCodes: readonly SecurityCode[];
  /** Pending days that should have been asked for again more than a day ago, and the first of them. */
  readonly overdue: { readonly days: number; readonly since: Day } | undefined;
  /** Codes that no list has any more and that lack days: nobody can be asked for them, so they are not expected. */
  readonly goneCodes: number;
  /** Listed codes that were left out because nobody ever asked for them. */
  readonly neverAsked: number;
  /** Codes whose rows are of other days than the ledger says and that were too many to be compared day by day. */
  readonly codesNotCompared: number;
  /** Days of which a row is stored that the ledger calls neither present nor pending. */
  readonly rowsUnknown: number;
  readonly freshness: CoverageFreshness | undefined;
  /** Days that are missing ÷ expected, held against `quality.missing_threshold_…`; undefined when it is small or `quality.enabled` is false. */
  readonly warning:
    | { readonly level: "warning" | "error"; readonly missing: number; readonly text: string }
    | undefined;
}

export interface CoverageFreshness {
  /** The latest day that any of the codes was asked for. */
  readonly askedTo: Day;
  /** Trading days whose rows are published and that lie after it; undefined where the calendar ends before them. */
  readonly endedSince: number | undefined;
}

/** What `gaps` finds: spans that a request would bring, and one range a code that holds them. */
export interface GapsReport {
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  readonly range: CoverageReport["range"];
  readonly gaps: readonly CoverageSpan[];
  readonly requests: readonly {
    readonly code: SecurityCode;
    readonly from: Day;
    readonly to: Day;
    readonly days: number;
  }[];
  /** Days that the ledger calls present and that have no row: `verify` has to reopen them before a request brings them. */
  readonly rowsMissing: readonly CoverageSpan[];
  readonly unknownCodes: readonly SecurityCode[];
  /** Codes with days that no request can bring, since no list has the code any more. */
  readonly goneCodes: number;
}

export interface AdoptOptions {
  /** Copy the rows of the old tables, with their units converted. */
  readonly copyRows: boolean;
  /** Rename the old tables of ticks, one a code, too. */
  readonly tickTables: boolean;
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

export type RequestKind = "bars" | "ticks" | "factors" | "stock-list" | "calendar";

/** What is to be asked of the worker. */
export interface RequestPlan {
  readonly kind: RequestKind;
  /** `all`: every listed code of the stock list. Empty for stock-list and calendar, else at least one without repeats. */
  readonly codes: readonly SecurityCode[] | "all";
  readonly frequency: Frequency;
  readonly range: RangeRequest;
  /** Codes that have a range of their own in place of `range`. */
  readonly ranges?: Readonly<Partial<Record<SecurityCode, RangeRequest>>>;
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
  /** Providers that are out for a worker, by what the workers said last; absent where none is known to be. */
  readonly outages?: readonly OutageSeen[];
  /** Calls of all workers that are under way or wait for the budget, by what they said last; absent where none is known. */
  readonly callsNow?: readonly CallsSeen[];
  /** Only in a state that says nothing new: for 15 s no message of the request was settled, and no worker is known to be at work. Said once. */
  readonly isQuiet?: true;
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
