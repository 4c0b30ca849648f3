import { PermanentError } from "../../base/errors.ts";
import type { MySql } from "./connection.ts";

/** A reference table as Ginkgo reads it. */
export interface ReferenceTable {
  readonly name: string;
  /** What a row is known by; there is no unique index on it. */
  readonly key: readonly string[];
  /** The rest of what we write. */
  readonly values: readonly string[];
  /** Makes the table where there is none. */
  readonly ddl: string;
}

/** Columns that Ginkgo's base model gives every table; `source` has no default in the server. */
const BASE_DDL = `uuid VARCHAR(32) NOT NULL PRIMARY KEY,
  meta VARCHAR(255) NOT NULL DEFAULT '{}',
  \`desc\` VARCHAR(255) NOT NULL DEFAULT '',
  create_at DATETIME NOT NULL,
  update_at DATETIME NOT NULL,
  is_del BOOLEAN NOT NULL DEFAULT FALSE,
  source TINYINT NOT NULL`;

const BASE_COLUMNS = ["uuid", "meta", "desc", "create_at", "update_at", "is_del", "source"];

export const STOCK_INFO: ReferenceTable = {
  name: "stock_info",
  key: ["code"],
  values: ["code_name", "industry", "currency", "market", "list_date", "delist_date", "source"],
  ddl: `CREATE TABLE IF NOT EXISTS stock_info (
  ${BASE_DDL},
  code VARCHAR(32) NOT NULL,
  code_name VARCHAR(64) NOT NULL,
  industry VARCHAR(64) NOT NULL,
  currency TINYINT NOT NULL,
  market TINYINT NOT NULL,
  list_date DATETIME NOT NULL,
  delist_date DATETIME NOT NULL,
  INDEX stock_info_code (code)
) CHARACTER SET utf8mb4`,
};

export const TRADE_DAY: ReferenceTable = {
  name: "trade_day",
  key: ["market", "timestamp"],
  values: ["is_open", "source"],
  ddl: `CREATE TABLE IF NOT EXISTS trade_day (
  ${BASE_DDL},
  market TINYINT NOT NULL,
  is_open BOOLEAN NOT NULL,
  timestamp DATETIME NOT NULL,
  INDEX trade_day_time (market, timestamp)
) CHARACTER SET utf8mb4`,
};

export const REFERENCE_TABLES: readonly ReferenceTable[] = [STOCK_INFO, TRADE_DAY];

export interface TableReport {
  readonly object: string;
  readonly action: "created" | "exists";
  readonly note: string;
}

/**
 * Makes what is missing, and runs no DDL on a table that exists: one without a column that we write is a PermanentError
 * that names it.
 */
export async function ensureTables(
  mysql: MySql,
  mayCreate: boolean,
  signal: AbortSignal,
): Promise<readonly TableReport[]> {
  return mysql.withSession("ensuring the reference tables in MySQL", signal, async (session) => {
    const report: TableReport[] = [];
    for (const table of REFERENCE_TABLES) {
      const columns = await session.query<{ readonly name: string }>(
        "SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?",
        [table.name],
      );
      const object = `MySQL table ${table.name}`;
      if (columns.length === 0) {
        if (!mayCreate) {
          throw new PermanentError(`ensuring the reference tables in MySQL: ${table.name} is missing`, "store");
        }
        await session.run(table.ddl, []);
        report.push({ object, action: "created", note: "" });
        continue;
      }
      const present = new Set(columns.map(({ name }) => name.toLowerCase()));
      const missing = [...BASE_COLUMNS, ...table.key, ...table.values].filter((name) => !present.has(name));
      if (missing.length > 0) {
        throw new PermanentError(
          `ensuring the reference tables in MySQL: ${table.name} has no column ${[...new Set(missing)].join(", ")}`,
          "store",
        );
      }
      report.push({ object, action: "exists", note: "" });
    }
    return report;
  });
}
