import { randomUUID } from "node:crypto";

import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Lock } from "../ports/lock.ts";
import type { RedisClient } from "./redis-client.ts";

export interface RedisLockOptions {
  readonly client: RedisClient;
  /** What the lock is about: workers of another store on the same Redis do not wait for ours. */
  readonly scope: string;
  readonly clock: Clock;
  readonly log: Log;
  /** A holder that says nothing for so long has lost the lock. */
  readonly ttlMs?: number;
  readonly askEveryMs?: number;
}

const TTL_MS = 30_000;
const ASK_EVERY_MS = 200;
const KEY_PREFIX = "ginkgo:lock:";
/** Only whoever holds a lock prolongs or frees it. */
const PROLONG = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end return 0`;
const FREE = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`;

/** A lock of the fleet, in Redis. While Redis is away everybody goes ahead: the lock saves calls, it guards no data. */
export function createRedisLock({
  client,
  scope,
  clock,
  log,
  ttlMs = TTL_MS,
  askEveryMs = ASK_EVERY_MS,
}: RedisLockOptions): Lock {
  const orAhead = async (what: string, ask: () => Promise<boolean>): Promise<boolean> => {
    try {
      return await ask();
    } catch (error) {
      log.warn("lock goes ahead without redis", { what, why: describeError(error) });
      return true;
    }
  };
  return {
    withLock: async (name, act, signal) => {
      const key = `${KEY_PREFIX}${scope}:${name}`;
      const holder = randomUUID();
      const take = async (): Promise<boolean> =>
        (await client.set(key, holder, { condition: "NX", expiration: { type: "PX", value: ttlMs } })) !== null;
      while (!(await orAhead(name, take))) {
        await clock.sleep(askEveryMs, signal);
      }
      const done = new AbortController();
      const prolonging = prolong(
        async () => {
          await client.eval(PROLONG, { keys: [key], arguments: [holder, String(ttlMs)] });
        },
        clock,
        ttlMs,
        done.signal,
      );
      try {
        return await act();
      } finally {
        done.abort();
        await prolonging;
        await orAhead(name, async () => (await client.eval(FREE, { keys: [key], arguments: [holder] })) !== null);
      }
    },
  };
}

/** Says every third of the time that the holder lives, until the signal aborts. A lost answer is made up by the next. */
async function prolong(say: () => Promise<void>, clock: Clock, ttlMs: number, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await clock.sleep(ttlMs / 3, done).catch(() => undefined);
    if (!done.aborted) {
      await say().catch(() => undefined);
    }
  }
}
