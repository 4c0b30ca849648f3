import type { Day, ZoneName } from "../domain/day.ts";
import type { Frequency } from "../domain/frequency.ts";
import type { InstrumentKind } from "../domain/instrument-kind.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { DataSet, RejectedRow, RowOf, Suspension } from "../domain/rows.ts";
import type { Exchange, SecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";

/** What a provider can answer for one data set at one frequency, and the bounds of one call. */
export interface Capability {
  readonly dataSet: DataSet;
  /** Of bars; `1d` for everything else, which is kept by the day. */
  readonly frequency: Frequency;
  /** The provider's own name for it; budgets and breakers are kept per (provider, api). */
  readonly api: string;
  /**
   * Rows one call brings at most, in as many pages as it takes. A single page of exactly its cap is never taken for the
   * whole.
   */
  readonly rowsMax: number;
  /** Rows of one page, where the rest of a call comes in further ones and the budget counts each as a call. */
  readonly pageRowsMax?: number;
  /** Rows that one code has on a full trading day: 1 for daily bars, 240 for minutes, a large guess for ticks. */
  readonly rowsPerDay: number;
  /** Codes one call may name; 0 when it cannot name any. */
  readonly codesMax: number;
  /** Answers the whole market for one day in one call. */
  readonly byDay: boolean;
  /** Rows that such an answer holds at most, where that is not `rowsMax`. */
  readonly dayRowsMax?: number;
  /** Local time of day, `HH:MM`, from which on a day's rows are complete, in `zone`. */
  readonly completeFrom: string;
  readonly zone: ZoneName;
  readonly exchanges: readonly Exchange[];
  /** Of a stock list those of which it has every code: what it lacks of them does not exist. It may hold others besides. */
  readonly kinds: readonly InstrumentKind[];
  /** Its first day; undefined where it reaches back to the listing. */
  readonly since: Day | undefined;
  /** It keeps the newest trading days only, about so many; undefined where it keeps all. */
  readonly daysKept?: number;
  /**
   * Adjustment factors only: rows stand on ex-days, and each holds until the next one. Otherwise there is a row for every
   * trading day.
   */
  readonly isByEvent?: boolean;
  /**
   * An answer may come empty, or lack rows at its end, and look like a whole one all the same. What such an answer leaves
   * without a reason is asked for again before it is judged.
   */
  readonly isSilentlyShort?: boolean;
  /**
   * An answer may lack a row in its middle and look like a whole one. That a day between two rows has none is asked again
   * before it is believed. Only where `isSilentlyShort` is said as well.
   */
  readonly hasHoles?: boolean;
  /** Of bars within the day: there is none of an interval without a trade, so that fewer than `rowsPerDay` are no short day. */
  readonly skipsIdleBars?: boolean;
}

/** What a provider answers to one call. */
export interface Page<D extends DataSet = DataSet> {
  readonly dataSet: D;
  readonly rows: readonly RowOf[D][];
  readonly rejected: readonly RejectedRow[];
  /** Rows in the answer before any check. */
  readonly received: number;
  /**
   * Empty when this page and the call are complete. Otherwise the calls that bring what the answer was cut off from;
   * their rows may repeat rows of this page.
   */
  readonly rest: readonly Call<D>[];
  /** Days of which the answer itself says that the code did not trade; absent where it says nothing of the kind. */
  readonly suspensions?: readonly Suspension[];
}

/**
 * One provider. It makes one request a call, or as many as it takes where a part of the answer means nothing by itself
 * (the ticks of a day), and never retries, waits for a budget or counts: that is the caller's.
 * Throws TransientError (also RateLimitError), PermanentError with scope "provider" (credentials) or "api" (rights),
 * DataError when the provider says that this request is wrong, RangeError for a call it never offered.
 */
export interface Source extends AsyncDisposable {
  readonly provider: ProviderName;
  readonly capabilities: readonly Capability[];
  fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>>;
  /** Leaves the service until the next fetch: no connection stays open. Only while no fetch is under way. */
  rest?(): Promise<void>;
  /**
   * Absent where a call may be made at any time. Resolves when one may be made at once, as far as can be foreseen, or when
   * waiting does not help: then `fetch` says why. Throws the signal's reason only.
   */
  readonly ready?: (signal: AbortSignal) => Promise<void>;
  /** What it says beside the data sets: for a person who asks, never planned nor stored. */
  readonly inquiries?: readonly Inquiry[];
}

/** One question that a person may ask a provider (`gdw ask`). */
export interface Inquiry {
  /** Such as `quotes` or `dividends`. */
  readonly name: string;
  /** One line of help, in lower case and without a full stop. */
  readonly help: string;
  /** What it wants to be given; `codes` are of any kind that the provider has. */
  readonly wants: readonly ("codes" | "day" | "range")[];
  /** What of it may not be left out besides the codes; a range without its last day goes to today. */
  readonly needs?: readonly ("day" | "from")[];
  /** Rows in the provider's order, columns by name, every value as text in canonical units; throws as `fetch` does. */
  ask(question: Question, signal: AbortSignal): Promise<readonly Readonly<Record<string, string>>[]>;
}

export interface Question {
  readonly codes: readonly SecurityCode[];
  readonly day: Day | undefined;
  readonly from: Day | undefined;
  readonly to: Day | undefined;
}
