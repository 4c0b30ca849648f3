import { TransientError, type ErrorDetails } from "../base/errors.ts";
import type { ProviderName } from "../domain/provider.ts";

/** A budget is shared by all workers that use one token for one api of one provider. */
export interface BudgetKey {
  readonly provider: ProviderName;
  readonly api: string;
}

/** At most `calls` in any window of `windowMs`, wherever the window begins. */
export interface CallLimit {
  readonly calls: number;
  readonly windowMs: number;
}

export interface Grant {
  /** Microseconds since the epoch of the budget's clock; the version of every row the call brings. Rises strictly within a process. */
  readonly grantedAtMicros: bigint;
  readonly callsLeft: number;
  readonly waitedMs: number;
}

/** Hands out provider calls. */
export interface Budget extends AsyncDisposable {
  /**
   * Waits its turn, first come first served within a process. Rejects with the signal's reason when it aborts. `onWait` is
   * told how long the next grant takes at the least, whenever that is asked and known; it must not throw.
   */
  acquire(key: BudgetKey, signal: AbortSignal, onWait?: (waitMs: number) => void): Promise<Grant>;
  /** A provider named another limit: from now on the smaller of the two holds, for all workers. Says so once in the log. */
  lower(key: BudgetKey, limit: CallLimit, signal: AbortSignal): Promise<void>;
  /** No call of this key before `ms` have passed, for all workers. */
  pause(key: BudgetKey, ms: number, signal: AbortSignal): Promise<void>;
}

/** A budget that also says what is going on; answered from memory. */
export interface WatchedBudget extends Budget {
  /** Each key that was ever asked for. */
  states(): readonly BudgetState[];
}

export interface BudgetState {
  readonly key: BudgetKey;
  /** Callers of this process that wait for a call. */
  readonly waiting: number;
  /** Calls that are free now, as far as this process knows: what others took since its last question it does not. */
  readonly callsLeft: number;
}

/** A provider refused a call because too many were made. */
export class RateLimitError extends TransientError {
  override readonly name = "RateLimitError";
  /** The limit the provider named, where it named one. */
  readonly limit: CallLimit | undefined;

  constructor(
    message: string,
    limit: CallLimit | undefined,
    details: ErrorDetails & { readonly retryAfterMs: number },
  ) {
    super(message, details);
    this.limit = limit;
  }
}
