import type { MessageIdentity, Outcomes } from "../ports/store.ts";

/**
 * Which messages were settled before they came again. Outcomes beyond the committed prefix are kept in the store, so a
 * restart repeats messages but no provider call, not even for `force`.
 *
 * They are read once for each assignment of a partition, at its first message: whoever held the partition before has
 * written its outcomes by then, but for calls that were under way and may be recorded up to `lostGraceMs` later. A message
 * of those is done again, by a ledger that knows their days. Nobody else settles its messages from now on. Messages of several lanes start in any
 * order, so they are read again for one that stands before all that have asked.
 */
export class SettledBefore {
  readonly #outcomes: Outcomes;
  readonly #byAssignment = new WeakMap<AbortSignal, Reading>();

  constructor(outcomes: Outcomes) {
    this.#outcomes = outcomes;
  }

  /** `assignment` is the signal that all messages of one assignment of a partition share. */
  async has(message: MessageIdentity, assignment: AbortSignal): Promise<boolean> {
    const known = this.#byAssignment.get(assignment);
    const reading = known !== undefined && known.from <= message.offset ? known : this.#read(message, assignment);
    return (await reading.settled).get(message.offset)?.has(message.fingerprint) === true;
  }

  #read({ topic, partition, offset }: MessageIdentity, assignment: AbortSignal): Reading {
    const settled = this.#outcomes.settledFrom(topic, partition, offset, assignment);
    const reading = { from: offset, settled };
    this.#byAssignment.set(assignment, reading);
    // The next message asks again after a failure.
    settled.catch(() => {
      if (this.#byAssignment.get(assignment) === reading) {
        this.#byAssignment.delete(assignment);
      }
    });
    return reading;
  }
}

/** Fingerprints by offset of what was settled at or above `from`. */
interface Reading {
  readonly from: bigint;
  readonly settled: Promise<ReadonlyMap<bigint, ReadonlySet<string>>>;
}
