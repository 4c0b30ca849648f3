import { DataError, PermanentError, TransientError } from "../base/errors.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { saidByEngine } from "../store/clickhouse/errors.ts";
import { toReadOnly } from "../store/clickhouse/read-only.ts";
import type { SqlFormat } from "./app-api.ts";

const READONLY = 164;

const FORMATS: Readonly<Record<SqlFormat, string>> = {
  // A line of names, a line of types, then a line of values each.
  rows: "JSONCompactEachRowWithNamesAndTypes",
  csv: "CSVWithNames",
  json: "JSONEachRow",
};

/** The answer to a statement that only reads. DataError says what is wrong with the statement. */
export async function* runSql(
  clickhouse: ClickHouse,
  statement: string,
  format: SqlFormat,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, undefined> {
  const sql = toReadOnly(statement);
  try {
    yield* clickhouse.raw(sql, FORMATS[format], signal);
  } catch (error) {
    signal.throwIfAborted();
    throw toStatementError(error, clickhouse.database);
  }
}

/** What the engine says of a statement that a person typed is about the statement; credentials and outages are not. */
function toStatementError(error: unknown, database: string): unknown {
  const said = saidByEngine(error);
  // What may not be done here is refused by our own order to only read, whatever the user may do.
  const isRefusedUser = error instanceof PermanentError && error.isCredentials && said?.code !== READONLY;
  if (said === undefined || error instanceof TransientError || isRefusedUser) {
    return error;
  }
  const hints: Readonly<Record<number, string>> = {
    60: `; our tables are in ${database}: write ${database}.bar (SHOW TABLES FROM ${database} lists them)`,
    81: `; our tables are in ${database}`,
    [READONLY]: "; only statements that read are run here, and no files or addresses are read",
  };
  return new DataError(`running the statement: ${said.text}${hints[said.code] ?? ""}`);
}
