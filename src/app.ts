import { systemClock } from "./base/clock.ts";
import { PermanentError } from "./base/errors.ts";
import type { Log } from "./base/log.ts";
import type { Shutdown } from "./base/shutdown.ts";
import type { AppApi } from "./app/app-api.ts";
import { assembleWorker, type AssembleParts } from "./app/assemble-worker.ts";
import { openBudgetSide } from "./app/open-budget.ts";
import { ensureOurTopics, kafkaConnection, openKafkaSide } from "./app/open-kafka.ts";
import { openProviders } from "./app/open-providers.ts";
import { openOurClickHouse, openReference, openStoreSide, schemaOptions } from "./app/open-store.ts";
import { runVerify } from "./app/run-verify.ts";
import { sendRequests } from "./app/send-requests.ts";
import { untilThere } from "./app/until-there.ts";
import type { Config } from "./config.ts";
import { dayAt, SHANGHAI } from "./domain/day.ts";
import { openKafkaProducer } from "./queue/kafka/kafka-producer.ts";
import { adoptSchema } from "./store/clickhouse/adopt.ts";
import { openClickHouseOutcomes } from "./store/clickhouse/outcomes.ts";
import { ensureSchema } from "./store/clickhouse/schema.ts";
import { openClickHouseLedger } from "./store/clickhouse/ledger.ts";
import { runWorker } from "./worker/run-worker.ts";

/** Only for tests that look into a worker or end it at a named point. */
export interface StartHooks {
  readonly reached?: AssembleParts["reached"];
}

/**
 * The worker: opens its parts downward, runs until `intake` aborts, closes them upward. Settings are checked before
 * anything is opened; a dependency that is away is waited for; what needs a person is thrown.
 */
export async function startWorker(config: Config, log: Log, shutdown: Shutdown, hooks: StartHooks = {}): Promise<void> {
  const { intake, work } = shutdown;
  const patience = { waitMs: config.worker.startWaitMs, clock: systemClock, log };
  // A stop while dependencies are waited for ends the waiting; once the worker runs, only `work` drops what is in hand.
  const opening = AbortSignal.any([intake, work]);
  await kafkaConnection(config);
  await using budgetSide = await untilThere("redis", () => openBudgetSide(config, log, opening), patience, opening);
  const providers = openProviders(config, budgetSide.budget, log);
  await using closing = new AsyncDisposableStack();
  for (const provider of providers) {
    closing.use(provider);
  }
  await using store = await untilThere("clickhouse", () => openStoreSide(config, log, work), patience, opening);
  await using kafka = await untilThere("kafka", () => openKafkaSide(config, log, opening), patience, opening);
  await using assembled = assembleWorker({ config, store, providers, lock: budgetSide.lock, log, ...hooks }, work);
  log.info("worker ready", {
    topic: config.worker.topic,
    group: config.worker.groupId,
    store: store.clickhouse.transport,
    engine: store.clickhouse.serverVersion(),
    budget: config.redis.host === undefined ? "process" : "redis",
    providers: config.providers.chain,
  });
  const report = await runWorker(
    {
      queue: kafka.queue,
      deadLetters: kafka.deadLetters,
      outcomes: store.outcomes,
      perform: assembled.perform,
      clock: systemClock,
      log,
      limits: { messagesMax: config.worker.windowMessages, bytesMax: config.worker.windowBytes },
      parseLimits: { bytesMax: config.worker.messageBytesMax, codesMax: config.worker.codesMax },
      attemptsMax: config.worker.retryAttempts,
    },
    intake,
    work,
  );
  log.info("worker drained", { dropped: report.dropped, isCommitted: report.isCommitted });
}

export const app: AppApi = {
  start: (config, log, shutdown) => startWorker(config, log, shutdown),

  ensureTopics: (config, _log, signal) => ensureOurTopics(config, signal),

  ensureSchema: async (config, log, signal) => {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    return await ensureSchema(clickhouse, schemaOptions(config, true), log, signal);
  },

  adoptSchema: async (config, { copyRows }, log, signal) => {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    const today = dayAt(systemClock.now(), SHANGHAI);
    return await adoptSchema(
      clickhouse,
      { ...schemaOptions(config, true), copyRows, tickTables: false, today },
      log,
      signal,
    );
  },

  async *request(config, plan, log, signal) {
    const connection = await kafkaConnection(config);
    await using opened = new AsyncDisposableStack();
    const needsStore = plan.wait || plan.codes === "all";
    const clickhouse = needsStore ? opened.use(await openOurClickHouse(config, log, signal)) : undefined;
    const producer = opened.use(await openKafkaProducer({ connection, clock: systemClock }, signal));
    const parts = {
      producer,
      outcomes: plan.wait && clickhouse !== undefined ? openClickHouseOutcomes(clickhouse) : undefined,
      reference: clickhouse === undefined ? undefined : await openReference(config, clickhouse, log, signal, opened),
      log,
    };
    yield* sendRequests(config, plan, parts, signal);
  },

  verify: async (config, options, log, signal) => {
    await using opened = new AsyncDisposableStack();
    const clickhouse = opened.use(await openOurClickHouse(config, log, signal));
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    const reference = await openReference(config, clickhouse, log, signal, opened);
    const [provider] = config.providers.chain;
    if (provider === undefined) {
      throw new PermanentError("providers.chain is empty", "settings");
    }
    return await runVerify({ clickhouse, ledger, reference }, provider, options, signal);
  },
};
