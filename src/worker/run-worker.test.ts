import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { DeadLetter } from "../domain/dead-letter.ts";
import { NO_ROWS } from "../domain/outcome.ts";
import type { Mark, Message, Queue, QueueListener } from "../ports/queue.ts";
import type { OutcomeRecord } from "../ports/store.ts";
import type { Done } from "./message-handler.ts";
import { runWorker } from "./run-worker.ts";

const never = new AbortController().signal;

test(
  "a message whose work never ends is set aside, and everything behind it is committed",
  { timeout: 60_000 },
  async () => {
    const queue = new ListQueue(["000001.SZ", "000002.SZ", "000001.SZ", "600000.SH"]);
    const letters: [bigint, DeadLetter][] = [];
    const records: OutcomeRecord[] = [];
    const intake = new AbortController();
    let calls = 0;
    const ended = runWorker(
      {
        group: "g",
        queue,
        deadLetters: { write: async ({ offset }, letter) => void letters.push([offset, letter]) },
        outcomes: {
          settledFrom: async () => new Map(),
          record: async (settled) => void records.push(...settled),
          byRequest: async () => [],
        },
        perform: (_command, { pace }) => {
          calls += 1;
          pace?.doing(() => "tushare daily, market on 2024-03-01");
          return calls === 1 ? new Promise(() => undefined) : Promise.resolve(DONE);
        },
        clock: systemClock,
        log: silentLog,
        limits: { messageDeadlineMs: 50, commitEveryMs: 10 },
        parseLimits: { bytesMax: 10_000, codesMax: 10 },
        attemptsMax: 3,
      },
      intake.signal,
      never,
    );
    while (queue.committed !== 4n) {
      await systemClock.sleep(5);
    }
    intake.abort();
    const { state } = await ended;
    assert.deepEqual([state.counts.overdue, state.counts.settled, calls], [1, 4, 4]);
    assert.deepEqual(
      letters.map(([offset, { reason }]) => [offset, reason]),
      [[0n, "deadline"]],
    );
    assert.match(
      letters[0]?.[1].detail ?? "",
      /^no progress for 0 s, waiting for tushare daily, market on 2024-03-01$/,
    );
    assert.deepEqual(new Set(records.map(({ message }) => message.offset)), new Set([0n, 1n, 2n, 3n]));
  },
);

const DONE: Done = {
  word: "up-to-date",
  rows: NO_ROWS,
  callIds: [],
  provider: undefined,
  pendingDays: 0,
  unexplainedDays: 0,
};

/** One partition with a message for each code. */
class ListQueue implements Queue {
  committed = 0n;
  readonly #messages: Message[];

  constructor(codes: readonly string[]) {
    this.#messages = codes.map((code, index) => ({
      topic: "t",
      partition: 0,
      offset: BigInt(index),
      key: undefined,
      value: Buffer.from(JSON.stringify({ code })),
      headers: [],
      timestampMs: 1,
    }));
  }

  subscribe(listener: QueueListener): void {
    listener.onJoin({ assigned: [{ topic: "t", partition: 0 }], isNewMember: true, stream: 1 });
  }

  pull(): { readonly message: Message; readonly stream: number } | undefined {
    const message = this.#messages.shift();
    return message === undefined ? undefined : { message, stream: 1 };
  }

  async commit(marks: readonly Mark[]): Promise<void> {
    this.committed = marks[0]?.offset ?? this.committed;
  }

  isFresh(): boolean {
    return true;
  }

  stopDelivery(): void {
    this.#messages.length = 0;
  }

  async lag(): Promise<readonly []> {
    return [];
  }

  health(): ReturnType<Queue["health"]> {
    return {
      isReady: true,
      isFresh: true,
      topics: ["t"],
      partitions: 1,
      heardAgoMs: undefined,
      fetchedAgoMs: undefined,
      reopened: 0,
      rebuilt: 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
