export interface ErrorRunLimits {
  /** Fewer failures are no run. */
  readonly failuresMin: number;
  readonly withinMs: number;
}

const LIMITS: ErrorRunLimits = { failuresMin: 10, withinMs: 300_000 };

/** What became of a message: done or the sender's own fault, or failed for a reason that is not the sender's. */
export type Settled = "fine" | "failed";

/**
 * Sees a run of errors: `failuresMin` messages or more were settled within `withinMs`, and every one of them failed for
 * a reason that is not the sender's. It ends with the first that does not, and by itself when the failures are older
 * than that. Keeps a bounded number of instants, however many messages come.
 */
export class ErrorRun {
  readonly #limits: ErrorRunLimits;
  /** Of the latest failures, the oldest first; at most `failuresMin`. */
  #failedAtMs: number[] = [];
  #fineAtMs = -Infinity;
  #failures = 0;

  constructor(limits: Partial<ErrorRunLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  settled(what: Settled, atMs: number): void {
    if (what === "fine") {
      this.#fineAtMs = atMs;
      this.#failedAtMs = [];
      this.#failures = 0;
      return;
    }
    this.#failures += 1;
    this.#failedAtMs.push(atMs);
    if (this.#failedAtMs.length > this.#limits.failuresMin) {
      this.#failedAtMs.shift();
    }
  }

  /** Since when, and how many failed without anything between them; undefined when there is no run now. */
  at(nowMs: number): { readonly failures: number } | undefined {
    const { failuresMin, withinMs } = this.#limits;
    const [oldest] = this.#failedAtMs;
    const isRun =
      this.#failedAtMs.length === failuresMin &&
      oldest !== undefined &&
      nowMs - oldest <= withinMs &&
      nowMs - this.#fineAtMs > withinMs;
    return isRun ? { failures: this.#failures } : undefined;
  }
}
