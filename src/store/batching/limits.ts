import type { RetryWaits } from "../../base/jitter.ts";

/** When a batch goes out, and how much may wait. */
export interface BatchLimits {
  /** Rows at which a batch is ready; twice as many go out at once. */
  readonly rowsReady: number;
  /** Rows one batch holds at most, unless a single caller brings more: what belongs together is not cut here. */
  readonly rowsMax: number;
  /** Estimated bytes at which a batch goes out at once. */
  readonly bytesMax: number;
  /** How old a batch gets at most when it began while nothing was being written. */
  readonly ageMsIdle: number;
  /** The same when it began while another batch was being written. */
  readonly ageMsMax: number;
  /** A batch waits no longer than this for a next row: then nothing else is arriving. */
  readonly quietMs: number;
  /** Rows taken and not yet durable, over all tables; whoever brings more waits. */
  readonly rowsInHandMax: number;
  /** Between tries of what the store could not do; RETRY_WAITS_DEFAULT by default. */
  readonly retryWaits?: RetryWaits;
}

export const BATCH_LIMITS_DEFAULT: BatchLimits = {
  rowsReady: 1_000,
  rowsMax: 100_000,
  bytesMax: 16 * 1024 * 1024,
  ageMsIdle: 100,
  ageMsMax: 1_000,
  quietMs: 5,
  rowsInHandMax: 200_000,
};
