import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";

export interface Patience {
  /** How long a dependency may be away at start. */
  readonly waitMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const TRY_EVERY_MS = 500;
const SAY_EVERY_MS = 5_000;

/**
 * Opens a dependency, trying for `waitMs` while it is away, with a line every 5 s. What needs a person is thrown at
 * once; after the wait the last TransientError is, which ends the process with exit code 69.
 */
export async function untilThere<T>(
  what: string,
  open: () => Promise<T>,
  { waitMs, clock, log }: Patience,
  signal: AbortSignal,
): Promise<T> {
  const startedMs = clock.elapsedMs();
  let saidMs = startedMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await open();
    } catch (error) {
      signal.throwIfAborted();
      const nowMs = clock.elapsedMs();
      if (!(error instanceof TransientError) || nowMs - startedMs >= waitMs) {
        throw error;
      }
      if (nowMs - saidMs >= SAY_EVERY_MS) {
        saidMs = nowMs;
        const waitedS = Math.round((nowMs - startedMs) / 1_000);
        log.warn("waiting for a dependency", {
          what,
          waitedS,
          ofS: Math.round(waitMs / 1_000),
          why: describeError(error),
        });
      }
      await clock.sleep(TRY_EVERY_MS, signal);
    }
  }
}
