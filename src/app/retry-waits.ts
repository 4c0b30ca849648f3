import type { RetryWaits } from "../base/jitter.ts";
import type { Config } from "../config.ts";

/** How the settings want tries to be spaced, wherever something is tried again. */
export function retryWaitsOf({ worker }: Pick<Config, "worker">): RetryWaits {
  return { waitMs: worker.retryWaitMs, factor: worker.retryBackoffFactor, waitMsMax: worker.retryWaitMsMax };
}
