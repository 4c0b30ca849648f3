import type { AssignmentSignals } from "./assignment-signals.ts";
import type { Now } from "./commit-rule.ts";
import type { QueuedMessage } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";
import type { ConsumerMachine } from "./machine.ts";

/** What a handler is given with its message: when to give up, and how to say that it gets on. */
export interface Handling {
  /**
   * Aborts when the partition was lost or the work is to be dropped, and with an `OverdueError` when the message's
   * deadline is over. A handler that never asks for it costs no controller.
   */
  readonly signal: AbortSignal;
  /**
   * Shared by all messages of one assignment of a partition. Aborts when the partition was lost or the work is to be
   * dropped, and not when a deadline is over: for what still has to be done then.
   */
  readonly assignment: AbortSignal;
  /**
   * Shared like `assignment`, and aborts with it, but of a lost partition only `lostGraceMs` later: for what is under way
   * and spares the next owner work when it is finished. What the handler answers is ignored all the same.
   */
  readonly finishing: AbortSignal;
  /** The message got on: its deadline begins again. */
  progress(): void;
  /** Until it is disposed of the message waits for its turn, and its deadline stands still. Rests may overlap. */
  rest(): Disposable;
}

/**
 * The reason of a signal: the message has held up its partition for too long without getting on. Its handler must set
 * it aside, and whatever it was waiting for must not hold up the settling.
 */
export class OverdueError extends Error {
  override readonly name = "OverdueError";
  /** Worked time since it last got on. */
  readonly stuckMs: number;

  constructor(stuckMs: number) {
    super(`no progress for ${Math.round(stuckMs / 1_000)} s`);
    this.stuckMs = stuckMs;
  }
}

/**
 * Thrown by a handler in a drain when what it waits for will not come in time: its message is not settled, and comes
 * again to whoever has the partition next. Outside a drain it is a failure like any other.
 */
export class GivenBackError extends Error {
  override readonly name = "GivenBackError";
}

/** The runner's side of a message with its handler. */
export class RunningMessage<M extends QueuedMessage> implements Handling {
  readonly assignment: AbortSignal;
  readonly finishing: AbortSignal;
  readonly #entry: Entry<M>;
  readonly #machine: ConsumerMachine<M>;
  readonly #now: () => Now;
  #controller: AbortController | undefined;
  #overdue: OverdueError | undefined;

  constructor(entry: Entry<M>, signals: AssignmentSignals, machine: ConsumerMachine<M>, now: () => Now) {
    this.assignment = signals.assignment;
    this.finishing = signals.finishing;
    this.#entry = entry;
    this.#machine = machine;
    this.#now = now;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.assignment.aborted || this.#overdue !== undefined) {
        this.#controller.abort(this.#overdue ?? this.assignment.reason);
      } else {
        this.assignment.addEventListener("abort", this);
      }
    }
    return this.#controller.signal;
  }

  /** Told to give up, so that throwing is no failure. Being overdue is none of that: it must be set aside. */
  get mayGiveUp(): boolean {
    return this.assignment.aborted;
  }

  progress(): void {
    this.#machine.progress(this.#entry, this.#now());
  }

  rest(): Disposable {
    let isResting = true;
    this.#machine.rest(this.#entry, this.#now());
    return {
      [Symbol.dispose]: () => {
        if (isResting) {
          isResting = false;
          this.#machine.resume(this.#entry, this.#now());
        }
      },
    };
  }

  tellOverdue(stuckMs: number): void {
    this.#overdue = new OverdueError(stuckMs);
    this.#controller?.abort(this.#overdue);
  }

  /** The assignment was aborted. */
  handleEvent(): void {
    this.#controller?.abort(this.assignment.reason);
  }

  /** Its handler has ended. */
  end(): void {
    if (this.#controller !== undefined) {
      this.assignment.removeEventListener("abort", this);
    }
  }
}
