import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import type { ProviderChain } from "./provider-chain.ts";
import type { ProviderLine } from "./provider-line.ts";
import { whileNotOut } from "./while-not-out.ts";

export interface ListLinesParts {
  /** For errors and the log: `stock list`. */
  readonly list: string;
  /** In the order in which they are asked, at least one. */
  readonly lines: readonly ProviderLine[];
  readonly chain: ProviderChain;
  readonly clock: Clock;
  readonly log: Log;
}

/** After an answer that cannot be the list its provider is not asked for it again at once, however many messages wait. */
const BAD_LIST_WAIT_MS = 60_000;

/** An answer that was no list, and until when nobody asks for it again. */
interface BadAnswer {
  readonly error: TransientError;
  readonly untilMs: number;
}

/**
 * Who is asked for one list: the first that is there, and the next one where that one goes out, refuses us, or answers with
 * what cannot be the list.
 */
export class ListLines {
  readonly #parts: ListLinesParts;
  readonly #first: ProviderLine;
  readonly #bad = new Map<ProviderLine, BadAnswer>();

  constructor(parts: ListLinesParts) {
    const [first] = parts.lines;
    if (first === undefined) {
      throw new RangeError(`nobody can be asked for the ${parts.list}`);
    }
    this.#parts = parts;
    this.#first = first;
  }

  get list(): string {
    return this.#parts.list;
  }

  get first(): ProviderLine {
    return this.#first;
  }

  get all(): readonly ProviderLine[] {
    return this.#parts.lines;
  }

  /**
   * Does `act` with one line, and anew with the next one; with `begunBy` before all others. Throws what it throws, what
   * `ProviderChain.ask` throws, and TransientError where nobody has an answer that can be the list.
   */
  async ask<T>(
    act: (line: ProviderLine, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    begunBy?: ProviderLine,
  ): Promise<T> {
    const { chain, log, list } = this.#parts;
    const lines = this.#parts.lines.toSorted((left, right) => Number(right === begunBy) - Number(left === begunBy));
    for (;;) {
      this.throwIfBad();
      try {
        return await chain.ask(
          lines.filter((line) => !this.#isBad(line)),
          act,
          { signal },
        );
      } catch (error) {
        const isBad = [...this.#bad.values()].some((bad) => bad.error === error);
        const next = lines.find((line) => !this.#isBad(line));
        if (signal.aborted || !isBad || next === undefined) {
          throw error;
        }
        log.warn("an answer cannot be the list, asking the next provider", {
          list,
          next: next.provider,
          why: describeError(error),
        });
      }
    }
  }

  /** The answer of this line is not taken: `fault` says why it cannot be the list, for the end of a sentence. */
  refuse(line: ProviderLine, fault: string): never {
    const { list } = this.#parts;
    const wait = `it is asked for again in ${BAD_LIST_WAIT_MS / 1_000} s`;
    const error = this.#waitError(`bringing the ${list} up to date from ${line.provider}: ${fault}; ${wait}`);
    this.#setBad([line], error);
    throw error;
  }

  /** Nobody brings the list for a reason that only a person can mend, and none is stored: all that need it wait. */
  refuseAll(cause: Error): TransientError {
    const error = this.#waitError(`bringing the ${this.#parts.list} up to date, and none is stored`, cause);
    this.#setBad(this.#parts.lines, error);
    return error;
  }

  /** TransientError while nobody is to be asked since no answer could be the list. */
  throwIfBad(): void {
    const { lines } = this.#parts;
    if (lines.every((line) => this.#isBad(line))) {
      throw this.#bad.get(this.#first)?.error ?? this.#waitError(`bringing the ${this.#parts.list} up to date`);
    }
  }

  /** Somebody wants it all the same, or this one brought it. */
  forgetBad(lines: readonly ProviderLine[] = this.#parts.lines): void {
    for (const line of lines) {
      this.#bad.delete(line);
    }
  }

  /** What `promise` brings, unless an outage of all of them holds it up for the deadline or the signal aborts. */
  async orOutage<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
    const tooLong = new AbortController();
    const forget = this.#parts.lines.map((line) =>
      line.watch((error) => {
        // Another one brings it.
        if (this.#left().every((one) => one.isOut)) {
          tooLong.abort(error);
        }
      }),
    );
    try {
      return await orAbort(promise, AbortSignal.any([signal, tooLong.signal]));
    } finally {
      for (const end of forget) {
        end();
      }
    }
  }

  /** What `act` brings, or undefined as soon as nobody is there, see `whileNotOut`. */
  whileNotOut<T>(act: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    return whileNotOut(this.#parts.lines, act, signal, () => this.#left());
  }

  #left(): readonly ProviderLine[] {
    const { lines, chain } = this.#parts;
    const left = chain.left(lines);
    return left.length === 0 ? lines : left;
  }

  #isBad(line: ProviderLine): boolean {
    const bad = this.#bad.get(line);
    return bad !== undefined && this.#parts.clock.nowMs() < bad.untilMs;
  }

  #setBad(lines: readonly ProviderLine[], error: TransientError): void {
    const untilMs = this.#parts.clock.nowMs() + BAD_LIST_WAIT_MS;
    for (const line of lines) {
      this.#bad.set(line, { error, untilMs });
    }
  }

  #waitError(message: string, cause?: Error): TransientError {
    return new TransientError(message, {
      retryAfterMs: BAD_LIST_WAIT_MS,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
