/** How many requests an address may send. Real thresholds are not known; those of one window over all paths are. */
export interface YahooLimits {
  /** In any window of that length. */
  readonly requestsMax: number;
  readonly windowMs: number;
  /** How long an address is refused once it sent more; 15 minutes by default. */
  readonly banMs?: number;
}

export const BAN_MS_DEFAULT = 900_000;
const ADDRESSES_MAX = 10_000;

/** Counts requests by the address from which they come, and refuses addresses for a while. */
export class LimitGate {
  readonly #limits: YahooLimits | undefined;
  /** Times of admitted requests within the window, by address. */
  readonly #admitted = new Map<string, number[]>();
  readonly #bannedUntilMs = new Map<string, number>();

  constructor(limits: YahooLimits | undefined) {
    if (
      limits !== undefined &&
      (!Number.isInteger(limits.requestsMax) || limits.requestsMax < 1 || !(limits.windowMs > 0))
    ) {
      throw new RangeError(
        `limiting requests: expected at least 1 in a window above 0 ms, got ${limits.requestsMax} in ${limits.windowMs}`,
      );
    }
    this.#limits = limits;
  }

  /** Counts the request, or returns false. A refused one neither counts nor lengthens the ban. */
  admit(address: string, nowMs: number): boolean {
    if (nowMs < (this.#bannedUntilMs.get(address) ?? -Infinity)) {
      return false;
    }
    this.#bannedUntilMs.delete(address);
    if (this.#limits === undefined) {
      return true;
    }
    const { requestsMax, windowMs, banMs } = this.#limits;
    const kept = (this.#admitted.get(address) ?? []).filter((atMs) => atMs > nowMs - windowMs);
    if (kept.length >= requestsMax) {
      this.#admitted.delete(address);
      this.ban(address, nowMs, banMs);
      return false;
    }
    if (this.#admitted.size >= ADDRESSES_MAX) {
      this.#admitted.clear();
    }
    this.#admitted.set(address, [...kept, nowMs]);
    return true;
  }

  ban(address: string, nowMs: number, banMs = this.#limits?.banMs ?? BAN_MS_DEFAULT): void {
    this.#bannedUntilMs.set(address, nowMs + banMs);
  }

  /** Lifts every ban and forgets what was counted. */
  pardon(): void {
    this.#bannedUntilMs.clear();
    this.#admitted.clear();
  }
}
