import type { CallLimit } from "../ports/budget.ts";
import type { WindowLimit } from "./grant-log.ts";

/** How much below the named limit we stay, for what a worker cannot know of the others when Redis goes away. */
export const MARGIN = 0.05;
/**
 * How much longer than named a window is taken to be. A provider counts calls as they arrive, and one call may be half a
 * second on its way where the next, a minute later, takes none; without this a busy machine was seen to have 62 calls
 * arrive within a minute of 57 grants.
 */
export const WINDOW_MARGIN = 0.02;
/** What calls differ by on their way does not grow with the window: a day of 24 h 29 min would never reset with its day. */
export const WINDOW_MARGIN_MS_MAX = 1_200;

/** Throws RangeError on a limit of no calls or no time. A limit of one call keeps it and gets a longer window instead. */
export function withMargin(limit: CallLimit, margin: number): WindowLimit {
  if (!Number.isInteger(limit.calls) || limit.calls < 1 || !(limit.windowMs > 0)) {
    throw new RangeError(`expected a limit of at least one call in some time, got ${JSON.stringify(limit)}`);
  }
  // The product of 0.95 and a whole number may lie a hair below the whole number it stands for.
  const calls = Math.floor(limit.calls * (1 - margin) + 1e-9);
  const travelMs = Math.min(limit.windowMs * WINDOW_MARGIN, WINDOW_MARGIN_MS_MAX);
  const stretchMs = margin === 0 ? 0 : calls >= 1 ? travelMs : limit.windowMs * margin;
  return { calls: Math.max(1, calls), windowMicros: Math.ceil((limit.windowMs + stretchMs) * 1_000) };
}

/**
 * For a guessed number of workers: a limit of fewer calls than workers, stretched until each has one call. Workers that
 * happen to call at once then exceed it, by less than their number.
 */
export function shareOf(limit: WindowLimit, workers: number): WindowLimit {
  return limit.calls >= workers
    ? limit
    : { calls: workers, windowMicros: limit.windowMicros * Math.ceil(workers / limit.calls) };
}

interface Learned {
  readonly calls: number;
  readonly expiresAtMs: number;
}

/**
 * The limits of one key: those of the settings, and lower ones the provider named, each forgotten after a while so that
 * an account that was upgraded is not held down for ever. Of two limits over the same window the smaller holds; limits
 * over different windows hold together.
 */
export class LimitSet {
  readonly #configured: readonly WindowLimit[];
  readonly #learned = new Map<number, Learned>();
  #borrowed: readonly WindowLimit[] = [];

  constructor(configured: readonly WindowLimit[]) {
    if (configured.length === 0) {
      throw new RangeError("expected at least one limit");
    }
    this.#configured = configured;
  }

  current(nowMs: number): readonly WindowLimit[] {
    const calls = new Map<number, number>();
    const apply = (windowMicros: number, most: number): void => {
      calls.set(windowMicros, Math.min(most, calls.get(windowMicros) ?? most));
    };
    for (const limit of this.#configured) {
      apply(limit.windowMicros, limit.calls);
    }
    for (const { calls: most, windowMicros } of [...this.learned(nowMs), ...this.#borrowed]) {
      apply(windowMicros, most);
    }
    return [...calls].map(([windowMicros, most]) => ({ calls: most, windowMicros }));
  }

  /** What other workers have learned, as of the last time they said so. */
  borrow(limits: readonly WindowLimit[]): void {
    this.#borrowed = limits;
  }

  /** The limits that the provider named to this worker and that still hold. */
  learned(nowMs: number): readonly (WindowLimit & { readonly expiresAtMs: number })[] {
    for (const [windowMicros, { expiresAtMs }] of this.#learned) {
      if (expiresAtMs <= nowMs) {
        this.#learned.delete(windowMicros);
      }
    }
    return [...this.#learned].map(([windowMicros, learned]) => ({ windowMicros, ...learned }));
  }

  /** True when the limit says less than what held over this window, or is the first over it. */
  learn(limit: WindowLimit, nowMs: number, ttlMs: number): boolean {
    const held = this.current(nowMs).find(({ windowMicros }) => windowMicros === limit.windowMicros)?.calls;
    if (held !== undefined && held < limit.calls) {
      return false;
    }
    const isConfigured = this.#configured.some(
      ({ calls, windowMicros }) => windowMicros === limit.windowMicros && calls <= limit.calls,
    );
    if (!isConfigured) {
      this.#learned.set(limit.windowMicros, { calls: limit.calls, expiresAtMs: nowMs + ttlMs });
    }
    return held === undefined || limit.calls < held;
  }
}
