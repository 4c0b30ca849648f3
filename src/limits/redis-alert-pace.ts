import type { Clock } from "../base/clock.ts";
import { withDeadline } from "../base/deadline.ts";
import type { AlertPace } from "../ports/alert-pace.ts";
import { ANSWER_MS_MAX } from "./answer-ms.ts";
import type { RedisClient } from "./redis-client.ts";

export interface RedisAlertPaceOptions {
  readonly client: RedisClient;
  /** Whose alerts they are; a worker that is started again is the same one. */
  readonly owner: string;
  readonly pauseMs: number;
  readonly clock: Clock;
}

const KEY_PREFIX = "ginkgo:alert:";

/** One key for each kind, which is there as long as the pause is. */
export function createRedisAlertPace({ client, owner, pauseMs, clock }: RedisAlertPaceOptions): AlertPace {
  const keyOf = (kind: string): string => `${KEY_PREFIX}${owner}:${kind}`;
  const answer = <T>(command: Promise<T>, signal: AbortSignal): Promise<T> =>
    withDeadline(command, ANSWER_MS_MAX, "asking redis whether an alert may be told", clock, signal);
  return {
    take: async (kind, signal) => {
      const set = client.set(keyOf(kind), "told", { condition: "NX", expiration: { type: "PX", value: pauseMs } });
      return (await answer(set, signal)) !== null;
    },
    giveBack: async (kind, signal) => {
      await answer(client.del(keyOf(kind)), signal);
    },
  };
}
