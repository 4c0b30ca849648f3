import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { requireClickHouse, requireKafka, requireRedis } from "../support/services.ts";
import type { ChildService } from "../support/services/child-service.ts";
import { startClickHouseHttp } from "../support/services/clickhouse-http.ts";
import { startKafka } from "../support/services/kafka.ts";
import { startRedis } from "../support/services/redis.ts";
import { sizes } from "../support/sizes.ts";
import { waitFor } from "../support/wait-for.ts";
import { compareWithTruth } from "./market-truth.ts";
import { Sampler, startWatchedWorker, type WatchedWorker } from "./watched-worker.ts";
import { openWorkerRig, type RigMessage, type WorkerRig } from "./worker-rig.ts";

/** Small, so that an outage fills it: what is fetched in the outage is bounded by it. */
const WINDOW = 64;
const NOT_READY_MS_MAX = 10_000;
const READY_AGAIN_MS_MAX = 15_000;
const MEMORY_GROWTH_MAX = 1.15;

const market = generateMarket({ seed: 31, codes: sizes.codes, tradingDays: sizes.days });

test("ClickHouse stops under load and comes back: nothing lost, nothing twice, no dead letter, and readiness tells", async (t) => {
  if ((await requireClickHouse(t)) === undefined) {
    return;
  }
  await using server = await startClickHouseHttp();
  await outageUnderLoad(t, server, { GINKGO_CLICKHOUSE_URL: server.url }, async ({ worker, rig, outage }) => {
    const callsBefore = rig.callsOf();
    const seen = await outage();
    assert.equal(check(seen, "clickhouse"), "failed");
    const calls = rig.callsOf() - callsBefore;
    t.diagnostic(`provider calls in the outage: ${calls}, window ${WINDOW}`);
    assert.ok(calls <= WINDOW, `${calls} provider calls while nothing could be stored`);
    assert.notEqual(await worker.ready(), undefined, "the worker answers");
  });
});

test("the broker stops under load and comes back: nothing lost, nothing twice, no dead letter, and readiness tells", async (t) => {
  if ((await requireKafka(t)) === undefined) {
    return;
  }
  await using broker = await startKafka();
  await outageUnderLoad(t, broker, { GINKGO_KAFKA_BROKERS: broker.address }, async ({ outage }) => {
    assert.equal(check(await outage(), "queue"), "failed");
  });
});

test("ClickHouse answers and takes no rows: nothing is set aside, however long past the deadline, and all is stored then", async (t) => {
  if ((await requireClickHouse(t)) === undefined) {
    return;
  }
  await using server = await startClickHouseHttp();
  await using rig = await openRig(t, {
    GINKGO_CLICKHOUSE_URL: server.url,
    GINKGO_WORKER_MESSAGE_DEADLINE_MS: "1500",
    GINKGO_WORKER_RETRY_WAIT_MS_MAX: "500",
  });
  if (rig === undefined) {
    return;
  }
  await using worker = await startWatchedWorker(rig);
  await worker.untilReady(true, 30_000);
  const text = "Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)";
  await server.refuseNextInserts({ code: 243, text, count: 100_000, match: "bar_row" });
  const load = startLoad(rig);
  const callsBefore = rig.callsOf("daily");
  await waitFor(() => rig.callsOf("daily") > callsBefore, { what: "the first bars", timeoutMs: 30_000 });
  // Several deadlines long.
  await sleep(5_000);
  await server.release();
  await expectAllThere(t, rig, await load, worker);
});

test("Redis stops under load and comes back: work goes on all the while, and readiness stays", async (t) => {
  if ((await requireRedis(t)) === undefined) {
    return;
  }
  await using redis = await startRedis();
  const env = { GINKGO_REDIS_HOST: "127.0.0.1", GINKGO_REDIS_PORT: `${redis.port}`, GINKGO_HEARTBEAT_INTERVAL: "0.5" };
  await using rig = await openRig(t, env);
  if (rig === undefined) {
    return;
  }
  await using worker = await startWatchedWorker(rig);
  await worker.untilReady(true, 30_000);
  const load = startLoad(rig);
  await rig.untilSettled(10);
  await redis.kill();
  const settledAtStart = await settled(rig);
  await sleep(sizes.outageMs);
  const during = await worker.ready();
  assert.equal(during?.isReady, true);
  assert.equal(check(during, "heartbeat"), "warning");
  const settledInOutage = (await settled(rig)) - settledAtStart;
  t.diagnostic(`messages settled without Redis: ${settledInOutage}`);
  assert.ok(settledInOutage > 0, "work goes on without Redis");
  await redis.restart();
  await expectAllThere(t, rig, await load, worker);
});

interface OutageParts {
  readonly rig: WorkerRig;
  readonly worker: WatchedWorker;
  /** Kills the service, waits until the worker says so and the outage is over; answers what `/readyz` then said. */
  readonly outage: () => Promise<Awaited<ReturnType<WatchedWorker["ready"]>>>;
}

async function outageUnderLoad(
  t: TestContext,
  service: ChildService,
  env: Readonly<Record<string, string>>,
  during: (parts: OutageParts) => Promise<void>,
): Promise<void> {
  await using rig = await openRig(t, env);
  if (rig === undefined) {
    return;
  }
  await using worker = await startWatchedWorker(rig);
  await worker.untilReady(true, 30_000);
  const load = startLoad(rig);
  await rig.untilSettled(10);
  await during({
    rig,
    worker,
    outage: async () => {
      await service.kill();
      const startedMs = performance.now();
      await using memory = new Sampler(() => worker.memoryMiB());
      const notReadyMs = await worker.untilReady(false, NOT_READY_MS_MAX);
      await sleep(Math.max(0, sizes.outageMs - (performance.now() - startedMs)));
      const seen = await worker.ready();
      t.diagnostic(
        `not ready after ${Math.round(notReadyMs)} ms; memory in the quarters of the outage ` +
          `${[1, 2, 3, 4].map((nth) => Math.round(memory.quarter(nth))).join(", ")} MiB`,
      );
      assert.ok(memory.quarter(4) <= MEMORY_GROWTH_MAX * memory.quarter(2), "memory grows in the outage");
      return seen;
    },
  });
  await service.restart();
  const readyMs = await worker.untilReady(true, READY_AGAIN_MS_MAX);
  t.diagnostic(`ready ${Math.round(readyMs)} ms after the return`);
  await expectAllThere(t, rig, await load, worker);
}

async function openRig(t: TestContext, env: Readonly<Record<string, string>>): Promise<WorkerRig | undefined> {
  return await openWorkerRig(t, {
    data: marketData(market),
    latency: { fromMs: 10, toMs: 60 },
    limits: [],
    env: {
      GINKGO_WORKER_WINDOW_MESSAGES: `${WINDOW}`,
      GINKGO_TUSHARE_CODES_MAX: "1",
      GINKGO_TUSHARE_CALLS_PER_MINUTE: "100000",
      ...env,
    },
  });
}

/** Six messages of each code. */
const RANGE_DAYS = Math.ceil(sizes.days / 6);
/** Messages published at once; then the load waits until most of them have been settled. */
const BURST = 32;

/** Publishes messages all the while, also through the outage: a publication that fails is made again. Answers their number. */
async function startLoad(rig: WorkerRig): Promise<number> {
  const messages = messagesOf(market);
  for (let at = 0; at < messages.length; at += BURST) {
    const burst = messages.slice(at, at + BURST);
    for (let tries = 1; ; tries += 1) {
      try {
        await rig.publish(burst);
        break;
      } catch (error) {
        if (tries > 100) {
          throw error;
        }
        await sleep(500);
      }
    }
    await sleep(LOAD_PAUSE_MS);
  }
  return messages.length;
}

/** So that there is load before, in and after the outage. */
const LOAD_PAUSE_MS = (sizes.outageMs * 1.5 * BURST * RANGE_DAYS) / (sizes.codes * sizes.days);

function messagesOf({ securities, days }: Market): readonly RigMessage[] {
  const messages: RigMessage[] = [];
  for (let from = 0; from < days.length; from += RANGE_DAYS) {
    const range = days.slice(from, from + RANGE_DAYS);
    for (const { code } of securities) {
      const params = { code, start_date: range[0], end_date: range.at(-1) };
      messages.push({ key: code, value: { command: "bar_snapshot", params } });
    }
  }
  return messages;
}

async function expectAllThere(t: TestContext, rig: WorkerRig, messages: number, worker: WatchedWorker): Promise<void> {
  await rig.untilSettled(messages, 180_000);
  assert.equal(await worker.stop(), 0);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  const [row] = await rig.select<{ readonly dead: string; readonly twice: string }>(
    `SELECT toString((SELECT countIf(reason != '') FROM @outcome_row FINAL)) AS dead,
       toString(count() - uniqExact(code, frequency, timestamp)) AS twice FROM @bar`,
  );
  assert.deepEqual(row, { dead: "0", twice: "0" });
  assert.equal(await rig.lag(), 0n);
  t.diagnostic(`messages ${messages}, all bars there, 0 dead letters`);
}

async function settled(rig: WorkerRig): Promise<number> {
  const [row] = await rig.select<{ readonly settled: string }>(
    "SELECT toString(uniqExact(partition, offset)) AS settled FROM @outcome_row",
  );
  return Number.parseInt(row?.settled ?? "0", 10);
}

function check(answer: Awaited<ReturnType<WatchedWorker["ready"]>>, name: string): string | undefined {
  return answer?.checks.find((one) => one.name === name)?.status;
}
