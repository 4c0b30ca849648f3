/**
 * What can happen to the consumer's machine, each event in every class of state in which it means something else. A
 * run of the model notes what it met; one that nothing met is a hole in the model.
 */
export const TRANSITIONS = {
  arrive: [
    "and starts",
    "behind another one of its lane",
    "at its partition's cap, to the shelf",
    "and fills the window",
    "while a rebalance is on",
    "again: dropped",
    "of a partition that is not held: dropped",
    "of a dead stream: dropped",
    "in a drain: forgotten",
  ],
  start: [
    "as a member in good standing",
    "during a rebalance",
    "for the first time",
    "again, its outcome not yet durable",
    "again, its outcome durable before",
  ],
  finish: [
    "as the oldest: the mark rises",
    "behind one that is in flight: a gap",
    "late, its partition lost",
    "late, its partition lost and held again",
    "set aside, being overdue",
    "long after it was left to itself",
  ],
  fail: ["of a held partition: the consumer stops", "late, its partition lost"],
  overdue: ["as the oldest", "having the lane of another partition's oldest", "of a lost partition: left to itself"],
  progress: ["before the deadline"],
  rest: ["of a running message"],
  shelf: ["a place in hand is free", "its partition is lost"],
  revoke: [
    "with nothing in flight",
    "with one running",
    "with one waiting",
    "with one on the shelf",
    "with a gap",
    "of nothing: all stays",
  ],
  rebalance: ["with a mark to say", "with nothing to say", "in doubt: nothing is said", "with a commit under way"],
  assign: ["what is kept", "what is gained", "what was lost before", "to a new member: all is new"],
  lose: ["the membership, with messages in hand", "the membership, with nothing in hand"],
  commit: [
    "at once, nothing is in hand",
    "by count",
    "by age",
    "said again after a join",
    "said again after a time",
    "of a rebalance",
  ],
  committed: [
    "and answered",
    "and the answer is lost",
    "not at all: it is lost",
    "after another join",
    "after the partition was lost",
    "after the process died",
  ],
  crash: [
    "with nothing in hand",
    "with work not yet durable",
    "between durable and settled",
    "between settled and committed",
    "with a gap",
    "with a commit under way",
  ],
  group: ["others work on what is not held", "a member that was cut off rewinds", "in doubt", "in good standing again"],
  stream: ["is opened again and delivers again"],
  outage: ["stops every deadline"],
  "give back": ["in a drain: it comes again", "late, its partition lost", "outside a drain: not accepted"],
  drain: [
    "with one running: finished",
    "with one waiting: forgotten",
    "with one on the shelf: forgotten",
    "with a gap",
    "until all is said",
  ],
} as const;

export type TransitionEvent = keyof typeof TRANSITIONS;

/** How often each transition was met. */
export class Coverage {
  readonly #counts = new Map<string, number>();

  constructor() {
    for (const [event, states] of Object.entries(TRANSITIONS)) {
      for (const state of states) {
        this.#counts.set(`${event}: ${state}`, 0);
      }
    }
  }

  note<E extends TransitionEvent>(event: E, state: (typeof TRANSITIONS)[E][number]): void {
    const name = `${event}: ${state}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  get missing(): readonly string[] {
    return [...this.#counts].flatMap(([name, count]) => (count === 0 ? [name] : []));
  }

  /** One line a transition: how often, and what. */
  table(): readonly string[] {
    return [...this.#counts].map(([name, count]) => `${String(count).padStart(9)}  ${name}`);
  }
}
