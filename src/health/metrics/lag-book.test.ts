import assert from "node:assert/strict";
import test from "node:test";

import type { PartitionLag } from "../../ports/queue.ts";
import { type HeldPartition, LagBook } from "./lag-book.ts";

const at = { topic: "t", partition: 3 };

function lag(end: number, committed: number | undefined, start = 0): PartitionLag {
  const from = committed ?? start;
  const mark = committed === undefined ? undefined : BigInt(committed);
  return { ...at, end: BigInt(end), committed: mark, lag: BigInt(end - from) };
}

function held(more: Partial<HeldPartition> = {}): HeldPartition {
  return { ...at, mark: undefined, next: undefined, oldestMs: undefined, ...more };
}

test("nothing is said of a partition whose end is not known", () => {
  const book = new LagBook(0);
  assert.equal(book.behind(held({ mark: 4n }), 0), undefined);
  book.learn([{ ...lag(5, 1), partition: 4 }], 0);
  assert.equal(book.behind(held(), 0), undefined);
});

test("the lag is counted from the mark of this moment, not from the one that was committed at the last look", () => {
  const book = new LagBook(0);
  book.learn([lag(10, 2)], 0);
  assert.equal(book.behind(held(), 0)?.messages, 8n);
  assert.equal(book.behind(held({ mark: 9n, next: 10n }), 0)?.messages, 1n);
  assert.deepEqual(book.behind(held({ mark: 10n, next: 10n }), 9_000), { messages: 0n, seconds: 0 });
});

test("messages that were taken since the last look count as well", () => {
  const book = new LagBook(0);
  book.learn([lag(10, 10)], 0);
  assert.equal(book.behind(held({ mark: 12n, next: 15n }), 0)?.messages, 3n);
});

test("a group that never committed is behind by all that the partition still has", () => {
  const book = new LagBook(0);
  book.learn([lag(10, undefined, 4)], 1_000);
  assert.deepEqual(book.behind(held(), 3_000), { messages: 6n, seconds: 2 });
});

test("a message in hand says how old it is", () => {
  const book = new LagBook(0);
  book.learn([lag(10, 2)], 100_000);
  assert.equal(book.behind(held({ mark: 2n, next: 10n, oldestMs: 40_000 }), 100_000)?.seconds, 60);
  assert.equal(book.behind(held({ mark: 2n, next: 10n, oldestMs: 200_000 }), 100_000)?.seconds, 0, "a clock ahead");
});

test("a message that is not in hand is as old as the first look that found it", () => {
  const book = new LagBook(0);
  book.learn([lag(10, 0)], 10_000);
  book.learn([lag(20, 0)], 25_000);
  book.learn([lag(20, 0)], 40_000);
  assert.equal(book.behind(held({ mark: 0n }), 50_000)?.seconds, 40);
  assert.equal(book.behind(held({ mark: 9n }), 50_000)?.seconds, 40);
  assert.equal(book.behind(held({ mark: 10n }), 50_000)?.seconds, 25);
  assert.equal(book.behind(held({ mark: 20n }), 50_000)?.seconds, 0);
});

test("a topic made anew begins again, and one that is gone is forgotten", () => {
  const book = new LagBook(0);
  book.learn([lag(100, 0)], 0);
  book.learn([lag(5, 0)], 60_000);
  assert.deepEqual(book.behind(held(), 60_000), { messages: 5n, seconds: 0 });
  book.learn([], 61_000);
  assert.equal(book.behind(held(), 61_000), undefined);
});

test("what is remembered of a partition that nobody settles is bounded, and its oldest message keeps its age", () => {
  const book = new LagBook(0);
  for (let look = 1; look <= 5_000; look += 1) {
    book.learn([lag(look, 0)], look * 1_000);
  }
  assert.equal(book.behind(held(), 5_001_000)?.seconds, 5_000);
  const newer = book.behind(held({ mark: 4_000n }), 5_001_000)?.seconds ?? NaN;
  assert.ok(newer > 0 && newer <= 1_001, `${newer} s is not more than it is`);
});
