import type { Clock } from "../../base/clock.ts";
import { withDeadline } from "../../base/deadline.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Queue } from "../../ports/queue.ts";
import type { LagBook } from "./lag-book.ts";

export interface LagWatchOptions {
  readonly queue: Pick<Queue, "lag">;
  readonly book: LagBook;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

const ANSWER_MS = 10_000;

/** Asks the queue from time to time where its partitions end, beside the work, so that a scrape waits for nobody. */
export function watchLag({ queue, book, everyMs, clock, log }: LagWatchOptions): AsyncDisposable {
  const ended = new AbortController();
  const { signal } = ended;
  const look = async (): Promise<void> => {
    const over = new AbortController();
    try {
      const stop = AbortSignal.any([signal, over.signal]);
      const lags = await withDeadline(queue.lag(stop), ANSWER_MS, "asking for the lag", clock, signal);
      book.learn(lags, clock.nowMs());
    } catch (error) {
      if (!signal.aborted) {
        // Readiness tells of a queue that is away, and the age of what is known tells how old it is.
        log.debug("lag is not known", { why: describeError(error) });
      }
    } finally {
      over.abort();
    }
  };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await look();
      await clock.sleep(everyMs, signal).catch(() => undefined);
    }
  };
  const looping = loop();
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await looping;
    },
  };
}
