import type { MessageIdentity, Outcomes } from "../ports/store.ts";

/**
 * Which messages were settled before they came again. Outcomes beyond the committed prefix are kept in the store, so a
 * restart repeats messages but no provider call, not even for `force`.
 *
 * They are read once for each assignment of a partition, at its first message: whoever held the partition before has
 * written its outcomes by then, and nobody else settles its messages from now on.
 */
export class SettledBefore {
  readonly #outcomes: Outcomes;
  readonly #byAssignment = new WeakMap<AbortSignal, Promise<ReadonlyMap<bigint, string>>>();

  constructor(outcomes: Outcomes) {
    this.#outcomes = outcomes;
  }

  /** `assignment` is the signal that all messages of one assignment of a partition share. */
  async has(message: MessageIdentity, assignment: AbortSignal): Promise<boolean> {
    const known = this.#byAssignment.get(assignment) ?? this.#read(message, assignment);
    return (await known).get(message.offset) === message.fingerprint;
  }

  #read(first: MessageIdentity, assignment: AbortSignal): Promise<ReadonlyMap<bigint, string>> {
    const reading = this.#outcomes.settledFrom(first.topic, first.partition, first.offset, assignment);
    this.#byAssignment.set(assignment, reading);
    // The next message asks again after a failure.
    reading.catch(() => this.#byAssignment.delete(assignment));
    return reading;
  }
}
