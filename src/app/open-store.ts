import { resolve } from "node:path";

import { systemClock } from "../base/clock.ts";
import { TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { sourcesOf } from "../domain/provider.ts";
import { BATCH_LIMITS_DEFAULT } from "../store/batching/limits.ts";
import type { SentBatch } from "../store/batching/lane.ts";
import { withBatching } from "../store/batching/with-batching.ts";
import { type ClickHouse, type ClickHouseTarget, openClickHouse } from "../store/clickhouse/client.ts";
import { openClickHouseLedger } from "../store/clickhouse/ledger.ts";
import { REPLICATION_DEFAULT } from "../store/clickhouse/migrations.ts";
import { openClickHouseOutcomes } from "../store/clickhouse/outcomes.ts";
import { openClickHouseReference } from "../store/clickhouse/reference.ts";
import { ensureSchema, type SchemaOptions } from "../store/clickhouse/schema.ts";
import { quorumWarning } from "../store/clickhouse/settings.ts";
import { createClickHouseStore } from "../store/clickhouse/store.ts";
import { type MySqlReference, openMySqlReference } from "../store/mysql/reference.ts";
import { alreadyRunning, useFolder } from "./embedded-folder.ts";
import type { WorkerFile } from "./worker-file.ts";
import { clickHouseTarget, type OurTarget } from "./clickhouse-target.ts";
import { mySqlTarget } from "./mysql-target.ts";
import { retryWaitsOf } from "./retry-waits.ts";
import { withMySqlReference } from "./with-mysql-reference.ts";
import type { Ledger, Outcomes, ReferenceStore, Store, StoreHealth } from "../ports/store.ts";

/** The engine for a command: the server, a running worker's engine, or the folder that nobody holds. */
export async function openOurClickHouse(config: Config, log: Log, signal: AbortSignal): Promise<ClickHouse> {
  const target = await clickHouseTarget(config);
  if (target.kind === "http") {
    return await openTarget(target, config, log, signal);
  }
  const ask = (worker: WorkerFile): Promise<ClickHouse | undefined> => askWorker(target, worker, config, log, signal);
  const open = (): Promise<ClickHouse> => openTarget(target, config, log, signal);
  return await useFolder(config.embedded.folder, { ask, open }, signal);
}

/**
 * The engine of the worker that runs by now, at an address and with a password that are new. The folder itself is not
 * opened: a worker that starts could not have it. TransientError while none answers.
 */
export async function openWorkersClickHouse(config: Config, log: Log, signal: AbortSignal): Promise<ClickHouse> {
  const target = await clickHouseTarget(config);
  const { folder } = config.embedded;
  const ask = (worker: WorkerFile): Promise<ClickHouse | undefined> => askWorker(target, worker, config, log, signal);
  const open = (): never => {
    throw new TransientError(`asking the worker that holds ${folder}: none runs there now`);
  };
  return await useFolder(folder, { ask, open }, signal);
}

async function askWorker(
  target: OurTarget,
  { store }: WorkerFile,
  config: Config,
  log: Log,
  signal: AbortSignal,
): Promise<ClickHouse | undefined> {
  if (target.kind === "http" || store === undefined || store.path !== resolve(target.path)) {
    return undefined;
  }
  const { url, user, password } = store;
  return await openTarget({ kind: "http", url, user, password, database: target.database }, config, log, signal);
}

/** The engine for the worker. In an embedded folder a command that is about to end is waited for, and another worker is not. */
async function openOwnClickHouse(config: Config, log: Log, signal: AbortSignal): Promise<ClickHouse> {
  const target = await clickHouseTarget(config);
  const open = (): Promise<ClickHouse> => openTarget(target, config, log, signal, true);
  if (target.kind === "http") {
    return await open();
  }
  const ask = (running: WorkerFile): never => {
    throw alreadyRunning(config, running);
  };
  return await useFolder(config.embedded.folder, { ask, open }, signal);
}

function openTarget(
  target: ClickHouseTarget,
  config: Config,
  log: Log,
  signal: AbortSignal,
  isWriter = false,
): Promise<ClickHouse> {
  const insertMode = config.clickhouse.asyncInsert ? "async" : "sync";
  return openClickHouse(target, { log, insertMode, isWriter, signal });
}

export function schemaOptions({ providers, compat, clickhouse }: Config, apply: boolean): SchemaOptions {
  return {
    chain: providers.chain.flatMap(sourcesOf),
    rankRules: providers.chains.map(({ providers: names, ...rule }) => ({
      ...rule,
      sources: names.flatMap(sourcesOf),
    })),
    ginkgoUnits: compat.ginkgoUnits,
    apply,
    createDatabase: apply,
    cluster: clickhouse.cluster,
    replication: clickhouse.replicated ? REPLICATION_DEFAULT : undefined,
  };
}

export interface StoreSide extends AsyncDisposable {
  readonly clickhouse: ClickHouse;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly outcomes: Outcomes;
  readonly reference: ReferenceStore;
  /** How writing rows is getting on; a store may well answer questions and take no rows. */
  health(): StoreHealth;
  /** Rejects while rows are refused by a store that answers everything else. */
  askWrites(): Promise<void>;
  /** Resolves when MySQL answered; undefined where none is configured. */
  readonly askMySql: ((signal: AbortSignal) => Promise<void>) | undefined;
}

/**
 * The engine with its tables, and everything that is kept in them. Rows of many messages go out together; `onSent` is told
 * of each batch that became durable.
 */
export async function openStoreSide(
  config: Config,
  log: Log,
  work: AbortSignal,
  onSent?: (batch: SentBatch) => void,
): Promise<StoreSide> {
  await using opened = new AsyncDisposableStack();
  const clickhouse = opened.use(await openOwnClickHouse(config, log, work));
  const warning = config.clickhouse.replicated ? quorumWarning(clickhouse.settings) : undefined;
  if (warning !== undefined) {
    log.warn(warning);
  }
  const schema = schemaOptions(config, config.schema.auto);
  for (const { object, action, note } of await ensureSchema(clickhouse, schema, log, work)) {
    if (action !== "exists") {
      log.info(`${object} ${action}`, { note });
    }
  }
  const { worker } = config;
  const mysql = await openMySql(config, log, work);
  if (mysql !== undefined) {
    opened.use(mysql);
  }
  const batching = opened.use(
    withBatching(
      createClickHouseStore({ clickhouse, clock: systemClock, log, tickViews: schema }),
      {
        ...BATCH_LIMITS_DEFAULT,
        rowsReady: worker.batchSize,
        rowsMax: worker.batchRowsMax,
        bytesMax: worker.batchBytesMax,
        ageMsIdle: worker.batchAgeIdleMs,
        ageMsMax: worker.batchAgeMs,
        retryWaits: retryWaitsOf(config),
      },
      systemClock,
      log,
      onSent,
    ),
  );
  const open = opened.move();
  return {
    clickhouse,
    store: mysql === undefined ? batching : withMySqlReference(batching, mysql),
    ledger: openClickHouseLedger(clickhouse, systemClock),
    outcomes: openClickHouseOutcomes(clickhouse),
    reference: mysql ?? openClickHouseReference(clickhouse, schema),
    health: () => batching.health(),
    askWrites: () => batching.askWrites(),
    askMySql: mysql === undefined ? undefined : (asking) => mysql.ask(asking),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** MySQL is where Ginkgo reads the stock list and the calendar; undefined when none is configured. */
async function openMySql(config: Config, log: Log, signal: AbortSignal): Promise<MySqlReference | undefined> {
  const { schema } = config;
  const target = await mySqlTarget(config);
  if (target === undefined) {
    return undefined;
  }
  const reference = openMySqlReference(target, log);
  for (const { object, action, note } of await reference.ensureTables(schema.auto, signal)) {
    log[action === "exists" ? "debug" : "info"](`${object} ${action}`, { note });
  }
  return reference;
}

/** Where the stock list and the calendar are read: MySQL where it is configured. */
export async function openReference(
  config: Config,
  clickhouse: ClickHouse,
  log: Log,
  signal: AbortSignal,
  opened: AsyncDisposableStack,
): Promise<ReferenceStore> {
  const mysql = await openMySql(config, log, signal);
  return mysql === undefined ? openClickHouseReference(clickhouse, schemaOptions(config, false)) : opened.use(mysql);
}
