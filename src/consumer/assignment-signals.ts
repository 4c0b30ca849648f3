import type { Clock } from "../base/clock.ts";

/** The signals of one assignment of a partition, shared by all its messages. */
export interface AssignmentSignals {
  /** Aborts when the partition was lost or the work is to be dropped. */
  readonly assignment: AbortSignal;
  /** Aborts with it, but of a lost partition only when its grace is over. */
  readonly finishing: AbortSignal;
}

interface Controllers extends AssignmentSignals {
  readonly abort: (reason: unknown) => void;
  readonly finish: (reason: unknown) => void;
}

/** Tells handlers to give up: of one partition that was lost, or all of them. */
export class AssignmentControllers implements Disposable {
  readonly #clock: Clock;
  readonly #lostGraceMs: number;
  /** Of partitions that are held, and of lost ones in their grace. */
  readonly #held = new Map<number, Controllers>();
  readonly #inGrace = new Set<Controllers>();
  readonly #closed = new AbortController();

  constructor(clock: Clock, lostGraceMs: number) {
    this.#clock = clock;
    this.#lostGraceMs = lostGraceMs;
  }

  of(assignment: number): AssignmentSignals {
    let found = this.#held.get(assignment);
    if (found === undefined) {
      found = createControllers();
      this.#held.set(assignment, found);
    }
    return found;
  }

  /**
   * Whoever has not begun ends at once. What is under way may be stored and recorded within the grace, so that the next
   * owner need not ask for it again. That is safe: the machine ignores what a handler of a lost partition answers, so its
   * message is never committed by us, and rows, ledger and outcomes replace an older version of themselves when the next
   * owner writes them as well.
   */
  lose(assignment: number, reason: unknown): void {
    const lost = this.#held.get(assignment);
    if (lost !== undefined) {
      this.#held.delete(assignment);
      this.#inGrace.add(lost);
      lost.abort(reason);
      void this.#finishAfterGrace(lost, reason);
    }
  }

  /** Every handler must give up, also those in their grace. */
  dropAll(reason: unknown): void {
    for (const controllers of [...this.#held.values(), ...this.#inGrace]) {
      controllers.abort(reason);
      controllers.finish(reason);
    }
    this.#held.clear();
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
  }

  async #finishAfterGrace(lost: Controllers, reason: unknown): Promise<void> {
    try {
      await this.#clock.sleep(this.#lostGraceMs, this.#closed.signal);
      lost.finish(reason);
    } catch {
      // The consumer has ended, and nobody waits for its handlers.
    }
    this.#inGrace.delete(lost);
  }
}

function createControllers(): Controllers {
  const assignment = new AbortController();
  const finishing = new AbortController();
  return {
    assignment: assignment.signal,
    finishing: finishing.signal,
    abort: (reason) => assignment.abort(reason),
    finish: (reason) => finishing.abort(reason),
  };
}
