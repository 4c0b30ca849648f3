import assert from "node:assert/strict";
import { access, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { writeWorkerFile } from "./worker-file.ts";

const file = { pid: 1, nodeId: "node", startedAt: "", url: "http://127.0.0.1:1", token: "first", hasQueue: false };

test("the file's folder is made, and disposing takes the file away unless it is another worker's by then", async () => {
  const parent = await mkdtemp(join(tmpdir(), "worker-file-"));
  const folder = join(parent, "not", "there");
  try {
    const first = await writeWorkerFile(folder, file);
    const second = await writeWorkerFile(folder, { ...file, token: "second" });
    await first[Symbol.asyncDispose]();
    await access(join(folder, "worker.json"));
    await second[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(folder), []);
  } finally {
    await rm(parent, { recursive: true, force: true });
  }
});
