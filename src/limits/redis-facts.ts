import { translate } from "./errors.ts";
import type { RedisClient } from "./redis-client.ts";

export interface RedisFacts {
  readonly version: string;
  /** What Redis does when its memory is full; empty where it does not say. */
  readonly evictionPolicy: string;
  /** 0 for no bound. */
  readonly memoryBytesMax: number;
}

export async function readRedisFacts(client: RedisClient): Promise<RedisFacts> {
  try {
    const info = await client.info();
    const field = (name: string): string => new RegExp(`^${name}:(.*?)\r?$`, "m").exec(info)?.[1] ?? "";
    return {
      version: field("redis_version"),
      evictionPolicy: field("maxmemory_policy"),
      memoryBytesMax: Number.parseInt(field("maxmemory") || "0", 10),
    };
  } catch (error) {
    throw translate(error, "asking redis for its facts");
  }
}

/** Epoch milliseconds by the server's clock. */
export async function readRedisTime(client: RedisClient): Promise<number> {
  try {
    const [seconds, micros] = await client.sendCommand<[string, string]>(["TIME"]);
    return Number(seconds) * 1_000 + Number(micros) / 1_000;
  } catch (error) {
    throw translate(error, "asking redis for its time");
  }
}
