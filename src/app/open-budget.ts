import { createHash } from "node:crypto";

import { systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { ProviderName } from "../domain/provider.ts";
import { createMemoryBudget } from "../limits/memory-budget.ts";
import { createMemoryHeartbeats } from "../limits/memory-heartbeats.ts";
import { createMemoryLock } from "../limits/memory-lock.ts";
import { openRedisBudget } from "../limits/redis-budget.ts";
import { openRedis, type RedisClient, type RedisConnection } from "../limits/redis-client.ts";
import { createRedisHeartbeats } from "../limits/redis-heartbeats.ts";
import { createRedisLock } from "../limits/redis-lock.ts";
import { ALERT_PAUSE_MS } from "../health/notifier.ts";
import { createRedisAlertPace } from "../limits/redis-alert-pace.ts";
import type { AlertPace } from "../ports/alert-pace.ts";
import type { BudgetKey, CallLimit, WatchedBudget } from "../ports/budget.ts";
import type { Heartbeats } from "../ports/heartbeats.ts";
import type { Lock } from "../ports/lock.ts";
import { splitAddress } from "./clickhouse-target.ts";
import { servedProvider } from "./provider-table.ts";
import { readPem } from "./read-pem.ts";

export interface BudgetSide extends AsyncDisposable {
  readonly budget: WatchedBudget;
  readonly lock: Lock;
  readonly heartbeats: Heartbeats;
  /** Undefined where no Redis is configured; closed with the rest. */
  readonly redis: RedisClient | undefined;
  /** Undefined without Redis: then nothing outlives the process. */
  readonly alertPace: AlertPace | undefined;
}

/** The budget of provider calls and the fleet's lock: in Redis where it is configured, else in the process. */
export async function openBudgetSide(config: Config, log: Log, signal: AbortSignal): Promise<BudgetSide> {
  const options = { limitsOf: (key: BudgetKey) => limitsOf(config, key), clock: systemClock, log };
  const { redis } = config;
  if (redis.host === undefined) {
    const budget = createMemoryBudget(options);
    return {
      budget,
      lock: createMemoryLock(),
      heartbeats: createMemoryHeartbeats(),
      redis: undefined,
      alertPace: undefined,
      [Symbol.asyncDispose]: () => budget[Symbol.asyncDispose](),
    };
  }
  await using opened = new AsyncDisposableStack();
  const { client } = opened.use(await openOurRedis(config, log, signal));
  const budget = opened.use(
    await openRedisBudget({ ...options, client, identityOf: (provider) => identityOf(config, provider) }),
  );
  const open = opened.move();
  return {
    budget,
    lock: createRedisLock({ client, scope: storeId(config), clock: systemClock, log }),
    heartbeats: openHeartbeats(config, client),
    redis: client,
    alertPace: createRedisAlertPace({ client, owner: alertOwner(config), pauseMs: ALERT_PAUSE_MS, clock: systemClock }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Throws RangeError where no Redis is configured. */
export async function openOurRedis({ redis }: Config, log: Log, signal: AbortSignal): Promise<RedisConnection> {
  if (redis.host === undefined) {
    throw new RangeError("no Redis is configured");
  }
  const tlsCa = redis.tls ? await readPem("redis.tls_ca", redis.tlsCa) : undefined;
  return await openRedis(
    {
      host: redis.host,
      port: redis.port,
      database: redis.db,
      ...(redis.user === undefined ? {} : { username: redis.user }),
      ...(redis.password === undefined ? {} : { password: redis.password }),
      tls: redis.tls,
      ...(tlsCa === undefined ? {} : { tlsCa }),
      log,
    },
    signal,
  );
}

/** A container that is restarted has the same host and another process id. */
function alertOwner({ node }: Config): string {
  return node.id.replace(`:${process.pid}`, "");
}

export function openHeartbeats({ heartbeat }: Config, client: RedisClient): Heartbeats {
  const { keyPrefix, ttlMs } = heartbeat;
  return createRedisHeartbeats({ client, keyPrefix, ttlMs, clock: systemClock });
}

function limitsOf(config: Config, { provider }: BudgetKey): readonly CallLimit[] {
  return servedProvider(provider).limits(config);
}

/** Tells the stores of one Redis apart, without showing where they are. */
function storeId({ clickhouse }: Config): string {
  const { url, embeddedPath, database } = clickhouse;
  // Workers with different passwords of one store are still of one store.
  // However the address is spelled.
  const address = url === undefined ? embeddedPath : new URL(splitAddress(url).url).href.replace(/\/+$/, "");
  const place = `${address} ${database}`;
  return createHash("sha256").update(place).digest("hex").slice(0, 16);
}

/** Whose schedule it is: a fleet's, which shares a store and the topic that requests go to. */
export function scheduleScope(config: Config): string {
  return `${storeId(config)}:${config.worker.topic}`;
}

/** Whose calls are counted together: a token's, where there is one; only its hash leaves the process. */
export function identityOf(config: Config, provider: ProviderName): string {
  return servedProvider(provider).identity(config);
}
