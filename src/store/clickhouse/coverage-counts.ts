import type { Day } from "../../domain/day.ts";
import { FREQUENCY } from "../../domain/enums.ts";
import { FREQUENCY_NUMBERS, type Frequency } from "../../domain/frequency.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW, FETCHED_VERSION_MIN, LEDGER_ROW } from "./tables.ts";

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

/**
 * Of how many days between two days a code has a row, by code; codes without one are absent. Rows copied from an older
 * table do not count, as in `verify`.
 */
export async function countStoredDays(
  clickhouse: ClickHouse,
  dataSet: CodeDataSet,
  range: { readonly from: Day; readonly to: Day },
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const [table, condition] =
    dataSet === "bars" ? [BAR_ROW.name, ` AND frequency = ${FREQUENCY.DAY}`] : [ADJUSTFACTOR_ROW.name, ""];
  const rows = await clickhouse.query<{ readonly code: string; readonly days: string }>(
    `SELECT toString(code) AS code, toString(uniqExact(trading_day)) AS days
FROM ${quoteIdentifier(clickhouse.database)}.${table}
WHERE version >= ${FETCHED_VERSION_MIN}${condition} AND trading_day BETWEEN {from:Date32} AND {to:Date32}
GROUP BY code`,
    { from: range.from, to: range.to },
    signal,
  );
  return new Map(rows.map(({ code, days }) => [code, parseInt(days, 10)]));
}
