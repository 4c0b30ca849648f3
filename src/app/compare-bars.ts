import type { ClickHouse } from "../store/clickhouse/client.ts";
import type { BarComparison, ExpectedBars } from "./demo-api.ts";

const TABLE = "expected_bar";
const COLUMNS = ["code", "day", "open", "high", "low", "close", "pre_close", "volume", "amount"] as const;

/**
 * Holds the view `bar` against rows that are known to be right, cell by cell, in the engine: the rows go to a table of
 * their own, which is dropped afterwards. Daily bars of the codes and days given; what else is stored does not count.
 */
export async function compareBars(
  clickhouse: ClickHouse,
  { rows, codes, from, to }: ExpectedBars,
  signal: AbortSignal,
): Promise<BarComparison> {
  const { database } = clickhouse;
  const table = `${database}.${TABLE}`;
  await clickhouse.command(`DROP TABLE IF EXISTS ${table}`, {}, signal);
  try {
    await clickhouse.command(
      `CREATE TABLE ${table} (code String, day Date, open Decimal(18, 4), high Decimal(18, 4), low Decimal(18, 4),
       close Decimal(18, 4), pre_close Decimal(18, 4), volume Int64, amount Decimal(20, 4)) ENGINE = MergeTree ORDER BY (code, day)`,
      {},
      signal,
    );
    let body = "";
    let count = 0;
    for (const row of rows) {
      body += `${COLUMNS.map((column) => row[column]).join("\t")}\n`;
      count += 1;
    }
    await clickhouse.insertEncoded(TABLE, COLUMNS, { format: "TabSeparated", body, rows: count }, signal);
    const params = { codes, from, to };
    const stored = `SELECT toString(code) AS code, trading_day AS day, open, high, low, close, pre_close, volume, amount
      FROM ${database}.bar WHERE frequency = 1 AND code IN {codes:Array(String)}
      AND timestamp BETWEEN toDateTime({from:String}, 'Asia/Shanghai') AND toDateTime({to:String}, 'Asia/Shanghai')`;
    const [found] = await clickhouse.query<Record<keyof BarComparison, string>>(
      `SELECT
        toString(countIf(e.code != '' AND b.code != '')) AS compared,
        toString(countIf(e.code != '' AND b.code != '' AND NOT (e.open = b.open AND e.high = b.high AND e.low = b.low
          AND e.close = b.close AND e.pre_close = b.pre_close AND e.volume = b.volume AND e.amount = b.amount))) AS different,
        toString(countIf(b.code = '')) AS missing,
        toString(countIf(e.code = '')) AS extra
       FROM ${table} AS e
       FULL OUTER JOIN (SELECT * REPLACE (ifNull(pre_close, 0) AS pre_close) FROM (${stored})) AS b
       ON e.code = b.code AND e.day = b.day
       SETTINGS join_use_nulls = 0`,
      params,
      signal,
    );
    const [counted] = await clickhouse.query<{ readonly bars: string; readonly duplicates: string }>(
      `SELECT toString(count()) AS bars, toString(count() - uniqExact(code, day)) AS duplicates FROM (${stored})`,
      params,
      signal,
    );
    return {
      compared: toCount(found?.compared),
      different: toCount(found?.different),
      missing: toCount(found?.missing),
      extra: toCount(found?.extra),
      bars: toCount(counted?.bars),
      duplicates: toCount(counted?.duplicates),
    };
  } finally {
    await clickhouse.command(`DROP TABLE IF EXISTS ${table}`, {}, AbortSignal.timeout(CLEAN_MS_MAX));
  }
}

const CLEAN_MS_MAX = 10_000;

function toCount(text: string | undefined): number {
  if (text === undefined) {
    throw new RangeError("comparing bars: the engine gave no counts");
  }
  return parseInt(text, 10);
}
