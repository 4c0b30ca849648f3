import type { Day } from "../../domain/day.ts";
import { FREQUENCY_NUMBERS, type Frequency } from "../../domain/frequency.ts";
import type { LedgerKey } from "../../domain/ledger.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier } from "./quote.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW, FETCHED_VERSION_MIN, TICK_DAY_ROW } from "./tables.ts";

/**
 * Where a data set's days are: a table with `code`, `trading_day` and `version`, and which of its rows stand for a stored
 * day. A day of minutes or ticks counts when it has any.
 */
export function storedDaysIn(
  database: string,
  dataSet: CodeDataSet,
  frequency: Frequency,
): { readonly from: string; readonly condition: string } {
  const place = quoteIdentifier(database);
  switch (dataSet) {
    case "bars":
      return { from: `${place}.${BAR_ROW.name}`, condition: `frequency = ${FREQUENCY_NUMBERS[frequency]}` };
    case "ticks":
      // The newest count alone says whether ticks are left.
      return { from: `${place}.${TICK_DAY_ROW.name} FINAL`, condition: "ticks > 0" };
    case "adjustment-factors":
      return { from: `${place}.${ADJUSTFACTOR_ROW.name}`, condition: "1" };
  }
}

/** As `storedDaysIn`, without rows that were copied from an older table: they were never checked against a provider. */
export function fetchedDaysIn(
  database: string,
  dataSet: CodeDataSet,
  frequency: Frequency,
): { readonly from: string; readonly condition: string } {
  const { from, condition } = storedDaysIn(database, dataSet, frequency);
  return { from, condition: `version >= ${FETCHED_VERSION_MIN} AND ${condition}` };
}

/** What the tables really have, without the views: a day counts whichever source brought it. */
export async function readStoredDays(
  clickhouse: ClickHouse,
  { dataSet, frequency, code }: LedgerKey,
  from: Day,
  to: Day,
  signal: AbortSignal,
): Promise<readonly Day[]> {
  if (dataSet !== "bars" && dataSet !== "ticks" && dataSet !== "adjustment-factors") {
    throw new TypeError(
      `the stored days of ${dataSet} were asked for; only bars, ticks and adjustment factors have a ledger`,
    );
  }
  const days = storedDaysIn(clickhouse.database, dataSet, frequency);
  const rows = await clickhouse.query<{ readonly day: Day }>(
    `SELECT DISTINCT toString(trading_day) AS day FROM ${days.from}
WHERE code = {code:String} AND ${days.condition} AND trading_day BETWEEN {from:Date} AND {to:Date} ORDER BY day`,
    { code, from, to },
    signal,
  );
  return rows.map(({ day }) => day);
}
