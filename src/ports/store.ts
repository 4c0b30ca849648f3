import type { AdjustmentFactor, Bar, CalendarDay, Instrument, RejectedRow, Tick } from "../domain/rows.ts";
import type { DeadLetterReason } from "../domain/dead-letter.ts";
import type { Day } from "../domain/day.ts";
import type { MarketNumber, SourceNumber } from "../domain/enums.ts";
import type { LedgerKey, Span } from "../domain/ledger.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { SecurityCode } from "../domain/security-code.ts";

/** Where a row comes from. */
export interface Provenance {
  /** Microseconds since the epoch of the budget's clock at which the call was granted; the newer version of a row wins. */
  readonly version: bigint;
  readonly callId: string;
  readonly requestId: string;
}

/** A row on its way to its table; one batch may mix them. */
export type Model =
  | { readonly model: "bar"; readonly row: Bar; readonly provenance: Provenance }
  | { readonly model: "tick"; readonly row: Tick; readonly provenance: Provenance }
  | { readonly model: "adjustment-factor"; readonly row: AdjustmentFactor; readonly provenance: Provenance }
  | { readonly model: "instrument"; readonly row: Instrument; readonly provenance: Provenance }
  | { readonly model: "calendar-day"; readonly row: CalendarDay; readonly provenance: Provenance };

/**
 * What became of a row: `new` key, `same` value as stored (nothing was written), `revised` (a changed value was written,
 * counted and logged with old and new), `rejected` (the store refused the row alone; it is in quarantine).
 */
export type RowOutcome = "new" | "same" | "revised" | "rejected";

/**
 * What a store that is there has too much of: `parts` to merge, `memory` in use, `time` that one statement takes, or
 * `queries` at once.
 */
export type PressureKind = "parts" | "memory" | "time" | "queries";

export interface WriteOptions {
  /** One insert holds at most so many rows, where that is fewer than the store would take by itself. */
  readonly rowsPerInsertMax?: number;
  /**
   * A batch that is given up, in which these models stood from `from` on. It may have stored some of them, so of what is
   * the same now the outcome is what that batch found.
   */
  readonly failed?: { readonly models: readonly Model[]; readonly from: number } | undefined;
}

/** How writing is getting on, for readiness, status, metrics and deadlines. */
export interface StoreHealth {
  /** Some rows could not be written at their last try, for whatever reason that passes, and wait for the next one. */
  readonly isAway: boolean;
  /** Since when; undefined while it is not. */
  readonly awayForMs: number | undefined;
  /** Milliseconds so far in which it was; no deadline of a message should count them. */
  readonly outageMs: number;
  /** What the try that failed last got for an answer; undefined while nothing fails. */
  readonly lastError: string | undefined;
  /** Rows taken and not yet durable. */
  readonly rowsInHand: number;
  /** How long the oldest caller has been waiting; undefined while nobody is. */
  readonly oldestMs: number | undefined;
  /** One of each table that was written to. */
  readonly tables: readonly TableHealth[];
}

export interface TableHealth {
  readonly model: Model["model"];
  /** Undefined while batches are of their usual size. */
  readonly pressure: PressureKind | undefined;
  /** A store that is there has refused these rows for that reason, and they wait for their next try. */
  readonly isRefused: boolean;
  /** Rows one insert may have now. */
  readonly batchRowsMax: number;
  /** How many times as much as usual a batch gathers now before it goes out. */
  readonly gather: number;
}

/** Which tick of a code, day and source it is. */
export interface StoredTick {
  /** Wall clock of the row's zone, as in `Tick`. */
  readonly time: string;
  readonly sequence: number;
}

/** Where rows end. Insert-only and repeatable: the same rows written ten times leave the same rows. */
export interface Store extends AsyncDisposable {
  /**
   * Groups by table, compares with what is stored, inserts what is new or changed. Resolves when all of it is durable,
   * with one outcome for each model, in their order. Throws TransientError (store away, too many parts, memory) or
   * PermanentError; then nothing is promised and the same call can be repeated whole, also with other options.
   */
  addBatch(models: readonly Model[], signal: AbortSignal, options?: WriteOptions): Promise<readonly RowOutcome[]>;
  quarantine(rows: readonly RejectedRow[], provenance: Provenance, signal: AbortSignal): Promise<void>;
  /** The days of which bars (of the key's frequency), ticks or factors of the code are stored, sorted; a day counts whichever source brought it. */
  storedDays(key: LedgerKey, from: Day, to: Day, signal: AbortSignal): Promise<readonly Day[]>;
  /**
   * The ticks of a code, day and source that are stored, removed ones left out, in their order. What a later complete
   * answer of the day does not have is written again with the flag `removed`, since nothing is deleted.
   */
  storedTicks(code: SecurityCode, day: Day, source: SourceNumber, signal: AbortSignal): Promise<readonly StoredTick[]>;
}

/** Instruments and the trading calendar as they are stored. */
export interface ReferenceStore {
  instruments(signal: AbortSignal): Promise<readonly Instrument[]>;
  /** Open and closed days of a market, sorted. */
  calendar(market: MarketNumber, signal: AbortSignal): Promise<readonly CalendarDay[]>;
}

/** A change of what is known of one key. */
export interface LedgerChange {
  readonly key: LedgerKey;
  /**
   * From the spans that are stored at the moment of writing to those that are to be, both sorted and without overlap; so
   * what others wrote since the caller read is not undone. Pure, since it may be asked twice.
   */
  readonly change: (stored: readonly Span[]) => readonly Span[];
}

export interface Ledger {
  /** Spans by `ledgerKeyText`, sorted by day, without overlap; a key nothing is known of is absent. */
  read(keys: readonly LedgerKey[], signal: AbortSignal): Promise<ReadonlyMap<string, readonly Span[]>>;
  /** Changes of one key count in their order. Durable when it resolves. */
  write(changes: readonly LedgerChange[], signal: AbortSignal): Promise<void>;
}

/** One message of the queue, by where it stands and what it is: a topic made anew starts at offset 0 again. */
export interface MessageIdentity {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Hash of consumer group, key, value and timestamp. */
  readonly fingerprint: string;
}

export interface OutcomeRecord {
  readonly message: MessageIdentity;
  readonly requestId: string;
  readonly command: string;
  readonly codes: readonly SecurityCode[];
  readonly outcome: Outcome;
  readonly settledAtMs: number;
  readonly reason: DeadLetterReason | undefined;
}

/** Outcome records: what `request --wait` reads, and why a restart makes no provider call again. */
export interface Outcomes {
  record(records: readonly OutcomeRecord[], signal: AbortSignal): Promise<void>;
  /** Fingerprints by offset of the messages of a partition at or above `fromOffset` that were settled before. */
  settledFrom(
    topic: string,
    partition: number,
    fromOffset: bigint,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<bigint, ReadonlySet<string>>>;
  byRequest(requestId: string, signal: AbortSignal): Promise<readonly OutcomeRecord[]>;
}

/** What a person did with a dead letter. `message` is the letter's own place, in the topic of dead letters. */
export interface HandledLetter {
  readonly message: MessageIdentity;
  readonly action: LetterAction;
  readonly atMs: number;
  /** In the words of whoever did it, or empty. */
  readonly note: string;
}

export const LETTER_ACTIONS = ["redriven", "discarded"] as const;
export type LetterAction = (typeof LETTER_ACTIONS)[number];

/** Which dead letters are done with: a record of a topic cannot be deleted. */
export interface HandledLetters {
  /** Durable when it resolves. A letter recorded twice keeps the later action. */
  record(handled: readonly HandledLetter[], signal: AbortSignal): Promise<void>;
  /** All of one topic of dead letters; none where nothing was ever recorded. */
  of(topic: string, signal: AbortSignal): Promise<readonly HandledLetter[]>;
}
