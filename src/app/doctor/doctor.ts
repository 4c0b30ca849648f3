import { openOurClickHouse } from "../open-store.ts";
import { openOurRedis } from "../open-budget.ts";
import { workersOf } from "../status/ask-workers.ts";
import type { DoctorApi } from "./doctor-api.ts";
import { kafkaChecks } from "./kafka-checks.ts";
import { machineChecks } from "./machine-checks.ts";
import { outageCheck } from "./outage-check.ts";
import { providerChecks } from "./provider-checks.ts";
import { redisChecks } from "./redis-checks.ts";
import { runChecks } from "./run-checks.ts";
import { storeChecks } from "./store-checks.ts";

export const doctorCommands: DoctorApi = {
  async *doctor(config, options, log, signal) {
    await using opened = new AsyncDisposableStack();
    const clickhouse = once(async (until) => opened.use(await openOurClickHouse(config, log, until)));
    const redis = once(async (until) => opened.use(await openOurRedis(config, log, until)).client);
    const plans = [
      ...machineChecks(config),
      ...kafkaChecks(config),
      ...storeChecks(config, clickhouse, log),
      ...redisChecks(config, redis),
      ...providerChecks(config, options, log),
      // Where heartbeats cannot be read another check has said so.
      outageCheck(workersOf(config, opened), config.redis.host === undefined ? undefined : "node id"),
    ];
    yield* runChecks(plans, signal);
  },
};

/** The same answer however often it is asked for; the first who asks says for how long. */
function once<T>(open: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let answer: Promise<T> | undefined;
  return (signal) => (answer ??= open(signal));
}
