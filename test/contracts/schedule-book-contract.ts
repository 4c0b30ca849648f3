import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { parseDay } from "../../src/domain/day.ts";
import type { RunRecord } from "../../src/domain/run-record.ts";
import type { ScheduleBook } from "../../src/ports/schedule-book.ts";

const never = new AbortController().signal;

export interface OpenBook extends AsyncDisposable {
  readonly book: ScheduleBook;
  /** What another process reads. */
  readonly seen: () => ReturnType<ScheduleBook["read"]>;
}

export function runOf(day: string, state: RunRecord["state"], more: Partial<RunRecord> = {}): RunRecord {
  const name = more.name ?? "bars";
  const sentAtMs = state === "sent" ? 2_000 : undefined;
  const requestId = `schedule-${name}-${day}`;
  return { name, day: parseDay(day), requestId, state, node: "a", beganAtMs: 1_000, sentAtMs, messages: 3, ...more };
}

/** What every book of the schedule promises, whoever keeps it. */
export function testScheduleBookContract(kind: string, open: (t: TestContext) => Promise<OpenBook | undefined>): void {
  const testBook = (promise: string, act: (opened: OpenBook) => Promise<void>): void => {
    test(`${kind}: ${promise}`, async (t) => {
      await using opened = await open(t);
      if (opened !== undefined) {
        await act(opened);
      }
    });
  };

  testBook("who leads is seen by others until it resigns", async ({ book, seen }) => {
    assert.deepEqual(await seen(), { leader: undefined, runs: [] });
    assert.equal(await book.lead(never), true);
    assert.equal(await book.lead(never), true);
    assert.equal((await seen()).leader, "a");
    await book.resign();
    assert.equal((await seen()).leader, undefined);
    await book.resign();
  });

  testBook("only who leads begins a run", async ({ book, seen }) => {
    assert.equal(await book.begin(runOf("2026-03-04", "begun"), never), "lost");
    await book.lead(never);
    await book.resign();
    assert.equal(await book.begin(runOf("2026-03-04", "begun"), never), "lost");
    assert.deepEqual((await seen()).runs, []);
  });

  testBook("a run that was begun and not sent is begun again, one that was sent is done", async ({ book, seen }) => {
    await book.lead(never);
    assert.equal(await book.begin(runOf("2026-03-04", "begun"), never), "begun");
    assert.equal(await book.begin(runOf("2026-03-04", "begun"), never), "begun");
    assert.deepEqual((await seen()).runs, [runOf("2026-03-04", "begun")]);
    await book.end(runOf("2026-03-04", "sent"), never);
    assert.equal(await book.begin(runOf("2026-03-04", "begun"), never), "done");
    assert.deepEqual((await seen()).runs, [runOf("2026-03-04", "sent")]);
  });

  testBook(
    "the latest run of each name is kept, and an earlier one that ends late does not replace it",
    async (opened) => {
      const { book, seen } = opened;
      await book.lead(never);
      await book.end(runOf("2026-03-03", "sent"), never);
      await book.end(runOf("2026-03-03", "sent", { name: "list" }), never);
      assert.equal(await book.begin(runOf("2026-03-04", "begun"), never), "begun");
      await book.end(runOf("2026-03-03", "sent"), never);
      const { runs } = await seen();
      assert.deepEqual(runs.map(({ name, day, state }) => `${name} ${day} ${state}`).toSorted(), [
        "bars 2026-03-04 begun",
        "list 2026-03-03 sent",
      ]);
    },
  );
}
