import type { Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";

/** An answer later than this counts as none. */
export const ANSWER_MS_MAX = 2_000;

/**
 * What Redis answers, or a TransientError after `ms`, or the signal's reason. A server that hangs would hold up every
 * caller; what it answers late is ignored.
 */
export async function answerWithin<T>(
  command: Promise<T>,
  ms: number,
  doing: string,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T> {
  const over = new AbortController();
  const stop = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal]);
  const late = clock.sleep(ms, stop).then(() => {
    throw new TransientError(`${doing}: no answer in ${ms} ms`);
  });
  command.catch(() => undefined);
  late.catch(() => undefined);
  try {
    return await Promise.race([command, late]);
  } finally {
    over.abort();
  }
}
