import type { Day } from "./day.ts";
import type { Frequency } from "./frequency.ts";
import type { ProviderName } from "./provider.ts";
import type { DataSet } from "./rows.ts";
import type { MarketName } from "./market.ts";
import type { SecurityCode } from "./security-code.ts";

/** What is known of a trading day of a code. A day in no span is unknown, hence missing. */
export const LEDGER_STATES = [
  "present",
  "no-trade",
  "suspended",
  "before-listing",
  "after-delisting",
  "pending",
  "unexplained-empty",
  "failed",
] as const;
export type LedgerState = (typeof LEDGER_STATES)[number];

/** States that need no further call. */
export const COVERED_STATES: ReadonlySet<LedgerState> = new Set([
  "present",
  "no-trade",
  "suspended",
  "before-listing",
  "after-delisting",
]);

export interface Evidence {
  readonly provider: ProviderName;
  /** The call that showed it; empty for what follows from the stock list alone. */
  readonly callId: string;
  /** Microseconds since the epoch of the budget's clock when that call was granted. */
  readonly version: bigint;
  /** In words, such as `complete answer of 8242 rows, rows before and after`. */
  readonly note: string;
}

/** Days `from` to `to`, both inclusive, in one state. Spans of a key are sorted and never overlap. */
export interface Span {
  readonly from: Day;
  readonly to: Day;
  readonly state: LedgerState;
  readonly evidence: Evidence;
  /** `pending` only: epoch milliseconds from which on it is worth asking again. */
  readonly askAgainAtMs?: number;
}

/**
 * What the ledger keeps spans for; `code` is empty for lists of the mainland, and the market for the calendar of another
 * one.
 */
export interface LedgerKey {
  readonly dataSet: DataSet;
  readonly frequency: Frequency;
  readonly code: SecurityCode | Exclude<MarketName, "CN"> | "";
}

export function ledgerKeyText(key: LedgerKey): string {
  return `${key.dataSet}/${key.frequency}/${key.code}`;
}
