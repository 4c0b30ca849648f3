import { Temporal } from "temporal-polyfill";

import type { Clock } from "../../src/base/clock.ts";

/** Time that stands still until it is moved; sleeps end when it has come so far. */
export class ManualClock implements Clock {
  #elapsedMs = 0;
  readonly #startedMs: number;
  readonly #sleepers = new Map<() => void, number>();

  constructor(at = "2026-03-02T00:00:00Z") {
    this.#startedMs = Temporal.Instant.from(at).epochMilliseconds;
  }

  now(): Temporal.Instant {
    return Temporal.Instant.fromEpochMilliseconds(this.nowMs());
  }

  nowMs(): number {
    return Math.floor(this.#startedMs + this.#elapsedMs);
  }

  elapsedMs(): number {
    return this.#elapsedMs;
  }

  get sleepers(): number {
    return this.#sleepers.size;
  }

  /** Sleeps end in the order in which they are due, each with all that follows from it. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settled();
    for (;;) {
      const dueMs = Math.min(...this.#sleepers.values());
      if (dueMs > untilMs) {
        break;
      }
      this.#elapsedMs = Math.max(this.#elapsedMs, dueMs);
      for (const [wake] of [...this.#sleepers].filter(([, atMs]) => atMs === dueMs)) {
        this.#sleepers.delete(wake);
        wake();
      }
      await settled();
    }
    this.#elapsedMs = untilMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#sleepers.delete(wake);
        reject(signal?.reason as Error);
      };
      const wake = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      if (signal?.aborted === true) {
        abort();
        return;
      }
      this.#sleepers.set(wake, this.#elapsedMs + ms);
      signal?.addEventListener("abort", abort, { once: true });
    });
  }
}

/** What follows from a sleep that ended without waiting for the world, also over some turns of the event loop. */
const TURNS = 25;

async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
