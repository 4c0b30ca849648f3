import type { Clock } from "../base/clock.ts";
import { DataError, describeError, PermanentError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import { MessageError } from "../domain/message-error.ts";
import { MovedOnError, type ProviderChain } from "./provider-chain.ts";
import type { ProviderLine } from "./provider-line.ts";
import { isCalledWrong, isRefusal } from "./refusals.ts";
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

/** What nobody asks for again for a while, and why. */
interface Trouble {
  readonly error: Error;
  readonly untilMs: number;
}

/**
 * Who is asked for one list: the first that is there. Where one refuses us, calls the request wrong, or answers with what
 * cannot be the list, the next one that is there is asked, and nobody is waited for. So it is where one goes out and
 * `mayMove` says so; otherwise that one is waited for.
 */
export class ListLines {
  readonly #parts: ListLinesParts;
  readonly #first: ProviderLine;
  readonly #troubles = new Map<ProviderLine, Trouble>();
  /** Told when a line fell out for another reason than that it is out. */
  readonly #tells = new Set<() => void>();

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
   * Does `act` with one line, and anew with the next one. Throws what it throws, and where everybody failed the error of the
   * one whose answer could not be the list, or else the first one's: MessageError where all refuse our credentials,
   * PermanentError (provider) when no provider of all is left, PermanentError (api) or DataError.
   */
  async ask<T>(
    act: (line: ProviderLine, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    mayMove = true,
  ): Promise<T> {
    const { chain, lines } = this.#parts;
    const failed = new Map<ProviderLine, Error>();
    for (;;) {
      this.throwIfBad();
      const left = this.able().filter((line) => !failed.has(line));
      // Whoever stands in for one that had no list a moment ago is not waited for: that one is asked again soon.
      const isFirst = left[0] === this.#left()[0];
      const able = isFirst && !mayMove ? left.slice(0, 1) : left;
      // Of one that was out this finds out whether it is back; nobody else would.
      const next = able.find((line) => isThere(line) || (failed.size === 0 && line.standing().word === "probe"));
      if (next === undefined && failed.size > 0) {
        throw this.#worst([...failed.values()]);
      }
      let asked: ProviderLine | undefined;
      const noting = async (line: ProviderLine, ending: AbortSignal): Promise<T> => {
        asked = line;
        try {
          return await act(line, ending);
        } catch (error) {
          this.#note(line, error);
          throw error;
        }
      };
      // Without anybody else to go to it is waited for.
      const waits = next === undefined || (isFirst && (!mayMove || this.#left().length === 1));
      try {
        return waits
          ? await chain.ask(able.length === 0 ? lines : able, noting, { signal })
          : await chain.askWhileThere(next, noting, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof MovedOnError) {
          continue;
        }
        const isOfLine = isNotForUs(error) || (asked !== undefined && this.#troubles.get(asked)?.error === error);
        if (asked === undefined || !(error instanceof Error) || !isOfLine) {
          throw error;
        }
        failed.set(asked, error);
        this.#sayFailed(asked, error, failed);
      }
    }
  }

  /** Does `act` with this line, however long it is out. Throws as `ask`. */
  async stay<T>(line: ProviderLine, act: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#parts.chain.ask([line], (_line, ending) => act(ending), { signal });
  }

  /** The answer of this line is not taken: `fault` says why it cannot be the list, for the end of a sentence. */
  refuse(line: ProviderLine, fault: string): never {
    const { list } = this.#parts;
    const wait = `it is asked for again in ${BAD_LIST_WAIT_MS / 1_000} s`;
    const error = waitError(`bringing the ${list} up to date from ${line.provider}: ${fault}; ${wait}`);
    this.#setTrouble([line], error);
    throw error;
  }

  /** Nobody brings the list for a reason that only a person can mend, and none is stored: all that need it wait. */
  refuseAll(cause: Error): TransientError {
    const error = waitError(`bringing the ${this.#parts.list} up to date, and none is stored`, cause);
    this.#setTrouble(this.#parts.lines, error);
    return error;
  }

  /** Throws what somebody answered a short while ago where nobody else is there. */
  throwIfBad(): void {
    const left = this.#left();
    const errors = left.flatMap((line) => this.#troubleOf(line)?.error ?? []);
    if (errors.length > 0 && !this.able().some(isThere)) {
      throw this.#worst(errors);
    }
  }

  /** Somebody wants it all the same, or this one brought it. */
  forgetBad(lines: readonly ProviderLine[] = this.#parts.lines): void {
    for (const line of lines) {
      this.#troubles.delete(line);
    }
  }

  /**
   * What `promise` brings, unless an outage holds it up for the deadline while nobody of those who may bring it is there, or
   * the signal aborts.
   */
  async orOutage<T>(promise: Promise<T>, who: () => readonly ProviderLine[], signal: AbortSignal): Promise<T> {
    const tooLong = new AbortController();
    /** What those that are out would have given up with. */
    const due = new Map<ProviderLine, Error>();
    const watches = new Map<ProviderLine, () => void>();
    const watch = (line: ProviderLine): void => {
      watches.get(line)?.();
      const end = line.watch((error) => {
        due.set(line, error);
        look();
      });
      watches.set(line, end);
    };
    const look = (): void => {
      for (const line of [...due.keys()].filter(isThere)) {
        // That outage is over: a later one is due in its own time.
        due.delete(line);
        watch(line);
      }
      const [error] = due.values();
      if (error !== undefined && !who().some(isThere)) {
        tooLong.abort(error);
      }
    };
    const { lines } = this.#parts;
    const changes = lines.map((line) => line.onChange(look));
    lines.forEach(watch);
    try {
      return await orAbort(promise, AbortSignal.any([signal, tooLong.signal]));
    } finally {
      for (const end of [...changes, ...watches.values()]) {
        end();
      }
    }
  }

  /** What `act` brings, or undefined as soon as who is asked is out: the first one, or with `mayMove` all of them. */
  async whileNotOut<T>(
    act: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    mayMove: boolean,
  ): Promise<T | undefined> {
    return await whileNotOut(this.#parts.lines, act, signal, {
      thatCount: () => (mayMove ? this.able() : this.able().slice(0, 1)),
      onOther: (tell) => {
        this.#tells.add(tell);
        return () => this.#tells.delete(tell);
      },
    });
  }

  /** Those that did not refuse us; all where all did. */
  #left(): readonly ProviderLine[] {
    const { lines, chain } = this.#parts;
    const left = chain.left(lines);
    return left.length === 0 ? lines : left;
  }

  /** Those that did not refuse us, and whose answer was not bad a short while ago. */
  able(): readonly ProviderLine[] {
    return this.#left().filter((line) => this.#troubleOf(line) === undefined);
  }

  /** The line is to blame, and another one may do better. */
  #note(line: ProviderLine, error: unknown): void {
    if (isNotForUs(error) || isRefusal(error)) {
      this.#setTrouble([line], error);
    }
    for (const tell of this.#tells) {
      tell();
    }
  }

  #sayFailed(line: ProviderLine, error: Error, failed: ReadonlyMap<ProviderLine, Error>): void {
    const { log, list } = this.#parts;
    const next = this.able().find((one) => !failed.has(one) && isThere(one));
    if (next !== undefined) {
      log.warn("a list did not come, asking the next provider", {
        list,
        provider: line.provider,
        next: next.provider,
        why: describeError(error),
      });
    }
  }

  /** Where an answer was no list another one may be in a minute. */
  #worst(errors: readonly Error[]): Error {
    const worst = errors.find((error) => error instanceof TransientError) ?? errors[0];
    return worst === undefined ? new RangeError("nobody was asked") : this.#parts.chain.asMessages(worst);
  }

  #troubleOf(line: ProviderLine): Trouble | undefined {
    const trouble = this.#troubles.get(line);
    return trouble !== undefined && this.#parts.clock.nowMs() < trouble.untilMs ? trouble : undefined;
  }

  #setTrouble(lines: readonly ProviderLine[], error: Error): void {
    const untilMs = this.#parts.clock.nowMs() + BAD_LIST_WAIT_MS;
    for (const line of lines) {
      this.#troubles.set(line, { error, untilMs });
    }
  }
}

/** Everybody refused us, or this very call: it is called wrong, or we have no right to it. */
export function isNotForUs(error: unknown): error is DataError | PermanentError {
  return (
    isCalledWrong(error) ||
    (error instanceof PermanentError && error.scope === "api") ||
    (error instanceof MessageError && error.reason === "provider-refused")
  );
}

function isThere(line: ProviderLine): boolean {
  return line.standing().word === "there";
}

function waitError(message: string, cause?: Error): TransientError {
  return new TransientError(message, { retryAfterMs: BAD_LIST_WAIT_MS, ...(cause === undefined ? {} : { cause }) });
}
