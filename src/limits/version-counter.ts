/** Versions of one process rise strictly, also when the budget's clock steps back or changes from Redis to ours. */
export class VersionCounter {
  #last = 0n;

  next(micros: number): bigint {
    const wanted = BigInt(Math.trunc(micros));
    this.#last = wanted > this.#last ? wanted : this.#last + 1n;
    return this.#last;
  }
}
