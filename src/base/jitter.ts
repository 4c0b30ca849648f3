/** How long may be waited between tries; the settings `worker.retry_wait_ms`, `retry_backoff_factor`, `retry_wait_ms_max`. */
export interface RetryWaits {
  /** The longest first wait. */
  readonly waitMs: number;
  /** Each wait may be so many times as long as the one before. */
  readonly factor: number;
  readonly waitMsMax: number;
}

export const RETRY_WAITS_DEFAULT: RetryWaits = { waitMs: 1_000, factor: 2, waitMsMax: 30_000 };

/**
 * Full jitter: any wait between 0 and min(waitMsMax, waitMs × factor^(attempt − 1)), so that many that failed together do
 * not return together. The first attempt is 1.
 */
export function fullJitterMs(
  attempt: number,
  { waitMs, factor, waitMsMax }: RetryWaits = RETRY_WAITS_DEFAULT,
  random: () => number = Math.random,
): number {
  return random() * Math.min(waitMsMax, waitMs * factor ** (attempt - 1));
}
