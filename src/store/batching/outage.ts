import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";

/** One piece of work that is tried until it passes. */
export interface Trying {
  failed(error: unknown): void;
  /** It passed, or nobody waits for it any more. */
  end(): void;
}

/**
 * How long something could not be written: from the first try that failed to the next that passed. Of several pieces of
 * work the time counts once; it is over when none of them is failing.
 */
export class Outage {
  readonly #clock: Clock;
  readonly #failing = new Map<Trying, string>();
  #sinceMs: number | undefined;
  /** When the last one ended; no moment counts twice. */
  #overAtMs = 0;
  #beforeMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): Trying {
    const startedMs = this.#clock.elapsedMs();
    const trying: Trying = {
      failed: (error) => {
        this.#sinceMs ??= Math.max(startedMs, this.#overAtMs);
        this.#failing.delete(trying);
        this.#failing.set(trying, describeError(error));
      },
      end: () => {
        this.#failing.delete(trying);
        if (this.#failing.size === 0 && this.#sinceMs !== undefined) {
          this.#overAtMs = this.#clock.elapsedMs();
          this.#beforeMs += this.#overAtMs - this.#sinceMs;
          this.#sinceMs = undefined;
        }
      },
    };
    return trying;
  }

  get isAway(): boolean {
    return this.#sinceMs !== undefined;
  }

  get awayForMs(): number | undefined {
    return this.#sinceMs === undefined ? undefined : this.#clock.elapsedMs() - this.#sinceMs;
  }

  /** Milliseconds so far, with what is going on now. */
  get totalMs(): number {
    return this.#beforeMs + (this.awayForMs ?? 0);
  }

  /** Of what fails now, the one that failed last. */
  get lastError(): string | undefined {
    return [...this.#failing.values()].at(-1);
  }
}
