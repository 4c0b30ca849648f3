import assert from "node:assert/strict";
import { test } from "node:test";

import { createFileScheduleBook, readFileBook } from "./file-book.ts";
import { parseDay } from "../../domain/day.ts";
import type { RunRecord } from "../../domain/run-record.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";

test("a note that is written while the lead is given up is kept", async () => {
  for (let round = 0; round < 50; round += 1) {
    await using folder = await temporaryFolder("ginkgo-schedule");
    const book = createFileScheduleBook(folder.path, "a");
    const never = new AbortController().signal;
    const run: RunRecord = {
      name: "bars",
      day: parseDay("2026-03-04"),
      requestId: "x",
      state: "begun",
      node: "a",
      beganAtMs: 1,
      sentAtMs: undefined,
      messages: 0,
    };
    await book.lead(never);
    await book.begin(run, never);
    await Promise.all([book.end({ ...run, state: "sent", messages: 3 }, never), book.resign()]);
    assert.deepEqual(
      (await readFileBook(folder.path)).runs.map(({ state }) => state),
      ["sent"],
      `round ${round}`,
    );
  }
});
