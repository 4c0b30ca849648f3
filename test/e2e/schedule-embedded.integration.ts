import assert from "node:assert/strict";
import test from "node:test";

import type { WorkerAddresses } from "../../src/app/demo-api.ts";
import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import type { ScheduleReport } from "../../src/app/schedule/schedule-api.ts";
import { startWorker } from "../../src/app/start-worker.ts";
import { app } from "../../src/app.ts";
import { silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";

const never = new AbortController().signal;
const market = generateMarket({ seed: 5, codes: 3, tradingDays: 5 });

test("a worker alone, with the schedule on and nothing stored, brings lists, factors and bars by itself, and after a restart nothing twice", async () => {
  await using folder = await temporaryFolder("schedule");
  const token = "a".repeat(40);
  await using simulator = await startTushareSimulator({ data: marketData(market), tokens: [token] });
  const { config } = loadConfig({
    flags: new Map(),
    env: {
      GINKGO_EMBEDDED_FOLDER: folder.path,
      GINKGO_HEALTH_PORT: "0",
      GINKGO_NODE_ID: "alone",
      GINKGO_SCHEDULE_ENABLED: "true",
      // Over the longest holiday too.
      GINKGO_SCHEDULE_CATCH_UP_DAYS: "30",
      TUSHARE_TOKEN: token,
      GINKGO_TUSHARE_URL: simulator.url,
    },
    readFile: () => undefined,
  });
  await using closing = new AsyncDisposableStack();
  const start = async (): Promise<{ readonly url: string; stop(): Promise<void> }> => {
    const stop = new AbortController();
    const ready = Promise.withResolvers<WorkerAddresses>();
    const shutdown = { intake: stop.signal, work: never, signal: undefined, [Symbol.dispose]: () => undefined };
    const worker = startWorker(config, silentLog, shutdown, { onReady: (addresses) => ready.resolve(addresses) });
    // A test that fails half way leaves no worker behind.
    closing.defer(async () => {
      stop.abort(new Error("the test is over"));
      await worker;
    });
    const addresses = await Promise.race([ready.promise, worker]);
    return {
      url: addresses?.url ?? "",
      stop: async () => {
        stop.abort(new Error("the test stops the worker"));
        await worker;
      },
    };
  };
  const report = (): Promise<ScheduleReport> => app.schedule(config, silentLog, never);
  const before = await report();
  assert.deepEqual(
    [before.leader, before.unknown, before.runs.filter(({ last }) => last !== undefined)],
    [undefined, [], []],
  );

  const first = await start();
  const settled = await waitFor(
    async () => {
      const now = await report();
      const isDone = now.runs.every(({ last }) => last?.state === "sent" && last.outcome?.settled === last.messages);
      return isDone ? now : undefined;
    },
    { what: "all runs settled", timeoutMs: 60_000, everyMs: 200 },
  );
  assert.equal(settled.leader, "alone");
  assert.deepEqual(
    settled.runs.map(({ name, last }) => [
      name,
      last?.messages,
      Object.keys(last?.outcome?.words ?? {}).includes("dead-letter"),
    ]),
    [
      ["calendar", 1, false],
      ["list", 1, false],
      ["factors", 3, false],
      ["bars", 3, false],
    ],
  );
  const status = await (await fetch(`${first.url}/status`)).json();
  assert.equal(Reflect.get(Reflect.get(Object(status), "schedule"), "isLeader"), true);
  await first.stop();
  assert.equal((await report()).leader, undefined);
  const published = await countMessages();
  assert.equal(published, 8);

  const second = await start();
  await waitFor(async () => (await report()).leader === "alone", { what: "the lead", timeoutMs: 20_000 });
  // One run by hand: by the time it is settled the schedule has looked at what is due.
  const plan = { ...PLAN, codes: market.securities.map(({ code }) => code) };
  const last = (await Array.fromAsync(app.request(config, plan, silentLog, never))).at(-1);
  assert.equal(last?.settled, 3);
  await second.stop();
  assert.equal(await countMessages(), published + 3);

  async function countMessages(): Promise<number> {
    await using tools = await openQueueTools(config, silentLog, never);
    return (await Array.fromAsync(tools.reader.read(config.worker.topic, never))).length;
  }
});

const PLAN = {
  kind: "bars",
  frequency: "1d",
  range: { full: false, start: undefined, end: undefined, days: undefined },
  force: false,
  provider: undefined,
  wait: true,
} as const;
