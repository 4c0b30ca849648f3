import { CommitRule, type CommitRequest, type Now } from "./commit-rule.ts";
import type { Join, QueuedMessage, TopicPartition } from "./consumer-queue.ts";
import type { ConsumerState } from "./consumer-state.ts";
import type { Entry } from "./entry.ts";
import { Lanes } from "./lanes.ts";
import type { ConsumerLimits } from "./limits.ts";
import { describeState } from "./state-of.ts";
import { Tracker } from "./tracker.ts";

export type Effect<M extends QueuedMessage> =
  | { readonly kind: "start"; readonly entry: Entry<M> }
  /** Every handler started under this assignment must give up; what it answers is ignored. */
  | { readonly kind: "abort"; readonly assignment: number; readonly reason: string }
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
 * - A lost partition takes its tracker with it: handlers are told to give up, what has not started is forgotten,
 *   late results are ignored. Lanes and the window still count a handler until it has ended.
 * - After a join, and every `repeatMarksEveryMs`, all marks are said again: somebody who was cut off may have
 *   rewound them.
 * - A failed handler leaves its message in flight for good, so nothing at or beyond it is ever committed.
 */
export class ConsumerMachine<M extends QueuedMessage> {
  readonly #limits: ConsumerLimits;
  readonly #lanes = new Lanes<M>();
  readonly #trackers = new Map<string, Map<number, Tracker<M>>>();
  readonly #commits: CommitRule<M>;
  #ready: Entry<M>[] = [];
  #effects: Effect<M>[] = [];
  #mode: "running" | "draining" | "stopped" = "running";
  #isRebalancing = true;
  #assignments = 0;
  #inHand = 0;
  #running = 0;
  #bytesInHand = 0;
  #counts = {
    taken: 0,
    settled: 0,
    failed: 0,
    repeats: 0,
    strays: 0,
    late: 0,
    commits: 0,
    commitFailures: 0,
    joins: 0,
  };

  constructor(limits: ConsumerLimits) {
    this.#limits = limits;
    this.#commits = new CommitRule<M>(limits);
  }

  // Events.

  /** What was assigned is ours now. Answers whether partitions were gained, which wants a new stream. */
  join(join: Join): boolean {
    this.#counts.joins += 1;
    this.#isRebalancing = false;
    this.#dropTrackersBut(join.isNewMember ? [] : join.assigned);
    let isGained = false;
    for (const at of join.assigned) {
      let partitions = this.#trackers.get(at.topic);
      if (partitions === undefined) {
        partitions = new Map();
        this.#trackers.set(at.topic, partitions);
      }
      if (!partitions.has(at.partition)) {
        this.#assignments += 1;
        partitions.set(at.partition, new Tracker<M>(at, this.#assignments, join.stream));
        isGained = true;
      }
    }
    this.#commits.begin(this.#all());
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
    const tracker = this.#trackers.get(message.topic)?.get(message.partition);
    if (tracker === undefined || stream < tracker.streamMin) {
      this.#counts.strays += 1;
      return false;
    }
    if (!tracker.isNext(message.offset)) {
      this.#counts.repeats += 1;
      return false;
    }
    const distinct = lanes.length > 1 ? [...new Set(lanes)] : lanes;
    const entry: Entry<M> = { message, bytes, lanes: distinct, tracker, phase: "waiting", behind: 0 };
    tracker.add(entry);
    this.#counts.taken += 1;
    this.#inHand += 1;
    this.#bytesInHand += bytes;
    if (this.#mode === "stopped") {
      this.#abandon(new Set([entry]));
    } else if (this.#lanes.join(entry)) {
      this.#ready.push(entry);
    }
    return true;
  }

  /** The handler ended well. Ignored, but for lanes and window, when the partition was lost meanwhile. */
  settle(entry: Entry<M>): void {
    const { tracker } = entry;
    this.#end(entry, tracker.isLive ? "settled" : "abandoned");
    if (!tracker.isLive) {
      this.#counts.late += 1;
      return;
    }
    this.#counts.settled += 1;
    this.#commits.settled(tracker, tracker.settle(entry));
  }

  /** The handler threw. Answers false when the partition was lost meanwhile, so that it does not matter. */
  fail(entry: Entry<M>): boolean {
    this.#end(entry, "abandoned");
    if (!entry.tracker.isLive) {
      this.#counts.late += 1;
      return false;
    }
    this.#counts.failed += 1;
    return true;
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

  /** Take nothing new; finish what is in hand. */
  drain(): void {
    if (this.#mode === "running") {
      this.#mode = "draining";
    }
  }

  /** Start nothing more; what has not started is forgotten. Running handlers may still settle. */
  stop(): void {
    if (this.#mode === "stopped") {
      return;
    }
    this.#mode = "stopped";
    const waiting = new Set<Entry<M>>();
    for (const tracker of this.#all()) {
      for (const entry of tracker.unsettled()) {
        if (entry.phase === "waiting") {
          waiting.add(entry);
        }
      }
    }
    this.#abandon(waiting);
  }

  /** Every running handler must give up. */
  abort(): void {
    for (const tracker of this.#all()) {
      this.#effects.push({ kind: "abort", assignment: tracker.assignment, reason: "the work is to be dropped" });
    }
  }

  // Decisions.

  /** What is to be done now, in this order. */
  takeEffects(now: Now): readonly Effect<M>[] {
    if (this.#ready.length > 0 && (now.isFresh || this.#isRebalancing)) {
      this.#startReady();
    }
    if (this.#commits.isDue(now, this.#inHand, () => this.#all())) {
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
    return (
      this.#mode === "running" && this.#inHand < this.#limits.messagesMax && this.#bytesInHand < this.#limits.bytesMax
    );
  }

  /** Nothing more is taken, and every handler has ended. */
  get isEmptied(): boolean {
    return this.#mode !== "running" && this.#inHand === 0;
  }

  /** The group knows every mark, as far as we can tell. */
  get isSaid(): boolean {
    return this.#commits.isSaid;
  }

  state(): ConsumerState {
    return describeState(this.#all(), {
      isRebalancing: this.#isRebalancing,
      inHand: this.#inHand,
      running: this.#running,
      bytesInHand: this.#bytesInHand,
      lanes: this.#lanes.size,
      counts: { ...this.#counts },
    });
  }

  #startReady(): void {
    const ready = this.#ready;
    this.#ready = [];
    for (const entry of ready) {
      if (entry.phase === "waiting") {
        entry.phase = "running";
        this.#running += 1;
        this.#effects.push({ kind: "start", entry });
      }
    }
  }

  #end(entry: Entry<M>, phase: "settled" | "abandoned"): void {
    if (entry.phase !== "running") {
      throw new RangeError(`ending offset ${entry.message.offset}: it is ${entry.phase}, not running`);
    }
    entry.phase = phase;
    this.#running -= 1;
    this.#inHand -= 1;
    this.#bytesInHand -= entry.bytes;
    this.#lanes.leave(entry, this.#ready);
  }

  #abandon(waiting: ReadonlySet<Entry<M>>): void {
    for (const entry of waiting) {
      entry.phase = "abandoned";
      this.#inHand -= 1;
      this.#bytesInHand -= entry.bytes;
    }
    this.#lanes.remove(waiting, this.#ready);
  }

  #dropTrackersBut(kept: readonly TopicPartition[]): void {
    const held = new Set(kept.map(({ topic, partition }) => `${partition} ${topic}`));
    const waiting = new Set<Entry<M>>();
    for (const tracker of this.#all()) {
      if (held.has(`${tracker.partition} ${tracker.topic}`)) {
        continue;
      }
      tracker.isLive = false;
      this.#trackers.get(tracker.topic)?.delete(tracker.partition);
      this.#commits.forget(tracker);
      for (const entry of tracker.unsettled()) {
        if (entry.phase === "waiting") {
          waiting.add(entry);
        }
      }
      this.#effects.push({ kind: "abort", assignment: tracker.assignment, reason: "the partition was lost" });
    }
    this.#abandon(waiting);
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

  #all(): Tracker<M>[] {
    return [...this.#trackers.values()].flatMap((partitions) => [...partitions.values()]);
  }
}
