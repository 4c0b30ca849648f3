import { systemClock, type Clock } from "../base/clock.ts";
import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import { isCalledWrong, isRefusal } from "./refusals.ts";
import type { Standing } from "./standing-watchers.ts";

/** One way to get something: a line of a provider. A provider may have several, at services of its own each. */
export interface Candidate {
  readonly provider: ProviderName;
  readonly standing: () => Standing;
  /** See `ProviderGate`. */
  readonly onChange: (tell: () => void) => () => void;
}

export interface ChainParts {
  /** Everybody who is ever asked. */
  readonly providers: readonly ProviderName[];
  readonly log: Log;
  /** The machine's by default. */
  readonly clock?: Clock;
}

/** A provider that refused our credentials, and is not asked again by this process. */
export interface Refusal {
  /** ISO 8601 in UTC. */
  readonly since: string;
  readonly why: string;
}

export interface AskOptions {
  readonly signal: AbortSignal;
  /** Where the message names its provider; absent where it names none. */
  readonly pinnedAt?: string | undefined;
}

/** The one that was asked is out and another one is there: what came is kept, and the rest is asked of the other. */
export class MovedOnError extends Error {
  override readonly name = "MovedOnError";
  /** Where the rest goes; undefined where it goes nowhere. */
  readonly next: ProviderName | undefined;

  constructor(message: string, next?: ProviderName) {
    super(message);
    this.next = next;
  }
}

/**
 * Who is asked: the first candidate that is there. When it goes out, by a ban, an outage or because its budget is spent
 * for long, and another one is there, everything that waits for it goes there; where none is there it waits for the one
 * that can be tried first. Of one that was out a single piece of work finds out whether it is back, and the others go by.
 */
export class ProviderChain {
  readonly #parts: ChainParts;
  readonly #refused = new Map<ProviderName, Refusal>();
  /** Those that refuse one thing only. */
  readonly #refusedHere = new WeakSet<Candidate>();
  /** Those that were moved on from, and did not answer since. */
  readonly #left = new WeakSet<Candidate>();
  /** Candidates of which a piece of work is finding out whether they are back. */
  readonly #probed = new Set<Candidate>();

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /**
   * Does `act` with a candidate, and again with the next one where that one goes out, refuses us, or calls wrong what is
   * asked; `act` must be such that it can be done again. Throws what it throws; MessageError where all candidates refuse
   * our credentials; PermanentError (provider) when no provider of all is left; RangeError without a candidate.
   */
  async ask<C extends Candidate, T>(
    candidates: readonly C[],
    act: (candidate: C, signal: AbortSignal) => Promise<T>,
    { signal, pinnedAt }: AskOptions,
  ): Promise<T> {
    const wrong = new Set<C>();
    const claim: Claim<C> = { candidate: undefined };
    for (;;) {
      const left = candidates.filter((one) => !this.#isRefused(one) && !wrong.has(one));
      const chosen = this.#choose(left, claim) ?? candidates.find((one) => !wrong.has(one)) ?? candidates[0];
      if (chosen === undefined) {
        throw new RangeError("nobody can be asked");
      }
      try {
        return await this.#actWith(chosen, { left, claim }, act, signal);
      } catch (error) {
        if (signal.aborted) {
          throw error;
        }
        const others = left.filter((one) => one !== chosen);
        if (error instanceof MovedOnError) {
          this.#sayMoved(chosen, error);
        } else if (isRefusal(error)) {
          this.#afterRefusal(error, chosen, left, pinnedAt);
        } else if (isCalledWrong(error) && others.length > 0) {
          wrong.add(chosen);
          const next = others[0]?.provider;
          this.#parts.log.warn("call refused, asking the next provider", {
            provider: chosen.provider,
            next,
            why: error.message,
          });
        } else {
          throw error;
        }
      }
    }
  }

  /**
   * As `ask`, of one of them only and for what is not worth waiting for: MovedOnError as soon as it is out. Throws what `act`
   * throws.
   */
  async askWhileThere<C extends Candidate, T>(
    candidate: C,
    act: (candidate: C, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const gone = new AbortController();
    const end = candidate.onChange(() => {
      if (candidate.standing().word === "out") {
        gone.abort(new MovedOnError(`${candidate.provider} is out`));
      }
    });
    try {
      return await act(candidate, AbortSignal.any([signal, gone.signal]));
    } catch (error) {
      if (isRefusal(error)) {
        this.#takeOut(candidate, error);
      }
      throw error;
    } finally {
      end();
    }
  }

  /** A refusal of our credentials, as it is for a message while other providers go on with what they have; else the error itself. */
  asMessages(error: Error, pinnedAt?: string): Error {
    return isRefusal(error) && error.scope === "provider" && this.#providersLeft().length > 0
      ? new MessageError("provider-refused", pinnedAt ?? "$", error.message)
      : error;
  }

  /** Those that refused our credentials. */
  get refusals(): ReadonlyMap<ProviderName, Refusal> {
    return this.#refused;
  }

  /** Those of them that did not refuse us. */
  left<C extends Candidate>(candidates: readonly C[]): readonly C[] {
    return candidates.filter((one) => !this.#isRefused(one));
  }

  /** Those of them that could be asked at once. */
  there<C extends Candidate>(candidates: readonly C[]): readonly C[] {
    return candidates.filter((one) => !this.#isRefused(one) && one.standing().word === "there");
  }

  /** Once an outage, however many messages move. */
  #sayMoved(from: Candidate, { message, next }: MovedOnError): void {
    if (next !== undefined && !this.#left.has(from)) {
      this.#left.add(from);
      this.#parts.log.info("moving on to the next provider", { provider: from.provider, next, why: message });
    }
  }

  #isRefused(candidate: Candidate): boolean {
    return this.#refused.has(candidate.provider) || this.#refusedHere.has(candidate);
  }

  /** Returns where another candidate may be asked; throws what the message or the worker ends with where none is left. */
  #afterRefusal(
    error: PermanentError,
    chosen: Candidate,
    left: readonly Candidate[],
    pinnedAt: string | undefined,
  ): void {
    this.#takeOut(chosen, error);
    if (error.scope === "provider" && this.#providersLeft().length === 0) {
      throw error;
    }
    const others = left.filter((one) => !this.#isRefused(one));
    if (others.length > 0) {
      return;
    }
    throw this.asMessages(error, pinnedAt);
  }

  #takeOut(candidate: Candidate, { scope, message }: PermanentError): void {
    if (scope === "provider") {
      this.#refuse(candidate.provider, message);
    } else {
      this.#refusedHere.add(candidate);
    }
  }

  #providersLeft(): readonly ProviderName[] {
    return this.#parts.providers.filter((provider) => !this.#refused.has(provider));
  }

  #refuse(provider: ProviderName, why: string): void {
    if (!this.#refused.has(provider)) {
      const { clock = systemClock } = this.#parts;
      this.#refused.set(provider, { since: new Date(clock.nowMs()).toISOString(), why });
      const left = this.#providersLeft();
      if (left.length > 0) {
        this.#parts.log.error("provider is out for good, the others go on", { provider, left, why });
      }
    }
  }

  /** What `claim` holds is given back, unless it is chosen for being found out about. */
  #choose<C extends Candidate>(left: readonly C[], claim: Claim<C>): C | undefined {
    const claimed = claim.candidate;
    if (claimed !== undefined && left.includes(claimed) && claimed.standing().word === "probe") {
      return claimed;
    }
    this.#giveBack(claim);
    let soonest: { readonly candidate: C; readonly untilMs: number } | undefined;
    for (const candidate of left) {
      const standing = candidate.standing();
      if (standing.word === "there") {
        return candidate;
      }
      if (this.#isUnclaimed(candidate)) {
        this.#claim(candidate, claim);
        return candidate;
      }
      const untilMs = standing.word === "out" ? standing.untilMs : -Infinity;
      if (soonest === undefined || untilMs < soonest.untilMs) {
        soonest = { candidate, untilMs };
      }
    }
    return soonest?.candidate;
  }

  #isUnclaimed(candidate: Candidate): boolean {
    return candidate.standing().word === "probe" && !this.#probed.has(candidate);
  }

  #claim<C extends Candidate>(candidate: C, claim: Claim<C>): void {
    this.#probed.add(candidate);
    claim.candidate = candidate;
  }

  #giveBack<C extends Candidate>(claim: Claim<C>): void {
    if (claim.candidate !== undefined) {
      this.#probed.delete(claim.candidate);
      claim.candidate = undefined;
    }
  }

  async #actWith<C extends Candidate, T>(
    chosen: C,
    { left, claim }: { readonly left: readonly C[]; readonly claim: Claim<C> },
    act: (candidate: C, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const others = left.filter((one) => one !== chosen);
    const moveOn = new AbortController();
    const look = (): void => {
      if (moveOn.signal.aborted || chosen.standing().word !== "out") {
        return;
      }
      const able = others.filter((one) => !this.#isRefused(one));
      const there = able.find((one) => one.standing().word === "there");
      // All that wait would wait for ever beside one that is back, if none of them found out.
      const next = there ?? able.find((one) => this.#isUnclaimed(one));
      if (next === undefined) {
        return;
      }
      this.#giveBack(claim);
      if (there === undefined) {
        this.#claim(next, claim);
      }
      moveOn.abort(new MovedOnError(`${chosen.provider} is out, ${next.provider} is there or may be`, next.provider));
    };
    const ends = others.length === 0 ? [] : left.map((one) => one.onChange(look));
    let hasMoved = false;
    try {
      const result = await act(chosen, others.length === 0 ? signal : AbortSignal.any([signal, moveOn.signal]));
      this.#left.delete(chosen);
      return result;
    } catch (error) {
      hasMoved = error instanceof MovedOnError && !signal.aborted;
      throw error;
    } finally {
      for (const end of ends) {
        end();
      }
      if (!hasMoved) {
        this.#giveBack(claim);
      }
    }
  }
}

/** Of whom a piece of work is to find out, or is finding out, whether they are back. */
interface Claim<C extends Candidate> {
  candidate: C | undefined;
}
