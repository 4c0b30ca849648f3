import type { ListLines } from "./list-lines.ts";
import type { ProviderLine } from "./provider-line.ts";

/** One piece of work at a time, which all who need it wait for. */
export class OnceForAll<T> {
  readonly #lines: ListLines;
  readonly #who: () => readonly ProviderLine[];
  #underWay: Promise<T> | undefined;

  /** `who` may bring it now: while all of these are out an outage's deadline holds. */
  constructor(lines: ListLines, who: () => readonly ProviderLine[] = () => lines.able()) {
    this.#lines = lines;
    this.#who = who;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /**
   * What `refresh` brought; undefined where `isFresh` said that there is nothing to do, or another one's work made it so.
   * Waits no longer than `signal` and an outage's deadline let; what is under way goes on for others.
   */
  async ensure(isFresh: () => boolean, refresh: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (;;) {
      signal.throwIfAborted();
      if (isFresh()) {
        return undefined;
      }
      this.#lines.throwIfBad();
      if (this.#underWay === undefined) {
        return await this.#lines.orOutage(this.begin(refresh()), this.#who, signal);
      }
      await this.#lines.orOutage(this.#underWay, this.#who, signal);
    }
  }

  begin(refreshing: Promise<T>): Promise<T> {
    const tracked = refreshing.finally(() => (this.#underWay = undefined));
    this.#underWay = tracked;
    return tracked;
  }

  /** Until what is under way has ended, in whatever way. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#underWay === undefined ? [] : [this.#underWay]);
  }
}
