import type { Market } from "../../src/market/generate-market.ts";
import { truthRows } from "../../src/market/truth-rows.ts";
import type { WorkerRig } from "./worker-rig.ts";

export interface Comparison {
  /** Rows that are in both with another value in any column. */
  readonly different: number;
  /** Rows of the truth that `bar` does not have. */
  readonly missing: number;
  /** Rows of `bar` that the truth does not have, repeats included. */
  readonly extra: number;
}

const COLUMNS = ["code", "day", "open", "high", "low", "close", "pre_close", "volume", "amount"] as const;

/** Holds `bar` against the generator's own truth, cell by cell, in the engine. */
export async function compareWithTruth(
  rig: Pick<WorkerRig, "config" | "clickhouse" | "select">,
  market: Market,
  codes?: readonly string[],
): Promise<Comparison> {
  const never = new AbortController().signal;
  const table = `${rig.config.clickhouse.database}.truth`;
  await rig.clickhouse.command(`DROP TABLE IF EXISTS ${table}`, {}, never);
  await rig.clickhouse.command(
    `CREATE TABLE ${table} (code String, day Date, open Decimal(18,4), high Decimal(18,4), low Decimal(18,4), close Decimal(18,4),
     pre_close Decimal(18,4), volume Int64, amount Decimal(20,4)) ENGINE = MergeTree ORDER BY (code, day)`,
    {},
    never,
  );
  let body = "";
  let rows = 0;
  for (const row of truthRows(market, codes)) {
    body += `${COLUMNS.map((column) => row[column]).join("\t")}\n`;
    rows += 1;
  }
  await rig.clickhouse.insertEncoded("truth", COLUMNS, { format: "TabSeparated", body, rows }, never);
  const [found] = await rig.select<Record<keyof Comparison, string>>(
    `SELECT
      toString(countIf(t.code != '' AND b.code != '' AND NOT (t.open = b.open AND t.high = b.high AND t.low = b.low
        AND t.close = b.close AND t.pre_close = b.pre_close AND t.volume = b.volume AND t.amount = b.amount))) AS different,
      toString(countIf(b.code = '')) AS missing,
      toString(countIf(t.code = '')) AS extra
     FROM @truth AS t
     FULL OUTER JOIN (SELECT toString(code) AS code, trading_day AS day, open, high, low, close,
       assumeNotNull(pre_close) AS pre_close, volume, amount FROM @bar WHERE frequency = 1) AS b
     ON t.code = b.code AND t.day = b.day`,
  );
  const count = (text: string | undefined): number => Number.parseInt(text ?? "-1", 10);
  return { different: count(found?.different), missing: count(found?.missing), extra: count(found?.extra) };
}
