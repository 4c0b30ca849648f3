import { PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { ClickHouse } from "./client.ts";
import {
  loadMigrations,
  MIGRATION_TABLE,
  onCluster,
  qualify,
  renderMigrationTable,
  renderStatements,
  type Migration,
  type Replication,
} from "./migrations.ts";
import { readLedgerCodes } from "./coverage-counts.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import type { SourceRanks } from "./rank-source.ts";
import { compareTable, isForeign, readObjects, type StoredObject } from "./schema-compare.ts";
import { TABLES } from "./tables.ts";
import { bringUpToDate, codeOfTickView, isForeignTickTable } from "./tick-views.ts";
import { renderViews, viewComment, type View } from "./views.ts";

export interface SchemaOptions extends SourceRanks {
  readonly ginkgoUnits: boolean;
  /** `schema.auto`: make what is missing. When false, what is missing is an error that names it. */
  readonly apply: boolean;
  /** Whether the database itself may be made. */
  readonly createDatabase: boolean;
  readonly cluster?: string | undefined;
  readonly replication?: Replication | undefined;
}

/** One line of the report. */
export interface SchemaReport {
  readonly object: string;
  readonly action: "created" | "exists" | "recreated" | "renamed" | "copied" | "left";
  readonly note: string;
}

/**
 * Brings the database to the schema of this program: database, migrations, views. Every step can be repeated, and two
 * workers may do it at once. Never changes or drops a table. Throws PermanentError (scope `store`) when the schema is
 * newer than the program, when a table differs from ours, or when a name of ours is taken by a foreign table.
 */
export async function ensureSchema(
  clickhouse: ClickHouse,
  options: SchemaOptions,
  log: Log,
  signal: AbortSignal,
): Promise<readonly SchemaReport[]> {
  const place = { ...options, database: clickhouse.database };
  const report: SchemaReport[] = [await ensureDatabase(clickhouse, options, signal)];
  const migrations = await loadMigrations();
  const before = await readObjects(clickhouse, signal);
  const applied = await readApplied(clickhouse, before, migrations, signal);
  refuseForeign(clickhouse.database, before);

  const missing = TABLES.filter((table) => !before.has(table.name));
  // A table that went although its migration is recorded is made again: all of them can be applied any number of times.
  const pending = missing.length > 0 ? migrations : migrations.filter(({ version }) => !applied.has(version));
  if (pending.length > 0) {
    requireApply(
      options,
      `the tables ${missing.map(({ name }) => name).join(", ") || "of a newer migration"} are missing`,
    );
    await clickhouse.command(renderMigrationTable(place), {}, signal);
    for (const migration of pending) {
      for (const statement of renderStatements(migration, place)) {
        await clickhouse.command(statement, {}, signal);
      }
      if (!applied.has(migration.version)) {
        await recordApplied(clickhouse, migration, signal);
        log.info("migration applied", { version: migration.version, name: migration.name });
      }
    }
  }
  const after = pending.length > 0 ? await readObjects(clickhouse, signal) : before;
  report.push(...compareTables(clickhouse.database, before, after, options));
  for (const view of renderViews({ ...options, database: clickhouse.database })) {
    report.push(await ensureView(clickhouse, view, after.get(view.name), options, log, signal));
  }
  report.push(...(await ensureTickViews(clickhouse, after, options, signal)));
  return report;
}

/**
 * The views of one code's ticks: those that are there, and those of codes that the ledger has ticks of. One line of the
 * report for all of them; none where there are none.
 */
async function ensureTickViews(
  clickhouse: ClickHouse,
  objects: ReadonlyMap<string, StoredObject>,
  options: SchemaOptions,
  signal: AbortSignal,
): Promise<readonly SchemaReport[]> {
  const own = [...objects.values()].filter((object) => !isForeignTickTable(object));
  const there = own.flatMap(({ name }) => codeOfTickView(name) ?? []);
  const asked = await readLedgerCodes(clickhouse, "ticks", "1d", signal);
  const codes = [...new Set([...there, ...asked])];
  if (codes.length === 0) {
    return [];
  }
  const { created, recreated, missing } = await bringUpToDate(clickhouse, codes, objects, options, signal);
  const [first] = missing;
  if (first !== undefined) {
    requireApply(
      options,
      `the views of ticks such as ${first} (${missing.length} in all) are missing or have another definition`,
    );
  }
  const action = recreated > 0 ? "recreated" : created > 0 ? "created" : "exists";
  const made = recreated + created > 0 ? `, ${created} created, ${recreated} recreated` : "";
  return [{ object: "views of ticks", action, note: `${codes.length} in all${made}` }];
}

async function ensureDatabase(
  clickhouse: ClickHouse,
  options: SchemaOptions,
  signal: AbortSignal,
): Promise<SchemaReport> {
  const name = clickhouse.database;
  const sql = `SELECT name FROM system.databases WHERE name = ${quoteString(name)}`;
  const found = await clickhouse.query<{ readonly name: string }>(sql, {}, signal);
  if (found.length > 0) {
    return { object: `database ${name}`, action: "exists", note: "" };
  }
  requireApply(options, `the database ${name} does not exist`);
  if (!options.createDatabase) {
    throw new PermanentError(
      `ensuring the schema: the database ${name} does not exist and may not be created`,
      "store",
    );
  }
  await clickhouse.command(
    `CREATE DATABASE IF NOT EXISTS ${quoteIdentifier(name)}${onCluster({ ...options, database: name })}`,
    {},
    signal,
  );
  return { object: `database ${name}`, action: "created", note: "" };
}

/** Versions recorded so far; refuses a schema that a newer program has made. */
async function readApplied(
  clickhouse: ClickHouse,
  objects: ReadonlyMap<string, StoredObject>,
  migrations: readonly Migration[],
  signal: AbortSignal,
): Promise<ReadonlySet<number>> {
  if (!objects.has(MIGRATION_TABLE)) {
    return new Set();
  }
  const sql = `SELECT DISTINCT version FROM ${qualify(clickhouse, MIGRATION_TABLE)} ORDER BY version`;
  const rows = await clickhouse.query<{ readonly version: number }>(sql, {}, signal);
  const newest = rows.at(-1)?.version ?? 0;
  if (newest > migrations.length) {
    throw new PermanentError(
      `ensuring the schema: the database ${clickhouse.database} has schema ${newest}, this program knows ${migrations.length}; start a newer program`,
      "store",
    );
  }
  return new Set(rows.map(({ version }) => version));
}

async function recordApplied(clickhouse: ClickHouse, migration: Migration, signal: AbortSignal): Promise<void> {
  await clickhouse.insertEncoded(
    MIGRATION_TABLE,
    ["version", "name"],
    { format: "JSONCompactEachRow", body: `${JSON.stringify([migration.version, migration.name])}\n`, rows: 1 },
    signal,
  );
}

function refuseForeign(database: string, objects: ReadonlyMap<string, StoredObject>): void {
  const foreign = [...objects.values()].filter(isForeign);
  if (foreign.length > 0) {
    const names = foreign.map((object) => `${database}.${object.name} (${object.engine})`).join(", ");
    throw new PermanentError(
      `ensuring the schema: ${names} is not of this program, and a view of ours has to stand there; ` +
        "`schema adopt` renames it and drops nothing",
      "store",
    );
  }
}

function compareTables(
  database: string,
  before: ReadonlyMap<string, StoredObject>,
  after: ReadonlyMap<string, StoredObject>,
  options: SchemaOptions,
): readonly SchemaReport[] {
  const differences: string[] = [];
  const report = TABLES.map((table): SchemaReport => {
    const comparison = compareTable(table, after.get(table.name), options.replication !== undefined);
    differences.push(...comparison.differences.map((difference) => `${database}.${table.name}: ${difference}`));
    const action = before.has(table.name) ? "exists" : "created";
    return { object: `table ${table.name}`, action, note: comparison.note };
  });
  if (differences.length > 0) {
    throw new PermanentError(`ensuring the schema: ${differences.join("; ")}`, "store");
  }
  return report;
}

async function ensureView(
  clickhouse: ClickHouse,
  view: View,
  stored: StoredObject | undefined,
  options: SchemaOptions,
  log: Log,
  signal: AbortSignal,
): Promise<SchemaReport> {
  const object = `view ${view.name}`;
  const comment = viewComment(view);
  if (stored?.comment === comment) {
    return { object, action: "exists", note: "" };
  }
  requireApply(options, `the view ${view.name} ${stored === undefined ? "is missing" : "has another definition"}`);
  const place = { ...options, database: clickhouse.database };
  await clickhouse.command(
    `CREATE OR REPLACE VIEW ${qualify(place, view.name)}${onCluster(place)} AS\n${view.select}\nCOMMENT ${quoteString(comment)}`,
    {},
    signal,
  );
  if (stored === undefined) {
    return { object, action: "created", note: "" };
  }
  log.info("view recreated", { view: view.name });
  return { object, action: "recreated", note: "the chain, the units or the program changed" };
}

function requireApply(options: SchemaOptions, what: string): void {
  if (!options.apply) {
    throw new PermanentError(`checking the schema: ${what}; run \`schema ensure\` or set schema.auto`, "store");
  }
}
