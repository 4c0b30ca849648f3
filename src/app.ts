import { systemClock } from "./base/clock.ts";
import { PermanentError } from "./base/errors.ts";
import type { AppApi } from "./app/app-api.ts";
import { askCommands } from "./app/ask-provider.ts";
import { compareBars } from "./app/compare-bars.ts";
import { coverageOf } from "./app/coverage.ts";
import { deadLetterCommands } from "./app/dead-letter-commands.ts";
import type { DayPrices } from "./app/demo-api.ts";
import { doctorCommands } from "./app/doctor/doctor.ts";
import { needWorker } from "./app/embedded-folder.ts";
import { estimateRequest, openNamedLimits } from "./app/estimate-request.ts";
import { toGaps } from "./app/gaps.ts";
import { importCommands } from "./app/import/import-commands.ts";
import { needStoreFolder, openForReading } from "./app/open-for-reading.ts";
import { ensureQueueTopics, openProducer } from "./app/open-queue.ts";
import { openOurClickHouse, openReference, schemaOptions } from "./app/open-store.ts";
import { readBarsOf } from "./app/read-bars.ts";
import { readTicksOf } from "./app/read-ticks.ts";
import { reconcileCommands } from "./app/reconcile.ts";
import { reopenOutcomes } from "./app/reopen-outcomes.ts";
import { runSql } from "./app/run-sql.ts";
import { runVerify } from "./app/run-verify.ts";
import { scheduleCommands } from "./app/schedule/read-schedule.ts";
import { sendRequests } from "./app/send-requests.ts";
import { startWorker } from "./app/start-worker.ts";
import { workersOf } from "./app/status/ask-workers.ts";
import { statusCommands } from "./app/status/read-status.ts";
import { dayAt, SHANGHAI } from "./domain/day.ts";
import { adoptSchema } from "./store/clickhouse/adopt.ts";
import { openClickHouseLedger } from "./store/clickhouse/ledger.ts";
import { openClickHouseOutcomes } from "./store/clickhouse/outcomes.ts";
import { ensureSchema } from "./store/clickhouse/schema.ts";

/** Everything the commands can ask of the program, and only what opens their parts. */
export const app: AppApi = {
  ...deadLetterCommands,
  ...statusCommands,
  ...doctorCommands,
  ...scheduleCommands,
  ...askCommands,
  ...importCommands,
  ...reconcileCommands,

  start: async (config, log, shutdown, onReady) => {
    await startWorker(config, log, shutdown, { onReady });
  },

  ensureTopics: (config, log, signal) => ensureQueueTopics(config, log, signal),

  ensureSchema: async (config, log, signal) => {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    return await ensureSchema(clickhouse, schemaOptions(config, true), log, signal);
  },

  adoptSchema: async (config, { copyRows, tickTables }, log, signal) => {
    await using clickhouse = await openOurClickHouse(config, log, signal);
    const today = dayAt(systemClock.now(), SHANGHAI);
    return await adoptSchema(clickhouse, { ...schemaOptions(config, true), copyRows, tickTables, today }, log, signal);
  },

  async *request(config, plan, log, signal) {
    await using opened = new AsyncDisposableStack();
    if (plan.wait && config.mode === "embedded") {
      await needWorker(config);
    }
    const needsStore = plan.wait || plan.codes === "all";
    const clickhouse = needsStore ? opened.use(await openForReading(config, log, signal)) : undefined;
    const producer = opened.use(await openProducer(config, log, signal));
    const parts = {
      producer,
      outcomes: plan.wait && clickhouse !== undefined ? openClickHouseOutcomes(clickhouse) : undefined,
      reference: clickhouse === undefined ? undefined : await openReference(config, clickhouse, log, signal, opened),
      log,
      reopenOutcomes: reopenOutcomes(config, opened, log, signal),
      askWorkers: workersOf(config, opened),
    };
    yield* sendRequests(config, plan, parts, signal);
  },

  estimate: async (config, plan, log, signal) => {
    await using opened = new AsyncDisposableStack();
    const clickhouse = opened.use(await openForReading(config, log, signal));
    const parts = {
      ledger: openClickHouseLedger(clickhouse, systemClock),
      reference: await openReference(config, clickhouse, log, signal, opened),
      namedLimits: await openNamedLimits(config, log, opened, signal),
      nowMs: systemClock.nowMs(),
    };
    return await estimateRequest(config, plan, parts, signal);
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

  ticks: async (config, request, log, signal) => {
    await using clickhouse = await openForReading(config, log, signal);
    const views = { ...schemaOptions(config, false), database: clickhouse.database };
    return await readTicksOf(clickhouse, views, request, signal);
  },

  coverage: (config, options, log, signal) => coverageOf(config, options, log, signal),

  gaps: async (config, options, log, signal) =>
    toGaps(await coverageOf(config, options, log, signal), systemClock.nowMs()),

  async *sql(config, statement, format, log, signal) {
    needStoreFolder(config);
    await using clickhouse = await openOurClickHouse(config, log, signal);
    yield* runSql(clickhouse, statement, format, signal);
  },

  verify: async (config, options, log, signal) => {
    await using opened = new AsyncDisposableStack();
    const clickhouse = opened.use(await openForReading(config, log, signal));
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    const reference = await openReference(config, clickhouse, log, signal, opened);
    const [provider] = config.providers.chain;
    if (provider === undefined) {
      throw new PermanentError("providers.chain is empty", "settings");
    }
    return await runVerify({ clickhouse, ledger, reference }, provider, options, signal);
  },
};
