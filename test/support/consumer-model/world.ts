import assert from "node:assert/strict";

import type { CommitRequest, Now } from "../../../src/consumer/commit-rule.ts";
import type { QueuedMessage } from "../../../src/consumer/consumer-queue.ts";
import type { ConsumerState } from "../../../src/consumer/consumer-state.ts";
import type { Entry } from "../../../src/consumer/entry.ts";
import { type ConsumerLimits, DEFAULT_LIMITS } from "../../../src/consumer/limits.ts";
import { ConsumerMachine } from "../../../src/consumer/machine.ts";
import type { Coverage, TRANSITIONS } from "./transitions.ts";

export interface LogMessage extends QueuedMessage {
  readonly lanes: readonly string[];
}

/** A partition's log: how many offsets are missing before each message, and its lanes as bits. */
export type LogShape = readonly (readonly [gap: number, lanes: number])[];

export type Step = readonly [action: number, choice: number, more: number];

const PARTITIONS = [0, 1, 2] as const;
const LANES = ["a", "b", "c", "d"] as const;
const DEADLINE_MS = 900;
const LIMITS: ConsumerLimits = {
  ...DEFAULT_LIMITS,
  messagesMax: 6,
  partitionMessagesMax: 3,
  partitionGapMax: 3,
  bytesMax: 9,
  messageDeadlineMs: DEADLINE_MS,
  commitEveryMs: 250,
  commitMessagesMax: 3,
  repeatMarksEveryMs: 3_000,
};

interface UnderWay {
  readonly request: CommitRequest<LogMessage>;
  readonly isOfRebalance: boolean;
  readonly join: number;
}

interface Running {
  readonly entry: Entry<LogMessage>;
  /** What it does is durable, and it has yet to say so. */
  isDurable: boolean;
  isOverdue: boolean;
  rests: number;
  /** The model's own measure of the deadline. */
  stuckMs: number;
}

/**
 * The machine in a world that does to it what brokers, other members, slow handlers and sudden ends do, in any order.
 * After each step the world checks what must always hold. Outcomes are durable before they are settled, and what is
 * durable or committed survives a crash; everything else does not.
 */
export class World {
  readonly #coverage: Coverage;
  readonly #logs: readonly (readonly LogMessage[])[];
  /** What the broker has, and offsets whose outcome is durable, per partition. */
  readonly #committed: bigint[] = PARTITIONS.map(() => 0n);
  readonly #durable = PARTITIONS.map(() => new Set<bigint>());
  readonly #begun = new Set<LogMessage>();
  readonly #everHeld = new Set<number>();
  /** Commits of a process that is dead, which may still arrive. */
  #ghosts: CommitRequest<LogMessage>[] = [];
  #machine = new ConsumerMachine<LogMessage>(LIMITS);
  /** Positions of each stream ever opened, by partition; old ones may still deliver. */
  #streams: Map<number, number>[] = [];
  #running: Running[] = [];
  #commits: UnderWay[] = [];
  #aborted = new Set<number>();
  /** The last offset started, by assignment and lane: within a partition a lane has an order. */
  #lastStarted = new Map<string, bigint>();
  #held: readonly number[] = [];
  #joins = 0;
  #isSaidAgain = false;
  #isRebalancing = true;
  #isDraining = false;
  #isDead = false;
  #nowMs = 0;
  #outageMs = 0;
  #repeatedMs = 0;
  #settledSinceCommit = 0;
  #isFresh = true;

  constructor(shapes: readonly LogShape[], coverage: Coverage) {
    this.#coverage = coverage;
    this.#logs = PARTITIONS.map((partition) => {
      let offset = 0n;
      return (shapes[partition] ?? []).map(([gap, lanes]) => {
        offset += BigInt(gap);
        const message = { topic: "t", partition, offset, lanes: LANES.filter((_, index) => (lanes >> index) & 1) };
        offset += 1n;
        return message;
      });
    });
    this.#join(1 + (this.#logs.flat().length % 7), true);
    this.#perform(false);
  }

  step([action, choice, more]: Step): void {
    const act = ACTIONS[action % ACTIONS.length] ?? missing();
    act(this, choice, more);
    this.#perform(false);
    this.#check();
  }

  /** Lets everything finish, in a new process if this one stops; then all must be durable and committed. */
  settleEverything(): void {
    if (this.#isDraining || this.#isDead) {
      this.crash();
    }
    this.#isFresh = true;
    this.#join(7, false);
    this.#perform(false);
    for (let round = 0; round < 600; round += 1) {
      this.#pass(300, 0);
      // A partition that was rewound before anything was read from it is mended by its next reader.
      if (round % 20 === 19) {
        this.#open();
      }
      for (const partition of PARTITIONS) {
        this.deliver(partition);
      }
      this.look(0);
      this.#perform(false);
      for (let left = this.#running.length; left > 0; left -= 1) {
        this.store(0);
        this.finish(0);
        this.#perform(false);
      }
      while (this.commitArrives(0)) {
        this.#perform(false);
      }
      this.#check();
      if (this.#isAllCommitted()) {
        return;
      }
    }
    assert.fail(
      `not everything is committed: ${this.#committed.join(", ")}; ${JSON.stringify(this.#state(), (_key, value: unknown) => (typeof value === "bigint" ? String(value) : value))}`,
    );
  }

  // What brokers and streams do.

  deliver(choice: number): void {
    this.#deliverFrom(this.#streams.length, choice);
  }

  /** What an old stream had in its buffer, or in flight, arrives after all. */
  deliverStale(choice: number, more: number): void {
    if (this.#streams.length > 1) {
      this.#deliverFrom(1 + (more % (this.#streams.length - 1)), choice);
    }
  }

  /** The stream ended by itself and was opened again: everything committed onwards comes again. */
  reopen(): void {
    this.#coverage.note("stream", "is opened again and delivers again");
    this.#open();
  }

  commitArrives(choice: number): boolean {
    return this.#endCommit(choice, true, true);
  }

  commitIsLost(choice: number): void {
    this.#endCommit(choice, false, false);
  }

  commitAnswerIsLost(choice: number): void {
    this.#endCommit(choice, true, false);
  }

  /** What a dead process had sent arrives after all. */
  ghostArrives(choice: number): void {
    const ghost = this.#ghosts.splice(choice % Math.max(1, this.#ghosts.length), 1)[0];
    if (ghost !== undefined) {
      this.#apply(ghost);
      this.#coverage.note("committed", "after the process died");
    }
  }

  // What handlers do.

  /** The rows, or the dead letter, and the outcome of a message become durable. */
  store(choice: number): void {
    const running = this.#running[choice % Math.max(1, this.#running.length)];
    if (running !== undefined) {
      running.isDurable = true;
      this.#durable[running.entry.tracker.partition]?.add(running.entry.offset);
    }
  }

  finish(choice: number): void {
    const at = choice % Math.max(1, this.#running.length);
    const running = this.#running[at];
    if (running?.isDurable !== true) {
      return;
    }
    const { entry } = running;
    const { tracker } = entry;
    this.#running.splice(at, 1);
    if (tracker.isLive) {
      this.#settledSinceCommit += 1;
      this.#coverage.note(
        "finish",
        tracker.oldest === entry ? "as the oldest: the mark rises" : "behind one that is in flight: a gap",
      );
      if (running.isOverdue) {
        this.#coverage.note("finish", "set aside, being overdue");
      }
    } else {
      const isHeldAgain = this.#held.includes(tracker.partition);
      this.#coverage.note(
        "finish",
        isHeldAgain ? "late, its partition lost and held again" : "late, its partition lost",
      );
      if (entry.phase === "abandoned") {
        this.#coverage.note("finish", "long after it was left to itself");
      }
    }
    this.#machine.settle(entry);
  }

  fail(choice: number, more: number): void {
    const at = choice % Math.max(1, this.#running.length);
    const entry = more % 8 === 0 ? this.#running[at]?.entry : undefined;
    if (entry === undefined) {
      return;
    }
    this.#running.splice(at, 1);
    const { isLive } = entry.tracker;
    assert.equal(this.#machine.fail(entry), isLive);
    this.#coverage.note("fail", isLive ? "of a held partition: the consumer stops" : "late, its partition lost");
    if (isLive) {
      this.#isDead = true;
      this.#drain();
    }
  }

  /** What the message waits for will not come in time; nothing of it was made durable here. */
  giveBack(choice: number): void {
    const at = choice % Math.max(1, this.#running.length);
    const entry = this.#running[at]?.entry;
    if (entry === undefined) {
      return;
    }
    const { isLive } = entry.tracker;
    const isAccepted = this.#machine.giveBack(entry);
    assert.equal(isAccepted, this.#isDraining, "given back outside a drain");
    if (isAccepted) {
      this.#running.splice(at, 1);
      assert.equal(entry.phase, "abandoned");
      this.#coverage.note("give back", isLive ? "in a drain: it comes again" : "late, its partition lost");
    } else {
      assert.notEqual(entry.phase, "settled");
      this.#coverage.note("give back", "outside a drain: not accepted");
    }
  }

  progress(choice: number): void {
    const running = this.#running[choice % Math.max(1, this.#running.length)];
    if (running !== undefined) {
      this.#machine.progress(running.entry, this.#now());
      running.stuckMs = 0;
      this.#coverage.note("progress", "before the deadline");
    }
  }

  rest(choice: number, more: number): void {
    const running = this.#running[choice % Math.max(1, this.#running.length)];
    if (running === undefined) {
      return;
    }
    if (running.rests > 0 && more % 2 === 0) {
      this.#machine.resume(running.entry, this.#now());
      running.rests -= 1;
    } else {
      this.#machine.rest(running.entry, this.#now());
      running.rests += 1;
      this.#coverage.note("rest", "of a running message");
    }
  }

  // What the group does.

  /** A planned rebalance, up to the revoke round; `choice` says what stays. */
  rebalance(choice: number): void {
    const before = this.#commits.length;
    const isUnderWay = before > 0;
    this.#machine.rebalance(this.#assigned(this.#held), this.#now());
    this.#isRebalancing = true;
    this.#perform(true);
    const said = this.#commits.length > before;
    this.#coverage.note(
      "rebalance",
      !this.#isFresh ? "in doubt: nothing is said" : said ? "with a mark to say" : "with nothing to say",
    );
    if (isUnderWay) {
      this.#coverage.note("rebalance", "with a commit under way");
    }
    const kept = this.#held.filter((partition) => (choice >> partition) & 1);
    this.#noteRevoked(this.#held.filter((partition) => !kept.includes(partition)));
    this.#held = kept;
    this.#machine.rebalance(this.#assigned(kept), this.#now());
    this.#perform(true);
  }

  join(choice: number): void {
    if (this.#isRebalancing) {
      this.#join(choice % 8, false);
    }
  }

  /** Back in the group after having been out of it without knowing. */
  comeBack(choice: number): void {
    this.#held = [];
    this.othersWork(choice);
    this.#join(choice % 8, true);
  }

  lose(): void {
    const { inHand } = this.#state();
    this.#coverage.note(
      "lose",
      inHand > 0 ? "the membership, with messages in hand" : "the membership, with nothing in hand",
    );
    this.#noteRevoked(this.#held);
    this.#machine.lose();
    this.#held = [];
    this.#isRebalancing = true;
  }

  /** Another member settles and commits a part of what is not ours. */
  othersWork(choice: number): void {
    for (const partition of PARTITIONS) {
      const log = this.#logs[partition] ?? [];
      const upTo = log[choice % Math.max(1, log.length)];
      if (this.#held.includes(partition) || upTo === undefined) {
        continue;
      }
      for (const { offset } of log) {
        if (offset < upTo.offset) {
          this.#durable[partition]?.add(offset);
        }
      }
      if (upTo.offset > (this.#committed[partition] ?? 0n)) {
        this.#committed[partition] = upTo.offset;
        this.#coverage.note("group", "others work on what is not held");
      }
    }
  }

  /** A member that was cut off says an old mark. */
  rewind(choice: number, more: number): void {
    const partition = choice % PARTITIONS.length;
    const mark = this.#committed[partition] ?? 0n;
    if (mark > 0n) {
      this.#committed[partition] = mark - (BigInt(more) % mark);
      this.#coverage.note("group", "a member that was cut off rewinds");
    }
  }

  freshen(choice: number): void {
    this.#isFresh = choice % 3 !== 0;
    this.#coverage.note("group", this.#isFresh ? "in good standing again" : "in doubt");
  }

  // What time and people do.

  look(choice: number): void {
    this.#pass(choice % 400, 0);
    this.#machine.look(this.#now());
    for (const { entry } of this.#running) {
      if (!entry.tracker.isLive && entry.phase === "abandoned" && !this.#leftToThemselves.has(entry)) {
        this.#leftToThemselves.add(entry);
        this.#coverage.note("overdue", "of a lost partition: left to itself");
      }
    }
  }

  outage(choice: number): void {
    this.#pass(choice % 2_000, 1);
    this.#coverage.note("outage", "stops every deadline");
  }

  drain(_choice: number, more: number): void {
    if (more % 3 === 0) {
      this.#drain();
    }
  }

  /** The process dies: everything in its memory is gone, and another one starts. */
  crash(): void {
    this.#noteCrash();
    this.#ghosts.push(...this.#commits.map(({ request }) => request));
    this.#machine = new ConsumerMachine<LogMessage>(LIMITS);
    this.#streams = [];
    this.#running = [];
    this.#commits = [];
    this.#aborted = new Set();
    this.#lastStarted = new Map();
    this.#held = [];
    this.#isRebalancing = true;
    this.#isDraining = false;
    this.#isDead = false;
    this.#settledSinceCommit = 0;
    this.#repeatedMs = 0;
  }

  crashAndJoin(choice: number, more: number): void {
    // One that has ended is started again; one that is well dies now and then.
    if (more % 3 === 0 || this.#isDead || (this.#isDraining && this.#machine.isEmptied)) {
      this.crash();
      this.othersWork(choice);
      this.#join(choice % 8, true);
    }
  }

  readonly #leftToThemselves = new WeakSet<Entry<LogMessage>>();

  #pass(ms: number, outage: 0 | 1): void {
    this.#nowMs += ms;
    this.#outageMs += ms * outage;
    for (const running of this.#running) {
      running.stuckMs += outage === 0 && running.rests === 0 ? ms : 0;
    }
  }

  #isAllCommitted(): boolean {
    return PARTITIONS.every((partition) => {
      const last = this.#logs[partition]?.at(-1);
      return last === undefined || this.#committed[partition] === last.offset + 1n;
    });
  }

  #deliverFrom(stream: number, choice: number): void {
    const positions = this.#streams[stream - 1];
    if (positions === undefined || (!this.#machine.hasRoom && !this.#isDraining)) {
      return;
    }
    const partitions = [...positions.keys()];
    const partition = partitions[choice % partitions.length];
    const position = partition === undefined ? undefined : positions.get(partition);
    const message = partition === undefined ? undefined : this.#logs[partition]?.[position ?? 0];
    if (partition === undefined || position === undefined || message === undefined) {
      return;
    }
    positions.set(partition, position + 1);
    const before = this.#state();
    const isTaken = this.#machine.arrive(message, stream, 1, message.lanes);
    this.#noteArrival(message, isTaken, before, this.#state());
  }

  #noteArrival(message: LogMessage, isTaken: boolean, before: ConsumerState, after: ConsumerState): void {
    const note = (state: (typeof TRANSITIONS)["arrive"][number]): void => this.#coverage.note("arrive", state);
    if (!isTaken) {
      const isRepeat = after.counts.repeats > before.counts.repeats;
      const isHeld = this.#held.includes(message.partition);
      note(
        isRepeat ? "again: dropped" : isHeld ? "of a dead stream: dropped" : "of a partition that is not held: dropped",
      );
      return;
    }
    if (this.#isDraining) {
      assert.deepEqual([after.inHand, after.shelved], [before.inHand, before.shelved], "taken in a drain");
      note("in a drain: forgotten");
      return;
    }
    if (after.shelved > before.shelved) {
      note("at its partition's cap, to the shelf");
    } else {
      const at = after.partitions.find(({ partition }) => partition === message.partition) ?? missing();
      const inLanes = at.inFlight - at.shelved;
      assert.ok(this.#held.length === 1 || inLanes <= LIMITS.partitionMessagesMax, "a partition is above its cap");
      const isFree = !this.#running.some(
        ({ entry }) => entry.phase === "running" && entry.lanes.some((lane) => message.lanes.includes(lane)),
      );
      note(isFree ? "and starts" : "behind another one of its lane");
    }
    if (!this.#machine.hasRoom) {
      note("and fills the window");
    }
    if (this.#isRebalancing) {
      note("while a rebalance is on");
    }
  }

  #join(mask: number, isNewMember: boolean): void {
    const kept = isNewMember ? [] : this.#held;
    const assigned = PARTITIONS.filter((partition) => (mask >> partition) & 1 || this.#held.includes(partition));
    for (const partition of assigned) {
      const gained = this.#everHeld.has(partition) ? "what was lost before" : "what is gained";
      const inGroup = kept.includes(partition) ? "what is kept" : gained;
      const state = isNewMember ? "to a new member: all is new" : inGroup;
      this.#coverage.note("assign", state);
      this.#everHeld.add(partition);
    }
    this.#held = assigned;
    this.#isRebalancing = false;
    this.#joins += 1;
    this.#isSaidAgain = false;
    const stream = this.#streams.length + 1;
    const isGained = this.#machine.join({ assigned: this.#assigned(assigned), isNewMember, stream });
    this.#isFresh = true;
    if (isGained) {
      this.#open();
    } else {
      this.#resetPositions(this.#streams.at(-1));
    }
  }

  #open(): void {
    const positions = new Map<number, number>();
    this.#streams.push(positions);
    for (const partition of this.#held) {
      positions.set(partition, 0);
    }
    this.#resetPositions(positions);
  }

  /** Every join makes a stream begin again at what is committed, also for the partitions that it kept. */
  #resetPositions(positions: Map<number, number> | undefined): void {
    for (const partition of positions?.keys() ?? []) {
      const log = this.#logs[partition] ?? [];
      const from = log.findIndex(({ offset }) => offset >= (this.#committed[partition] ?? 0n));
      positions?.set(partition, from === -1 ? log.length : from);
    }
  }

  #endCommit(choice: number, isApplied: boolean, isAnswered: boolean): boolean {
    const commit = this.#commits.splice(choice % Math.max(1, this.#commits.length), 1)[0];
    if (commit === undefined) {
      return false;
    }
    const { request } = commit;
    if (isApplied) {
      this.#apply(request);
    }
    if (commit.join !== this.#joins) {
      this.#coverage.note("committed", "after another join");
    }
    if (request.trackers.some(({ isLive }) => !isLive)) {
      this.#coverage.note("committed", "after the partition was lost");
    }
    this.#coverage.note(
      "committed",
      isAnswered ? "and answered" : isApplied ? "and the answer is lost" : "not at all: it is lost",
    );
    if (isAnswered) {
      this.#machine.commitSucceeded(request);
    } else {
      this.#machine.commitFailed(request, this.#now());
    }
    return true;
  }

  #apply({ marks }: CommitRequest<LogMessage>): void {
    for (const { partition, offset } of marks) {
      this.#committed[partition] = offset;
    }
  }

  #perform(isOfRebalance: boolean): void {
    const shelvedBefore = this.#shelvedSeen;
    for (const effect of this.#machine.takeEffects(this.#now())) {
      if (effect.kind === "start") {
        this.#start(effect.entry, effect.message);
      } else if (effect.kind === "abort") {
        this.#aborted.add(effect.assignment);
      } else if (effect.kind === "overdue") {
        this.#takeOverdue(effect.entry);
      } else {
        this.#noteCommit(effect.request, isOfRebalance);
        this.#checkCommit(effect.request, isOfRebalance);
        this.#commits.push({ request: effect.request, isOfRebalance, join: this.#joins });
      }
    }
    this.#shelvedSeen = this.#state().shelved;
    if (this.#shelvedSeen < shelvedBefore && this.#shelvedSeen > 0) {
      this.#coverage.note("shelf", "a place in hand is free");
    }
  }

  #shelvedSeen = 0;

  #start(entry: Entry<LogMessage>, message: LogMessage): void {
    const { tracker } = entry;
    assert.ok(tracker.isLive, "started a message of a lost partition");
    assert.ok(this.#isFresh || this.#isRebalancing, "started a message while the membership is in doubt");
    assert.ok(!this.#isDraining, "started a message in a drain");
    assert.equal(this.#aborted.has(tracker.assignment), false);
    for (const lane of message.lanes) {
      const isTaken = this.#running.some(
        (other) => other.entry.phase === "running" && other.entry.lanes.includes(lane),
      );
      assert.ok(!isTaken, `two of lane ${lane} at once`);
      const key = `${tracker.assignment} ${lane}`;
      assert.ok(entry.offset > (this.#lastStarted.get(key) ?? -1n), `lane ${lane} is out of order`);
      this.#lastStarted.set(key, entry.offset);
    }
    const isDurable = this.#durable[message.partition]?.has(message.offset) === true;
    this.#coverage.note("start", this.#isRebalancing ? "during a rebalance" : "as a member in good standing");
    this.#coverage.note(
      "start",
      isDurable
        ? "again, its outcome durable before"
        : this.#begun.has(message)
          ? "again, its outcome not yet durable"
          : "for the first time",
    );
    this.#begun.add(message);
    this.#running.push({ entry, isDurable, isOverdue: false, rests: 0, stuckMs: 0 });
  }

  #takeOverdue(entry: Entry<LogMessage>): void {
    const running = this.#running.find((one) => one.entry === entry) ?? missing();
    assert.ok(running.stuckMs >= DEADLINE_MS, `overdue after ${running.stuckMs} ms`);
    assert.equal(running.rests, 0, "overdue while it rests");
    assert.equal(running.isOverdue, false, "told twice that it is overdue");
    running.isOverdue = true;
    running.stuckMs = 0;
    const isOldest = entry.tracker.oldest === entry;
    this.#coverage.note("overdue", isOldest ? "as the oldest" : "having the lane of another partition's oldest");
  }

  #noteCommit(request: CommitRequest<LogMessage>, isOfRebalance: boolean): void {
    const isRepeat = request.trackers.every(({ sent }) => sent === undefined);
    const isLong = this.#nowMs - this.#repeatedMs >= LIMITS.repeatMarksEveryMs;
    const state = isOfRebalance
      ? "of a rebalance"
      : !this.#isSaidAgain
        ? "said again after a join"
        : isRepeat && isLong
          ? "said again after a time"
          : this.#state().inHand === 0
            ? "at once, nothing is in hand"
            : this.#settledSinceCommit >= LIMITS.commitMessagesMax
              ? "by count"
              : "by age";
    this.#coverage.note("commit", state);
    this.#repeatedMs = state.startsWith("said again") ? this.#nowMs : this.#repeatedMs;
    this.#isSaidAgain ||= !isOfRebalance;
    this.#settledSinceCommit = 0;
  }

  #checkCommit(request: CommitRequest<LogMessage>, isOfRebalance: boolean): void {
    assert.ok(this.#isFresh, "committed while the membership is in doubt");
    assert.ok(isOfRebalance || !this.#isRebalancing, "committed between a rebalance and its join");
    assert.ok(isOfRebalance || this.#commits.every((other) => other.isOfRebalance), "two commits under way");
    for (const { partition, offset: mark } of request.marks) {
      assert.ok(this.#held.includes(partition), "committed for a partition that is not held");
      const unsettled = this.#logs[partition]?.find(({ offset }) => !this.#durable[partition]?.has(offset));
      const bound = unsettled?.offset ?? (this.#logs[partition]?.at(-1)?.offset ?? -1n) + 1n;
      assert.ok(mark <= bound, `committed ${mark} of ${partition} although ${bound} is not settled`);
    }
  }

  #check(): void {
    const { inHand, running, shelved, bytesInHand, partitions } = this.#state();
    assert.ok(inHand <= LIMITS.messagesMax, "more in hand than the window allows");
    assert.ok(shelved <= LIMITS.messagesMax, "more on the shelves than they hold");
    assert.ok(bytesInHand <= LIMITS.bytesMax, "more bytes in hand than the window allows");
    assert.equal(bytesInHand, inHand + shelved, "the window lost count");
    assert.ok(!this.#isDraining || inHand + shelved === running, "a drain waits for what has not started");
    assert.equal(running, this.#running.filter(({ entry }) => entry.phase === "running").length);
    assert.equal(partitions.length, this.#held.length);
    for (const { partition, gap, mark, blocking, next } of partitions) {
      assert.ok(this.#held.includes(partition));
      assert.ok(gap >= 0);
      const bound = blocking?.offset ?? next;
      assert.equal(mark, bound, `the mark of ${partition} is ${mark} although ${bound} is not settled`);
    }
    if (this.#isDraining && this.#machine.isEmptied && this.#machine.isSaid && !this.#isDead && !this.#isRebalancing) {
      this.#coverage.note("drain", "until all is said");
    }
  }

  #drain(): void {
    if (this.#isDraining) {
      return;
    }
    const { running, inHand, shelved, gap } = this.#state();
    if (running > 0) {
      this.#coverage.note("drain", "with one running: finished");
    }
    if (inHand > running) {
      this.#coverage.note("drain", "with one waiting: forgotten");
    }
    if (shelved > 0) {
      this.#coverage.note("drain", "with one on the shelf: forgotten");
    }
    if (gap > 0) {
      this.#coverage.note("drain", "with a gap");
    }
    this.#isDraining = true;
    this.#machine.drain();
  }

  #noteRevoked(lost: readonly number[]): void {
    const { partitions } = this.#state();
    for (const { partition, inFlight, shelved, gap } of partitions) {
      if (!lost.includes(partition)) {
        continue;
      }
      const running = this.#running.filter(
        ({ entry }) => entry.tracker.isLive && entry.tracker.partition === partition,
      ).length;
      if (inFlight === 0) {
        this.#coverage.note("revoke", "with nothing in flight");
      }
      if (running > 0) {
        this.#coverage.note("revoke", "with one running");
      }
      if (inFlight > running + shelved) {
        this.#coverage.note("revoke", "with one waiting");
      }
      if (shelved > 0) {
        this.#coverage.note("revoke", "with one on the shelf");
        this.#coverage.note("shelf", "its partition is lost");
      }
      if (gap > 0) {
        this.#coverage.note("revoke", "with a gap");
      }
    }
    if (lost.length === 0) {
      this.#coverage.note("revoke", "of nothing: all stays");
    }
  }

  #noteCrash(): void {
    const { inHand, gap, partitions } = this.#state();
    if (inHand === 0) {
      this.#coverage.note("crash", "with nothing in hand");
    }
    if (this.#running.some(({ isDurable }) => !isDurable)) {
      this.#coverage.note("crash", "with work not yet durable");
    }
    if (this.#running.some(({ isDurable }) => isDurable)) {
      this.#coverage.note("crash", "between durable and settled");
    }
    if (partitions.some(({ partition, mark }) => mark !== undefined && mark > (this.#committed[partition] ?? 0n))) {
      this.#coverage.note("crash", "between settled and committed");
    }
    if (gap > 0) {
      this.#coverage.note("crash", "with a gap");
    }
    if (this.#commits.length > 0) {
      this.#coverage.note("crash", "with a commit under way");
    }
  }

  #assigned(partitions: readonly number[]): { topic: string; partition: number }[] {
    return partitions.map((partition) => ({ topic: "t", partition }));
  }

  #state(): ConsumerState {
    return this.#machine.state(this.#now());
  }

  #now(): Now {
    return { elapsedMs: this.#nowMs, workedMs: this.#nowMs - this.#outageMs, isFresh: this.#isFresh };
  }
}

type Action = (world: World, choice: number, more: number) => void;

/** Delivery, handlers and commits come more often than trouble does. */
const ACTIONS: readonly Action[] = [
  ...often(7, (world, choice) => world.deliver(choice)),
  ...often(4, (world, choice) => world.store(choice)),
  ...often(5, (world, choice) => world.finish(choice)),
  ...often(3, (world, choice) => void world.commitArrives(choice)),
  ...often(3, (world, choice) => world.look(choice)),
  ...often(2, (world, choice) => world.join(choice)),
  (world, choice, more) => world.deliverStale(choice, more),
  (world, choice, more) => world.fail(choice, more),
  (world, choice) => world.progress(choice),
  (world, choice, more) => world.rest(choice, more),
  (world, choice) => world.rebalance(choice),
  (world, choice, more) => (more % 3 === 0 ? world.comeBack(choice) : undefined),
  (world, _choice, more) => (more % 3 === 0 ? world.lose() : undefined),
  (world, choice) => world.othersWork(choice),
  (world, choice, more) => world.rewind(choice, more),
  (world, choice) => world.commitIsLost(choice),
  (world, choice) => world.commitAnswerIsLost(choice),
  (world, choice) => world.ghostArrives(choice),
  (world) => world.reopen(),
  (world, choice) => world.freshen(choice),
  (world, choice) => world.outage(choice),
  (world, choice, more) => world.drain(choice, more),
  (world, choice) => world.giveBack(choice),
  (world, choice, more) => world.crashAndJoin(choice, more),
];

function often(times: number, action: Action): readonly Action[] {
  return Array.from({ length: times }, () => action);
}

function missing(): never {
  throw new RangeError("the model is wrong");
}
