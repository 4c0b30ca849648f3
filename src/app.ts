import { systemClock } from "./base/clock.ts";
import { PermanentError } from "./base/errors.ts";
import type { Log } from "./base/log.ts";
import type { Shutdown } from "./base/shutdown.ts";
import { openWorkScope } from "./base/work-scope.ts";
import type { AppApi } from "./app/app-api.ts";
import type { DayPrices, WorkerAddresses } from "./app/demo-api.ts";
import { compareBars } from "./app/compare-bars.ts";
import { assembleWorker, type AssembleParts } from "./app/assemble-worker.ts";
import { deadLetterCommands } from "./app/dead-letter-commands.ts";
import { openBudgetSide } from "./app/open-budget.ts";
import { checkFolder } from "./app/folder-marker.ts";
import { kafkaConnection } from "./app/open-kafka.ts";
import { coverageOf } from "./app/coverage.ts";
import { toGaps } from "./app/gaps.ts";
import { checkProviders, openProviders } from "./app/open-providers.ts";
import { ensureQueueTopics, openProducer, openQueueSide } from "./app/open-queue.ts";
import { needWorker } from "./app/embedded-folder.ts";
import { clickhouseAt, queueAt, redisAt } from "./app/places.ts";
import { openOurClickHouse, openReference, openStoreSide, schemaOptions } from "./app/open-store.ts";
import { openForReading } from "./app/open-for-reading.ts";
import { readBarsOf } from "./app/read-bars.ts";
import { checkPemFiles } from "./app/read-pem.ts";
import { runSql } from "./app/run-sql.ts";
import { runVerify } from "./app/run-verify.ts";
import { sayStopping } from "./app/say-stopping.ts";
import { sendRequests } from "./app/send-requests.ts";
import { serveWorker } from "./app/serve-worker.ts";
import { untilThere } from "./app/until-there.ts";
import type { Config } from "./config.ts";
import type { ConsumerState } from "./consumer/consumer-state.ts";
import { dayAt, SHANGHAI } from "./domain/day.ts";
import { adoptSchema } from "./store/clickhouse/adopt.ts";
import { openClickHouseOutcomes } from "./store/clickhouse/outcomes.ts";
import { ensureSchema } from "./store/clickhouse/schema.ts";
import { openClickHouseLedger } from "./store/clickhouse/ledger.ts";
import { runWorker } from "./worker/run-worker.ts";

/** `reached` is only for tests that end a worker at a named point. */
export interface StartHooks {
  readonly reached?: AssembleParts["reached"];
  readonly onReady?: ((addresses: WorkerAddresses) => void) | undefined;
}

/**
 * The worker: opens its parts downward, runs until `intake` aborts, closes them upward. Settings are checked before
 * anything is opened; a dependency that is away is waited for; what needs a person is thrown.
 */
export async function startWorker(config: Config, log: Log, shutdown: Shutdown, hooks: StartHooks = {}): Promise<void> {
  const { intake } = shutdown;
  const scope = openWorkScope(shutdown.work);
  const work = scope.signal;
  const patience = { waitMs: config.worker.startWaitMs, clock: systemClock, log };
  // A stop while dependencies are waited for ends the waiting; once the worker runs, only `work` drops what is in hand.
  const opening = AbortSignal.any([intake, work]);
  checkProviders(config);
  await checkPemFiles(config);
  if (config.mode === "servers") {
    await kafkaConnection(config);
  }
  await checkFolder(config);
  await using budgetSide = await untilThere(
    redisAt(config),
    () => openBudgetSide(config, log, opening),
    patience,
    opening,
  );
  const providers = openProviders(config, budgetSide.budget, log);
  await using closing = new AsyncDisposableStack();
  for (const provider of providers) {
    closing.use(provider);
  }
  // The embedded queue's file is what one worker in a folder holds, so it comes before the engine in that folder.
  await using queue = await untilThere(queueAt(config), () => openQueueSide(config, log, opening), patience, opening);
  await using store = await untilThere(clickhouseAt(config), () => openStoreSide(config, log, work), patience, opening);
  await using assembled = assembleWorker({ config, store, providers, lock: budgetSide.lock, log, ...hooks }, work);
  let state: ConsumerState | undefined;
  await using served = await serveWorker({
    config,
    log,
    queue: queue.served,
    isStoreEmbedded: store.clickhouse.transport === "embedded",
    state: () => state,
  });
  log.info("worker ready", {
    http: served.url,
    ...(served.storeUrl === undefined ? {} : { storeHttp: served.storeUrl }),
    queue: config.mode === "servers" ? "kafka" : config.embedded.folder,
    topic: config.worker.topic,
    group: config.worker.groupId,
    store: store.clickhouse.transport,
    engine: store.clickhouse.serverVersion(),
    budget: config.redis.host === undefined ? "process" : "redis",
    providers: config.providers.chain,
  });
  hooks.onReady?.(served);
  closing.use(sayStopping(intake, () => state, config.worker.drainMs, log));
  const report = await scope.run(() =>
    runWorker(
      {
        queue: queue.queue,
        deadLetters: queue.deadLetters,
        outcomes: store.outcomes,
        perform: assembled.perform,
        clock: systemClock,
        log,
        limits: { messagesMax: config.worker.windowMessages, bytesMax: config.worker.windowBytes },
        parseLimits: { bytesMax: config.worker.messageBytesMax, codesMax: config.worker.codesMax },
        attemptsMax: config.worker.retryAttempts,
        onState: (now) => {
          state = now;
        },
      },
      intake,
      work,
    ),
  );
  log.info("worker drained", { dropped: report.dropped, isCommitted: report.isCommitted });
}

export const app: AppApi = {
  ...deadLetterCommands,

  start: (config, log, shutdown, onReady) => startWorker(config, log, shutdown, { onReady }),

  ensureTopics: (config, log, signal) => ensureQueueTopics(config, log, signal),

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
    await using opened = new AsyncDisposableStack();
    if (plan.wait && config.mode === "embedded") {
      await needWorker(config);
    }
    const needsStore = plan.wait || plan.codes === "all";
    const clickhouse = needsStore ? opened.use(await openOurClickHouse(config, log, signal)) : undefined;
    const producer = opened.use(await openProducer(config, log, signal));
    const parts = {
      producer,
      outcomes: plan.wait && clickhouse !== undefined ? openClickHouseOutcomes(clickhouse) : undefined,
      reference: clickhouse === undefined ? undefined : await openReference(config, clickhouse, log, signal, opened),
      log,
    };
    yield* sendRequests(config, plan, parts, signal);
  },

  compareBars: async (config, expected, log, signal) => {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    return await compareBars(clickhouse, expected, signal);
  },

  latestBars: async (config, code, barsMax, log, signal) => {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    const rows = await clickhouse.query<DayPrices>(
      `SELECT toString(trading_day) AS day, toString(open) AS open, toString(high) AS high, toString(low) AS low,
       toString(close) AS close FROM ${clickhouse.database}.bar WHERE code = {code:String} AND frequency = 1
       ORDER BY timestamp DESC LIMIT {barsMax:UInt32}`,
      { code, barsMax },
      signal,
    );
    return rows.toReversed();
  },

  bars: async (config, request, log, signal) => {
    await using clickhouse = await openForReading(config, log, signal);
    const views = { ...schemaOptions(config, false), database: clickhouse.database };
    return await readBarsOf(clickhouse, views, request, signal);
  },

  coverage: (config, options, log, signal) => coverageOf(config, options, log, signal),

  gaps: async (config, options, log, signal) =>
    toGaps(await coverageOf(config, options, log, signal), systemClock.nowMs()),

  async *sql(config, statement, format, log, signal) {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    yield* runSql(clickhouse, statement, format, signal);
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
