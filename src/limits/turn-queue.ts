import type { Clock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import type { Grant } from "../ports/budget.ts";

/** What the budget says to whoever is first in the queue. */
export type Turn =
  | { readonly isGranted: true; readonly grantedAtMicros: bigint; readonly callsLeft: number }
  | { readonly isGranted: false; readonly waitMs: number };

interface Waiter {
  readonly startedAtMs: number;
  readonly resolve: (grant: Grant) => void;
  readonly reject: (error: unknown) => void;
  readonly onWait: ((waitMs: number) => void) | undefined;
}

export interface TurnQueueOptions {
  /** Asks for one call. Rejects only with what the first waiter has to know. */
  readonly ask: () => Promise<Turn>;
  readonly clock: Clock;
  readonly waitersMax: number;
  /** Added to every wait, from 0 to this, so that workers which wait for the same call do not all ask at once. */
  readonly jitterMsMax: number;
  /** For messages, such as `tushare daily`. */
  readonly name: string;
}

/** The longest sleep between two questions: a long pause is looked at again, and whoever waits is seen to be alive. */
const SLEEP_MS_MAX = 15_000;

/**
 * First come, first served within the process. Only the first waiter's turn is ever asked for; while it has to wait the
 * queue sleeps once for all. A waiter whose signal aborts leaves at once, and the turn goes to the next.
 */
export class TurnQueue {
  readonly #options: TurnQueueOptions;
  readonly #waiters = new Set<Waiter>();
  #sleep: AbortController | undefined;
  #isServing = false;
  #isClosed = false;

  constructor(options: TurnQueueOptions) {
    this.#options = options;
  }

  get depth(): number {
    return this.#waiters.size;
  }

  async acquire(signal: AbortSignal, onWait?: (waitMs: number) => void): Promise<Grant> {
    signal.throwIfAborted();
    const { name, waitersMax, clock } = this.#options;
    if (this.#isClosed) {
      throw new TransientError(`waiting for a call of ${name}: the budget is closed`);
    }
    if (this.#waiters.size >= waitersMax) {
      throw new TransientError(`waiting for a call of ${name}: ${waitersMax} are waiting already`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<Grant>();
    const waiter: Waiter = { startedAtMs: clock.elapsedMs(), resolve, reject, onWait };
    const leave = (): void => {
      this.#waiters.delete(waiter);
      reject(signal.reason);
      if (this.#waiters.size === 0) {
        this.#sleep?.abort();
      }
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#waiters.add(waiter);
    void this.#serve();
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** Asks again now, since something has changed. */
  wake(): void {
    this.#sleep?.abort();
  }

  /** Whoever waits is refused. */
  close(): void {
    this.#isClosed = true;
    for (const waiter of this.#waiters) {
      waiter.reject(new TransientError(`waiting for a call of ${this.#options.name}: the budget was closed`));
    }
    this.#waiters.clear();
    this.#sleep?.abort();
  }

  async #serve(): Promise<void> {
    if (this.#isServing) {
      return;
    }
    this.#isServing = true;
    while (this.#waiters.size > 0) {
      try {
        const turn = await this.#options.ask();
        if (turn.isGranted) {
          this.#hand(turn.grantedAtMicros, turn.callsLeft);
        } else {
          for (const { onWait } of this.#waiters) {
            onWait?.(turn.waitMs);
          }
          await this.#rest(turn.waitMs);
        }
      } catch (error) {
        this.#takeFirst()?.reject(error);
      }
    }
    this.#isServing = false;
  }

  /** A grant for which nobody waits any more is lost: it counts and is not used. */
  #hand(grantedAtMicros: bigint, callsLeft: number): void {
    const waiter = this.#takeFirst();
    waiter?.resolve({ grantedAtMicros, callsLeft, waitedMs: this.#options.clock.elapsedMs() - waiter.startedAtMs });
  }

  #takeFirst(): Waiter | undefined {
    const [first] = this.#waiters;
    if (first !== undefined) {
      this.#waiters.delete(first);
    }
    return first;
  }

  async #rest(waitMs: number): Promise<void> {
    if (this.#waiters.size === 0) {
      return;
    }
    const { clock, jitterMsMax } = this.#options;
    const sleep = new AbortController();
    this.#sleep = sleep;
    try {
      await clock.sleep(Math.min(Math.ceil(waitMs) + Math.random() * jitterMsMax, SLEEP_MS_MAX), sleep.signal);
    } catch (error) {
      if (!sleep.signal.aborted) {
        throw error;
      }
    } finally {
      this.#sleep = undefined;
    }
  }
}
