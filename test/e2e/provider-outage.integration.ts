import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { startWorker } from "../../src/app/start-worker.ts";
import { workersOf } from "../../src/app/status/ask-workers.ts";
import { silentLog, type Log } from "../../src/base/log.ts";
import { describeStatus } from "../../src/cli/status-text.ts";
import { type Config, loadConfig } from "../../src/config.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator, type TushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";
import { openWorkerRig } from "./worker-rig.ts";

const never = new AbortController().signal;
const market = generateMarket({ seed: 29, codes: 4, tradingDays: 8 });
const codes = market.securities.map(({ code }) => code);
const days = { start_date: market.days[0], end_date: market.days.at(-1) };
const LETTERS = { reason: "outage", code: undefined, sinceMs: undefined, withHandled: true };

/** An outage of hours in seconds. */
const ENV = {
  GINKGO_WORKER_OUTAGE_DEADLINE_MS: "1500",
  GINKGO_BREAKER_FAILURES: "3",
  GINKGO_BREAKER_PAUSE_MS: "100",
  GINKGO_BREAKER_PAUSE_MS_MAX: "200",
  GINKGO_WORKER_RETRY_WAIT_MS: "20",
  GINKGO_WORKER_RETRY_WAIT_MS_MAX: "50",
  GINKGO_HEARTBEAT_INTERVAL: "0.2",
  GINKGO_TUSHARE_CALLS_PER_MINUTE: "100000",
};

test("kafka: an outage sets messages aside, and when the provider answers they come back by themselves", async (t) => {
  const { log, lines } = openLines();
  const env = { ...ENV, GINKGO_HEARTBEAT_KEY_PREFIX: `outage-${process.pid}` };
  await using rig = await openWorkerRig(t, { data: marketData(market), limits: [], env, log });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await outlive(rig.config, rig.simulator, lines, async () => {
    const [row] = await rig.select<{ readonly codes: string }>("SELECT toString(uniqExact(code)) AS codes FROM @bar");
    return Number.parseInt(row?.codes ?? "0", 10);
  });
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
});

test("embedded: an outage sets messages aside, and when the provider answers they come back by themselves", async () => {
  await using folder = await temporaryFolder("outage");
  await using simulator = await openSimulator();
  const { log, lines } = openLines();
  const config = embeddedConfig(folder.path, simulator.url);
  await using worker = await startEmbedded(config, log);
  await outlive(config, simulator, lines, () => codesEmbedded(config));
  await worker.stop();
});

test("embedded: a drain in an outage does not wait for the provider, and what it held is done by the next worker", async () => {
  await using folder = await temporaryFolder("outage");
  await using simulator = await openSimulator();
  const { log, lines } = openLines();
  const config = embeddedConfig(folder.path, simulator.url, {
    GINKGO_WORKER_OUTAGE_DEADLINE_MS: "600000",
    GINKGO_BREAKER_PAUSE_MS: "600000",
    GINKGO_BREAKER_PAUSE_MS_MAX: "600000",
  });
  simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 1_000_000 });
  {
    await using worker = await startEmbedded(config, log);
    await publish(config);
    await waitFor(() => lines.some((line) => line.startsWith("warn provider is out")), {
      timeoutMs: 60_000,
      everyMs: 20,
      what: "the provider is out",
    });
    const startedMs = performance.now();
    await worker.stop();
    const drainedMs = performance.now() - startedMs;
    assert.ok(drainedMs < DRAIN_IN_OUTAGE_MS_MAX, `the drain took ${Math.round(drainedMs)} ms`);
    // The last word of a list that came in the background may follow.
    const drained = lines.findLast((line) => line.startsWith("info worker drained")) ?? "";
    assert.match(drained, new RegExp(`^info worker drained {"dropped":${codes.length},"isCommitted":true}`));
  }
  simulator.clearFaults();
  await using next = await startEmbedded(config, log);
  await waitFor(async () => (await codesEmbedded(config)) > codes.length - 1, {
    timeoutMs: 60_000,
    everyMs: 200,
    what: "the bars of every code",
  });
  assert.equal(
    (await app.listDeadLetters(config, { ...LETTERS, reason: undefined }, silentLog, never)).letters.length,
    0,
  );
  await next.stop();
});

/** Far below the 25 s of a drain; closing the engine takes most of it. */
const DRAIN_IN_OUTAGE_MS_MAX = 8_000;
const TOKEN = "b".repeat(40);

function openSimulator(): Promise<TushareSimulator> {
  return startTushareSimulator({ data: marketData(market), tokens: [TOKEN], limits: [] });
}

function embeddedConfig(folder: string, url: string, env: Readonly<Record<string, string>> = {}): Config {
  const place = { GINKGO_EMBEDDED_FOLDER: folder, GINKGO_HEALTH_PORT: "0" };
  const provider = { TUSHARE_TOKEN: TOKEN, GINKGO_TUSHARE_URL: url };
  return loadConfig({ flags: new Map(), env: { ...ENV, ...place, ...provider, ...env }, readFile: () => undefined })
    .config;
}

interface EmbeddedWorker extends AsyncDisposable {
  /** The first SIGTERM, without a deadline for the drain. */
  readonly stop: () => Promise<void>;
}

async function startEmbedded(config: Config, log: Log): Promise<EmbeddedWorker> {
  const intake = new AbortController();
  const ready = Promise.withResolvers<void>();
  const shutdown = { intake: intake.signal, work: never, signal: undefined, [Symbol.dispose]: () => undefined };
  const worker = startWorker(config, log, shutdown, { onReady: () => ready.resolve() });
  await Promise.race([ready.promise, worker]);
  const stop = async (): Promise<void> => {
    intake.abort(new Error("the test stops the worker"));
    await worker;
  };
  return { stop, [Symbol.asyncDispose]: stop };
}

async function codesEmbedded(config: Config): Promise<number> {
  const status = await app.status(config, silentLog, never);
  return status.store.isKnown ? (status.store.value.rows["bar_row"] ?? 0) / market.days.length : 0;
}

/** Bars of codes are there; rows of codes that were not listed on all days are fewer. */
async function outlive(
  config: Config,
  simulator: TushareSimulator,
  lines: readonly string[],
  codesStored: () => Promise<number>,
): Promise<void> {
  simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 1_000_000 });
  await publish(config);
  const list = () => app.listDeadLetters(config, LETTERS, silentLog, never);
  await waitFor(async () => (await list()).letters.length >= codes.length, {
    timeoutMs: 60_000,
    everyMs: 100,
    what: "every message is set aside",
  });
  assert.equal(await codesStored(), 0);
  for (const { detail, attempts, reason } of (await list()).letters) {
    assert.match(detail, /^tushare daily has been out since \d{4}-\d\d-\d\dT[\d:.]+Z: .*connection/);
    assert.deepEqual([attempts, reason], [1, "outage"]);
  }
  await waitFor(
    async () =>
      /tushare daily since \d{4}-.* for .*connection/.test(describeStatus(await app.status(config, silentLog, never))),
    { timeoutMs: 20_000, everyMs: 200, what: "status names the provider that is out" },
  );
  assert.deepEqual(await seenByRequest(config), ["tushare daily open"]);
  const checks = await Array.fromAsync(app.doctor(config, { callProvider: false }, silentLog, never));
  const check = checks.find(({ name }) => name === "provider outages");
  assert.match(`${check?.verdict} ${check?.seen}`, /^warn tushare daily is out since \d{4}-/);
  simulator.clearFaults();
  await waitFor(async () => (await list()).letters.every(({ state }) => state === "redriven"), {
    timeoutMs: 60_000,
    everyMs: 200,
    what: "no letter is open",
  });
  await waitFor(async () => (await codesStored()) > codes.length - 1, {
    timeoutMs: 60_000,
    everyMs: 200,
    what: "the bars of every code",
  });
  assert.equal((await app.listDeadLetters(config, { ...LETTERS, reason: undefined }, silentLog, never)).open, 0);
  const said = (start: string): number => lines.filter((line) => line.startsWith(start)).length;
  assert.ok(said("info dead letters redriven after an outage") >= 1, lines.join("\n"));
  assert.equal(said("warn provider is out, its work waits or goes to the next of the chain"), 1);
  assert.equal(said("info provider is back, its work goes on"), 1);
}

/** What a request that waits would say is out. */
async function seenByRequest(config: Config): Promise<readonly string[]> {
  await using opened = new AsyncDisposableStack();
  const ask = workersOf(config, opened);
  assert.ok(ask !== undefined);
  const seen: string[] = [];
  await waitFor(
    async () => {
      const outages = (await ask(never)).flatMap((said) => said.outages ?? []);
      seen.splice(0, seen.length, ...outages.map(({ provider, api, state }) => `${provider} ${api} ${state}`));
      return outages.some(({ state }) => state === "open");
    },
    { timeoutMs: 20_000, everyMs: 50, what: "the worker says that the provider is out" },
  );
  return seen;
}

async function publish(config: Config): Promise<void> {
  await using tools = await openQueueTools(config, silentLog, never);
  const producer = await tools.openProducer(never);
  const messages = codes.map((code) => ({
    topic: config.worker.topic,
    key: Buffer.from(code),
    value: Buffer.from(JSON.stringify({ command: "bar_snapshot", params: { code, ...days } })),
    headers: [],
  }));
  await producer.publish(messages, never);
}

function openLines(): { readonly log: Log; readonly lines: readonly string[] } {
  const lines: string[] = [];
  const put =
    (level: string): Log["info"] =>
    (event, fields = {}) => {
      lines.push(
        `${level} ${event} ${JSON.stringify(fields, (_key, value: unknown) => (typeof value === "bigint" ? `${value}` : value))}`,
      );
    };
  const log: Log = {
    debug: () => undefined,
    info: put("info"),
    warn: put("warn"),
    error: put("error"),
    child: () => log,
  };
  return { log, lines };
}
