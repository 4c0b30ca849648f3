import { translate } from "./errors.ts";
import type { RedisClient } from "./redis-client.ts";
import { budgetKeys } from "./redis-script.ts";

/** A limit that the provider named to a worker, and what was granted within its window so far. */
export interface NamedLimit {
  readonly calls: number;
  readonly windowMs: number;
  readonly used: number;
}

/** The limits of one API that a provider named while workers asked it, such as so many calls a day. */
export async function readNamedLimits(
  client: RedisClient,
  provider: string,
  identity: string,
  api: string,
): Promise<readonly NamedLimit[]> {
  const { limits, log } = budgetKeys(provider, identity, api);
  try {
    const [seconds, micros] = await client.sendCommand<[string, string]>(["TIME"]);
    const nowMicros = Number(seconds) * 1_000_000 + Number(micros);
    const named = Object.entries(await client.hGetAll(limits));
    return await Promise.all(
      named.map(async ([window, calls]) => ({
        calls: Number.parseInt(calls, 10),
        windowMs: Number.parseInt(window, 10) / 1_000,
        used: await client.zCount(log, nowMicros - Number.parseInt(window, 10), "+inf"),
      })),
    );
  } catch (error) {
    throw translate(error, "reading the limits that the provider named");
  }
}
