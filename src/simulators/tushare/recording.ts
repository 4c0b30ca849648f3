import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { APIS, columnAt, type Api, type DatedApiName } from "./apis.ts";
import { readCsv, type CsvRecord } from "./read-csv.ts";
import type { SimulatedData, SimulatedRow } from "./simulated-data.ts";

/** Rows by API, with Tushare's column names. What is absent has no rows; a cell that is absent is served as null. */
export interface RecordedRows {
  readonly daily?: readonly CsvRecord[];
  readonly index_daily?: readonly CsvRecord[];
  readonly fund_daily?: readonly CsvRecord[];
  /** Of one minute; longer bars are served by a generated market only. */
  readonly stk_mins?: readonly CsvRecord[];
  readonly adj_factor?: readonly CsvRecord[];
  readonly stock_basic?: readonly CsvRecord[];
  readonly suspend_d?: readonly CsvRecord[];
  readonly stk_limit?: readonly CsvRecord[];
  readonly dividend?: readonly CsvRecord[];
}

/**
 * Serves given rows digit by digit as they are. Of two rows of one code and day both are served. Codes that have bars and
 * are not in the stock list are listed from their first bar on.
 */
export function recordingFromRows(recorded: RecordedRows): SimulatedData {
  const dated = Object.fromEntries(
    DATED.map((name) => [name, indexRows(APIS[name], recorded[name] ?? [], "trade_date")] as const),
  );
  const dividends = indexRows(APIS.dividend, recorded.dividend ?? [], "ex_date");
  const minutes = indexRows(APIS.stk_mins, recorded.stk_mins ?? [], "trade_time");
  const tables = Object.values(dated);
  const codes = uniqueSorted([...tables, minutes].flatMap(({ byCode }) => [...byCode.keys()]));
  const minuteDays = [...minutes.byDay.keys()].map((time) => toCompactDay(time));
  return {
    codes,
    days: uniqueSorted([...tables.flatMap(({ byDay }) => [...byDay.keys()]), ...minuteDays]),
    rowsOf: (api, code) => dated[api]?.byCode.get(code) ?? [],
    *rowsOn(api, day, wanted) {
      const codeAt = columnAt(APIS[api], "ts_code");
      for (const row of dated[api]?.byDay.get(day) ?? []) {
        if (wanted?.has(row[codeAt] ?? "") ?? true) {
          yield row;
        }
      }
    },
    minutesOf: (code, length, day) =>
      length === 1 ? (minutes.byCode.get(code) ?? []).filter((row) => toCompactDay(row[1] ?? "") === day) : [],
    instruments: () => instrumentRows(recorded),
    dividends: (code) => dividends.byCode.get(code) ?? [],
  };
}

/** Reads a folder: `daily/*.csv`, `adj_factor/*.csv`, `stock_basic.csv`, and `suspend_d.csv`, `stk_limit.csv`, `dividend.csv` where they are. */
export async function readRecording(folder: string): Promise<SimulatedData> {
  if (!existsSync(join(folder, "daily"))) {
    throw new RangeError(`reading a recording: ${folder} has no folder daily`);
  }
  const [daily, factors, instruments, suspensions, limits, dividends] = await Promise.all([
    readFolder(join(folder, "daily")),
    readFolder(join(folder, "adj_factor")),
    readTable(join(folder, "stock_basic.csv")),
    readTable(join(folder, "suspend_d.csv")),
    readTable(join(folder, "stk_limit.csv")),
    readTable(join(folder, "dividend.csv")),
  ]);
  return recordingFromRows({
    daily,
    adj_factor: factors,
    stock_basic: instruments,
    suspend_d: suspensions,
    stk_limit: limits,
    dividend: dividends,
  });
}

const DATED = [
  "daily",
  "index_daily",
  "fund_daily",
  "adj_factor",
  "suspend_d",
  "stk_limit",
] as const satisfies readonly DatedApiName[];

interface IndexedRows {
  readonly byCode: ReadonlyMap<string, readonly SimulatedRow[]>;
  readonly byDay: ReadonlyMap<string, readonly SimulatedRow[]>;
}

function indexRows(api: Api, records: readonly CsvRecord[], dayColumn: string): IndexedRows {
  const codeAt = columnAt(api, "ts_code");
  const dayAt = columnAt(api, dayColumn);
  const rows = records
    .map((record) => toRow(api, record))
    .toSorted((left, right) => compare(right[dayAt], left[dayAt]) || compare(left[codeAt], right[codeAt]));
  return {
    byCode: Map.groupBy(rows, (row) => row[codeAt] ?? ""),
    byDay: Map.groupBy(rows, (row) => row[dayAt] ?? ""),
  };
}

/** `20230825` of `2023-08-25 09:31:00`. */
function toCompactDay(time: string): string {
  return time.slice(0, 10).replaceAll("-", "");
}

function toRow(api: Api, record: CsvRecord): SimulatedRow {
  for (const name of Object.keys(record)) {
    columnAt(api, name);
  }
  return api.columns.map(({ name }) => record[name]);
}

function instrumentRows(recorded: RecordedRows): readonly SimulatedRow[] {
  const known = recorded.stock_basic ?? [];
  const listed = new Set(known.map((record) => record["ts_code"]));
  const firstDays = new Map<string, string>();
  for (const { ts_code: code = "", trade_date: day = "" } of recorded.daily ?? []) {
    if (!listed.has(code) && day < (firstDays.get(code) ?? "9")) {
      firstDays.set(code, day);
    }
  }
  const unlisted = [...firstDays].map(([code, day]) => ({
    ts_code: code,
    symbol: code.slice(0, 6),
    name: code,
    list_date: day,
    list_status: "L",
    curr_type: "CNY",
  }));
  return [...known, ...unlisted]
    .map((record) => toRow(APIS.stock_basic, { list_status: "L", ...record }))
    .toSorted((left, right) => compare(left[0], right[0]));
}

async function readFolder(folder: string): Promise<readonly CsvRecord[]> {
  if (!existsSync(folder)) {
    return [];
  }
  const names = (await readdir(folder)).filter((name) => name.endsWith(".csv")).toSorted(compare);
  const tables = await Promise.all(names.map((name) => readTable(join(folder, name))));
  return tables.flat();
}

async function readTable(path: string): Promise<readonly CsvRecord[]> {
  return existsSync(path) ? readCsv(await readFile(path, "utf8")) : [];
}

function uniqueSorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].toSorted(compare);
}

function compare(left: string | undefined = "", right: string | undefined = ""): number {
  if (left === right) {
    return 0;
  }
  return left < right ? -1 : 1;
}
