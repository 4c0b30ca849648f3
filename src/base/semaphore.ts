import { onAbort } from "./on-abort.ts";

/** So many may be inside at a time; the others wait in the order in which they came. */
export class Semaphore {
  #free: number;
  readonly #queue: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  /** Resolves with what gives the place back; rejects with the signal's reason. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
    } else {
      await this.#wait(signal);
    }
    let isInside = true;
    return {
      [Symbol.dispose]: () => {
        if (isInside) {
          isInside = false;
          this.#leave();
        }
      },
    };
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#queue.push(resolve);
    using _ = onAbort(signal, () => {
      const at = this.#queue.indexOf(resolve);
      if (at !== -1) {
        this.#queue.splice(at, 1);
        reject(signal.reason);
      }
    });
    await promise;
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next === undefined) {
      this.#free += 1;
    } else {
      next();
    }
  }
}
