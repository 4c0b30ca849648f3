import type { Clock } from "./clock.ts";
import { describeError, TransientError } from "./errors.ts";
import { fullJitterMs, type RetryWaits } from "./jitter.ts";
import type { Log, LogFields } from "./log.ts";

export interface RetryParts {
  readonly clock: Clock;
  readonly log: Log;
  /** What is being done, in a few words, for the log. */
  readonly doing: string;
  /** RETRY_WAITS_DEFAULT by default. */
  readonly waits?: RetryWaits | undefined;
  /** Hears of each failure that is waited out. */
  readonly onFailed?: (error: TransientError) => FailureAdvice | undefined;
}

export interface FailureAdvice {
  /** How long to wait, where the usual is not right. */
  readonly waitMs?: number | undefined;
  /** What the log's line says besides. */
  readonly fields?: LogFields;
}

/**
 * Does `act` until it passes, however long that takes: what fails with a TransientError is waited out, one warn line
 * each, full jitter between tries. Anything else is thrown at once, and so is the signal's reason.
 */
export async function untilPassed<T>(act: () => Promise<T>, parts: RetryParts, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await act();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TransientError)) {
        throw error;
      }
      const advice = parts.onFailed?.(error);
      const waitMs = advice?.waitMs ?? error.retryAfterMs ?? fullJitterMs(attempt, parts.waits);
      parts.log.warn("failed, trying again", {
        doing: parts.doing,
        attempt,
        waitMs: Math.round(waitMs),
        kind: error.name,
        why: describeError(error),
        ...advice?.fields,
      });
      await parts.clock.sleep(waitMs, signal);
    }
  }
}
