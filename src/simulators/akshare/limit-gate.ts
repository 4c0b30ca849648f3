import type { Upstream } from "./upstreams.ts";

/** At most `calls` in any window of `windowMs`; who asks for more is banned for `banMs`. */
export interface UpstreamLimit {
  readonly calls: number;
  readonly windowMs: number;
  readonly banMs: number;
}

export type UpstreamLimits = Readonly<Partial<Record<Upstream, UpstreamLimit>>>;

interface Counted {
  readonly timesMs: readonly number[];
  readonly bannedUntilMs: number;
}

/** Counts calls of each upstream by itself; one without a limit bears any number. */
export class LimitGate {
  readonly #limits: UpstreamLimits;
  readonly #counted = new Map<Upstream, Counted>();

  constructor(limits: UpstreamLimits) {
    for (const [upstream, { calls, windowMs, banMs }] of Object.entries(limits)) {
      if (!Number.isInteger(calls) || calls < 1 || !(windowMs > 0) || !(banMs >= 0)) {
        throw new RangeError(
          `limiting ${upstream}: expected at least 1 call in a window above 0 ms and a ban of 0 ms or more, got ${calls} in ${windowMs} and ${banMs}`,
        );
      }
    }
    this.#limits = limits;
  }

  /** Counts the call; false while it is refused. */
  admits(upstream: Upstream, nowMs: number): boolean {
    const limit = this.#limits[upstream];
    if (limit === undefined) {
      return true;
    }
    const { timesMs, bannedUntilMs } = this.#counted.get(upstream) ?? { timesMs: [], bannedUntilMs: -Infinity };
    if (nowMs < bannedUntilMs) {
      return false;
    }
    const inWindow = [...timesMs.filter((atMs) => atMs > nowMs - limit.windowMs), nowMs];
    const isBeyond = inWindow.length > limit.calls;
    this.#counted.set(upstream, {
      timesMs: isBeyond ? [] : inWindow,
      bannedUntilMs: isBeyond ? nowMs + limit.banMs : -Infinity,
    });
    return !isBeyond;
  }

  /** Lifts every ban. */
  pardon(): void {
    this.#counted.clear();
  }
}
