import type { Clock } from "../../base/clock.ts";

/** Keeps the starts of requests apart. */
export interface Pace {
  /** Resolves when a request may start, and takes that start; who is aborted while waiting gives it back. */
  take(signal: AbortSignal): Promise<void>;
  /** Resolves when one might start. */
  ready(signal: AbortSignal): Promise<void>;
}

export interface PaceOptions {
  /** Least time between two starts. */
  readonly pauseMs: number;
  /** So much of it more at most, at random; 0 by default. */
  readonly spread?: number;
  /** From 0 up to 1. Default Math.random. */
  readonly random?: () => number;
}

export function createPace(clock: Clock, { pauseMs, spread = 0, random = Math.random }: PaceOptions): Pace {
  let nextAtMs = Number.NEGATIVE_INFINITY;
  const wait = async (atMs: number, signal: AbortSignal): Promise<void> => {
    const left = atMs - clock.elapsedMs();
    if (left > 0) {
      await clock.sleep(left, signal);
    }
  };
  return {
    take: async (signal) => {
      signal.throwIfAborted();
      const atMs = Math.max(nextAtMs, clock.elapsedMs());
      const afterMs = atMs + pauseMs * (1 + spread * random());
      nextAtMs = afterMs;
      try {
        await wait(atMs, signal);
      } catch (error) {
        // Only the last start can be given back: those behind it have theirs.
        nextAtMs = nextAtMs === afterMs ? atMs : nextAtMs;
        throw error;
      }
    },
    ready: (signal) => wait(nextAtMs, signal),
  };
}
