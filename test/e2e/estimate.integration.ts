import assert from "node:assert/strict";
import test from "node:test";

import type { RequestEstimate, RequestPlan, RequestProgress } from "../../src/app/app-api.ts";
import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { startWorker } from "../../src/app/start-worker.ts";
import { app } from "../../src/app.ts";
import { silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const never = new AbortController().signal;
const market = generateMarket({ seed: 11, codes: 12, tradingDays: 40 });
const NO_RANGE = { full: false, start: undefined, end: undefined, days: undefined };

test("an estimate does nothing, and the request then makes as many calls as it said", async () => {
  await using folder = await temporaryFolder("estimate");
  const token = "a".repeat(40);
  await using simulator = await startTushareSimulator({ data: marketData(market), tokens: [token] });
  const { config } = loadConfig({
    flags: new Map(),
    env: {
      GINKGO_EMBEDDED_FOLDER: folder.path,
      GINKGO_HEALTH_PORT: "0",
      // All messages are planned together, as the estimate does.
      GINKGO_WORKER_GATHER_MS: "1000",
      // Several calls a code.
      GINKGO_TUSHARE_ROWS_MAX: "20",
      TUSHARE_TOKEN: token,
      GINKGO_TUSHARE_URL: simulator.url,
    },
    readFile: () => undefined,
  });
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const shutdown = { intake: stop.signal, work: never, signal: undefined, [Symbol.dispose]: () => undefined };
  const worker = startWorker(config, silentLog, shutdown, { onReady: () => ready.resolve() });
  await using closing = new AsyncDisposableStack();
  closing.defer(async () => {
    stop.abort(new Error("the test stops the worker"));
    await worker;
  });
  await Promise.race([ready.promise, worker]);

  const all = { ...planOf("bars"), range: { ...NO_RANGE, start: market.days[0], end: market.days.at(-1) } };
  await assert.rejects(estimate(all), /the stock list is empty, run gdw request --kind stock-list --wait first/);
  const lists = [await estimate(planOf("stock-list")), await estimate(planOf("calendar"))];
  assert.deepEqual(
    lists.map(({ messages, apis }) => [messages, ...apis.map(({ api }) => api)]),
    [
      [1, "stock_basic"],
      [1, "trade_cal"],
    ],
  );
  for (const [index, kind] of (["stock-list", "calendar"] as const).entries()) {
    const before = calls();
    await request(planOf(kind));
    assert.equal(calls() - before, lists[index]?.calls, kind);
  }

  const before = { calls: calls(), messages: await countMessages() };
  const said = await estimate(all);
  assert.deepEqual({ calls: calls(), messages: await countMessages() }, before);
  // Some are delisted.
  assert.ok(said.messages > 1 && said.messages <= market.securities.length, `${said.messages}`);
  assert.deepEqual([said.unknownCodes, said.pendingDays], [[], 0]);
  assert.deepEqual(
    said.apis.map(({ api, callsPerMinute, daily }) => [api, callsPerMinute, daily]),
    [["daily", 190, undefined]],
  );
  assert.ok(said.calls > said.messages, `${said.calls}`);
  const last = await request(all);
  assert.deepEqual([last.settled, last.calls], [said.messages, said.calls]);

  const after = await estimate(all);
  assert.deepEqual([after.calls, after.missingDays, after.timeMs], [0, 0, 0]);
  const forced = await estimate({ ...all, force: true });
  assert.equal(forced.missingDays, said.missingDays);

  function planOf(kind: RequestPlan["kind"]): RequestPlan {
    const codes = kind === "bars" ? "all" : [];
    return { kind, codes, frequency: "1d", range: NO_RANGE, force: false, provider: undefined, wait: true };
  }
  function estimate(plan: RequestPlan): Promise<RequestEstimate> {
    return app.estimate(config, plan, silentLog, never);
  }
  async function request(plan: RequestPlan): Promise<RequestProgress> {
    const last = (await Array.fromAsync(app.request(config, plan, silentLog, never))).at(-1);
    assert.ok(last);
    return last;
  }
  function calls(): number {
    return simulator.requests.length;
  }
  async function countMessages(): Promise<number> {
    await using tools = await openQueueTools(config, silentLog, never);
    return (await Array.fromAsync(tools.reader.read(config.worker.topic, never))).length;
  }
});
