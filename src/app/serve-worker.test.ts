import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "../base/log.ts";
import { loadConfig } from "../config.ts";
import type { WorkerState } from "../health/lifecycle.ts";
import { serveWorker } from "./serve-worker.ts";

test("the worker's status says the state of its lifecycle", async () => {
  const { config } = loadConfig({ flags: new Map(), env: { GINKGO_HEALTH_PORT: "0" }, readFile: () => undefined });
  let state: WorkerState = "RUNNING";
  await using served = await serveWorker({
    config,
    log: silentLog,
    queue: undefined,
    isStoreEmbedded: false,
    state: () => undefined,
    health: { state: () => state, liveness: () => [], readiness: () => [], notes: () => [] },
    breakers: () => [],
    calls: () => [],
    schedule: () => undefined,
    metrics: () => undefined,
  });
  const ask = async (): Promise<unknown> => {
    const said: unknown = await (await fetch(`${served.url}/status`)).json();
    return typeof said === "object" && said !== null && "state" in said ? said.state : undefined;
  };
  assert.equal(await ask(), "running");
  state = "STOPPING";
  assert.equal(await ask(), "stopping");
});
