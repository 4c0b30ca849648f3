import { translate } from "./errors.ts";
import type { RedisClient } from "./redis-client.ts";
import { budgetKeys } from "./redis-script.ts";

export interface ApiGrants {
  readonly api: string;
  readonly calls: number;
}

const WINDOW_MICROS = 60_000_000;
const APIS_MAX = 100;

/** Calls that all workers of the identity were granted within the last 60 s, by API, as the budget counts them. */
export async function readGrants(
  client: RedisClient,
  provider: string,
  identity: string,
): Promise<readonly ApiGrants[]> {
  const prefix = budgetKeys(provider, identity, "").log;
  try {
    const [seconds, micros] = await client.sendCommand<[string, string]>(["TIME"]);
    const sinceMicros = Number(seconds) * 1_000_000 + Number(micros) - WINDOW_MICROS;
    const keys = new Set<string>();
    for await (const found of client.scanIterator({ MATCH: `${prefix}*`, TYPE: "zset", COUNT: 500 })) {
      for (const key of found) {
        keys.add(key);
      }
    }
    const grants = [...keys].toSorted((left, right) => (left < right ? -1 : 1)).slice(0, APIS_MAX);
    return await Promise.all(
      grants.map(async (key) => ({
        api: key.slice(prefix.length),
        calls: await client.zCount(key, `(${sinceMicros}`, "+inf"),
      })),
    );
  } catch (error) {
    throw translate(error, "reading the provider calls of the last minute");
  }
}
