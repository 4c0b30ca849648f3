import { randomUUID } from "node:crypto";

import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Lock } from "../ports/lock.ts";
import { withDeadline } from "../base/deadline.ts";
import { ANSWER_MS_MAX } from "./answer-ms.ts";
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
  /** An answer later than this counts as none. Default 2 s. */
  readonly answerMsMax?: number;
}

const TTL_MS = 30_000;
const ASK_EVERY_MS = 200;
const KEY_PREFIX = "ginkgo:lock:";
/** Only whoever holds a lock prolongs or frees it. */
const PROLONG = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end return 0`;
const FREE = `if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`;

/**
 * A lock of the fleet, in Redis. While Redis is away, or does not answer in time, everybody goes ahead: the lock saves
 * calls, it guards no data.
 */
export function createRedisLock({
  client,
  scope,
  clock,
  log,
  ttlMs = TTL_MS,
  askEveryMs = ASK_EVERY_MS,
  answerMsMax = ANSWER_MS_MAX,
}: RedisLockOptions): Lock {
  const answer = <T>(command: Promise<T>, signal: AbortSignal): Promise<T> =>
    withDeadline(command, answerMsMax, "asking redis for a lock", clock, signal);
  const orAhead = async (what: string, ask: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> => {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      log.warn("lock goes ahead without redis", { what, why: describeError(error) });
      return true;
    }
  };
  return {
    withLock: async (name, act, signal) => {
      signal.throwIfAborted();
      const key = `${KEY_PREFIX}${scope}:${name}`;
      const holder = randomUUID();
      const take = async (): Promise<boolean> => {
        const asked = client.set(key, holder, { condition: "NX", expiration: { type: "PX", value: ttlMs } });
        return (await answer(asked, signal)) !== null;
      };
      while (!(await orAhead(name, take, signal))) {
        await clock.sleep(askEveryMs, signal);
      }
      const done = new AbortController();
      const prolonging = prolong(
        async () => {
          await answer(client.eval(PROLONG, { keys: [key], arguments: [holder, String(ttlMs)] }), done.signal);
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
        // What `act` came to stands, whatever becomes of the lock: unheard, it ends by itself after its time.
        const freed = answer(client.eval(FREE, { keys: [key], arguments: [holder] }), signal);
        await freed.catch((error: unknown) => {
          log.debug("lock was not freed", { what: name, why: describeError(error) });
        });
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
