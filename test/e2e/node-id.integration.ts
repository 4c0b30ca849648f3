import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";
import { openHeartbeats, openOurRedis } from "../../src/app/open-budget.ts";
import { silentLog } from "../../src/base/log.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import type { SeenBeat } from "../../src/ports/heartbeats.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";
import { compileCache } from "../support/compile-cache.ts";

const MAIN = join(import.meta.dirname, "../../src/cli/main.ts");
const market = generateMarket({ seed: 5, codes: 2, tradingDays: 5 });
const never = new AbortController().signal;

test("a second worker of a living node id ends with one sentence that says who has it, and a dead one's id is free", async (t) => {
  const nodeId = uniqueName("node");
  await using rig = await openRig(t, nodeId);
  if (rig === undefined) {
    return;
  }
  const first = startProcess(rig);
  try {
    await untilBeat(rig, nodeId, ({ status }) => status === "running");
    const second = spawnSync(process.execPath, [MAIN, "start"], {
      env: { ...rig.env, LOG_LEVEL: "error" },
      encoding: "utf8",
    });
    assert.equal(second.status, 78, second.stderr);
    assert.match(
      second.stderr,
      new RegExp(
        `^gdw: starting as node ${nodeId}: a worker of that id lives on ${hostname()}, process ${first.pid}, ` +
          String.raw`its last beat was at 20\S+Z; give this one an id of its own with node\.id or GINKGO_NODE_ID, or stop the other.*\n$`,
      ),
    );
    const page = readFileSync(join(projectFolder, "docs", "troubleshooting.md"), "utf8").replaceAll(/\s+/g, " ");
    assert.ok(page.includes("give this one an id of its own with node.id or GINKGO_NODE_ID, or stop the other"));
    const [seen] = await beatsOf(rig, nodeId);
    assert.deepEqual([seen?.pid, seen?.status], [first.pid, "running"]);
  } finally {
    first.kill("SIGKILL");
    await once(first, "exit");
  }
  // Killed, it left a beat that says running; its process is gone, so nobody waits for the beat to go.
  assert.equal((await beatsOf(rig, nodeId))[0]?.status, "running");
  const third = startProcess(rig);
  const ended = once(third, "exit");
  await untilBeat(rig, nodeId, ({ status, pid }) => status === "running" && pid === third.pid);
  third.kill("SIGTERM");
  await ended;
  assert.equal(third.exitCode, 143);
  const [last] = await beatsOf(rig, nodeId);
  assert.deepEqual([last?.status, last?.fields["status_code"], last?.isEnded], ["stopped", 0, true]);
  assert.ok((last?.leftMs ?? 0) > 20_000, "the last beat stays for its normal time");
});

test("a heartbeat tells the truth from start to stop, with the counts of its work", async (t) => {
  const nodeId = uniqueName("node");
  await using rig = await openRig(t, nodeId);
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await untilBeat(rig, nodeId, ({ status }) => status === "running");
  const [security] = market.securities;
  await rig.publish([
    {
      key: "a",
      value: {
        command: "bar_snapshot",
        params: { code: security?.code, start_date: market.days[0], end_date: market.days.at(-1) },
      },
    },
    { key: "b", value: "{not json" },
  ]);
  const beat = await untilBeat(rig, nodeId, ({ fields }) => fields["messages_processed"] === 2);
  const [row] = await rig.select<{ readonly bars: string }>("SELECT toString(count()) AS bars FROM @bar");
  const { fields } = beat;
  assert.equal(fields["bars_written"], Number.parseInt(row?.bars ?? "", 10));
  assert.deepEqual(
    [fields["messages_failed"], fields["errors"], fields["last_error"]],
    [1, 0, "message set aside: not-json"],
  );
  assert.deepEqual([fields["component_type"], fields["node_id"], fields["status_code"]], ["data_worker", nodeId, 2]);
  assert.match(String(fields["timestamp"]), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/);
  assert.ok(Math.abs(Date.now() - (beat.beatAtMs ?? 0)) < 60_000);
  assert.deepEqual(fields["stats"], {
    messages_processed: 2,
    messages_failed: 1,
    bars_written: fields["bars_written"],
    errors: 0,
  });
  await worker.stop();
  const [stopped] = await beatsOf(rig, nodeId);
  assert.deepEqual([stopped?.status, stopped?.isEnded], ["stopped", true]);
});

test("a worker that fails says error last", async (t) => {
  const nodeId = uniqueName("node");
  await using rig = await openRig(t, nodeId);
  if (rig === undefined) {
    return;
  }
  const clickhouse = { ...rig.config.clickhouse, user: "nobody_here", password: "wrong-password" };
  await assert.rejects(rig.start({}, { ...rig.config, clickhouse }).ended);
  const [last] = await beatsOf(rig, nodeId);
  assert.deepEqual([last?.status, last?.fields["status_code"], last?.isEnded], ["error", 4, true]);
  assert.match(String(last?.fields["last_error"]), /ClickHouse/);
});

function openRig(t: TestContext, nodeId: string): Promise<WorkerRig | undefined> {
  const env = { GINKGO_NODE_ID: nodeId, GINKGO_HEARTBEAT_INTERVAL: "0.2", GINKGO_HEALTH_PORT: "0" };
  return openWorkerRig(t, { data: marketData(market), env });
}

function startProcess(rig: WorkerRig): ReturnType<typeof spawn> {
  const env = { ...compileCache, ...rig.env, LOG_LEVEL: "error" };
  return spawn(process.execPath, [MAIN, "start"], { env, stdio: ["ignore", "inherit", "inherit"] });
}

async function beatsOf(rig: WorkerRig, nodeId: string): Promise<readonly SeenBeat[]> {
  await using redis = await openOurRedis(rig.config, silentLog, never);
  return (await openHeartbeats(rig.config, redis.client).list(never)).filter((beat) => beat.nodeId === nodeId);
}

async function untilBeat(rig: WorkerRig, nodeId: string, isMeant: (beat: SeenBeat) => boolean): Promise<SeenBeat> {
  let found: SeenBeat | undefined;
  await waitFor(
    async () => {
      found = (await beatsOf(rig, nodeId)).find(isMeant);
      return found !== undefined;
    },
    { timeoutMs: 30_000, everyMs: 50, what: `a heartbeat of ${nodeId} that says so` },
  );
  assert.ok(found !== undefined);
  return found;
}
