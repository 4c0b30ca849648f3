import type { Day } from "./day.ts";
import type { Frequency } from "./frequency.ts";
import type { MarketName } from "./market.ts";
import type { ProviderName } from "./provider.ts";
import type { DataSet } from "./rows.ts";
import type { SecurityCode } from "./security-code.ts";

/** Data sets that are asked for per code and day, and have a ledger. */
export type CodeDataSet = Extract<DataSet, "bars" | "ticks" | "adjustment-factors">;

/** Calendar days `from` to `to`, both inclusive; a run of trading days begins and ends on one. */
export interface DaySpan {
  readonly from: Day;
  readonly to: Day;
}

/**
 * One thing missing: a data set of a code over a span of days. What is missing is `missing`; `from` and `to` may lie a
 * few days outside of it, on days that are there already: a complete answer with rows on both sides proves that a
 * day without a row in between had no trade.
 */
export interface Unit {
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  readonly code: SecurityCode;
  readonly from: Day;
  readonly to: Day;
  /** How many trading days lie in the span: what the answer may be long. */
  readonly tradingDays: number;
  /** The runs of trading days to bring, sorted, apart, all within `from` and `to`; at least one. Runs, since a backfill has 8,000 days. */
  readonly missing: readonly DaySpan[];
  readonly provider: ProviderName;
  /** An answer for the whole market lacked the code: only one that names it says anything new. */
  readonly isByCodeOnly?: true;
}

/** Which rows one request to a provider asks for. */
export type Selection =
  | { readonly by: "codes"; readonly codes: readonly SecurityCode[]; readonly from: Day; readonly to: Day }
  /** The whole market on one day. */
  | { readonly by: "day"; readonly day: Day }
  /** Everything there is between two days; of a trading calendar that of `market`, which is the mainland's where it is absent. */
  | { readonly by: "range"; readonly from: Day; readonly to: Day; readonly market?: MarketName }
  /** A list without days: instruments of one status. */
  | { readonly by: "status"; readonly status: "listed" | "delisted" | "paused" };

/** One request to a provider; its answer is a page. */
export interface Call<D extends DataSet = DataSet> {
  readonly dataSet: D;
  readonly frequency: Frequency;
  readonly selection: Selection;
  /** Rows to skip, only where nothing else can split the call. */
  readonly offset?: number;
  /** Which api of the provider is asked, where several have the same rows; absent, the first that has them. */
  readonly api?: string;
}
