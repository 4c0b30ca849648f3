import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { CommitRequest } from "./commit-rule.ts";
import type { QueuedMessage } from "./consumer-queue.ts";
import type { Entry } from "./entry.ts";
import { type ConsumerLimits, DEFAULT_LIMITS } from "./limits.ts";
import { ConsumerMachine } from "./machine.ts";

/** The machine by hand, at a time and with a freshness of the test's choice. */
class Bench {
  readonly machine: ConsumerMachine<QueuedMessage>;
  readonly running: Entry<QueuedMessage>[] = [];
  readonly commits: CommitRequest<QueuedMessage>[] = [];
  readonly aborted: number[] = [];
  readonly overdue: bigint[] = [];
  elapsedMs = 1_000;
  outageMs = 0;
  isFresh = true;

  constructor(limits: Partial<ConsumerLimits> = {}) {
    this.machine = new ConsumerMachine({ ...DEFAULT_LIMITS, ...limits });
  }

  get workedMs(): number {
    return this.elapsedMs - this.outageMs;
  }

  join(partitions: readonly number[], stream = 1, isNewMember = false): boolean {
    return this.machine.join({ assigned: partitions.map((partition) => at(partition)), stream, isNewMember });
  }

  arrive(offset: number, lanes: readonly string[] = [], partition = 0, stream = 1): boolean {
    return this.machine.arrive({ ...at(partition), offset: BigInt(offset) }, stream, 10, lanes);
  }

  rebalance(partitions: readonly number[]): void {
    this.machine.rebalance(
      partitions.map((partition) => at(partition)),
      this,
    );
    this.perform();
  }

  perform(): void {
    for (const effect of this.machine.takeEffects(this)) {
      if (effect.kind === "start") {
        this.running.push(effect.entry);
      } else if (effect.kind === "commit") {
        this.commits.push(effect.request);
      } else if (effect.kind === "overdue") {
        this.overdue.push(effect.entry.offset);
      } else {
        this.aborted.push(effect.assignment);
      }
    }
  }

  /** The handler of this offset ends well. */
  settle(offset: number, partition = 0): void {
    this.machine.settle(this.take(offset, partition));
  }

  /** Time passes, and the machine looks at it. */
  pass(ms: number): void {
    this.elapsedMs += ms;
    this.machine.look(this);
    this.perform();
  }

  peek(offset: number, partition = 0): Entry<QueuedMessage> {
    const entry = this.take(offset, partition);
    this.running.push(entry);
    return entry;
  }

  take(offset: number, partition = 0): Entry<QueuedMessage> {
    const index = this.running.findIndex((one) => one.offset === BigInt(offset) && one.tracker.partition === partition);
    const [entry] = this.running.splice(index, 1);
    assert.ok(index !== -1 && entry !== undefined, `${partition}/${offset} is not running`);
    return entry;
  }

  /** Offsets with their handlers, in the order of their starts. */
  get started(): readonly number[] {
    return this.running.map(({ offset }) => Number(offset));
  }

  /** The marks of the last commit, by partition. */
  get said(): readonly (readonly [number, bigint])[] {
    return (this.commits.at(-1)?.marks ?? []).map(({ partition, offset }) => [partition, offset]);
  }

  confirm(): void {
    const request = this.commits.at(-1);
    assert.ok(request !== undefined);
    this.machine.commitSucceeded(request);
  }
}

describe("lanes", () => {
  test("a lane runs one message at a time in order of arrival, other lanes go on", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0, ["a"]);
    bench.arrive(1, ["a"]);
    bench.arrive(2, ["b"]);
    bench.perform();
    assert.deepEqual(bench.started, [0, 2]);
    bench.settle(0);
    bench.perform();
    assert.deepEqual(bench.started, [2, 1]);
  });

  test("a message with several lanes waits for all of them, and holds all of them up", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0, ["a"]);
    bench.arrive(1, ["a", "b", "a"]);
    bench.arrive(2, ["b"]);
    bench.perform();
    assert.deepEqual(bench.started, [0]);
    bench.settle(0);
    bench.perform();
    assert.deepEqual(bench.started, [1]);
    bench.settle(1);
    bench.perform();
    assert.deepEqual(bench.started, [2]);
  });

  test("a message without lanes waits for nobody", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0, ["a"]);
    bench.arrive(1);
    bench.arrive(2);
    bench.perform();
    assert.deepEqual(bench.started, [0, 1, 2]);
  });

  test("a message that comes again waits until the old handler of its lane has ended", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0, ["a"]);
    bench.arrive(1, ["a"]);
    bench.perform();
    const old = bench.take(0);
    bench.machine.lose();
    bench.join([0], 2);
    bench.arrive(0, ["a"], 0, 2);
    bench.perform();
    assert.deepEqual(bench.started, []);
    bench.machine.settle(old);
    bench.perform();
    assert.deepEqual(bench.started, [0]);
    assert.equal(bench.machine.state(bench).counts.late, 1);
  });
});

describe("window", () => {
  test("a window of one takes the next message only when the handler has ended", () => {
    const bench = new Bench({ messagesMax: 1 });
    bench.join([0]);
    assert.equal(bench.machine.hasRoom, true);
    bench.arrive(0);
    bench.perform();
    assert.equal(bench.machine.hasRoom, false);
    bench.settle(0);
    assert.equal(bench.machine.hasRoom, true);
  });

  test("a window is full by bytes, and one message may go beyond", () => {
    const bench = new Bench({ bytesMax: 15 });
    bench.join([0]);
    bench.arrive(0);
    assert.equal(bench.machine.hasRoom, true);
    bench.arrive(1);
    assert.equal(bench.machine.hasRoom, false);
  });

  test("waiting messages of a lost partition make room at once, running ones when they end", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0, ["a"]);
    bench.arrive(1, ["a"]);
    bench.perform();
    bench.machine.lose();
    assert.equal(bench.machine.state(bench).inHand, 1);
    bench.settle(0);
    assert.equal(bench.machine.state(bench).inHand, 0);
    assert.equal(bench.machine.state(bench).bytesInHand, 0);
    assert.equal(bench.machine.state(bench).lanes, 0);
  });
});

describe("a partition at its cap", () => {
  const limits = { partitionMessagesMax: 2, messagesMax: 4 };

  test("waits on its shelf while the others go on, and leaves it in order as its messages end", () => {
    const bench = new Bench(limits);
    bench.join([0, 1]);
    [0, 1, 2, 3].forEach((offset) => bench.arrive(offset));
    bench.arrive(0, [], 1);
    bench.arrive(1, [], 1);
    bench.perform();
    assert.deepEqual(bench.started, [0, 1, 0, 1]);
    assert.deepEqual(pick(bench.machine.state(bench), "inHand", "shelved", "bytesInHand"), [4, 2, 60]);
    bench.settle(1);
    bench.perform();
    assert.deepEqual(bench.started, [0, 0, 1, 2]);
    bench.settle(2);
    bench.settle(0);
    bench.perform();
    assert.deepEqual(bench.started, [0, 1, 3]);
    assert.equal(bench.machine.state(bench).shelved, 0);
  });

  test("stops the pulling only when the shelves are full", () => {
    const bench = new Bench(limits);
    bench.join([0, 1]);
    for (const offset of [0, 1, 2, 3, 4]) {
      bench.arrive(offset);
      assert.equal(bench.machine.hasRoom, true);
    }
    bench.arrive(5);
    assert.equal(bench.machine.hasRoom, false);
    bench.perform();
    bench.settle(0);
    assert.equal(bench.machine.hasRoom, true);
  });

  test("its shelf weighs in the window by bytes", () => {
    const bench = new Bench({ ...limits, bytesMax: 30 });
    bench.join([0, 1]);
    [0, 1, 2].forEach((offset) => bench.arrive(offset));
    assert.deepEqual([bench.machine.state(bench).shelved, bench.machine.hasRoom], [1, false]);
  });

  test("the only partition has no cap", () => {
    const bench = new Bench(limits);
    bench.join([0]);
    [0, 1, 2].forEach((offset) => bench.arrive(offset));
    bench.perform();
    assert.deepEqual(bench.started, [0, 1, 2]);
  });

  test("is also one with a long gap: what a take-over would repeat is bounded", () => {
    const bench = new Bench({ partitionGapMax: 2 });
    bench.join([0]);
    [0, 1, 2].forEach((offset) => bench.arrive(offset));
    bench.perform();
    bench.settle(1);
    bench.settle(2);
    bench.arrive(3);
    bench.perform();
    assert.deepEqual([bench.started, bench.machine.state(bench).shelved], [[0], 1]);
    bench.settle(0);
    bench.perform();
    assert.deepEqual([bench.started, bench.machine.state(bench).shelved], [[3], 0]);
  });

  test("what is on the shelf of a lost partition makes room, and a drain forgets what is on a shelf", () => {
    const bench = new Bench(limits);
    bench.join([0, 1]);
    [0, 1, 2, 3].forEach((offset) => bench.arrive(offset));
    bench.perform();
    bench.rebalance([1]);
    assert.deepEqual(pick(bench.machine.state(bench), "inHand", "shelved", "bytesInHand"), [2, 0, 20]);
    bench.settle(0);
    bench.settle(1);
    bench.join([0, 1], 2);
    [0, 1, 2].forEach((offset) => bench.arrive(offset, [], 0, 2));
    bench.perform();
    bench.machine.drain();
    bench.settle(0);
    bench.settle(1);
    bench.perform();
    assert.deepEqual(bench.started, []);
    assert.equal(bench.machine.isEmptied, true);
    assert.deepEqual(bench.said.at(-1), [0, 2n]);
  });
});

describe("deadlines", () => {
  const limits = { messageDeadlineMs: 1_000 };

  test("the oldest in flight of a partition is told once that it is overdue; one that holds nothing up is not", () => {
    const bench = new Bench(limits);
    bench.join([0]);
    bench.arrive(0);
    bench.arrive(1);
    bench.perform();
    bench.pass(999);
    assert.deepEqual(bench.overdue, []);
    bench.pass(1);
    assert.deepEqual(bench.overdue, [0n]);
    bench.pass(5_000);
    assert.deepEqual(bench.overdue, [0n]);
    assert.deepEqual(bench.machine.state(bench).partitions[0]?.blocking, {
      offset: 0n,
      phase: "running",
      forMs: 5_001,
      stuckMs: 5_000,
      isOverdue: true,
    });
    bench.settle(0);
    bench.pass(0);
    assert.deepEqual(bench.overdue, [0n, 1n]);
  });

  test("a handler that does not end after it was told is seen, in worked time, until it ends or its partition is lost", () => {
    const bench = new Bench(limits);
    bench.join([0, 1]);
    bench.arrive(0, ["a"]);
    bench.arrive(0, ["a"], 1);
    bench.perform();
    bench.pass(1_000);
    assert.deepEqual(bench.machine.state(bench).overdue, { ...at(0), offset: 0n, forMs: 0 });
    bench.outageMs += 4_000;
    bench.pass(7_000);
    assert.deepEqual(bench.machine.state(bench).overdue, { ...at(0), offset: 0n, forMs: 3_000 });
    bench.settle(0);
    bench.perform();
    assert.equal(bench.machine.state(bench).overdue, undefined);
    bench.pass(1_000);
    assert.deepEqual(bench.machine.state(bench).overdue, { ...at(1), offset: 0n, forMs: 0 });
    bench.rebalance([0]);
    assert.equal(bench.machine.state(bench).overdue, undefined);
  });

  test("progress begins it again; an outage and a rest stop it", () => {
    const bench = new Bench(limits);
    bench.join([0]);
    bench.arrive(0);
    bench.perform();
    const [entry] = bench.running;
    assert.ok(entry !== undefined);
    bench.pass(900);
    bench.machine.progress(entry, bench);
    bench.pass(900);
    bench.outageMs += 5_000;
    bench.pass(5_000);
    bench.machine.rest(entry, bench);
    bench.machine.rest(entry, bench);
    bench.pass(7_000);
    bench.machine.resume(entry, bench);
    bench.pass(7_000);
    bench.machine.resume(entry, bench);
    bench.pass(99);
    assert.deepEqual(bench.overdue, []);
    bench.pass(1);
    assert.deepEqual(bench.overdue, [0n]);
  });

  test("a message that waits for its lane is not overdue, whoever has the lane is, also in another partition", () => {
    const bench = new Bench(limits);
    bench.join([0, 1]);
    bench.arrive(0, [], 1);
    bench.arrive(1, ["a"], 1);
    bench.arrive(0, ["a"]);
    bench.perform();
    bench.pass(500);
    bench.machine.progress(bench.peek(0, 1), bench);
    bench.pass(500);
    assert.deepEqual(bench.overdue, [1n]);
  });

  test("an overdue handler of a lost partition is left to itself: its lane goes on, its end is late", () => {
    const bench = new Bench(limits);
    bench.join([0]);
    bench.arrive(0, ["a"]);
    bench.perform();
    const old = bench.take(0);
    bench.machine.lose();
    bench.join([0], 2);
    bench.arrive(0, ["a"], 0, 2);
    bench.pass(999);
    assert.deepEqual(bench.started, []);
    bench.pass(1);
    assert.deepEqual([bench.started, bench.overdue], [[0], []]);
    bench.machine.settle(old);
    assert.deepEqual(pick(bench.machine.state(bench).counts, "late", "settled"), [1, 0]);
    assert.equal(bench.machine.state(bench).inHand, 1);
  });
});

describe("commits", () => {
  test("only what is settled without a gap is said, also when offsets have holes", () => {
    const bench = new Bench();
    bench.join([0]);
    for (const offset of [3, 7, 8]) {
      bench.arrive(offset);
    }
    bench.perform();
    bench.settle(8);
    bench.settle(3);
    bench.elapsedMs += DEFAULT_LIMITS.commitEveryMs;
    bench.perform();
    assert.deepEqual(bench.said, [[0, 7n]]);
    const [partition] = bench.machine.state(bench).partitions;
    assert.deepEqual(partition, {
      topic: "t",
      partition: 0,
      inFlight: 1,
      shelved: 0,
      gap: 1,
      blocking: { offset: 7n, phase: "running", forMs: 0, stuckMs: DEFAULT_LIMITS.commitEveryMs, isOverdue: false },
      next: 9n,
      mark: 7n,
      sent: undefined,
    });
  });

  test("when everything in hand is settled it is said at once", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0);
    bench.arrive(1);
    bench.perform();
    const before = bench.commits.length;
    bench.settle(1);
    bench.settle(0);
    bench.perform();
    assert.equal(bench.commits.length, before + 1);
    assert.deepEqual(bench.said, [[0, 2n]]);
  });

  test("while messages are in hand a commit waits for its time or its count", () => {
    const bench = new Bench({ commitMessagesMax: 2 });
    bench.join([0]);
    [0, 1, 2, 3, 4].forEach((offset) => bench.arrive(offset));
    bench.perform();
    bench.settle(0);
    bench.perform();
    assert.equal(bench.commits.length, 0);
    bench.settle(1);
    bench.perform();
    assert.deepEqual(bench.said, [[0, 2n]]);
    bench.confirm();
    bench.settle(2);
    bench.elapsedMs += DEFAULT_LIMITS.commitEveryMs;
    bench.perform();
    assert.deepEqual(bench.said, [[0, 3n]]);
  });

  test("one commit is under way at a time; what failed is said again after a pause", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0);
    bench.perform();
    bench.settle(0);
    bench.perform();
    const first = bench.commits.at(-1);
    assert.ok(first !== undefined);
    const count = bench.commits.length;
    bench.elapsedMs += 10_000;
    bench.perform();
    assert.equal(bench.commits.length, count);
    bench.machine.commitFailed(first, bench);
    bench.perform();
    assert.equal(bench.commits.length, count);
    bench.elapsedMs += DEFAULT_LIMITS.commitEveryMs;
    bench.perform();
    assert.equal(bench.commits.length, count + 1);
    bench.confirm();
    assert.equal(bench.machine.isSaid, true);
  });

  test("a rebalance gets its commit before partitions are dropped, and nothing more until the join", () => {
    const bench = new Bench();
    bench.join([0, 1]);
    [0, 1].forEach((partition) => bench.arrive(0, [], partition));
    bench.arrive(1, [], 1);
    bench.perform();
    bench.settle(0, 1);
    bench.rebalance([0]);
    assert.deepEqual(bench.said, [[1, 1n]]);
    const count = bench.commits.length;
    bench.settle(0, 0);
    bench.elapsedMs += 10_000;
    bench.perform();
    assert.equal(bench.commits.length, count);
    assert.equal(bench.aborted.length, 1);
    bench.confirm();
    bench.join([0]);
    bench.perform();
    assert.deepEqual(bench.said, [[0, 1n]]);
  });

  test("nothing is said or started while the membership is in doubt", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0);
    bench.perform();
    bench.settle(0);
    bench.arrive(1);
    bench.isFresh = false;
    const count = bench.commits.length;
    bench.elapsedMs += 10_000;
    bench.perform();
    assert.equal(bench.commits.length, count);
    assert.deepEqual(bench.started, []);
    bench.isFresh = true;
    bench.perform();
    assert.deepEqual(bench.started, [1]);
    assert.equal(bench.commits.length, count + 1);
  });

  test("after every join, and from time to time, all marks are said again", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0);
    bench.perform();
    bench.settle(0);
    bench.perform();
    bench.confirm();
    bench.perform();
    const count = bench.commits.length;
    bench.rebalance([0]);
    assert.equal(bench.commits.length, count);
    bench.join([0]);
    bench.perform();
    assert.equal(bench.commits.length, count + 1);
    assert.deepEqual(bench.said, [[0, 1n]]);
    bench.confirm();
    bench.elapsedMs += DEFAULT_LIMITS.repeatMarksEveryMs;
    bench.perform();
    assert.equal(bench.commits.length, count + 2);
    assert.deepEqual(bench.said, [[0, 1n]]);
  });

  test("a confirmation from before a join does not silence the mark after it", () => {
    const bench = new Bench();
    bench.join([0]);
    bench.arrive(0);
    bench.perform();
    bench.settle(0);
    bench.perform();
    const old = bench.commits.at(-1);
    assert.ok(old !== undefined);
    bench.rebalance([0]);
    bench.join([0]);
    bench.machine.commitSucceeded(old);
    bench.perform();
    assert.notEqual(bench.commits.at(-1), old);
    assert.deepEqual(bench.said, [[0, 1n]]);
  });
});

test("a commit under way, and commits that fail one after the other, are seen with their age", () => {
  const bench = new Bench();
  bench.join([0]);
  bench.arrive(0);
  bench.perform();
  bench.settle(0);
  bench.perform();
  const none = { underWayForMs: undefined, failingForMs: undefined };
  bench.pass(5_000);
  assert.deepEqual(bench.machine.state(bench).commit, { ...none, underWayForMs: 5_000 });
  for (const failingForMs of [5_000, 7_000]) {
    const request = bench.commits.at(-1);
    assert.ok(request !== undefined);
    bench.machine.commitFailed(request, bench);
    assert.deepEqual(bench.machine.state(bench).commit, { ...none, failingForMs });
    bench.pass(2_000);
  }
  assert.equal(bench.commits.length, 3);
  bench.confirm();
  assert.deepEqual(bench.machine.state(bench).commit, none);
});

describe("partitions", () => {
  test("what is delivered again is dropped, and so is what an untrusted stream brings", () => {
    const bench = new Bench();
    assert.equal(bench.join([0], 2), true);
    assert.equal(bench.arrive(0, [], 0, 1), false);
    assert.equal(bench.arrive(0, [], 1, 2), false);
    assert.equal(bench.arrive(0, [], 0, 2), true);
    assert.equal(bench.arrive(0, [], 0, 3), false);
    assert.equal(bench.arrive(1, [], 0, 3), true);
    assert.deepEqual(pick(bench.machine.state(bench).counts, "taken", "strays", "repeats"), [2, 2, 1]);
  });

  test("a kept partition keeps its tracker, a gained one asks for a new stream", () => {
    const bench = new Bench();
    bench.join([0], 1);
    bench.arrive(0);
    bench.perform();
    assert.equal(bench.join([0], 2), false);
    assert.equal(bench.join([0, 1], 2), true);
    assert.equal(bench.arrive(0), false);
    assert.deepEqual(bench.aborted, []);
  });

  test("a new member keeps nothing", () => {
    const bench = new Bench();
    bench.join([0], 1);
    bench.arrive(0);
    bench.perform();
    assert.equal(bench.join([0], 2, true), true);
    bench.perform();
    assert.equal(bench.aborted.length, 1);
    assert.equal(bench.arrive(0, [], 0, 2), true);
  });

  test("a failed message is never passed by a mark", () => {
    const bench = new Bench();
    bench.join([0]);
    [0, 1, 2].forEach((offset) => bench.arrive(offset));
    bench.perform();
    assert.equal(bench.machine.fail(bench.take(1)), true);
    bench.settle(0);
    bench.settle(2);
    bench.elapsedMs += 10_000;
    bench.perform();
    assert.deepEqual(bench.said, [[0, 1n]]);
  });

  test("a drain starts nothing, commits up to what it forgot, and is over when its handlers have ended", () => {
    const bench = new Bench();
    bench.join([0]);
    [0, 1, 2].forEach((offset) => bench.arrive(offset, ["a"]));
    bench.perform();
    bench.machine.drain();
    assert.equal(bench.machine.hasRoom, false);
    assert.equal(bench.machine.isEmptied, false);
    bench.settle(0);
    bench.perform();
    assert.deepEqual(bench.started, []);
    assert.equal(bench.machine.isEmptied, true);
    assert.deepEqual(bench.said, [[0, 1n]]);
  });

  test("a message given back in a drain stays uncommitted; outside a drain none can be given back", () => {
    const bench = new Bench();
    bench.join([0]);
    [0, 1, 2].forEach((offset) => bench.arrive(offset));
    bench.perform();
    const [, second] = bench.running;
    assert.ok(second);
    assert.equal(bench.machine.giveBack(second), false);
    assert.equal(second.phase, "running");
    bench.machine.drain();
    assert.equal(bench.machine.giveBack(second), true);
    bench.settle(0);
    bench.settle(2);
    bench.perform();
    assert.equal(bench.machine.isEmptied, true);
    assert.deepEqual(bench.said, [[0, 1n]]);
    assert.equal(bench.machine.state(bench).counts.failed, 0);
  });
});

function at(partition: number): { readonly topic: string; readonly partition: number } {
  return { topic: "t", partition };
}

function pick<T extends object>(from: T, ...names: readonly (keyof T)[]): readonly T[keyof T][] {
  return names.map((name) => from[name]);
}
