import type { Clock } from "../../base/clock.ts";

/** Keeps the starts of requests apart. */
export interface Pace {
  /** Resolves when a request may start, and takes that start. */
  take(signal: AbortSignal): Promise<void>;
  /** Resolves when one might start. */
  ready(signal: AbortSignal): Promise<void>;
}

export function createPace(clock: Clock, pauseMs: number): Pace {
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
      nextAtMs = atMs + pauseMs;
      await wait(atMs, signal);
    },
    ready: (signal) => wait(nextAtMs, signal),
  };
}

/**
 * How long to stay away after a refusal: from `first`, doubled with each that follows without a success between, up to
 * `last`. Requests that were under way when the first of them came back count with it.
 */
export class Penalty {
  readonly #firstMs: number;
  readonly #lastMs: number;
  #nextMs: number;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #waitMs = 0;

  constructor({ firstMs, lastMs }: { readonly firstMs: number; readonly lastMs: number }) {
    this.#firstMs = firstMs;
    this.#lastMs = lastMs;
    this.#nextMs = firstMs;
  }

  succeeded(startedAtMs: number): void {
    if (startedAtMs >= this.#refusedAtMs) {
      this.#nextMs = this.#firstMs;
    }
  }

  /** The wait that this refusal asks for. */
  refused(startedAtMs: number, nowMs: number): number {
    if (startedAtMs >= this.#refusedAtMs) {
      this.#waitMs = this.#nextMs;
      this.#nextMs = Math.min(2 * this.#nextMs, this.#lastMs);
      this.#refusedAtMs = nowMs;
    }
    return this.#waitMs;
  }
}
