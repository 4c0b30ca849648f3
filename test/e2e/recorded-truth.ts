import { readFile } from "node:fs/promises";

import type { WorkerRig } from "./worker-rig.ts";

/**
 * Puts a recorded file beside our tables as it stands, every cell as text, so that the engine itself turns lots into
 * shares and thousand yuan into yuan, by decimal arithmetic that shares nothing with the code under test.
 */
export async function loadRecordedBars(rig: WorkerRig, path: string): Promise<number> {
  return await loadCsv(rig, "recorded_bars", path);
}

export async function loadRecordedFactors(rig: WorkerRig, path: string): Promise<number> {
  return await loadCsv(rig, "recorded_factors", path);
}

/** How many recorded rows `bar` has with equal values in every column, in canonical units. */
export const EQUAL_BARS = `
SELECT toString(count()) AS equal, toString(countIf(bitAnd(flags, 1) = 1)) AS outOfOrder
FROM @recorded_bars AS r INNER JOIN @bar AS b
  ON b.code = r.ts_code AND b.trading_day = toDate(parseDateTimeBestEffort(r.trade_date))
WHERE b.frequency = 1 AND b.source = 7
  AND b.open = toDecimal64(r.open, 4) AND b.high = toDecimal64(r.high, 4) AND b.low = toDecimal64(r.low, 4)
  AND b.close = toDecimal64(r.close, 4) AND b.pre_close = toDecimal64(r.pre_close, 4)
  AND b.volume = toDecimal128(r.vol, 4) * 100 AND b.amount = toDecimal128(r.amount, 6) * 1000
  AND toString(b.timestamp) = concat(toString(b.trading_day), ' 00:00:00')
  AND toString(b.zone) = 'Asia/Shanghai'`;

export const EQUAL_FACTORS = `
SELECT toString(count()) AS equal
FROM @recorded_factors AS r INNER JOIN @adjustfactor AS f
  ON f.code = r.ts_code AND toDate(f.timestamp) = toDate(parseDateTimeBestEffort(r.trade_date))
WHERE f.adjustfactor = toDecimal64(r.adj_factor, 6)`;

async function loadCsv(rig: WorkerRig, table: string, path: string): Promise<number> {
  const never = new AbortController().signal;
  const text = await readFile(path, "utf8");
  const lines = text.trim().split(/\r?\n/);
  const columns = (lines[0] ?? "").split(",");
  const name = `${rig.config.clickhouse.database}.${table}`;
  await rig.clickhouse.command(`CREATE DATABASE IF NOT EXISTS ${rig.config.clickhouse.database}`, {}, never);
  await rig.clickhouse.command(
    `CREATE TABLE ${name} (${columns.map((column) => `${column} String`).join(", ")}) ENGINE = MergeTree ORDER BY tuple()`,
    {},
    never,
  );
  const rows = lines.slice(1);
  await rig.clickhouse.insertEncoded(
    table,
    columns,
    { format: "TabSeparated", body: rows.map((line) => `${line.replaceAll(",", "\t")}\n`).join(""), rows: rows.length },
    never,
  );
  return rows.length;
}
