export interface PenaltyOptions {
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * How long to stay away after a refusal: from `firstMs`, doubled with each that follows without a success between, up to
 * `lastMs`. Requests that were under way when the first of them came back count with it.
 */
export class Penalty {
  readonly #firstMs: number;
  readonly #lastMs: number;
  #nextMs: number;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #waitMs = 0;

  constructor({ firstMs, lastMs }: PenaltyOptions) {
    this.#firstMs = Math.min(firstMs, lastMs);
    this.#lastMs = lastMs;
    this.#nextMs = this.#firstMs;
  }

  /** An answer to a request of that time. */
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
