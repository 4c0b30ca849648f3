import type { Config } from "../../config.ts";
import type { RedisClient } from "../../limits/redis-client.ts";
import { readRedisFacts, readRedisTime } from "../../limits/redis-facts.ts";
import { openHeartbeats } from "../open-budget.ts";
import { lookAtClock } from "./clock-check.ts";
import { type CheckPlan, ok, skipped, warn } from "./run-checks.ts";

/** `open` gives the same connection however often it is asked. */
export function redisChecks(config: Config, open: (signal: AbortSignal) => Promise<RedisClient>): readonly CheckPlan[] {
  const { redis, node } = config;
  return [
    {
      name: "redis",
      todo: "see that the server runs at redis.host, and check redis.user and redis.password",
      look: async (signal) => {
        if (redis.host === undefined) {
          return skipped("redis.host is not set: each worker counts its provider calls alone, so run one only");
        }
        const { version, evictionPolicy, memoryBytesMax } = await readRedisFacts(await open(signal));
        const seen = `${redis.host}:${redis.port}: ${version}, eviction ${evictionPolicy || "unknown"}`;
        return evictionPolicy === "noeviction" || evictionPolicy === "" || memoryBytesMax === 0
          ? ok(seen)
          : warn(seen, "set maxmemory-policy noeviction: an evicted budget lets more calls through than are granted");
      },
    },
    {
      name: "redis clock",
      after: "redis",
      todo: "",
      look: async (signal) => {
        const client = await open(signal);
        return await lookAtClock("Redis", () => readRedisTime(client));
      },
    },
    {
      name: "node id",
      after: "redis",
      todo: "check redis.user: it may not read heartbeats",
      look: async (signal) => {
        const beats = await openHeartbeats(config, await open(signal)).list(signal);
        const holder = beats.find(({ nodeId, isEnded }) => nodeId === node.id && !isEnded);
        const living = beats.filter(({ isEnded }) => !isEnded).length;
        return holder === undefined
          ? ok(`${node.id} is free, ${living} ${living === 1 ? "worker lives" : "workers live"}`)
          : warn(
              `${node.id} is the worker on ${holder.host ?? "an unknown host"}, process ${holder.pid ?? "unknown"}`,
              "right if that is the worker you mean; another one needs a node.id or GINKGO_NODE_ID of its own",
            );
      },
    },
  ];
}
