/** At most `calls` in any window of `windowMicros`, both ends included. */
export interface WindowLimit {
  readonly calls: number;
  readonly windowMicros: number;
}

/** A call that was granted. Its instant is in microseconds since the epoch, which a float holds exactly until 2255. */
export interface LoggedGrant {
  readonly atMicros: number;
  /** How many calls it counts as. */
  readonly weight: number;
  /** `{micros}:{worker}`, its name in Redis; empty for a stand-in for grants that are only suspected. */
  readonly member: string;
}

/**
 * A sliding log: the instants of past grants, oldest first. It answers when the next grant would exceed no limit in any
 * window, wherever the window begins. Holds at most as many grants as the largest limit has calls, once pruned.
 */
export class GrantLog {
  #grants: LoggedGrant[] = [];

  /** The instant of the newest grant; 0 when there is none. */
  get newestMicros(): number {
    return this.#grants.at(-1)?.atMicros ?? 0;
  }

  grants(): readonly LoggedGrant[] {
    return this.#grants;
  }

  /** Puts the grant in its place; most come last. */
  add(grant: LoggedGrant): void {
    let index = this.#grants.length;
    while (index > 0 && (this.#grants[index - 1]?.atMicros ?? 0) > grant.atMicros) {
      index -= 1;
    }
    this.#grants.splice(index, 0, grant);
  }

  /** Keeps the grants that pass. */
  keep(isKept: (grant: LoggedGrant) => boolean): void {
    this.#grants = this.#grants.filter((grant) => isKept(grant));
  }

  /** Drops what no window of any limit reaches any more. */
  prune(nowMicros: number, limits: readonly WindowLimit[]): void {
    const reach = Math.max(0, ...limits.map(({ windowMicros }) => windowMicros));
    const first = this.#grants.findIndex(({ atMicros }) => atMicros >= nowMicros - reach);
    if (first !== 0) {
      this.#grants = first === -1 ? [] : this.#grants.slice(first);
    }
  }

  /** Microseconds until a grant of this weight breaks no limit; 0 is now. A weight above a limit's calls never fits. */
  waitMicros(nowMicros: number, limits: readonly WindowLimit[], weight = 1): number {
    return Math.max(0, ...limits.map((limit) => this.#waitFor(nowMicros, limit, weight)));
  }

  /** Calls that are free now. */
  callsLeft(nowMicros: number, limits: readonly WindowLimit[]): number {
    const left = limits.map(({ calls, windowMicros }) => calls - this.#usedSince(nowMicros - windowMicros));
    return Math.max(0, Math.min(...left));
  }

  #waitFor(nowMicros: number, { calls, windowMicros }: WindowLimit, weight: number): number {
    if (weight > calls) {
      return Number.POSITIVE_INFINITY;
    }
    let used = weight;
    for (let index = this.#grants.length - 1; index >= 0; index -= 1) {
      const grant = this.#grants[index];
      if (grant === undefined || grant.atMicros + windowMicros < nowMicros) {
        return 0;
      }
      used += grant.weight;
      if (used > calls) {
        // This grant has to leave the window first; a distance of exactly the window would still hold both.
        return grant.atMicros + windowMicros + 1 - nowMicros;
      }
    }
    return 0;
  }

  #usedSince(fromMicros: number): number {
    let used = 0;
    for (let index = this.#grants.length - 1; index >= 0; index -= 1) {
      const grant = this.#grants[index];
      if (grant === undefined || grant.atMicros < fromMicros) {
        break;
      }
      used += grant.weight;
    }
    return used;
  }
}
