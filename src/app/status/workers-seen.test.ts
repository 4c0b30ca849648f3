import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { loadConfig } from "../../config.ts";
import { writeWorkerFile } from "../worker-file.ts";
import { embeddedWorker, workerOfBeat } from "./workers-seen.ts";

test("a worker that finishes what it has in hand is draining, whether its folder or its beat tells of it", async () => {
  await using folder = await temporaryFolder("workers-seen");
  let said: object = { state: "running", breakers: [] };
  const server = createServer((request, response) =>
    response.end(JSON.stringify(request.url === "/status" ? said : {})),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = `http://127.0.0.1:${address.port}`;
    const file = { pid: 1, nodeId: "n", startedAt: "2026-03-02T01:00:00Z", url, token: "t", hasQueue: true };
    await using _ = await writeWorkerFile(folder.path, file);
    const { config } = loadConfig({
      flags: new Map(),
      env: { GINKGO_EMBEDDED_FOLDER: folder.path },
      readFile: () => undefined,
    });
    const statusOf = async (): Promise<string | undefined> => (await embeddedWorker(config))[0]?.status;
    assert.equal(await statusOf(), "running");
    said = { state: "stopping", breakers: [] };
    assert.equal(await statusOf(), "draining");
    said = { breakers: [] };
    assert.equal(await statusOf(), "running", "one that does not say how it is");
  } finally {
    server.closeAllConnections();
    server.close();
  }
  assert.equal(workerOfBeat(beatOf("stopping")).status, "draining");
  assert.equal(workerOfBeat(beatOf("stopped")).status, "stopped");
});

function beatOf(status: string): Parameters<typeof workerOfBeat>[0] {
  const fields = { status };
  return { nodeId: "n", host: "h", pid: 1, status, beatAtMs: 0, leftMs: 1, isEnded: false, fields, text: "" };
}
