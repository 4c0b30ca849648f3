import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import type { CommitRequest, Now } from "./commit-rule.ts";
import type { QueuedMessage } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";
import { ConsumerMachine } from "./machine.ts";

/**
 * The machine against a world that does to it what brokers, other members and slow handlers do, in any order. After
 * each step the world checks what must always hold; at the end everything is let finish and must be committed.
 */
const RUNS = 1_500;
const STEPS_MAX = 250;
const PARTITIONS = [0, 1, 2] as const;
const LANES = ["a", "b", "c", "d"] as const;
const MESSAGES_MAX = 6;

interface LogMessage extends QueuedMessage {
  readonly lanes: readonly string[];
}

type Step = readonly [action: number, choice: number, more: number];

class World {
  readonly seen = new Set<string>();
  readonly #machine = new ConsumerMachine<LogMessage>({
    messagesMax: MESSAGES_MAX,
    bytesMax: 1_000,
    commitEveryMs: 250,
    commitMessagesMax: 4,
    repeatMarksEveryMs: 3_000,
    failGraceMs: 0,
    abandonMs: 0,
    lastCommitMs: 0,
  });
  readonly #logs: readonly (readonly LogMessage[])[];
  /** What the broker has, and offsets whose message is really settled, per partition. */
  readonly #committed: bigint[] = PARTITIONS.map(() => 0n);
  readonly #settled = PARTITIONS.map(() => new Set<bigint>());
  /** Positions of each stream ever opened, by partition; old ones may still deliver. */
  readonly #streams: Map<number, number>[] = [];
  readonly #running: Entry<LogMessage>[] = [];
  readonly #commits: { readonly request: CommitRequest<LogMessage>; readonly isOfRebalance: boolean }[] = [];
  readonly #aborted = new Set<number>();
  readonly #arrivals = new Map<LogMessage, number>();
  readonly #lastStarted = new Map<string, number>();
  #arrived = 0;
  #held: readonly number[] = [];
  #isRebalancing = true;
  #nowMs = 0;
  #isFresh = true;
  hasFailed = false;

  constructor(shapes: readonly (readonly (readonly [gap: number, lanes: number])[])[]) {
    this.#logs = shapes.map((shape, partition) => {
      let offset = 0n;
      return shape.map(([gap, lanes]) => {
        offset += BigInt(gap);
        const message = { topic: "t", partition, offset, lanes: LANES.filter((_, index) => (lanes >> index) & 1) };
        offset += 1n;
        return message;
      });
    });
  }

  step([action, choice, more]: Step): void {
    const [name, take] = ACTIONS[action % ACTIONS.length] ?? fail();
    if (take.call(this, choice, more)) {
      this.seen.add(name);
    }
    this.#perform(false);
    this.#check();
  }

  deliver(choice: number): boolean {
    return this.#deliverFrom(this.#streams.length, choice);
  }

  /** What an old stream had in its buffer, or in flight, arrives after all. */
  deliverStale(choice: number, more: number): boolean {
    return this.#streams.length > 1 && this.#deliverFrom(1 + (more % (this.#streams.length - 1)), choice);
  }

  finish(choice: number): boolean {
    const entry = this.#takeRunning(choice);
    if (entry === undefined) {
      return false;
    }
    if (entry.tracker.isLive) {
      this.#settled[entry.message.partition]?.add(entry.message.offset);
    }
    this.#machine.settle(entry);
    return true;
  }

  fail(choice: number, more: number): boolean {
    const entry = more % 10 === 0 ? this.#takeRunning(choice) : undefined;
    if (entry === undefined) {
      return false;
    }
    const isLive = entry.tracker.isLive;
    assert.equal(this.#machine.fail(entry), isLive);
    this.hasFailed ||= isLive;
    return true;
  }

  /** A planned rebalance, up to the revoke round; `choice` says what stays. */
  rebalance(choice: number): boolean {
    this.#machine.rebalance(this.#assigned(this.#held), this.#now());
    this.#isRebalancing = true;
    this.#perform(true);
    this.#held = this.#held.filter((partition) => (choice >> partition) & 1);
    this.#machine.rebalance(this.#assigned(this.#held), this.#now());
    this.#perform(true);
    return true;
  }

  join(choice: number): boolean {
    if (!this.#isRebalancing) {
      return false;
    }
    this.#join(choice % 8, false);
    return true;
  }

  /** Back in the group after having been out of it without knowing. */
  comeBack(choice: number): boolean {
    this.#held = [];
    this.#othersWork(choice);
    this.#join(choice % 8, true);
    return true;
  }

  lose(): boolean {
    this.#machine.lose();
    this.#held = [];
    this.#isRebalancing = true;
    return true;
  }

  /** Another member settles and commits a part of what is not ours. */
  othersWork(choice: number): boolean {
    return this.#othersWork(choice);
  }

  /** A member that was cut off says an old mark. */
  rewind(choice: number, more: number): boolean {
    const partition = choice % PARTITIONS.length;
    const mark = this.#committed[partition] ?? 0n;
    this.#committed[partition] = mark - (mark > 0n ? BigInt(more) % mark : 0n);
    return mark > 0n;
  }

  commitArrives(choice: number): boolean {
    return this.#endCommit(choice, true, true);
  }

  commitFails(choice: number): boolean {
    return this.#endCommit(choice, false, false);
  }

  commitAnswerLost(choice: number): boolean {
    return this.#endCommit(choice, true, false);
  }

  /** The stream ended by itself and was opened again: everything committed onwards comes again. */
  reopen(): boolean {
    this.#open();
    return true;
  }

  tick(choice: number): boolean {
    this.#nowMs += choice % 400;
    return true;
  }

  freshen(choice: number): boolean {
    this.#isFresh = choice % 4 !== 0;
    return true;
  }

  /** Lets everything finish; all that is held must be committed, unless a handler failed. */
  settleEverything(): void {
    this.#isFresh = true;
    if (this.#isRebalancing) {
      this.#join(7, false);
    }
    for (let round = 0; round < 2_000; round += 1) {
      this.#nowMs += 300;
      // A partition that was rewound by a late commit before anything was read from it is mended by its next reader.
      if (round % 100 === 0) {
        this.#open();
      }
      this.deliver(round);
      while (this.finish(0)) {
        this.#perform(false);
      }
      while (this.#endCommit(0, true, true)) {
        this.#perform(false);
      }
      this.#perform(false);
      if (this.hasFailed || this.#isAllCommitted()) {
        return;
      }
    }
    assert.fail(`not everything is committed: ${this.#committed.join(", ")}`);
  }

  #isAllCommitted(): boolean {
    return this.#held.every((partition) => {
      const last = this.#logs[partition]?.at(-1);
      return last === undefined || this.#committed[partition] === last.offset + 1n;
    });
  }

  #deliverFrom(stream: number, choice: number): boolean {
    const positions = this.#streams[stream - 1];
    if (positions === undefined || !this.#machine.hasRoom) {
      return false;
    }
    const partitions = [...positions.keys()];
    const partition = partitions[choice % partitions.length];
    const position = partition === undefined ? undefined : positions.get(partition);
    const message = partition === undefined ? undefined : this.#logs[partition]?.[position ?? 0];
    if (partition === undefined || position === undefined || message === undefined) {
      return false;
    }
    positions.set(partition, position + 1);
    if (this.#machine.arrive(message, stream, 1, message.lanes)) {
      this.#arrived += 1;
      this.#arrivals.set(message, this.#arrived);
    }
    return true;
  }

  #takeRunning(choice: number): Entry<LogMessage> | undefined {
    return this.#running.splice(choice % Math.max(1, this.#running.length), 1)[0];
  }

  #join(mask: number, isNewMember: boolean): void {
    const assigned = PARTITIONS.filter((partition) => (mask >> partition) & 1 || this.#held.includes(partition));
    this.#held = assigned;
    this.#isRebalancing = false;
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

  #othersWork(choice: number): boolean {
    for (const partition of PARTITIONS) {
      const log = this.#logs[partition] ?? [];
      const upTo = log[choice % Math.max(1, log.length)];
      if (this.#held.includes(partition) || upTo === undefined) {
        continue;
      }
      for (const { offset } of log) {
        if (offset < upTo.offset) {
          this.#settled[partition]?.add(offset);
        }
      }
      if (upTo.offset > (this.#committed[partition] ?? 0n)) {
        this.#committed[partition] = upTo.offset;
      }
    }
    return true;
  }

  #endCommit(choice: number, isApplied: boolean, isAnswered: boolean): boolean {
    const commit = this.#commits.splice(choice % Math.max(1, this.#commits.length), 1)[0];
    if (commit === undefined) {
      return false;
    }
    for (const { partition, offset } of isApplied ? commit.request.marks : []) {
      this.#committed[partition] = offset;
    }
    if (isAnswered) {
      this.#machine.commitSucceeded(commit.request);
    } else {
      this.#machine.commitFailed(commit.request, this.#now());
    }
    return true;
  }

  #perform(isOfRebalance: boolean): void {
    for (const effect of this.#machine.takeEffects(this.#now())) {
      if (effect.kind === "start") {
        this.#start(effect.entry);
      } else if (effect.kind === "abort") {
        this.#aborted.add(effect.assignment);
      } else {
        this.#checkCommit(effect.request, isOfRebalance);
        this.#commits.push({ request: effect.request, isOfRebalance });
      }
    }
  }

  #start(entry: Entry<LogMessage>): void {
    const { message, tracker } = entry;
    assert.ok(tracker.isLive, "started a message of a lost partition");
    assert.ok(this.#isFresh || this.#isRebalancing, "started a message while the membership is in doubt");
    assert.equal(this.#aborted.has(tracker.assignment), false);
    const arrival = this.#arrivals.get(message) ?? fail();
    for (const lane of message.lanes) {
      assert.ok(!this.#running.some((other) => other.message.lanes.includes(lane)), `two of lane ${lane} at once`);
      assert.ok(arrival > (this.#lastStarted.get(lane) ?? 0), `lane ${lane} is out of order`);
      this.#lastStarted.set(lane, arrival);
    }
    this.#running.push(entry);
  }

  #checkCommit(request: CommitRequest<LogMessage>, isOfRebalance: boolean): void {
    assert.ok(this.#isFresh, "committed while the membership is in doubt");
    assert.ok(isOfRebalance || !this.#isRebalancing, "committed between a rebalance and its join");
    assert.ok(isOfRebalance || this.#commits.every((other) => other.isOfRebalance), "two commits under way");
    for (const { partition, offset: mark } of request.marks) {
      assert.ok(this.#held.includes(partition), "committed for a partition that is not held");
      const unsettled = this.#logs[partition]?.find(({ offset }) => !this.#settled[partition]?.has(offset));
      const bound = unsettled?.offset ?? (this.#logs[partition]?.at(-1)?.offset ?? -1n) + 1n;
      assert.ok(mark <= bound, `committed ${mark} of ${partition} although ${bound} is not settled`);
    }
  }

  #check(): void {
    const { inHand, running, gap, partitions } = this.#machine.state();
    assert.ok(inHand <= MESSAGES_MAX, "more in hand than the window allows");
    assert.equal(running, this.#running.length);
    assert.ok(gap >= 0);
    assert.deepEqual(new Set(partitions.map(({ partition }) => partition)), new Set(this.#held));
  }

  #assigned(partitions: readonly number[]): { topic: string; partition: number }[] {
    return partitions.map((partition) => ({ topic: "t", partition }));
  }

  #now(): Now {
    return { elapsedMs: this.#nowMs, isFresh: this.#isFresh };
  }
}

type Action = (this: World, choice: number, more: number) => boolean;

/** Delivery, handlers and commits come more often than trouble does. */
const ACTIONS: readonly (readonly [string, Action])[] = [
  ...repeat(6, "deliver"),
  ...repeat(6, "finish"),
  ...repeat(3, "commitArrives"),
  ...repeat(2, "tick"),
  ...repeat(2, "join"),
  ...repeat(1, "deliverStale"),
  ...repeat(1, "fail"),
  ...repeat(1, "rebalance"),
  ...repeat(1, "comeBack"),
  ...repeat(1, "lose"),
  ...repeat(1, "othersWork"),
  ...repeat(1, "rewind"),
  ...repeat(1, "commitFails"),
  ...repeat(1, "commitAnswerLost"),
  ...repeat(1, "reopen"),
  ...repeat(1, "freshen"),
];

type ActionName =
  | "deliver"
  | "deliverStale"
  | "finish"
  | "fail"
  | "rebalance"
  | "join"
  | "comeBack"
  | "lose"
  | "othersWork"
  | "rewind"
  | "commitArrives"
  | "commitFails"
  | "commitAnswerLost"
  | "reopen"
  | "tick"
  | "freshen";

function repeat(times: number, name: ActionName): (readonly [string, Action])[] {
  const action: Action = function act(choice, more) {
    return this[name](choice, more);
  };
  return Array.from({ length: times }, () => [name, action] as const);
}

function fail(): never {
  throw new RangeError("the model is wrong");
}

test("whatever happens in whatever order, nothing unsettled is passed, lanes keep their order, all is committed", () => {
  const seen = new Set<string>();
  const logs = fc.array(fc.array(fc.tuple(fc.nat(3), fc.nat(15)), { maxLength: 20 }), { minLength: 3, maxLength: 3 });
  const steps = fc.array(fc.tuple(fc.nat(10_000), fc.nat(10_000), fc.nat(10_000)), {
    maxLength: STEPS_MAX,
    size: "max",
  });
  fc.assert(
    fc.property(logs, steps, (shapes, taken) => {
      const world = new World(shapes);
      world.comeBack(7);
      for (const step of taken) {
        world.step(step);
      }
      world.settleEverything();
      for (const name of world.seen) {
        seen.add(name);
      }
    }),
    { numRuns: RUNS, seed: 20_260_101 },
  );
  const unseen = ACTIONS.map(([name]) => name).filter((name) => !seen.has(name));
  assert.deepEqual(unseen, [], "no run got as far as these");
});
