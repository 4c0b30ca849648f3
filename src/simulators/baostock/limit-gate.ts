/** How much the server lets one address do before it blacklists it. All counts are within `windowMs`. */
export interface BaostockLimits {
  /** Requests of every kind; 50,000 by default, as the field reports. */
  readonly requestsMax?: number;
  /** Logins that were tried; any number by default. */
  readonly loginsMax?: number;
  /** Sessions at once; 3 by default, since four parallel ones are reported to be blacklisted within minutes. */
  readonly sessionsMax?: number;
  /** A day by default. */
  readonly windowMs?: number;
  /** A day by default. */
  readonly banMs?: number;
  /** Whether a blacklisted address is told so (the default) or hears nothing more, as behind a firewall. */
  readonly answer?: "refused" | "silence";
}

const DAY_MS = 86_400_000;

/** Every client of a simulator has one address, so there is one count. */
export class LimitGate {
  readonly #limits: Required<BaostockLimits>;
  #requestsMs: number[] = [];
  #loginsMs: number[] = [];
  #bannedUntilMs = -Infinity;

  constructor(limits: BaostockLimits) {
    this.#limits = {
      requestsMax: limits.requestsMax ?? 50_000,
      loginsMax: limits.loginsMax ?? Infinity,
      sessionsMax: limits.sessionsMax ?? 3,
      windowMs: limits.windowMs ?? DAY_MS,
      banMs: limits.banMs ?? DAY_MS,
      answer: limits.answer ?? "refused",
    };
    for (const [name, value] of Object.entries(this.#limits)) {
      if (typeof value === "number" && !(value >= 1)) {
        throw new RangeError(`limiting requests: expected ${name} of 1 or more, got ${value}`);
      }
    }
  }

  /** Counts a request; `sessions` are those there would be with it. The answer to a request beyond a limit, else undefined. */
  admit(kind: "login" | "request", sessions: number, nowMs: number): "refused" | "silence" | undefined {
    const { requestsMax, loginsMax, sessionsMax, windowMs, answer } = this.#limits;
    if (nowMs < this.#bannedUntilMs) {
      return answer;
    }
    this.#requestsMs = [...dropBefore(this.#requestsMs, nowMs - windowMs), nowMs];
    if (kind === "login") {
      this.#loginsMs = [...dropBefore(this.#loginsMs, nowMs - windowMs), nowMs];
    }
    const isBeyond =
      this.#requestsMs.length > requestsMax || this.#loginsMs.length > loginsMax || sessions > sessionsMax;
    if (isBeyond) {
      this.ban(nowMs);
    }
    return isBeyond ? answer : undefined;
  }

  /** Blacklists at once. */
  ban(nowMs: number): void {
    this.#bannedUntilMs = nowMs + this.#limits.banMs;
    this.#requestsMs = [];
    this.#loginsMs = [];
  }

  pardon(): void {
    this.#bannedUntilMs = -Infinity;
  }
}

function dropBefore(timesMs: readonly number[], fromMs: number): readonly number[] {
  return timesMs.filter((atMs) => atMs > fromMs);
}
