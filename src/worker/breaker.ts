import { fullJitterMs, type RetryWaits } from "../base/jitter.ts";

export interface BreakerLimits {
  /** So many failures in a row open it. */
  readonly failuresToOpen: number;
  /** Pauses between probes: full jitter, growing to a maximum. */
  readonly pauses: RetryWaits;
}

export type BreakerWord = "closed" | "open" | "half-open";

/** A call that was let through. What it came to counts only while nothing has changed since. */
export interface Pass {
  readonly era: number;
}

export interface Failure {
  readonly why: string;
  /** How long the provider itself says it has to be left alone. */
  readonly statedWaitMs: number | undefined;
}

/**
 * Whether a provider is worth a call; pure, times are monotonic milliseconds.
 *
 * *closed*: calls go. So many failures in a row open it, and one failure with a wait that the provider stated does so at
 * once. *open*: no call goes until the pause is over; the stated wait, or full jitter over a bound that grows with each
 * probe that failed. *half-open*: exactly one call goes, the probe. Its answer closes the breaker, its failure opens it
 * again, and without either the next call is the probe. Calls that were under way when it opened change nothing any
 * more, except that a wait they were told of prolongs the pause.
 */
export class Breaker {
  readonly #limits: BreakerLimits;
  readonly #random: () => number;
  #word: BreakerWord = "closed";
  #era = 0;
  #failures = 0;
  /** Pauses since it was closed last. */
  #pauses = 0;
  #outSinceMs: number | undefined;
  #untilMs = 0;
  #isProbing = false;
  #why = "";

  constructor(limits: BreakerLimits, random: () => number = Math.random) {
    this.#limits = limits;
    this.#random = random;
  }

  get word(): BreakerWord {
    return this.#word;
  }

  /** When it opened, however often it was probed since; undefined while it is closed. */
  get outSinceMs(): number | undefined {
    return this.#outSinceMs;
  }

  /** The last failure in a few words. */
  get why(): string {
    return this.#why;
  }

  /** How long a call has to wait: 0 for not at all, Infinity while a probe is out and nobody can say. */
  waitMs(nowMs: number): number {
    switch (this.#word) {
      case "closed":
        return 0;
      case "open":
        return Math.max(0, this.#untilMs - nowMs);
      case "half-open":
        return this.#isProbing ? Infinity : 0;
    }
  }

  /** Lets a call through. RangeError when it has to wait. */
  admit(nowMs: number): Pass {
    if (this.waitMs(nowMs) > 0) {
      throw new RangeError("a call goes only when the breaker lets it");
    }
    if (this.#word !== "closed") {
      this.#word = "half-open";
      this.#isProbing = true;
    }
    return { era: this.#era };
  }

  isCurrent(pass: Pass): boolean {
    return pass.era === this.#era;
  }

  /** The provider answered. True when that closed the breaker. */
  answered(pass: Pass): boolean {
    if (!this.isCurrent(pass)) {
      return false;
    }
    this.#failures = 0;
    if (this.#word === "closed") {
      return false;
    }
    this.#era += 1;
    this.#word = "closed";
    this.#isProbing = false;
    this.#pauses = 0;
    this.#outSinceMs = undefined;
    return true;
  }

  /** The provider failed. True when that opened a closed breaker. */
  failed(pass: Pass, { why, statedWaitMs }: Failure, nowMs: number): boolean {
    if (!this.isCurrent(pass)) {
      if (this.#word === "open" && statedWaitMs !== undefined) {
        this.#untilMs = Math.max(this.#untilMs, nowMs + statedWaitMs);
      }
      return false;
    }
    this.#why = why;
    this.#failures += 1;
    const wasClosed = this.#word === "closed";
    if (wasClosed && statedWaitMs === undefined && this.#failures < this.#limits.failuresToOpen) {
      return false;
    }
    this.#era += 1;
    this.#word = "open";
    this.#isProbing = false;
    this.#pauses += 1;
    this.#outSinceMs ??= nowMs;
    this.#untilMs = nowMs + (statedWaitMs ?? fullJitterMs(this.#pauses, this.#limits.pauses, this.#random));
    return wasClosed;
  }

  /** The call came to nothing that says how the provider is: it was not made, was told to end, or was refused. */
  withdrawn(pass: Pass): void {
    if (this.isCurrent(pass)) {
      this.#isProbing = false;
    }
  }
}
