import { z } from "zod";

import type { Random } from "../market/random.ts";

/** The next `times` requests that match, 1 by default, after `skip` others. */
export interface FaultTimes {
  readonly times?: number | undefined;
  readonly skip?: number | undefined;
}

const count = z.int().min(0).optional();
/** Their members of an order over HTTP. */
export const faultTimesShape = { times: count, skip: count };

/** By chance: so many requests in a thousand. */
export interface FaultOdds {
  readonly perMille: number;
  /** The very same request meets it so often in a row at most: who asks once more than that is told the truth. */
  readonly inARowMax?: number | undefined;
}

/** A fault that was ordered, for requests of the name (of any, when absent). */
export interface OrderedFault<Settled, Name extends string> extends FaultTimes {
  readonly fault: Settled;
  readonly name: Name | undefined;
}

/** A fault that befalls requests by chance. */
export interface ChanceFault<Settled, Name extends string> extends FaultOdds {
  readonly fault: Settled;
  readonly name: Name | undefined;
}

interface Waiting<Settled, Name extends string> {
  readonly fault: Settled;
  readonly name: Name | undefined;
  times: number;
  skip: number;
}

interface Chance<Settled, Name extends string> extends ChanceFault<Settled, Name> {
  /** By the request. */
  readonly inARow: Map<string, number>;
}

/** Decides which request of a simulator meets which fault: ordered ones first come first served, then chance. */
export class FaultQueue<Settled, Name extends string> {
  readonly #random: Random;
  readonly #byChance: readonly Chance<Settled, Name>[];
  #ordered: Waiting<Settled, Name>[] = [];

  constructor(byChance: readonly ChanceFault<Settled, Name>[], random: Random) {
    this.#random = random;
    this.#byChance = byChance.map((entry) => ({ ...entry, inARow: new Map() }));
  }

  add({ fault, name, times = 1, skip = 0 }: OrderedFault<Settled, Name>): void {
    this.#ordered.push({ fault, name, times, skip });
  }

  /** The fault of this request, if it has one; uses it up. Requests with one `key` are the same request again. */
  take(name: Name | undefined, key = ""): Settled | undefined {
    this.#ordered = this.#ordered.filter(({ times }) => times > 0);
    const next = this.#ordered.find((entry) => entry.name === undefined || entry.name === name);
    if (next !== undefined) {
      if (next.skip > 0) {
        next.skip -= 1;
        return undefined;
      }
      next.times -= 1;
      return next.fault;
    }
    return this.#byChance.find(
      (entry) => (entry.name === undefined || entry.name === name) && this.#befalls(entry, key),
    )?.fault;
  }

  clear(): void {
    this.#ordered = [];
  }

  #befalls({ perMille, inARowMax = Infinity, inARow }: Chance<Settled, Name>, key: string): boolean {
    const before = inARow.get(key) ?? 0;
    const isHit = this.#random.chance(perMille, 1_000) && before < inARowMax;
    if (inARowMax < Infinity) {
      inARow.set(key, isHit ? before + 1 : 0);
    }
    return isHit;
  }
}
