import type { ClickHouse } from "./client.ts";
import { quoteString } from "./quote.ts";
import type { Table } from "./tables.ts";
import { isOwnViewComment, VIEW_NAMES } from "./views.ts";

/** A table or view as the server describes it. */
export interface StoredObject {
  readonly name: string;
  readonly engine: string;
  readonly engineFull: string;
  readonly partition: string;
  readonly key: string;
  readonly comment: string;
  /** Type by column name. */
  readonly columns: ReadonlyMap<string, string>;
}

/**
 * Everything in our database, by name. Of what holds one code's ticks there may be thousands, and nobody asks more of them
 * than what made them: definition and columns are left empty, which would take a server seconds to print.
 */
export async function readObjects(
  clickhouse: ClickHouse,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoredObject>> {
  const where = quoteString(clickhouse.database);
  const select = (columns: string, condition: string) =>
    clickhouse.query<TableRow>(
      `SELECT name, engine, comment, ${columns} FROM system.tables
WHERE database = ${where} AND ${condition} AND NOT is_temporary`,
      {},
      signal,
    );
  const tables = [
    ...(await select("engine_full, partition_key, sorting_key", "NOT endsWith(name, '_Tick')")),
    ...(await select("'' AS engine_full, '' AS partition_key, '' AS sorting_key", "endsWith(name, '_Tick')")),
  ].toSorted((left, right) => (left.name < right.name ? -1 : 1));
  const columns = await clickhouse.query<ColumnRow>(
    `SELECT table, name, type FROM system.columns WHERE database = ${where} AND NOT endsWith(table, '_Tick') ORDER BY table, position`,
    {},
    signal,
  );
  const byTable = Map.groupBy(columns, ({ table }) => table);
  return new Map(
    tables.map((row) => [
      row.name,
      {
        name: row.name,
        engine: row.engine,
        engineFull: row.engine_full,
        partition: row.partition_key,
        key: row.sorting_key,
        comment: row.comment,
        columns: new Map((byTable.get(row.name) ?? []).map(({ name, type }) => [name, type])),
      },
    ]),
  );
}

/** True for what stands under the name of a view of ours and was not made by this program. */
export function isForeign(object: StoredObject): boolean {
  const isViewName = VIEW_NAMES.some((name) => name === object.name);
  return isViewName && !(object.engine === "View" && isOwnViewComment(object.comment));
}

export interface Comparison {
  /** What has to be the same and is not, in words. */
  readonly differences: readonly string[];
  /** What differs and does no harm. */
  readonly note: string;
}

/**
 * Compares engine, version column, partition, key, columns and types. Columns beyond ours are let be: a server fills them.
 * A replicated engine serves where a local one is asked for, not the other way round.
 */
export function compareTable(table: Table, stored: StoredObject | undefined, isReplicated: boolean): Comparison {
  if (stored === undefined) {
    return { differences: ["the table is missing"], note: "" };
  }
  const differences: string[] = [];
  const engine = /^(?:Replicated|Shared)?ReplacingMergeTree$/.exec(stored.engine);
  if (engine === null || (isReplicated && stored.engine === "ReplacingMergeTree")) {
    const wanted = isReplicated ? "ReplicatedReplacingMergeTree" : "ReplacingMergeTree";
    differences.push(`the engine is ${stored.engine}, expected ${wanted}`);
  } else if (versionColumnOf(stored.engineFull) !== table.versionColumn) {
    differences.push(
      `the engine's version column is ${versionColumnOf(stored.engineFull) || "none"}, expected ${table.versionColumn}`,
    );
  }
  if (plain(stored.partition) !== plain(table.partition)) {
    differences.push(`the partition is by ${stored.partition || "nothing"}, expected ${table.partition || "nothing"}`);
  }
  if (plain(stored.key) !== plain(table.key.join(","))) {
    differences.push(`the key is (${stored.key}), expected (${table.key.join(", ")})`);
  }
  for (const column of table.columns) {
    const type = stored.columns.get(column.name);
    if (type === undefined) {
      differences.push(`the column ${column.name} is missing`);
    } else if (plain(type) !== plain(column.type)) {
      differences.push(`the column ${column.name} is ${type}, expected ${column.type}`);
    }
  }
  const ttl = deletingTtl(stored.engineFull);
  if (table.ttl === "" && ttl !== "") {
    differences.push(`the TTL ${ttl} deletes rows, expected none: ALTER TABLE ${table.name} REMOVE TTL`);
  }
  const known = new Set(table.columns.map(({ name }) => name));
  const extra = [...stored.columns.keys()].filter((name) => !known.has(name));
  return { differences, note: extra.length === 0 ? "" : `has more columns: ${extra.join(", ")}` };
}

interface TableRow {
  readonly name: string;
  readonly engine: string;
  readonly engine_full: string;
  readonly partition_key: string;
  readonly sorting_key: string;
  readonly comment: string;
}

interface ColumnRow {
  readonly table: string;
  readonly name: string;
  readonly type: string;
}

/** The last argument of the engine: `ReplacingMergeTree(version) PARTITION BY …`. */
function versionColumnOf(engineFull: string): string {
  const inside = /^\w+\(([^)]*)\)/.exec(engineFull)?.[1] ?? "";
  const last = inside.split(",").at(-1)?.trim() ?? "";
  return last.startsWith("'") ? "" : last;
}

/** Of `… TTL a + toIntervalDay(7), b TO VOLUME 'cold' SETTINGS …` what takes rows away; moving or packing them does no harm. */
function deletingTtl(engineFull: string): string {
  const [, text = ""] = /\bTTL (.+?)(?: SETTINGS .*)?$/s.exec(engineFull) ?? [];
  return text
    .split(/,(?![^(]*\))/)
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "" && !/\b(?:TO (?:VOLUME|DISK)|RECOMPRESS)\b/i.test(rule))
    .join(", ");
}

/** Servers of different ages put spaces, back quotes and parentheses differently. */
function plain(text: string): string {
  return text.replaceAll(/[\s()`]/g, "");
}
