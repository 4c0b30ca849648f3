/** Lets in at most `max` at once, first come first served; what is larger than that alone goes in when nothing else is in. */
export class Gate {
  #max: number;
  #inside = 0;
  readonly #queue: Waiting[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  get inside(): number {
    return this.#inside;
  }

  /** Nobody who is inside has to leave. */
  setMax(max: number): void {
    this.#max = max;
    this.#admit();
  }

  /** Rejects with the signal's reason when it aborts before there is room. */
  async enter(count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#queue.length === 0 && this.#fits(count)) {
      this.#inside += count;
      return;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = { count, resolve };
    const onAbort = () => {
      const at = this.#queue.indexOf(waiting);
      if (at !== -1) {
        this.#queue.splice(at, 1);
        reject(signal.reason);
        this.#admit();
      }
    };
    this.#queue.push(waiting);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  leave(count: number): void {
    this.#inside -= count;
    this.#admit();
  }

  #fits(count: number): boolean {
    return this.#inside === 0 || this.#inside + count <= this.#max;
  }

  /** It counts as inside from here on, though its caller only learns so in a later turn. */
  #admit(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.count); next = this.#queue[0]) {
      this.#queue.shift();
      this.#inside += next.count;
      next.resolve();
    }
  }
}

interface Waiting {
  readonly count: number;
  readonly resolve: () => void;
}
