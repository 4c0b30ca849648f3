import type { Clock } from "./clock.ts";
import { TransientError } from "./errors.ts";

/** Node's timers take no more, and fire at once instead: 24.8 days. */
const TIMER_MS_MAX = 2_147_483_647;

/**
 * The outcome of `promise`, or a TransientError after `ms`, or the signal's reason. Promises of a client
 * may never settle (a server that hangs, a stream closed after an outage, a partition without a leader), so nothing
 * waits for them without this. What the promise does after that is ignored.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  ms: number,
  doing: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T> {
  const over = new AbortController();
  const stop = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const deadline = clock.sleep(Math.min(ms, TIMER_MS_MAX), stop).then(() => {
    throw new TransientError(`${doing}: no answer within ${ms} ms`);
  });
  promise.catch(() => undefined);
  deadline.catch(() => undefined);
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    over.abort();
  }
}
