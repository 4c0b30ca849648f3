import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { createFileScheduleBook, readFileBook } from "../../src/app/schedule/file-book.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runOf, testScheduleBookContract } from "./schedule-book-contract.ts";

const never = new AbortController().signal;

testScheduleBookContract("in a file", async () => {
  const folder = await temporaryFolder("ginkgo-schedule");
  return {
    book: createFileScheduleBook(folder.path, "a"),
    seen: () => readFileBook(folder.path),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
});

test("in a file: what was done is there after a restart, and a damaged file is as none", async () => {
  await using folder = await temporaryFolder("ginkgo-schedule");
  const first = createFileScheduleBook(folder.path, "a");
  await first.lead(never);
  await first.end(runOf("2026-03-04", "sent"), never);
  const second = createFileScheduleBook(folder.path, "b");
  await second.lead(never);
  assert.deepEqual(await second.read(never), { leader: "b", runs: [runOf("2026-03-04", "sent")] });
  assert.equal(await second.begin(runOf("2026-03-04", "begun"), never), "done");
  await writeFile(join(folder.path, "schedule.json"), '{"runs":[{"name":"bars"');
  assert.deepEqual(await second.read(never), { leader: undefined, runs: [] });
  assert.equal(await second.begin(runOf("2026-03-04", "begun"), never), "begun");
});
