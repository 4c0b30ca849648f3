import { DataError } from "../../base/errors.ts";
import type { RowOutcome } from "../../ports/store.ts";
import type { MySql, MySqlValue, Session } from "./connection.ts";
import type { ReferenceTable } from "./tables.ts";
import { uuidOfKey } from "./uuid.ts";

/** A row by column: the table's key and values. Days are `YYYY-MM-DD 00:00:00`. */
export type ReferenceRow = Readonly<Record<string, MySqlValue>>;

/** Rows of one statement. */
export const ROWS_PER_STATEMENT_MAX = 500;

/**
 * Writes rows in one transaction: what is there is updated where it differs, the rest inserted. Rows that Ginkgo marked
 * as deleted do not count as there. Rows that the server refuses alone are `rejected` and do not hold up the others.
 * Of rows of one key in `rows` the last is written, and all of them get its outcome.
 */
export async function upsertRows(
  mysql: MySql,
  table: ReferenceTable,
  rows: readonly ReferenceRow[],
  signal: AbortSignal,
): Promise<readonly RowOutcome[]> {
  const byKey = new Map(rows.map((row) => [keyOf(table, row), row]));
  const outcomes = await mysql.withTransaction(
    `writing ${rows.length} rows to ${table.name} in MySQL`,
    table.name,
    signal,
    async (session) => {
      const outcomes = new Map<string, RowOutcome>();
      const entries = [...byKey];
      for (let from = 0; from < entries.length; from += ROWS_PER_STATEMENT_MAX) {
        await upsertSome(session, table, new Map(entries.slice(from, from + ROWS_PER_STATEMENT_MAX)), outcomes);
      }
      return outcomes;
    },
  );
  return rows.map((row) => outcomes.get(keyOf(table, row)) ?? "rejected");
}

async function upsertSome(
  session: Session,
  table: ReferenceTable,
  rows: ReadonlyMap<string, ReferenceRow>,
  outcomes: Map<string, RowOutcome>,
): Promise<void> {
  const stored = await readStored(session, table, [...rows.values()]);
  const missing: ReferenceRow[] = [];
  for (const [key, row] of rows) {
    const old = stored.get(key);
    if (old === undefined) {
      missing.push(row);
      outcomes.set(key, "new");
    } else if (old.every((other) => isSame(table, row, other))) {
      outcomes.set(key, "same");
    } else {
      outcomes.set(key, await tryRow(() => update(session, table, row), "revised"));
    }
  }
  if (missing.length > 0) {
    const isWhole = await tryRow(() => insert(session, table, missing), "new");
    if (isWhole === "rejected") {
      for (const row of missing) {
        outcomes.set(keyOf(table, row), await tryRow(() => insert(session, table, [row]), "new"));
      }
    }
  }
}

/** A refused statement leaves the transaction as it was before it. */
async function tryRow(write: () => Promise<void>, outcome: RowOutcome): Promise<RowOutcome> {
  try {
    await write();
    return outcome;
  } catch (error) {
    if (error instanceof DataError) {
      return "rejected";
    }
    throw error;
  }
}

/** Rows by key; several where the table repeats a key, since nothing in it forbids that. */
async function readStored(
  session: Session,
  table: ReferenceTable,
  rows: readonly ReferenceRow[],
): Promise<ReadonlyMap<string, readonly Readonly<Record<string, unknown>>[]>> {
  const columns = [...table.key, ...table.values].map(quote).join(", ");
  const condition = table.key.map((name) => `${quote(name)} IN (?)`).join(" AND ");
  const values = table.key.map((name) => [...new Set(rows.map((row) => row[name]))]);
  const stored = await session.query<Readonly<Record<string, unknown>>>(
    `SELECT ${columns} FROM ${quote(table.name)} WHERE ${condition} AND is_del = 0 FOR UPDATE`,
    values,
  );
  return Map.groupBy(stored, (row) => keyOf(table, row));
}

async function update(session: Session, table: ReferenceTable, row: ReferenceRow): Promise<void> {
  const set = table.values.map((name) => `${quote(name)} = ?`).join(", ");
  const where = table.key.map((name) => `${quote(name)} = ?`).join(" AND ");
  const values = [...table.values, ...table.key].map((name) => row[name]);
  await session.run(`UPDATE ${quote(table.name)} SET ${set}, update_at = NOW() WHERE ${where} AND is_del = 0`, values);
}

/** Two workers that insert one key at once have one uuid, hence one row. */
async function insert(session: Session, table: ReferenceTable, rows: readonly ReferenceRow[]): Promise<void> {
  const own = [...table.key, ...table.values];
  const columns = ["uuid", "meta", "desc", ...own].map(quote).join(", ");
  const renewed = own.map((name) => `${quote(name)} = VALUES(${quote(name)})`).join(", ");
  const one = `(${["uuid", "meta", "desc", ...own].map(() => "?").join(", ")}, NOW(), NOW(), 0)`;
  const values = rows.flatMap((row) => [
    uuidOfKey(`${table.name}/${keyOf(table, row)}`),
    "{}",
    "",
    ...own.map((name) => row[name]),
  ]);
  await session.run(
    `INSERT INTO ${quote(table.name)} (${columns}, create_at, update_at, is_del) VALUES ${rows.map(() => one).join(", ")}
     ON DUPLICATE KEY UPDATE ${renewed}, update_at = NOW(), is_del = 0`,
    values,
  );
}

function isSame(table: ReferenceTable, row: ReferenceRow, stored: Readonly<Record<string, unknown>>): boolean {
  return table.values.every((name) => plain(row[name]) === plain(stored[name]));
}

function keyOf(table: ReferenceTable, row: Readonly<Record<string, unknown>>): string {
  return table.key.map((name) => plain(row[name])).join("/");
}

/** A DATE and a DATETIME at midnight are the same day; a number and its text are the same number. */
function plain(value: unknown): string {
  const text = typeof value === "string" ? value : typeof value === "number" ? value.toString() : "";
  return /^\d{4}-\d{2}-\d{2} 00:00:00(?:\.0+)?$/.test(text) ? text.slice(0, 10) : text;
}

function quote(name: string): string {
  return `\`${name}\``;
}
