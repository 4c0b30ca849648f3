import assert from "node:assert/strict";
import test from "node:test";

import { requireRedis } from "../../test/support/services.ts";
import { uniqueName } from "../../test/support/unique-name.ts";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { openRedisBudget } from "./redis-budget.ts";
import { openRedis } from "./redis-client.ts";
import { readNamedLimits } from "./redis-limits.ts";

const never = new AbortController().signal;
const DAY_MS = 86_400_000;

test("the calls of the day that a provider named are known to whoever looks, with what is used of them", async (t) => {
  const url = await requireRedis(t);
  if (url === undefined) {
    return;
  }
  const { hostname, port } = new URL(url);
  await using connection = await openRedis({ host: hostname, port: Number.parseInt(port, 10), log: silentLog }, never);
  const { client } = connection;
  const token = uniqueName("token");
  await using budget = await openRedisBudget({
    client,
    identityOf: () => token,
    limitsOf: () => [{ calls: 200, windowMs: 60_000 }],
    clock: systemClock,
    log: silentLog,
    margin: 0,
  });
  const key = { provider: "tushare", api: "stk_mins" } as const;
  const read = () => readNamedLimits(client, "tushare", token, "stk_mins");
  assert.deepEqual(await read(), []);
  await budget.acquire(key, never);
  await budget.lower(key, { calls: 5, windowMs: DAY_MS }, never);
  await budget.acquire(key, never);
  const [limit, ...others] = await read();
  assert.deepEqual([limit?.calls, limit?.used, others], [5, 2, []]);
  assert.ok(Math.abs((limit?.windowMs ?? 0) - DAY_MS) < 60_000, `${limit?.windowMs}`);
});
