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
import { compileCache } from "../support/compile-cache.ts";

const WORKER = join(import.meta.dirname, "worker-process.ts");
const market = generateMarket({ seed: 9, codes: 6, tradingDays: 30 });

test("killed after the fetch and started again, every row is there once and every offset committed", async (t) => {
  await killAndRecover(t, "fetched");
});

test("killed after the insert was applied and before its answer, every row is there once and every offset committed", async (t) => {
  await killAndRecover(t, "applied");
});

test("killed after the ledger and before the commit, every row is there once and no provider call is made again", async (t) => {
  const recovered = await killAndRecover(t, "recorded");
  if (recovered !== undefined) {
    const { recorded, askedAfter } = recovered;
    assert.ok(recorded.length > 0, "the process was killed when something stood in the ledger");
    assert.deepEqual(
      askedAfter.filter((code) => recorded.includes(code)),
      [],
    );
    assert.ok(askedAfter.length < market.securities.length, `${askedAfter.length} data calls after the restart`);
  }
});

interface Recovered {
  /** Codes that the ledger knew when the process was killed. */
  readonly recorded: readonly string[];
  /** Codes that were asked for after the restart, one a call. */
  readonly askedAfter: readonly string[];
}

async function killAndRecover(
  t: TestContext,
  point: "fetched" | "applied" | "recorded",
): Promise<Recovered | undefined> {
  const url = await requireClickHouse(t);
  if (url === undefined) {
    return undefined;
  }
  await using proxy = await startInsertProxy(url);
  // A call for each code, and answers that come one after another: what was recorded is a part of the whole.
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    latency: { fromMs: 20, toMs: 400 },
    env: { GINKGO_CLICKHOUSE_URL: proxy.url, GINKGO_TUSHARE_CODES_MAX: "1" },
  });
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

  const recorded = await rig.select<{ readonly code: string }>(
    "SELECT DISTINCT toString(code) AS code FROM @ledger_row FINAL WHERE data_set = 'bars' AND NOT removed",
  );
  const callsBefore = rig.callsOf("daily");
  const second = startProcess(rig, "none", processes);
  await rig.untilSettled(codes.length, 60_000);
  second.kill("SIGTERM");
  const [code] = (await once(second, "exit")) as [number | null];
  assert.equal(code, 0);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.deepEqual(await keysOfManyValues(rig), []);
  assert.equal(await rig.lag(), 0n);
  const after = rig.simulator.requests.filter(({ api }) => api === "daily").slice(callsBefore);
  return {
    recorded: recorded.map((row) => row.code),
    askedAfter: after.map(({ params }) => String(params["ts_code"])),
  };
}

/** `bar` shows one row a key whatever lies beneath. Beneath it a row may lie twice until it is merged, with equal values only. */
async function keysOfManyValues(rig: WorkerRig): Promise<readonly unknown[]> {
  return await rig.select(
    `SELECT code, timestamp, uniqExact((open, high, low, close, pre_close, volume, amount, flags)) AS variants
     FROM @bar_row GROUP BY code, frequency, timestamp, source HAVING variants > 1`,
  );
}

/** A test that fails half way takes its process with it. */
function startProcess(rig: WorkerRig, killAt: string, processes: AsyncDisposableStack): ChildProcess {
  const child = spawn(process.execPath, [WORKER, killAt], {
    env: { PATH: process.env["PATH"] ?? "", ...compileCache, ...rig.env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const ended = once(child, "exit");
  processes.defer(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return child;
}
