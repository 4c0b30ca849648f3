import assert from "node:assert/strict";
import test from "node:test";

import { startWorker } from "../../src/app/start-worker.ts";
import { app } from "../../src/app.ts";
import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import type { LetterChoice } from "../../src/app/dead-letters/dead-letters-api.ts";
import { silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";

const never = new AbortController().signal;
const market = generateMarket({ seed: 3, codes: 2, tradingDays: 5 });
const ANY = { reason: undefined, code: undefined, sinceMs: undefined, withHandled: true };
const OPEN: LetterChoice = { kind: "open", reason: undefined };

test("dead letters of an embedded folder are dealt with while a worker holds it, and when none does", async () => {
  await using folder = await temporaryFolder("dlq");
  const token = "a".repeat(40);
  await using simulator = await startTushareSimulator({ data: marketData(market), tokens: [token] });
  const { config } = loadConfig({
    flags: new Map(),
    env: {
      GINKGO_EMBEDDED_FOLDER: folder.path,
      GINKGO_CLICKHOUSE_EMBEDDED_PATH: `${folder.path}/clickhouse`,
      GINKGO_HEALTH_PORT: "0",
      TUSHARE_TOKEN: token,
      GINKGO_TUSHARE_URL: simulator.url,
    },
    readFile: () => undefined,
  });
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();
  const shutdown = { intake: stop.signal, work: never, signal: undefined, [Symbol.dispose]: () => undefined };
  const worker = startWorker(config, silentLog, shutdown, { onReady: () => ready.resolve() });
  await Promise.race([ready.promise, worker]);
  await publish("{not json", "k");
  const list = () => app.listDeadLetters(config, ANY, silentLog, never);
  await waitFor(async () => (await list()).open === 1, { timeoutMs: 20_000, everyMs: 50, what: "a dead letter" });
  const sent = await Array.fromAsync(
    app.redriveDeadLetters(config, OPEN, { isDryRun: false, isForced: false }, silentLog, never),
  );
  assert.equal(sent.at(-1)?.done, 1);
  await waitFor(async () => (await list()).letters.length === 2, {
    timeoutMs: 20_000,
    everyMs: 50,
    what: "it came back",
  });
  stop.abort(new Error("the test stops the worker"));
  await worker;

  const after = await list();
  assert.deepEqual(
    after.letters.map(({ state, redriven }) => [state, redriven]),
    [
      ["redriven", 0],
      ["open", 1],
    ],
  );
  const discarded = await app.discardDeadLetters(config, OPEN, "done", silentLog, never);
  assert.equal(discarded.done, 1);
  assert.equal((await list()).open, 0);

  async function publish(value: string, key: string): Promise<void> {
    await using tools = await openQueueTools(config, silentLog, never);
    const producer = await tools.openProducer(never);
    const message = {
      topic: config.worker.topic,
      key: Buffer.from(key),
      value: Buffer.from(value),
      headers: [],
    };
    await producer.publish([message], never);
  }
});
