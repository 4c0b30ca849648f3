import type { Outage } from "./fleet-link.ts";
import { GrantLog, type LoggedGrant, type WindowLimit } from "./grant-log.ts";
import { shareOf } from "./limit-set.ts";
import { unseenGrants, type Sight } from "./sight.ts";

/**
 * What one worker knows of the grants of all workers for one key: a mirror of the log in Redis as of the last answer,
 * plus the grants it made alone. From it the worker decides when Redis is away, and Redis is filled again when it comes
 * back empty.
 *
 * Alone, each own grant counts `workers` times, for the others do the same: together they stay within the limit. That
 * holds only if each counts all that was granted before the outage, and what others were granted after our last answer
 * is not in the mirror. So that is counted at its most: what Redis promised while the answer is fresh, else everything
 * that was free. Counted too low by one worker, by as much do all of them go beyond the limit.
 */
export class FleetView {
  readonly #log = new GrantLog();
  #generation = "";
  #newestMember = "";
  #heardAtMicros = 0;
  #workersHeard = 1;
  #asked = 0;
  #answered = 0;
  #freshMicros = Number.POSITIVE_INFINITY;
  #unseenMax = 0;
  #workers = 0;
  #areWorkersKnown = false;
  readonly #untold = new Set<string>();

  /** True while decisions are made alone. */
  get isAlone(): boolean {
    return this.#workers > 0;
  }

  get generation(): string {
    return this.#generation;
  }

  /** The newest member Redis has told of. */
  get newestMember(): string {
    return this.#newestMember;
  }

  /** Redis is about to be asked, and renews what it promises. Answers the number of the question. */
  ask({ freshMicros, unseenMax }: Sight): number {
    // The least of the times and the most of the counts, whichever questions were heard.
    this.#freshMicros = Math.min(this.#freshMicros, freshMicros);
    this.#unseenMax = Math.max(this.#unseenMax, unseenMax);
    this.#asked += 1;
    return this.#asked;
  }

  /** Takes in what Redis answered to the question; `workersAlive` counts this one, too. */
  learn(answer: {
    readonly question: number;
    readonly workersAlive: number;
    readonly nowMicros: number;
    readonly generation: string;
    readonly isWhole: boolean;
    readonly news: readonly string[];
  }): void {
    if (answer.isWhole) {
      // A grant made alone while this answer was on its way is not in it.
      const news = new Set(answer.news);
      this.#log.keep(({ member }) => member === "" || (this.#untold.has(member) && !news.has(member)));
    }
    for (const member of answer.news) {
      this.#log.add({ atMicros: instantOf(member), weight: 1, member });
    }
    this.#generation = answer.generation;
    this.#newestMember = answer.news.at(-1) ?? (answer.isWhole ? "" : this.#newestMember);
    this.#heardAtMicros = answer.nowMicros;
    this.#workersHeard = answer.workersAlive;
    this.#answered = answer.question;
  }

  /** Redis went away, perhaps once more before all were back: from now on its `workers` share the limit. */
  startAlone(limits: readonly WindowLimit[], { sinceMicros, workers, areKnown }: Outage): void {
    this.#workers = workers;
    this.#areWorkersKnown = areKnown;
    if (!areKnown || Math.max(workers, this.#workersHeard) === 1) {
      return;
    }
    const known = this.#log.grants().filter(({ member }) => member !== "");
    for (const grant of unseenGrants(known, this.#heardAtMicros, sinceMicros, limits, this.#unseenAt(sinceMicros))) {
      this.#log.add(grant);
    }
  }

  /** A question without an answer may have been heard, and then renewed the promise. */
  #unseenAt(sinceMicros: number): number {
    const isFresh = this.#heardAtMicros > 0 && sinceMicros - this.#heardAtMicros <= this.#freshMicros;
    return isFresh ? this.#unseenMax * (1 + this.#asked - this.#answered) : Number.POSITIVE_INFINITY;
  }

  /** All workers have told Redis what they did: its log is the truth again. */
  endAlone(): void {
    this.#workers = 0;
    this.#log.keep(({ member }) => member !== "");
  }

  /** Decides alone. `wait` in microseconds, or the instant and member of the grant. */
  takeAlone(
    nowMicros: number,
    limits: readonly WindowLimit[],
    worker: string,
  ): { readonly waitMicros: number } | { readonly grant: LoggedGrant; readonly callsLeft: number } {
    const { workers, shares } = this.#sharesOf(limits);
    const now = Math.max(nowMicros, this.#log.newestMicros + 1);
    this.#log.prune(now, shares);
    const waitMicros = this.#log.waitMicros(now, shares, workers);
    if (waitMicros > 0) {
      return { waitMicros };
    }
    const grant: LoggedGrant = { atMicros: now, weight: 1, member: `${now.toFixed(0)}:${worker}` };
    this.#log.add(grant);
    this.#untold.add(grant.member);
    this.countForOthers(now);
    return { grant, callsLeft: Math.floor(this.#log.callsLeft(now, shares) / workers) };
  }

  /** Microseconds until this worker's share has a call. */
  waitAlone(nowMicros: number, limits: readonly WindowLimit[]): number {
    const { workers, shares } = this.#sharesOf(limits);
    return this.#log.waitMicros(nowMicros, shares, workers);
  }

  /** A grant of ours at that instant stands for one of each other worker. */
  countForOthers(atMicros: number): void {
    if (this.#workers > 1) {
      this.#log.add({ atMicros, weight: this.#workers - 1, member: "" });
    }
  }

  /** Calls that are free now, as far as is known here. */
  callsLeft(nowMicros: number, limits: readonly WindowLimit[]): number {
    const { workers, shares } = this.#sharesOf(limits);
    return Math.floor(this.#log.callsLeft(nowMicros, shares) / workers);
  }

  /** Every grant known that a window still reaches, to be merged into the log in Redis. */
  members(nowMicros: number, limits: readonly WindowLimit[]): readonly string[] {
    this.#log.prune(nowMicros, limits);
    return this.#log.grants().flatMap(({ member }) => (member === "" ? [] : [member]));
  }

  /** Grants made alone that Redis has not been told of. */
  untold(): readonly string[] {
    return [...this.#untold];
  }

  wereTold(members: readonly string[]): void {
    for (const member of members) {
      this.#untold.delete(member);
    }
  }

  prune(nowMicros: number, limits: readonly WindowLimit[]): void {
    this.#log.prune(nowMicros, limits);
  }

  /** Workers that cannot speak to each other cannot take turns over fewer calls than there are of them. */
  #sharesOf(limits: readonly WindowLimit[]): { readonly workers: number; readonly shares: readonly WindowLimit[] } {
    const workers = Math.max(1, this.#workers);
    return { workers, shares: this.#areWorkersKnown ? limits : limits.map((limit) => shareOf(limit, workers)) };
  }
}

function instantOf(member: string): number {
  return Number(member.slice(0, member.indexOf(":")));
}
