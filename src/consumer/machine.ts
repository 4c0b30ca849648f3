import { CommitRule, type CommitRequest, type Now } from "./commit-rule.ts";
import type { Join, QueuedMessage, TopicPartition } from "./consumer-queue.ts";
import type { ConsumerState } from "./consumer-state.ts";
import { beginDeadline, beginRest, endRest, findLongestOverdue, findOverdue, stuckMs } from "./deadline.ts";
import { createEntry, type Entry } from "./entry.ts";
import { HeldPartitions, notStarted } from "./held-partitions.ts";
import { Lanes } from "./lanes.ts";
import type { ConsumerLimits } from "./limits.ts";
import { describeOverdue, describeState } from "./state-of.ts";
import { Window } from "./window.ts";

export type Effect<M extends QueuedMessage> =
  | { readonly kind: "start"; readonly entry: Entry<M>; readonly message: M }
  /** The partition was lost: handlers started under this assignment begin nothing more; what they answer is ignored. */
  | { readonly kind: "abort"; readonly assignment: number; readonly reason: string }
  /** Its deadline is over: its handler must set it aside, and settle it or fail. */
  | { readonly kind: "overdue"; readonly entry: Entry<M>; readonly stuckMs: number }
  | { readonly kind: "commit"; readonly request: CommitRequest<M> };

/**
 * The consumer as a state machine: no clock, no promise, no I/O. Events go in; `takeEffects` says what to do about
 * them, in order. In words:
 *
 * - A message is taken when its partition is held, its stream is trusted and its offset is not below the next one
 *   (what is delivered again is dropped). It is *in hand* until its handler has ended, and it starts when it is the
 *   first of all its lanes, while the membership is fresh or a rebalance is on.
 * - A partition's *mark* is its smallest offset in flight, or else the next one. Marks above what was last confirmed
 *   are committed by count, by age, and at once when nothing is in hand; one commit at a time, while fresh, never
 *   between a rebalance and the join that ends it, except the one that the rebalance itself asks for.
 * - A partition has at most `partitionMessagesMax` messages in its lanes and `partitionGapMax` settled behind one that
 *   is not. The queue's stream is one for all partitions, so what comes beyond that cannot be left where it is: it waits
 *   on the partition's *shelf*, outside lanes and window, in order, and leaves it as the partition gets below its cap.
 *   The shelves hold as many messages as the window, and share its bytes; when they are full nothing is pulled, of any
 *   partition, until the one at its cap gets on. Its deadline sees to that.
 * - A running message that holds up a partition, as the oldest in flight or in a lane of the oldest, is *overdue* when
 *   it has been stuck for `messageDeadlineMs` of worked time. It is told once, and its handler sets it aside. One of a
 *   lost partition cannot set anything aside any more: it is left to itself, and its lanes go on without it.
 * - A lost partition takes its tracker with it: handlers are told to give up, what has not started is forgotten,
 *   late results are ignored. Lanes and the window still count a handler until it has ended.
 * - After a join, and every `repeatMarksEveryMs`, all marks are said again: somebody who was cut off may have
 *   rewound them.
 * - A failed handler leaves its message in flight for good, so nothing at or beyond it is ever committed.
 * - In a drain nothing starts any more: what has not started is forgotten and stays in flight, so it comes again to
 *   whoever has the partition next, and the drain takes as long as the longest handler and not as the deepest lane. A
 *   handler may then give its message back, with the same effect.
 */
export class ConsumerMachine<M extends QueuedMessage> {
  readonly #limits: ConsumerLimits;
  readonly #lanes = new Lanes<M>();
  readonly #held = new HeldPartitions<M>();
  readonly #window: Window<M>;
  readonly #commits: CommitRule<M>;
  #ready: Entry<M>[] = [];
  #effects: Effect<M>[] = [];
  #isDraining = false;
  #isRebalancing = true;
  #counts = {
    taken: 0,
    settled: 0,
    failed: 0,
    repeats: 0,
    strays: 0,
    late: 0,
    overdue: 0,
    commits: 0,
    commitFailures: 0,
    joins: 0,
  };

  constructor(limits: ConsumerLimits) {
    this.#limits = limits;
    this.#window = new Window<M>(limits);
    this.#commits = new CommitRule<M>(limits);
  }

  // Events.

  /** What was assigned is ours now. Answers whether partitions were gained, which wants a new stream. */
  join(join: Join): boolean {
    this.#counts.joins += 1;
    this.#isRebalancing = false;
    this.#dropTrackersBut(join.isNewMember ? [] : join.assigned);
    const isGained = this.#held.gain(join.assigned, join.stream);
    this.#commits.begin(this.#held.all);
    return isGained;
  }

  /** A rebalance began, or its revoke round; says the marks first, while that is still accepted. */
  rebalance(assigned: readonly TopicPartition[], now: Now): void {
    if (now.isFresh) {
      this.#commit(now);
    }
    this.#hold(assigned);
  }

  /** The membership is gone. Nothing is committed until the next join. */
  lose(): void {
    this.#hold([]);
  }

  /** Answers false when the message is dropped: not ours, from a stream that is not trusted, or delivered again. */
  arrive(message: M, stream: number, bytes: number, lanes: readonly string[]): boolean {
    const tracker = this.#held.find(message.topic, message.partition);
    if (tracker === undefined || stream < tracker.streamMin) {
      this.#counts.strays += 1;
      return false;
    }
    if (!tracker.isNext(message.offset)) {
      this.#counts.repeats += 1;
      return false;
    }
    const phase = this.#window.isForShelf(tracker, this.#held.all.length) ? "shelved" : "waiting";
    const entry = createEntry(message, bytes, lanes, tracker, phase);
    tracker.add(entry);
    this.#window.add(entry);
    this.#counts.taken += 1;
    if (this.#isDraining) {
      this.#abandon(new Set([entry]));
    } else if (phase === "waiting" && this.#lanes.join(entry)) {
      this.#ready.push(entry);
    }
    return true;
  }

  /** The handler got on: its deadline begins again. */
  progress(entry: Entry<M>, now: Now): void {
    beginDeadline(entry, now.workedMs);
  }

  /** The handler waits for its turn until `resume`, and its deadline stands still. Rests may overlap. */
  rest(entry: Entry<M>, now: Now): void {
    beginRest(entry, now.workedMs);
  }

  resume(entry: Entry<M>, now: Now): void {
    endRest(entry, now.workedMs);
  }

  /** The handler ended well. Ignored, but for lanes and window, when the partition was lost meanwhile. */
  settle(entry: Entry<M>): void {
    const { tracker } = entry;
    if (!this.#end(entry, tracker.isLive ? "settled" : "abandoned")) {
      return;
    }
    this.#counts.settled += 1;
    this.#commits.settled(tracker, tracker.settle(entry));
    this.#unshelve();
  }

  /** The handler threw. Answers false when the partition was lost meanwhile, so that it does not matter. */
  fail(entry: Entry<M>): boolean {
    if (!this.#end(entry, "abandoned")) {
      return false;
    }
    this.#counts.failed += 1;
    return true;
  }

  /** The handler gives its message back, which then comes again. Answers false outside a drain: it would be held for ever. */
  giveBack(entry: Entry<M>): boolean {
    if (this.#isDraining) {
      this.#end(entry, "abandoned");
    }
    return this.#isDraining;
  }

  /** Time went by: who is overdue is told. */
  look(now: Now): void {
    const { all } = this.#held;
    for (const tracker of all) {
      tracker.look(now.elapsedMs);
    }
    for (const entry of findOverdue(all, this.#lanes, now.workedMs, this.#limits.messageDeadlineMs)) {
      if (entry.tracker.isLive) {
        this.#counts.overdue += 1;
        this.#effects.push({ kind: "overdue", entry, stuckMs: stuckMs(entry, now.workedMs) });
        entry.isOverdue = true;
        beginDeadline(entry, now.workedMs);
      } else {
        this.#leave(entry, "abandoned");
      }
    }
  }

  commitSucceeded(request: CommitRequest<M>): void {
    this.#counts.commits += 1;
    this.#commits.succeeded(request);
  }

  /** The same marks, or higher ones, go with the next commit. */
  commitFailed(request: CommitRequest<M>, now: Now): void {
    this.#counts.commitFailures += 1;
    this.#commits.failed(request, now);
  }

  /** Take and start nothing more; what has not started is forgotten. Running handlers may still settle. */
  drain(): void {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#abandon(notStarted(this.#held.all));
    }
  }

  // Decisions.

  /** What is to be done now, in this order. */
  takeEffects(now: Now): readonly Effect<M>[] {
    if (this.#ready.length > 0 && (now.isFresh || this.#isRebalancing)) {
      this.#startReady(now);
    }
    if (this.#commits.isDue(now, this.#window.inHand, this.#held.all)) {
      this.#commit(now);
    }
    if (this.#effects.length === 0) {
      return [];
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  // Observations.

  get hasRoom(): boolean {
    return !this.#isDraining && this.#window.hasRoom;
  }

  /** Nothing more is taken, and every handler has ended. */
  get isEmptied(): boolean {
    return this.#isDraining && this.#window.isEmpty;
  }

  /** The group knows every mark, as far as we can tell. */
  get isSaid(): boolean {
    return this.#commits.isSaid;
  }

  state(now: Now): ConsumerState {
    const rest = {
      isRebalancing: this.#isRebalancing,
      ...this.#window.counts,
      lanes: this.#lanes.size,
      overdue: describeOverdue(findLongestOverdue(this.#held.all, this.#lanes, now.workedMs), now),
      commit: this.#commits.state(now),
      counts: { ...this.#counts },
    };
    return describeState(this.#held.all, rest, now);
  }

  #startReady(now: Now): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const entry of ready) {
      const { message } = entry;
      if (entry.phase === "waiting" && message !== undefined) {
        this.#window.start(entry);
        beginDeadline(entry, now.workedMs);
        this.#effects.push({ kind: "start", entry, message });
      }
    }
  }

  /** Answers false when it does not matter any more: the partition was lost, or the handler was left to itself. */
  #end(entry: Entry<M>, phase: "settled" | "abandoned"): boolean {
    const { isLive } = entry.tracker;
    if (isLive || entry.phase === "running") {
      this.#leave(entry, phase);
    }
    this.#counts.late += isLive ? 0 : 1;
    return isLive;
  }

  #leave(entry: Entry<M>, phase: "settled" | "abandoned"): void {
    if (entry.phase !== "running") {
      throw new RangeError(`ending offset ${entry.offset}: it is ${entry.phase}, not running`);
    }
    this.#window.leave(entry, phase);
    this.#lanes.leave(entry, this.#ready);
    this.#unshelve();
  }

  #abandon(entries: ReadonlySet<Entry<M>>): void {
    for (const entry of entries) {
      this.#window.leave(entry, "abandoned");
    }
    this.#lanes.remove(entries, this.#ready);
    this.#unshelve();
  }

  #unshelve(): void {
    this.#window.unshelve(this.#held.all, (entry) => {
      if (this.#lanes.join(entry)) {
        this.#ready.push(entry);
      }
    });
  }

  #dropTrackersBut(kept: readonly TopicPartition[]): void {
    const lost = this.#held.keepOnly(kept);
    for (const tracker of lost) {
      this.#commits.forget(tracker);
      this.#effects.push({ kind: "abort", assignment: tracker.assignment, reason: "the partition was lost" });
    }
    this.#abandon(notStarted(lost));
  }

  #hold(kept: readonly TopicPartition[]): void {
    this.#dropTrackersBut(kept);
    this.#isRebalancing = true;
    this.#commits.isHeld = true;
  }

  #commit(now: Now): void {
    const request = this.#commits.take(now);
    if (request !== undefined) {
      this.#effects.push({ kind: "commit", request });
    }
  }
}
