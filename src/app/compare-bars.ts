import { BAR_FLAGS } from "../domain/rows.ts";
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
    // The view shows an unknown turnover as 0 with a flag: it equals nothing, and neither does an unknown pre_close.
    const stored = `SELECT toString(s.code) AS code, s.trading_day AS day, s.open AS open, s.high AS high, s.low AS low,
        s.close AS close, s.pre_close AS pre_close, s.volume AS volume,
        if(bitAnd(s.flags, ${BAR_FLAGS.noTurnover}) != 0, NULL, s.amount) AS amount
      FROM ${database}.bar AS s WHERE s.frequency = 1 AND s.code IN {codes:Array(String)}
      AND s.timestamp BETWEEN toDateTime({from:String}, 'Asia/Shanghai') AND toDateTime({to:String}, 'Asia/Shanghai')`;
    const [found] = await clickhouse.query<Readonly<Record<string, string>>>(
      `SELECT
        toString(countIf(e.code != '' AND b.code != '')) AS compared,
        toString(countIf(e.code != '' AND b.code != '' AND NOT (e.open = b.open AND e.high = b.high AND e.low = b.low
          AND e.close = b.close AND ifNull(e.pre_close = b.pre_close, 0) AND e.volume = b.volume
          AND ifNull(e.amount = b.amount, 0)))) AS different,
        toString(countIf(b.code = '')) AS missing,
        toString(countIf(e.code = '')) AS extra
       FROM ${table} AS e
       FULL OUTER JOIN (${stored}) AS b
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
      expected: count,
      compared: toCount(found?.["compared"]),
      different: toCount(found?.["different"]),
      missing: toCount(found?.["missing"]),
      extra: toCount(found?.["extra"]),
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
