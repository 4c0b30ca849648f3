/** Rows that the desks of a worker have fetched and that are not stored yet: they share the memory there is. */
export class RowsInHand {
  #rows = 0;
  readonly #watchers = new Set<() => void>();

  get rows(): number {
    return this.#rows;
  }

  take(rows: number): void {
    this.#rows += rows;
  }

  /** Tells everybody who waits for room. */
  letGo(rows: number): void {
    this.#rows -= rows;
    for (const tell of this.#watchers) {
      tell();
    }
  }

  /** `tell` is called whenever rows were let go, until the function that is returned is. Must not throw. */
  watch(tell: () => void): () => void {
    this.#watchers.add(tell);
    return () => void this.#watchers.delete(tell);
  }
}
