import assert from "node:assert/strict";
import test from "node:test";

import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { silentLog } from "../../src/base/log.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { OwnRedis } from "../contracts/budget-redis-server.ts";
import { sizes } from "../support/sizes.ts";
import { waitFor } from "../support/wait-for.ts";
import { openWorkerRig } from "./worker-rig.ts";

const never = new AbortController().signal;
const WORKERS = 3;
const LIMIT = 60;
const WINDOW_MS = 60_000;
/** More calls than the limit, whichever way they are planned: by code, one a call, or by day. */
const market = generateMarket({ seed: 23, codes: sizes.budgetCalls + 20, tradingDays: sizes.budgetCalls + 40 });
const codes = market.securities.map(({ code }) => code);
const range = { start_date: market.days[0], end_date: market.days.at(-1) };

test("three workers never ask more often than the limit in any 60 s, also while Redis is killed and comes back empty", async (t) => {
  await using redis = await OwnRedis.start();
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    // The limit is the workers' own to keep: the simulator only counts.
    limits: [],
    latency: { fromMs: 250, toMs: 350 },
    env: {
      GINKGO_REDIS_HOST: "127.0.0.1",
      GINKGO_REDIS_PORT: `${redis.port}`,
      GINKGO_TUSHARE_CALLS_PER_MINUTE: `${LIMIT}`,
      GINKGO_TUSHARE_CODES_MAX: "1",
      GINKGO_TUSHARE_CALLS_AT_ONCE: "2",
    },
  });
  if (rig === undefined) {
    return;
  }
  for (let worker = 0; worker < WORKERS; worker += 1) {
    rig.start({}, { ...rig.config, node: { id: `worker-${worker}` } });
  }
  const calls = (): number => rig.callsOf("daily");
  const untilCalls = async (count: number, what: string): Promise<void> => {
    await waitFor(() => calls() >= count, { timeoutMs: 240_000, everyMs: 20, what: `${count} calls ${what}` });
  };
  await using tools = await openQueueTools(rig.config, silentLog, never);
  // The first group of a new broker has no coordinator for a moment.
  const members = async (): Promise<readonly number[]> =>
    (await tools.group(never).catch(() => undefined))?.members.map(({ partitions }) => partitions) ?? [];
  await waitFor(async () => (await members()).join() === "8,8,8", {
    timeoutMs: 60_000,
    everyMs: 100,
    what: "three workers with eight partitions each",
  });
  await rig.publish(
    codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } })),
  );

  await untilCalls(12, "with Redis");
  await redis.kill();
  const before = calls();
  // Calls under way at the kill are no proof that work goes on without it.
  await untilCalls(before + 2 * WORKERS * 2, "without Redis");
  await redis.start();
  await untilCalls(Math.floor(LIMIT * 0.75), "since Redis came back empty");
  // What an empty log would be taken for: a whole limit that is free again, which is used up within three seconds.
  await new Promise((resolve) => {
    setTimeout(resolve, 8_000);
  });
  assertWithinLimit();
  if (sizes.budgetCalls > LIMIT * 2) {
    await redis.kill();
    await redis.start();
    await untilCalls(sizes.budgetCalls, "over three windows");
    assertWithinLimit();
  }

  function assertWithinLimit(): void {
    assert.ok(rig !== undefined);
    const most = rig.simulator.maxCallsInAnyWindow(WINDOW_MS);
    assert.ok(most <= LIMIT, `${most} calls within 60 s, ${LIMIT} are allowed`);
    assert.ok(most > LIMIT / 2, `only ${most} calls within 60 s: the limit was never tried`);
    t.diagnostic(`${calls()} daily calls by ${WORKERS} workers, at most ${most} within any 60 s of ${LIMIT} allowed`);
  }
});
