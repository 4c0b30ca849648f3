import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isNotForUs, type ListLines } from "./list-lines.ts";

/** So long what is stored serves after everybody refused the call for the list, or who is asked for it went out. */
const STORED_SERVES_MS = 600_000;

/** Until when what is stored of a list is fresh enough, since nobody can bring a newer one. */
export class StoredServes {
  readonly #parts: { readonly clock: Clock; readonly log: Log };
  readonly #lines: ListLines;
  #untilMs = -Infinity;

  constructor(parts: { readonly clock: Clock; readonly log: Log }, lines: ListLines) {
    this.#parts = parts;
    this.#lines = lines;
  }

  get isSo(): boolean {
    return this.#parts.clock.nowMs() < this.#untilMs;
  }

  /** From now on. */
  begin(ms: number): void {
    this.#untilMs = this.#parts.clock.nowMs() + ms;
  }

  /** From now on, since nobody brings a newer one. */
  say(why: unknown): void {
    this.begin(STORED_SERVES_MS);
    this.#parts.log.warn("a list cannot be brought up to date, what is stored serves", {
      list: this.#lines.list,
      tryAgainInMs: STORED_SERVES_MS,
      why: describeError(why),
    });
  }

  /**
   * What brings the list up to date, unless what is stored has to serve: `load` says whether there is anything that can.
   * With `mayMove` all who have the list have to be out for that, otherwise the first. Throws what `ensure` throws where
   * nothing can serve, or where an answer was no list.
   */
  async orElse(
    ensure: (until: AbortSignal) => Promise<unknown>,
    load: () => Promise<boolean>,
    signal: AbortSignal,
    mayMove: boolean,
  ): Promise<void> {
    if (this.isSo) {
      return;
    }
    try {
      // What was begun goes on without this message, and finds out when somebody is back.
      const brought = await this.#lines.whileNotOut(
        async (until) => {
          await ensure(until);
          return true;
        },
        signal,
        mayMove,
      );
      if (brought === undefined && !(await this.#serve(load, new Error("who is asked for it is out")))) {
        await ensure(signal);
      }
    } catch (error) {
      if (!isNotForUs(error) || !(await this.#serve(load, error))) {
        throw error;
      }
    }
  }

  /** Many messages wait for the same answer; the first of them sees to it for all. */
  async #serve(load: () => Promise<boolean>, why: Error): Promise<boolean> {
    if (!this.isSo && !(await load())) {
      return false;
    }
    if (!this.isSo) {
      this.say(why);
    }
    return true;
  }
}
