import type { DeadLetterReason } from "./dead-letter.ts";
import type { ProviderName } from "./provider.ts";

/**
 * What became of a message. `stored`: rows were written or found equal. `up-to-date`: nothing was missing.
 * `pending`: some days are not published yet, the rest is stored. `unexplained`: some days stay empty and nothing explains it, a row
 * of them was rejected, or nobody of the chain keeps them.
 */
export const OUTCOMES = ["stored", "up-to-date", "pending", "unexplained", "ignored", "dead-letter"] as const;
export type OutcomeWord = (typeof OUTCOMES)[number];

export interface Tally {
  readonly new: number;
  readonly same: number;
  readonly revised: number;
  readonly rejected: number;
}

export interface Outcome {
  readonly word: OutcomeWord;
  readonly rows: Tally;
  /** The provider calls that this message took part in; messages that share a call name the same one. */
  readonly callIds: readonly string[];
  readonly provider: ProviderName | undefined;
  readonly ms: number;
  /** Days that are still not there: pending and unexplained ones. */
  readonly pendingDays: number;
  readonly unexplainedDays: number;
  readonly reason: DeadLetterReason | undefined;
}

export const NO_ROWS: Tally = { new: 0, same: 0, revised: 0, rejected: 0 };
