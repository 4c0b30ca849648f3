import type { Clock } from "../base/clock.ts";

/**
 * Whether work that has a choice goes here: `there`; `probe`, it was out and one call may find out whether it still is;
 * `out`, nothing goes before `untilMs` (monotonic; Infinity while nobody can say), be it that it fails or that the budget
 * has nothing for it.
 */
export type Standing =
  | { readonly word: "there" }
  | { readonly word: "probe" }
  | { readonly word: "out"; readonly untilMs: number };

/** A timer of Node takes no more than 24.8 days. */
const SLEEP_MS_MAX = 24 * 60 * 60_000;

/** Who is told when a standing turned to another word. A pause or a hold-up ends by itself: one timer tells all of that. */
export class StandingWatchers {
  readonly #clock: Clock;
  readonly #standing: () => Standing;
  readonly #tells = new Set<() => void>();
  #isTimed = false;
  #endTimer = new AbortController();

  constructor(clock: Clock, standing: () => Standing) {
    this.#clock = clock;
    this.#standing = standing;
  }

  /** Until the function that is returned is called. */
  add(tell: () => void): () => void {
    this.#tells.add(tell);
    this.#time();
    return () => {
      if (this.#tells.delete(tell) && this.#tells.size === 0) {
        this.#endTimer.abort();
      }
    };
  }

  tell(): void {
    for (const tell of this.#tells) {
      tell();
    }
    this.#time();
  }

  /** It is out for less than was said before. */
  endsSooner(): void {
    this.#endTimer.abort();
  }

  #time(): void {
    if (!this.#isTimed && this.#tells.size > 0 && this.#leftMs() !== undefined) {
      this.#isTimed = true;
      this.#endTimer = new AbortController();
      void this.#tellInTime(this.#endTimer.signal).finally(() => {
        this.#isTimed = false;
        // Who came while the timer ended may need another one.
        this.#time();
      });
    }
  }

  async #tellInTime(signal: AbortSignal): Promise<void> {
    for (let leftMs = this.#leftMs(); leftMs !== undefined; leftMs = this.#leftMs()) {
      await this.#clock.sleep(Math.min(leftMs, SLEEP_MS_MAX), signal).catch(() => undefined);
      if (signal.aborted) {
        return;
      }
    }
    for (const tell of this.#tells) {
      tell();
    }
  }

  /** How long it stays out; undefined where it is not, or where only a call can say. */
  #leftMs(): number | undefined {
    const standing = this.#standing();
    return standing.word !== "out" || standing.untilMs === Infinity
      ? undefined
      : Math.max(0, standing.untilMs - this.#clock.elapsedMs());
  }
}
