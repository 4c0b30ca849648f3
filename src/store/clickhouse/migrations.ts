import { readdir, readFile } from "node:fs/promises";

import { quoteIdentifier, quoteString } from "./quote.ts";
import { DEDUPLICATION_WINDOW } from "./tables.ts";

/** One file of `migrations/`: `0001-bars.sql`. Additive, and the same however often and by how many it is applied. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  readonly text: string;
}

/** Where and how tables are made. */
export interface TablePlace {
  readonly database: string;
  /** Adds `ON CLUSTER` to every statement that makes or renames something. */
  readonly cluster?: string | undefined;
  /** Replicated engines instead of local ones; path and replica may hold macros such as `{shard}`. */
  readonly replication?: Replication | undefined;
}

export interface Replication {
  readonly path: string;
  readonly replica: string;
}

/** Fits servers whose macros are set as ClickHouse's manual proposes. */
export const REPLICATION_DEFAULT: Replication = {
  path: "/clickhouse/tables/{shard}/{database}/{table}",
  replica: "{replica}",
};

const FOLDER = new URL("./migrations/", import.meta.url);
const FILE_NAME = /^(\d{4})-([a-z0-9-]+)\.sql$/;

/** All migrations in order. A gap or a repeat in the numbers is a defect of the build and throws. */
export async function loadMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".sql")).toSorted();
  return Promise.all(
    names.map(async (file, index) => {
      const match = FILE_NAME.exec(file);
      const version = parseInt(match?.[1] ?? "", 10);
      if (match === null || version !== index + 1) {
        throw new Error(`loading migrations: expected number ${index + 1}, found the file ${file}`);
      }
      return { version, name: match[2] ?? "", text: await readFile(new URL(file, FOLDER), "utf8") };
    }),
  );
}

/** The statements of a migration, with its placeholders filled. */
export function renderStatements(migration: Migration, place: TablePlace): readonly string[] {
  const filled = migration.text
    .replaceAll(/^\s*--.*$/gm, "")
    .replaceAll(/\{\{(\w+)(?::(\w+))?\}\}/g, (whole, word: string, argument: string | undefined) => {
      if (word === "table" && argument !== undefined) {
        return qualify(place, argument) + onCluster(place);
      }
      if (word === "rows" && argument !== undefined) {
        return qualify(place, argument);
      }
      if (word === "replacing" && argument !== undefined) {
        return replacingEngine(place, argument);
      }
      if (word === "deduplication") {
        return deduplicationSetting(place);
      }
      throw new Error(`rendering migration ${migration.version}: unknown placeholder ${whole}`);
    });
  return filled
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

/** The table that remembers which migrations were applied; made before the first of them. */
export function renderMigrationTable(place: TablePlace): string {
  return `CREATE TABLE IF NOT EXISTS ${qualify(place, MIGRATION_TABLE)}${onCluster(place)}
(
    version UInt32,
    name String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ${replacingEngine(place, "applied_at")}
ORDER BY version
SETTINGS ${deduplicationSetting(place)}`;
}

export const MIGRATION_TABLE = "schema_migration";

export function qualify(place: TablePlace, name: string): string {
  return `${quoteIdentifier(place.database)}.${quoteIdentifier(name)}`;
}

/** ` ON CLUSTER name`, or nothing. */
export function onCluster(place: TablePlace): string {
  return place.cluster === undefined ? "" : ` ON CLUSTER ${quoteIdentifier(place.cluster)}`;
}

function replacingEngine(place: TablePlace, versionColumn: string): string {
  return place.replication === undefined
    ? `ReplacingMergeTree(${versionColumn})`
    : `ReplicatedReplacingMergeTree(${quoteString(place.replication.path)}, ${quoteString(place.replication.replica)}, ${versionColumn})`;
}

/** A plain table remembers no inserted blocks unless told to; a replicated one has a setting of its own. */
function deduplicationSetting(place: TablePlace): string {
  const name =
    place.replication === undefined ? "non_replicated_deduplication_window" : "replicated_deduplication_window";
  return `${name} = ${DEDUPLICATION_WINDOW}`;
}
