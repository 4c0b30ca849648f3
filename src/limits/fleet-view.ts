import type { Outage } from "./fleet-link.ts";
import { GrantLog, type LoggedGrant, type WindowLimit } from "./grant-log.ts";
import { shareOf } from "./limit-set.ts";

/** How old the last answer of Redis may be for its log to be taken as that of the whole fleet when Redis goes away. */
const STALE_MICROS = 1_000_000;

/**
 * What one worker knows of the grants of all workers for one key: a mirror of the log in Redis as of the last answer,
 * plus the grants it made alone. From it the worker decides when Redis is away, and Redis is filled again when it comes
 * back empty.
 *
 * Alone, each own grant counts `workers` times, for the others do the same: together they stay within the limit. What
 * others may have been granted between our last answer and the outage is not in the mirror; if that answer is older
 * than a second and there are others, everything that was free then is taken as used.
 */
export class FleetView {
  readonly #log = new GrantLog();
  #generation = "";
  #newestMember = "";
  #heardAtMicros = 0;
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

  /** Takes in what Redis answered. */
  learn(answer: {
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
  }

  /** Redis is away: from now on its `workers` share the limit. Nothing changes when it was away before. */
  startAlone(nowMicros: number, limits: readonly WindowLimit[], { workers, areKnown }: Outage): void {
    if (this.isAlone) {
      return;
    }
    this.#workers = workers;
    this.#areWorkersKnown = areKnown;
    if (workers > 1 && areKnown && nowMicros - this.#heardAtMicros > STALE_MICROS) {
      const weight = this.#log.callsLeft(nowMicros, limits);
      this.#log.add({ atMicros: nowMicros, weight, member: "" });
    }
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
    if (workers > 1) {
      this.#log.add({ atMicros: now, weight: workers - 1, member: "" });
    }
    return { grant, callsLeft: Math.floor(this.#log.callsLeft(now, shares) / workers) };
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
