import assert from "node:assert/strict";
import { test } from "node:test";

import { type Clock, systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { ConsumerQueue, Delivery, Mark, QueuedMessage, QueueListener } from "./consumer-queue.ts";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { GivenBackError, OverdueError } from "./handling.ts";
import { type ConsumerParts, type ConsumerReport, runConsumer } from "./run-consumer.ts";

interface Note extends QueuedMessage {
  readonly lane: string;
}

/** A queue of one partition in memory; commits are answered in the next turn, unless told to fail. */
class NoteQueue implements ConsumerQueue<Note> {
  readonly notes: Note[] = [];
  readonly committed: bigint[] = [];
  listener: QueueListener | undefined;
  commitsToFail = 0;
  isStopped = false;
  #read = 0;

  constructor(count: number, lanes = 1_000) {
    for (let index = 0; index < count; index += 1) {
      this.notes.push({ ...PLACE, offset: BigInt(index), lane: `lane-${index % lanes}` });
    }
  }

  subscribe(listener: QueueListener): void {
    this.listener = listener;
    listener.onJoin({ assigned: [PLACE], isNewMember: true, stream: 1 });
    listener.onReadable();
  }

  pull(): Delivery<Note> | undefined {
    const message = this.isStopped ? undefined : this.notes[this.#read];
    if (message === undefined) {
      return undefined;
    }
    this.#read += 1;
    return { message, stream: 1 };
  }

  async commit(marks: readonly Mark[]): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.commitsToFail > 0) {
      this.commitsToFail -= 1;
      throw new Error("coordinator is away");
    }
    this.committed.push(...marks.map(({ offset }) => offset));
  }

  isFresh(): boolean {
    return true;
  }

  stopDelivery(): void {
    this.isStopped = true;
  }
}

const PLACE = { topic: "notes", partition: 0 };

function start(
  queue: NoteQueue,
  handle: ConsumerParts<Note>["handle"],
  limits: ConsumerParts<Note>["limits"] = {},
  outageMs: () => number = () => 0,
  clock: Clock = systemClock,
): { readonly intake: AbortController; readonly work: AbortController; readonly ended: Promise<ConsumerReport> } {
  const intake = new AbortController();
  const work = new AbortController();
  const ended = runConsumer<Note>(
    {
      queue,
      lanesOf: ({ lane }) => [lane],
      bytesOf: () => 1,
      handle,
      limits: { commitEveryMs: 5, ...limits },
      clock,
      outageMs,
      log: silentLog,
    },
    intake.signal,
    work.signal,
  );
  return { intake, work, ended };
}

test("a drain finishes what is in hand, commits it and takes nothing new", async () => {
  const queue = new NoteQueue(5);
  const gate = Promise.withResolvers<void>();
  const { intake, ended } = start(queue, () => gate.promise, { messagesMax: 3 });
  intake.abort();
  gate.resolve();
  const { dropped, isCommitted, state } = await ended;
  assert.deepEqual([dropped, isCommitted, state.counts.settled], [0, true, 3]);
  assert.equal(queue.committed.at(-1), 3n);
  assert.equal(queue.isStopped, true);
});

test("a drain waits for one message of a lane and not for those behind it, which come again", async () => {
  const queue = new NoteQueue(7, 1);
  const gate = Promise.withResolvers<void>();
  const begun: bigint[] = [];
  const { intake, ended } = start(queue, ({ offset }) => {
    begun.push(offset);
    return gate.promise;
  });
  intake.abort();
  gate.resolve();
  const { dropped, isCommitted } = await ended;
  assert.deepEqual([begun, dropped, isCommitted], [[0n], 6, true]);
  assert.equal(queue.committed.at(-1), 1n);
});

test("a message given back in a drain is not committed and stops nothing; before a drain that is a failure", async () => {
  const queue = new NoteQueue(3);
  const gates = [0, 1, 2].map(() => Promise.withResolvers<void>());
  const { intake, ended } = start(queue, async ({ offset }) => await gates[Number(offset)]?.promise);
  intake.abort();
  gates[1]?.reject(new GivenBackError("the provider is out"));
  gates[0]?.resolve();
  gates[2]?.resolve();
  const { dropped, isCommitted, state } = await ended;
  assert.deepEqual([dropped, isCommitted, state.counts.failed], [1, true, 0]);
  assert.equal(queue.committed.at(-1), 1n);

  const early = start(new NoteQueue(1), () => Promise.reject(new GivenBackError("too early")));
  await assert.rejects(early.ended, /too early/);
});

test("dropping the work aborts what runs, forgets what waits, and commits what was settled", async () => {
  const queue = new NoteQueue(4, 2);
  const { intake, work, ended } = start(queue, async ({ offset }, { signal }) => {
    if (offset > 0n) {
      await untilAborted(signal);
    }
  });
  await untilCommitted(queue, 1n);
  intake.abort();
  work.abort();
  const { dropped, isCommitted, state } = await ended;
  assert.deepEqual([dropped, isCommitted, state.counts.settled, state.inHand], [3, true, 1, 0]);
  assert.equal(queue.committed.at(-1), 1n);
});

test("work that is dropped does not wait for a handler that does not listen", async () => {
  const queue = new NoteQueue(1);
  const { work, ended } = start(queue, () => new Promise(() => undefined), { abandonMs: 20 });
  work.abort();
  assert.equal((await ended).dropped, 1);
});

test("a handler that throws stops the consumer with its error, and nothing from there on is committed", async () => {
  const queue = new NoteQueue(6);
  const failure = new Error("a table is missing");
  const others = Promise.withResolvers<void>();
  const { ended } = start(queue, async ({ offset }) => {
    if (offset === 3n) {
      throw failure;
    }
    await others.promise;
  });
  others.resolve();
  await assert.rejects(ended, (error) => error === failure);
  assert.equal(queue.committed.at(-1), 3n);
});

test("after a failure the other handlers are told to give up when their grace is over", async () => {
  const queue = new NoteQueue(2);
  let isAborted = false;
  const { ended } = start(
    queue,
    async ({ offset }, { signal }) => {
      if (offset === 0n) {
        throw new Error("no");
      }
      await untilAborted(signal).finally(() => {
        isAborted = true;
      });
    },
    { failGraceMs: 20 },
  );
  await assert.rejects(ended, /^Error: no$/);
  assert.equal(isAborted, true);
});

test("a lost partition aborts its handlers, and what they answer does not stop the consumer", async () => {
  const queue = new NoteQueue(1);
  const seen: AbortSignal[] = [];
  const { intake, ended } = start(queue, async (_note, { signal }) => {
    seen.push(signal);
    await untilAborted(signal);
  });
  queue.listener?.onLost();
  assert.equal(seen[0]?.aborted, true);
  intake.abort();
  const { dropped, state } = await ended;
  assert.deepEqual([dropped, state.counts.late, state.counts.failed], [0, 1, 0]);
  assert.deepEqual(queue.committed, []);
});

test("of a lost partition what is under way may be finished within the grace; its result is never committed", async () => {
  const clock = new ManualClock();
  const queue = new NoteQueue(2);
  const finished: bigint[] = [];
  const cut: bigint[] = [];
  const answer = Promise.withResolvers<void>();
  const { intake, ended } = start(
    queue,
    async ({ offset }, { assignment, finishing }) => {
      if (offset === 0n) {
        await answer.promise;
        finishing.throwIfAborted();
        assert.equal(assignment.aborted, true);
        finished.push(offset);
      } else {
        await untilAborted(finishing).finally(() => cut.push(offset));
      }
    },
    { lostGraceMs: 2_000 },
    undefined,
    clock,
  );
  queue.listener?.onLost();
  await clock.advance(1_000);
  answer.resolve();
  await clock.advance(999);
  assert.deepEqual([finished, cut], [[0n], []]);
  await clock.advance(1);
  assert.deepEqual(cut, [1n]);
  intake.abort();
  await clock.advance(5);
  const { state } = await ended;
  assert.deepEqual([state.counts.late, state.counts.settled, state.counts.failed], [2, 0, 0]);
  assert.deepEqual(queue.committed, []);
  assert.equal(clock.sleepers, 0);
});

test("work that is dropped ends the grace of a lost partition, and none outlives the consumer", async () => {
  const clock = new ManualClock();
  const queue = new NoteQueue(1);
  const { work, ended } = start(
    queue,
    async (_note, { finishing }) => await untilAborted(finishing),
    {},
    undefined,
    clock,
  );
  queue.listener?.onLost();
  work.abort();
  await clock.advance(5);
  assert.equal((await ended).state.inHand, 0);
  assert.ok(clock.elapsedMs() < 2_000);
  assert.equal(clock.sleepers, 0);
});

test("nothing is taken while it may not be, although there is room, and all of it soon afterwards", async () => {
  const queue = new NoteQueue(5);
  const intake = new AbortController();
  let mayTake = false;
  const enough = Promise.withResolvers<void>();
  let asked = 0;
  const done: bigint[] = [];
  const ended = runConsumer<Note>(
    {
      queue,
      lanesOf: ({ lane }) => [lane],
      bytesOf: () => 1,
      handle: async ({ offset }) => void done.push(offset),
      mayTake: () => {
        asked += 1;
        if (asked === 10) {
          enough.resolve();
        }
        return mayTake;
      },
      limits: { commitEveryMs: 5 },
      clock: systemClock,
      log: silentLog,
    },
    intake.signal,
    new AbortController().signal,
  );
  try {
    await enough.promise;
    assert.deepEqual(done, []);
    mayTake = true;
    await untilCommitted(queue, 5n);
    assert.equal(done.length, 5);
  } finally {
    intake.abort();
    await ended;
  }
});

test("a commit asked for by a rebalance is sent before the event returns", async () => {
  const queue = new NoteQueue(2);
  const sent: bigint[] = [];
  const isSending = queue.commit.bind(queue);
  queue.commit = (marks) => {
    sent.push(...marks.map(({ offset }) => offset));
    return isSending(marks);
  };
  const gate = Promise.withResolvers<void>();
  const { intake, ended } = start(queue, ({ offset }) => (offset === 0n ? Promise.resolve() : gate.promise), {
    commitEveryMs: 60_000,
  });
  await new Promise((resolve) => setImmediate(resolve));
  const before = sent.length;
  queue.listener?.onRebalance([]);
  assert.deepEqual([before, sent.at(-1)], [0, 1n]);
  gate.resolve();
  intake.abort();
  await ended;
});

test("a failed commit is said again", async () => {
  const queue = new NoteQueue(3);
  queue.commitsToFail = 2;
  const { intake, ended } = start(queue, () => Promise.resolve());
  await untilCommitted(queue, 3n);
  intake.abort();
  assert.equal((await ended).state.counts.commitFailures, 2);
});

test("a queue that fails for good stops the consumer with its error", async () => {
  const queue = new NoteQueue(0);
  const { ended } = start(queue, () => Promise.resolve());
  const failure = new Error("credentials were revoked");
  queue.listener?.onFailure(failure);
  await assert.rejects(ended, (error) => error === failure);
});

test("an overdue message is told so, its handler sets it aside, and the others were never held up", async () => {
  const queue = new NoteQueue(50, 50);
  const told: unknown[] = [];
  const { intake, ended } = start(
    queue,
    async ({ offset }, work) => {
      if (offset === 0n) {
        await untilAborted(work.signal).catch((reason: unknown) => told.push(reason));
        assert.equal(work.assignment.aborted, false);
      }
    },
    { messageDeadlineMs: 30 },
  );
  await untilCommitted(queue, 50n);
  intake.abort();
  const { state } = await ended;
  assert.ok(told[0] instanceof OverdueError && told[0].stuckMs >= 30);
  assert.deepEqual([told.length, state.counts.overdue, state.counts.settled], [1, 1, 50]);
});

test("a handler that asks for its signal late still learns that it is overdue", async () => {
  const queue = new NoteQueue(1);
  const seen: unknown[] = [];
  const { intake, ended } = start(
    queue,
    async (_note, work) => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      seen.push(work.signal.reason);
    },
    { messageDeadlineMs: 10 },
  );
  await untilCommitted(queue, 1n);
  intake.abort();
  await ended;
  assert.ok(seen[0] instanceof OverdueError);
});

test("an overdue handler that throws stops the consumer: nobody set the message aside", async () => {
  const queue = new NoteQueue(1);
  const { ended } = start(queue, async (_note, { signal }) => await untilAborted(signal), { messageDeadlineMs: 20 });
  await assert.rejects(ended, OverdueError);
  assert.deepEqual(queue.committed, []);
});

test("while a dependency is away no deadline runs", async () => {
  const queue = new NoteQueue(1);
  const gate = Promise.withResolvers<void>();
  const { intake, ended } = start(
    queue,
    () => gate.promise,
    { messageDeadlineMs: 5 },
    () => systemClock.elapsedMs(),
  );
  await new Promise((resolve) => setTimeout(resolve, 60));
  gate.resolve();
  intake.abort();
  assert.equal((await ended).state.counts.overdue, 0);
});

test("a handler that throws before it returns a promise fails like any other", async () => {
  const queue = new NoteQueue(1);
  const { ended } = start(queue, () => {
    throw new Error("at once");
  });
  await assert.rejects(ended, /at once/);
});

async function untilAborted(signal: AbortSignal): Promise<never> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  throw signal.reason;
}

async function untilCommitted(queue: NoteQueue, mark: bigint): Promise<void> {
  while (queue.committed.at(-1) !== mark) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
