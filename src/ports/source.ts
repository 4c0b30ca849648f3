import type { Frequency } from "../domain/frequency.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { DataSet, RejectedRow, RowOf } from "../domain/rows.ts";
import type { Call } from "../domain/unit.ts";
import type { ZoneName } from "../domain/day.ts";

/** What a provider can answer for one data set, and the bounds of one call. */
export interface Capability {
  readonly dataSet: DataSet;
  readonly frequency: Frequency;
  /** The provider's own name for it; budgets are kept per (provider, api). */
  readonly api: string;
  /** Rows one answer holds at most. An answer of exactly so many is never taken for the whole. */
  readonly rowsMax: number;
  /** Codes one call may name; 0 when it cannot name any. */
  readonly codesMax: number;
  /** Answers the whole market for one day in one call. */
  readonly byDay: boolean;
  /** Local time of day, `HH:MM`, from which on a day's rows are complete, in `zone`. */
  readonly completeFrom: string;
  readonly zone: ZoneName;
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
}

/**
 * One provider. It makes one request a call and never retries, waits or counts: that is the caller's.
 * Throws TransientError (also RateLimitError), PermanentError with scope "provider" (credentials) or "api" (rights),
 * DataError when the provider says that this request is wrong.
 */
export interface Source extends AsyncDisposable {
  readonly provider: ProviderName;
  readonly capabilities: readonly Capability[];
  fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>>;
}
