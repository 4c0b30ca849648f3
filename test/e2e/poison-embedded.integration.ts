import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import test from "node:test";

import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { openOurClickHouse } from "../../src/app/open-store.ts";
import { startWorker } from "../../src/app/start-worker.ts";
import { silentLog } from "../../src/base/log.ts";
import { createPinoLog } from "../../src/base/pino-log.ts";
import { loadConfig } from "../../src/config.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";
import { compareWithTruth } from "./market-truth.ts";
import { checkLetters, checkLines, findAll, type PoisonRun, publishCases } from "./poison-check.ts";
import { BYTES_MAX, CODES_MAX, poisonTable } from "./poison-table.ts";

const never = new AbortController().signal;

test("the embedded queue gives the same letters for the same poison as Kafka", async () => {
  const market = generateMarket({ seed: 11, codes: 5_600, tradingDays: 2 });
  const secret = randomBytes(28).toString("hex");
  await using folder = await temporaryFolder("poison");
  await using simulator = await startTushareSimulator({ data: marketData(market), tokens: [secret] });
  const { config } = loadConfig({
    flags: new Map(),
    env: {
      GINKGO_EMBEDDED_FOLDER: folder.path,
      GINKGO_CLICKHOUSE_EMBEDDED_PATH: `${folder.path}/clickhouse`,
      GINKGO_HEALTH_PORT: "0",
      TUSHARE_TOKEN: secret,
      GINKGO_TUSHARE_URL: simulator.url,
      GINKGO_WORKER_MESSAGE_BYTES_MAX: String(BYTES_MAX),
      GINKGO_WORKER_CODES_MAX: String(CODES_MAX),
    },
    readFile: () => undefined,
  });
  const cases = poisonTable({
    codes: market.securities.map(({ code }) => code),
    from: market.days[0] ?? "",
    to: market.days.at(-1) ?? "",
    secret,
  });
  const run: PoisonRun = { topic: config.worker.topic, partitions: config.kafka.partitions, cases };
  const lines: string[] = [];
  const log = createPinoLog({ write: (line) => lines.push(line) }, { level: "warn", secrets: [secret] });
  const stop = new AbortController();
  const shutdown = { intake: stop.signal, work: never, signal: undefined, [Symbol.dispose]: () => undefined };
  const ready = Promise.withResolvers<void>();
  const worker = startWorker(config, log, shutdown, { onReady: () => ready.resolve() });
  try {
    await Promise.race([ready.promise, worker]);
    await using tools = await openQueueTools(config, silentLog, never);
    await publishCases(run, await tools.openProducer(never));
    await waitFor(async () => (await tools.lag(never)).every(({ lag }) => lag === 0n), {
      timeoutMs: 120_000,
      everyMs: 100,
      what: "the queue to be settled",
    });
  } finally {
    stop.abort(new Error("the test stops the worker"));
    await worker;
  }

  await using clickhouse = await openOurClickHouse(config, silentLog, never);
  const store = {
    config,
    clickhouse,
    select: <Row>(sql: string): Promise<readonly Row[]> =>
      clickhouse.query<Row>(sql.replaceAll("@", `${config.clickhouse.database}.`), {}, never),
  };
  checkLetters(run, await findAll(store));
  checkLines(run, lines, secret);
  assert.deepEqual(await compareWithTruth(store, market), { different: 0, missing: 0, extra: 0 });
});
