import { compareDecimal, parseDecimal, scaleOf, shiftDecimal, ZERO, type DecimalText } from "../../base/decimal.ts";
import { PermanentError } from "../../base/errors.ts";
import { canonicalCode } from "../../domain/code-alias.ts";
import { parseDay, SHANGHAI } from "../../domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../../domain/enums.ts";
import { isIntraday, type Frequency } from "../../domain/frequency.ts";
import { BAR_FLAGS, type Bar, type DataSet, type ListStatus, type RejectedRow, type RowOf } from "../../domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import { FACTOR, fit, PRICE, rejectRow, RowError, show, TURNOVER, VOLUME_MAX } from "../read-cells.ts";
import type { Cell, TushareTable } from "./envelope.ts";

export interface Mapped<D extends DataSet> {
  readonly rows: readonly RowOf[D][];
  readonly rejected: readonly RejectedRow[];
}

/** The columns that a call asks for and that its answer is mapped from (protocol section 4). */
export function columnsOf(dataSet: DataSet, frequency: Frequency): readonly string[] {
  return isIntraday(frequency) ? MINUTE_COLUMNS : COLUMNS[dataSet];
}

const MINUTE_COLUMNS = ["ts_code", "trade_time", "open", "high", "low", "close", "vol", "amount"] as const;

const COLUMNS = {
  bars: ["ts_code", "trade_date", "open", "high", "low", "close", "pre_close", "vol", "amount"],
  "adjustment-factors": ["ts_code", "trade_date", "adj_factor"],
  "stock-list": ["ts_code", "name", "industry", "curr_type", "list_status", "list_date", "delist_date"],
  "trading-calendar": ["exchange", "cal_date", "is_open"],
  suspensions: ["ts_code", "trade_date", "suspend_timing", "suspend_type"],
  // It sells none by this protocol: no call for them gets so far.
  ticks: [],
} as const satisfies { readonly [D in DataSet]: readonly string[] };

/**
 * Turns an answer into rows in canonical units, reading columns by the answer's own list. A row that cannot be read
 * becomes a RejectedRow and its neighbours go on. Rows that are none of the data set (a suspension for part of a day)
 * are left out. Throws PermanentError with scope "api" when the answer lacks a column we asked for.
 */
export function mapTable<D extends DataSet>(dataSet: D, frequency: Frequency, table: TushareTable): Mapped<D> {
  const columns = indexColumns(dataSet, frequency, table.fields);
  const toRow = ROW_READERS[dataSet];
  const rows: RowOf[D][] = [];
  const rejected: RejectedRow[] = [];
  for (const item of table.items) {
    const cells: Cells = (column) => item[columns.get(column) ?? -1];
    try {
      if (item.length !== table.fields.length) {
        throw new RowError("not-parseable", `expected ${table.fields.length} cells, got ${item.length}`);
      }
      const row = toRow(cells, frequency);
      if (row !== undefined) {
        rows.push(row);
      }
    } catch (error) {
      rejected.push(toRejectedRow(dataSet, table.fields, item, cells, error));
    }
  }
  return { rows, rejected };
}

type Cells = (column: string) => Cell;

/** A row as a value; undefined leaves it out; RowError and DataError reject it. */
const ROW_READERS: { readonly [D in DataSet]: (cells: Cells, frequency: Frequency) => RowOf[D] | undefined } = {
  bars: (cells, frequency) => (isIntraday(frequency) ? readMinuteBar(cells, frequency) : readDailyBar(cells)),

  "adjustment-factors": (cells) => {
    const factor = fit(readDecimal(cells, "adj_factor"), "adj_factor", FACTOR);
    if (compareDecimal(factor, ZERO) <= 0) {
      throw new RowError("out-of-range", `adj_factor: expected a factor above 0, got ${factor}`);
    }
    return {
      code: readCode(cells),
      tradingDay: parseDay(cells("trade_date"), "trade_date"),
      factor,
      source: SOURCE.TUSHARE,
    };
  },

  "stock-list": (cells) => ({
    code: readCode(cells),
    name: readText(cells, "name"),
    industry: readText(cells, "industry"),
    market: MARKET.CHINA,
    currency: readCurrency(cells),
    status: readListStatus(cells),
    listedOn: parseDay(cells("list_date"), "list_date"),
    delistedOn: isBlank(cells("delist_date")) ? undefined : parseDay(cells("delist_date"), "delist_date"),
    source: SOURCE.TUSHARE,
  }),

  /** `is_open` is documented as text and arrives as an integer; here both are text. */
  "trading-calendar": (cells) => {
    const isOpen = cells("is_open");
    if (isOpen !== "0" && isOpen !== "1") {
      throw new RowError("not-parseable", `is_open: expected 0 or 1, got ${show(isOpen)}`);
    }
    if (cells("exchange") !== "SSE" && cells("exchange") !== "SZSE") {
      throw new RowError("not-parseable", `exchange: expected SSE or SZSE, got ${show(cells("exchange"))}`);
    }
    return {
      market: MARKET.CHINA,
      day: parseDay(cells("cal_date"), "cal_date"),
      isOpen: isOpen === "1",
      source: SOURCE.TUSHARE,
    };
  },

  /** Only whole days: type S and no hours. A resumption (R) or a halt of an hour leaves the day with a bar. */
  suspensions: (cells) => {
    const type = cells("suspend_type");
    if (type !== "S" && type !== "R") {
      throw new RowError("not-parseable", `suspend_type: expected S or R, got ${show(type)}`);
    }
    if (type === "R" || !isBlank(cells("suspend_timing"))) {
      return undefined;
    }
    return {
      code: readCode(cells),
      day: parseDay(cells("trade_date"), "trade_date"),
    };
  },

  ticks: () => undefined,
};

/** `daily`, `index_daily`, `fund_daily`: prices in CNY or points, `vol` in lots of 100 shares, `amount` in thousand CNY. */
function readDailyBar(cells: Cells): Bar {
  const tradingDay = parseDay(cells("trade_date"), "trade_date");
  const turnover = readOptional(cells, "amount", (text) => toTurnover(shiftDecimal(text, 3)));
  return {
    ...readPrices(cells),
    frequency: "1d",
    tradingDay,
    time: `${tradingDay} 00:00:00`,
    preClose: readOptional(cells, "pre_close", (text) => fit(text, "pre_close", PRICE)),
    volume: toVolume(shiftDecimal(readDecimal(cells, "vol"), 2)),
    turnover,
    flags: turnover === undefined ? BAR_FLAGS.noTurnover : 0,
  };
}

const TIME = /^(\d{4}-\d{2}-\d{2}) ((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)$/;
/** The row of the opening auction; the first one of continuous trading ends a minute or more later. */
const AUCTION_TIME = "09:30:00";

/** `stk_mins`: prices in CNY, other than in `daily` `vol` in shares and `amount` in CNY. The time is the interval's end. */
function readMinuteBar(cells: Cells, frequency: Frequency): Bar {
  const cell = cells("trade_time");
  const [time, day, clock] = typeof cell === "string" ? (TIME.exec(cell) ?? []) : [];
  if (time === undefined) {
    throw new RowError("not-parseable", `trade_time: expected a time such as 2024-01-02 09:31:00, got ${show(cell)}`);
  }
  const turnover = readOptional(cells, "amount", toTurnover);
  const noTurnover = turnover === undefined ? BAR_FLAGS.noTurnover : 0;
  return {
    ...readPrices(cells),
    frequency,
    tradingDay: parseDay(day, "trade_time"),
    time,
    preClose: undefined,
    volume: toVolume(readDecimal(cells, "vol")),
    turnover,
    flags: clock === AUCTION_TIME ? noTurnover | BAR_FLAGS.auction : noTurnover,
  };
}

function readPrices(cells: Cells): Pick<Bar, "code" | "zone" | "open" | "high" | "low" | "close" | "source"> {
  return {
    code: readCode(cells),
    zone: SHANGHAI,
    open: readPrice(cells, "open"),
    high: readPrice(cells, "high"),
    low: readPrice(cells, "low"),
    close: readPrice(cells, "close"),
    source: SOURCE.TUSHARE,
  };
}

const LIST_STATUSES: ReadonlyMap<Cell, ListStatus> = new Map([
  ["L", "listed"],
  ["D", "delisted"],
  ["P", "paused"],
]);

/** Rows from before a code was given up may stand under it. */
function readCode(cells: Cells): SecurityCode {
  return canonicalCode(parseSecurityCode(cells("ts_code"), "ts_code"));
}

function readPrice(cells: Cells, column: string): DecimalText {
  return fit(readDecimal(cells, column), column, PRICE);
}

/** Whole shares. */
function toVolume(shares: DecimalText): DecimalText {
  if (scaleOf(shares) > 0) {
    throw new RowError("volume-not-whole", `vol: ${shares} shares`);
  }
  if (compareDecimal(shares, ZERO) < 0 || compareDecimal(shares, VOLUME_MAX) > 0) {
    throw new RowError("out-of-range", `vol: ${shares} shares is no volume`);
  }
  return shares;
}

/** CNY. */
function toTurnover(yuan: DecimalText): DecimalText {
  const turnover = fit(yuan, "amount", TURNOVER);
  if (compareDecimal(turnover, ZERO) < 0) {
    throw new RowError("out-of-range", `amount: ${turnover} is no turnover`);
  }
  return turnover;
}

function readDecimal(cells: Cells, column: string): DecimalText {
  return parseDecimal(cells(column), column);
}

function readOptional(
  cells: Cells,
  column: string,
  convert: (text: DecimalText) => DecimalText,
): DecimalText | undefined {
  return isBlank(cells(column)) ? undefined : convert(readDecimal(cells, column));
}

function readText(cells: Cells, column: string): string {
  const cell = cells(column);
  if (isBlank(cell)) {
    return "";
  }
  if (typeof cell !== "string") {
    throw new RowError("not-parseable", `${column}: expected a text, got ${show(cell)}`);
  }
  return cell;
}

/** The stock list has A-shares in CNY; a server that leaves the column blank means the same. */
function readCurrency(cells: Cells): typeof CURRENCY.CNY {
  const cell = cells("curr_type");
  if (isBlank(cell) || cell === "CNY") {
    return CURRENCY.CNY;
  }
  throw new RowError("not-parseable", `curr_type: expected CNY, got ${show(cell)}`);
}

function readListStatus(cells: Cells): ListStatus {
  const status = LIST_STATUSES.get(cells("list_status"));
  if (status === undefined) {
    throw new RowError("not-parseable", `list_status: expected L, D or P, got ${show(cells("list_status"))}`);
  }
  return status;
}

function isBlank(cell: Cell): boolean {
  return cell === null || cell === undefined || cell === "";
}

function indexColumns(dataSet: DataSet, frequency: Frequency, fields: readonly string[]): ReadonlyMap<string, number> {
  const columns = new Map(fields.map((field, index) => [field, index]));
  const missing = columnsOf(dataSet, frequency).filter((column) => !columns.has(column));
  if (missing.length > 0) {
    throw new PermanentError(`reading ${dataSet} of tushare: the answer lacks ${missing.join(", ")}`, "api");
  }
  return columns;
}

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Columns whose cells look like numbers and are text on the wire. */
const TEXT_COLUMNS: ReadonlySet<string> = new Set(["trade_date", "trade_time", "cal_date", "list_date", "delist_date"]);

function toRejectedRow(
  dataSet: DataSet,
  fields: readonly string[],
  item: readonly Cell[],
  cells: Cells,
  error: unknown,
): RejectedRow {
  const code = cells("ts_code") ?? cells("exchange");
  return rejectRow(error, {
    dataSet,
    code: typeof code === "string" ? code.slice(0, 20) : "",
    date: cells("trade_date") ?? dayOfTime(cells("trade_time")) ?? cells("cal_date") ?? cells("list_date"),
    raw: `[${item.map((cell, index) => toRawCell(fields[index], cell)).join(",")}]`,
  });
}

function dayOfTime(cell: Cell): Cell {
  return typeof cell === "string" ? cell.slice(0, 10) : cell;
}

/** A number arrives here as its source text and is written without quotes again. */
function toRawCell(field: string | undefined, cell: Cell): string {
  const isNumber = typeof cell === "string" && JSON_NUMBER.test(cell) && !TEXT_COLUMNS.has(field ?? "");
  return isNumber ? cell : (JSON.stringify(cell) ?? "null");
}
