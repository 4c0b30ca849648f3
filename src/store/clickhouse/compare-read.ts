import type { StoredValue } from "./compare.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier } from "./quote.ts";

/** How the rows of a table are asked for and told apart: the SQL of what `keyOf` and `valueOf` say in our words. */
export interface ComparedTable<Row> {
  readonly table: string;
  /** Names of the fields that `valueOf` joins with FIELD_SEPARATOR. */
  readonly fields: readonly string[];
  keyOf(row: Row): string;
  valueOf(row: Row): string;
  readonly keySql: string;
  readonly valueSql: readonly string[];
  /** WHERE clauses of which a stored row of any of these keys meets at least one; each of at most CONDITION_LENGTH_MAX. */
  conditionsOf(rows: readonly Row[]): readonly string[];
}

/** Cleaned text cannot contain it. */
export const FIELD_SEPARATOR = "\u001f";
export const CONDITION_LENGTH_MAX = 60_000;
/** A server parses statements of up to 256 KiB unless told otherwise. */
const STATEMENT_LENGTH_MAX = 200_000;

interface StoredRow {
  readonly k: string;
  readonly v: string;
  readonly n: string;
}

/** The newest stored value of each key that is stored; it may know keys that were not asked for. */
export async function readStored<Row>(
  clickhouse: ClickHouse,
  compared: ComparedTable<Row>,
  rows: readonly Row[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoredValue>> {
  const stored = new Map<string, StoredValue>();
  for (const where of joinConditions(compared.conditionsOf(rows))) {
    const sql = selectStored(clickhouse.database, compared, where);
    for (const { k, v, n } of await clickhouse.query<StoredRow>(sql, {}, signal)) {
      stored.set(k, { value: v, version: BigInt(n) });
    }
  }
  return stored;
}

function selectStored<Row>(database: string, compared: ComparedTable<Row>, where: string): string {
  const table = `${quoteIdentifier(database)}.${quoteIdentifier(compared.table)}`;
  const value = `concat(${compared.valueSql.join(", '\\x1f', ")}, '')`;
  // All versions of a row are in one partition, so FINAL need not look across partitions.
  return (
    `SELECT ${compared.keySql} AS k, ${value} AS v, toString(version) AS n FROM ${table} FINAL WHERE ${where} ` +
    "SETTINGS do_not_merge_across_partitions_select_final = 1"
  );
}

/** Clauses joined by OR into as few statements as the server's limit on their length allows. */
export function joinConditions(conditions: readonly string[]): readonly string[] {
  const statements: string[] = [];
  let current = "";
  for (const condition of conditions) {
    if (current !== "" && current.length + condition.length > STATEMENT_LENGTH_MAX) {
      statements.push(current);
      current = "";
    }
    current += `${current === "" ? "" : " OR "}(${condition})`;
  }
  return current === "" ? statements : [...statements, current];
}
