import type { WORKER_STATUS } from "../domain/enums.ts";

/** What a worker is doing, in the words of the contract. `ERROR` has a reason. */
export type WorkerState = Exclude<keyof typeof WORKER_STATUS, "VOID">;

/**
 * Which state may follow which. In words: a worker is *stopped* until it is started; it is *starting* while it opens its
 * parts, *running* while it takes messages, *stopping* while it finishes what is in hand. It is in *error* while it is
 * stuck, from which it may get on by itself or be told to stop, and when something has ended it; then it may be started
 * again, as one that stopped may.
 */
export const TRANSITIONS: Readonly<Record<WorkerState, readonly WorkerState[]>> = {
  STOPPED: ["STARTING"],
  STARTING: ["RUNNING", "STOPPING", "ERROR"],
  RUNNING: ["STOPPING", "ERROR"],
  STOPPING: ["STOPPED", "ERROR"],
  ERROR: ["STARTING", "RUNNING", "STOPPING"],
};

export interface StateChange {
  readonly from: WorkerState;
  readonly to: WorkerState;
  /** Why it is in error; else empty. */
  readonly why: string;
}

/** The one place that knows the state of a worker; heartbeat, health, notifications and library read it here. */
export class Lifecycle {
  readonly #listeners = new Set<(change: StateChange) => void>();
  #state: WorkerState = "STOPPED";
  #why = "";

  get state(): WorkerState {
    return this.#state;
  }

  /** Why it is in error; else empty. */
  get why(): string {
    return this.#why;
  }

  /** Nothing happens when it is in that state already. RangeError when the state cannot follow. Listeners must not throw. */
  enter(to: WorkerState, why = ""): void {
    const from = this.#state;
    if (from === to) {
      this.#why = why === "" ? this.#why : why;
      return;
    }
    if (!TRANSITIONS[from].includes(to)) {
      throw new RangeError(`a worker that is ${from} cannot become ${to}`);
    }
    this.#state = to;
    this.#why = to === "ERROR" ? why : "";
    for (const listener of this.#listeners) {
      listener({ from, to, why: this.#why });
    }
  }

  /** Told of each change, after it. */
  onChange(listener: (change: StateChange) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
  }
}
