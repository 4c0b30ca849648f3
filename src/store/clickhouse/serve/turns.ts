import { EngineError } from "./engine-error.ts";

export const QUERIES_AT_ONCE_MAX = 2;
export const QUERIES_WAITING_MAX = 32;

/**
 * Queries of others take turns: each keeps a thread of Node's pool for as long as it runs, and the worker's own inserts,
 * its files and its name look-ups need those threads too.
 */
export class Turns {
  readonly #atOnceMax: number;
  readonly #waitingMax: number;
  #running = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  readonly #idlers = new Set<() => void>();

  constructor(atOnceMax: number = QUERIES_AT_ONCE_MAX, waitingMax: number = QUERIES_WAITING_MAX) {
    this.#atOnceMax = atOnceMax;
    this.#waitingMax = waitingMax;
  }

  /** Runs `work` when it is its turn. Throws EngineError 202 when too many wait, and the signal's reason when it aborts first. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    if (this.#running < this.#atOnceMax) {
      this.#running += 1;
    } else {
      await this.#wait(signal);
    }
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  /** Resolves when nothing runs, or when the signal aborts. */
  async idle(signal: AbortSignal): Promise<void> {
    if (this.#running === 0 || signal.aborted) {
      return;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idlers.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#idlers.delete(resolve);
  }

  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#waitingMax) {
      throw new EngineError(
        202,
        `Code: 202. DB::Exception: Too many simultaneous queries: ${this.#atOnceMax} run and ${this.#waitingMax} wait. (TOO_MANY_SIMULTANEOUS_QUERIES)`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.delete(resolve);
      reject(signal.reason);
    };
    this.#waiting.add(resolve);
    signal.addEventListener("abort", leave, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  /** The turn goes to who waits longest; nobody who comes in between can take it. */
  #pass(): void {
    const [next] = this.#waiting;
    if (next !== undefined) {
      this.#waiting.delete(next);
      next();
      return;
    }
    this.#running -= 1;
    if (this.#running === 0) {
      for (const resolve of this.#idlers) {
        resolve();
      }
    }
  }
}
