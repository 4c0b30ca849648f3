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
 * Opens a dependency, trying for `waitMs` while it is away. Every 5 s a line says what is waited for and why, also while
 * one attempt takes long. What needs a person is thrown at once; after the wait the last TransientError is, which ends
 * the process with exit code 69.
 */
export async function untilThere<T>(
  what: string,
  open: () => Promise<T>,
  patience: Patience,
  signal: AbortSignal,
): Promise<T> {
  const { waitMs, clock } = patience;
  const startedMs = clock.elapsedMs();
  const waiting: Waiting = { what, startedMs, why: undefined };
  const over = new AbortController();
  const saying = sayWhileWaiting(waiting, patience, AbortSignal.any([signal, over.signal]));
  try {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await open();
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof TransientError) || clock.elapsedMs() - startedMs >= waitMs) {
          throw error;
        }
        waiting.why = error;
        await clock.sleep(TRY_EVERY_MS, signal);
      }
    }
  } finally {
    over.abort();
    await saying;
  }
}

interface Waiting {
  readonly what: string;
  readonly startedMs: number;
  /** Of the last attempt that ended. */
  why: TransientError | undefined;
}

async function sayWhileWaiting(waiting: Waiting, { waitMs, clock, log }: Patience, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await clock.sleep(SAY_EVERY_MS, over).catch(() => undefined);
    if (!over.aborted) {
      log.warn("waiting for a dependency", {
        what: waiting.what,
        waitedS: Math.round((clock.elapsedMs() - waiting.startedMs) / 1_000),
        ofS: Math.round(waitMs / 1_000),
        why: waiting.why === undefined ? "no answer yet" : describeError(waiting.why),
      });
    }
  }
}
