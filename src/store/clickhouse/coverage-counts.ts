import { digestSql, type DayDigest } from "../../domain/day-digest.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { FREQUENCY_NUMBERS, type Frequency } from "../../domain/frequency.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { fetchedDaysIn } from "./stored-days.ts";
import { LEDGER_ROW } from "./tables.ts";

/** Codes of which the ledger knows something, sorted. */
export async function readLedgerCodes(
  clickhouse: ClickHouse,
  dataSet: CodeDataSet,
  frequency: Frequency,
  signal: AbortSignal,
): Promise<readonly SecurityCode[]> {
  const rows = await clickhouse.query<{ readonly code: string }>(
    `SELECT DISTINCT code FROM ${quoteIdentifier(clickhouse.database)}.${LEDGER_ROW.name} FINAL
WHERE data_set = ${quoteString(dataSet)} AND frequency = ${FREQUENCY_NUMBERS[frequency]} AND code != '' AND NOT removed
ORDER BY code`,
    {},
    signal,
  );
  return rows.map(({ code }) => parseSecurityCode(code));
}

export interface StoredDays {
  /** Of the days that have a row, leaving out those of `open`. */
  readonly digest: DayDigest;
  /** Which of the `open` days have a row. */
  readonly open: readonly Day[];
}

/**
 * On which days between two days a code has a row, by code; codes without one are absent. `open` are days, few, that the
 * caller wants to know one by one. Rows copied from an older table do not count, as in `verify`.
 */
export async function readStoredDays(
  clickhouse: ClickHouse,
  dataSet: CodeDataSet,
  frequency: Frequency,
  range: { readonly from: Day; readonly to: Day },
  open: readonly Day[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoredDays>> {
  const days = fetchedDaysIn(clickhouse.database, dataSet, frequency);
  const isOpen = `trading_day IN (${["1970-01-01", ...open].map((day) => `'${day}'`).join(",")})`;
  const rows = await clickhouse.query<{
    readonly code: string;
    readonly digest: string;
    readonly open: readonly string[];
  }>(
    `SELECT code, toString(sumIf(${digestSql("trading_day")}, NOT ${isOpen})) AS digest,
  groupArrayIf(toString(trading_day), ${isOpen}) AS open
FROM (
  SELECT DISTINCT toString(code) AS code, trading_day FROM ${days.from}
  WHERE ${days.condition} AND trading_day BETWEEN {from:Date32} AND {to:Date32}
)
GROUP BY code`,
    { from: range.from, to: range.to },
    signal,
  );
  return new Map(
    rows.map((row) => [row.code, { digest: BigInt(row.digest), open: row.open.map((day) => parseDay(day)) }]),
  );
}
