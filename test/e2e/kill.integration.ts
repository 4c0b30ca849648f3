import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { type TestContext } from "node:test";

import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { requireClickHouse } from "../support/services.ts";
import { startInsertProxy } from "./insert-proxy.ts";
import { compareWithTruth } from "./market-truth.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const WORKER = join(import.meta.dirname, "worker-process.ts");
const market = generateMarket({ seed: 9, codes: 6, tradingDays: 30 });

test("killed after the fetch and started again, every row is there once and every offset committed", async (t) => {
  await killAndRecover(t, "fetched");
});

test("killed after the insert was applied and before its answer, every row is there once and every offset committed", async (t) => {
  await killAndRecover(t, "applied");
});

test("killed after the ledger and before the commit, every row is there once and no provider call is made again", async (t) => {
  const rig = await killAndRecover(t, "recorded");
  assert.ok(rig === undefined || rig.dailyCallsAfter <= 1, `${rig?.dailyCallsAfter} data calls after the restart`);
});

async function killAndRecover(
  t: TestContext,
  point: "fetched" | "applied" | "recorded",
): Promise<{ readonly dailyCallsAfter: number } | undefined> {
  const url = await requireClickHouse(t);
  if (url === undefined) {
    return undefined;
  }
  await using proxy = await startInsertProxy(url);
  await using rig = await openWorkerRig(t, { data: marketData(market), env: { GINKGO_CLICKHOUSE_URL: proxy.url } });
  if (rig === undefined) {
    return undefined;
  }
  const codes = market.securities.map(({ code }) => code);
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  await using processes = new AsyncDisposableStack();
  const first = startProcess(rig, point === "applied" ? "none" : point, processes);
  if (point === "applied") {
    proxy.swallowNext("bar_row", () => first.kill("SIGKILL"));
  }
  await rig.publish(
    codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } })),
  );
  const [, signal] = (await once(first, "exit")) as [number | null, string | null];
  assert.equal(signal, "SIGKILL");

  const callsBefore = rig.callsOf("daily");
  const second = startProcess(rig, "none", processes);
  await rig.untilSettled(codes.length, 60_000);
  second.kill("SIGTERM");
  const [code] = (await once(second, "exit")) as [number | null];
  assert.equal(code, 0);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.equal(await rig.lag(), 0n);
  return { dailyCallsAfter: rig.callsOf("daily") - callsBefore };
}

/** A test that fails half way takes its process with it. */
function startProcess(rig: WorkerRig, killAt: string, processes: AsyncDisposableStack): ChildProcess {
  const child = spawn(process.execPath, [WORKER, killAt], {
    env: { PATH: process.env["PATH"] ?? "", ...rig.env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(child, "exit");
  processes.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return child;
}
