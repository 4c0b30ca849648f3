import { compareDecimal, parseDecimal, scaleOf, ZERO, type DecimalText } from "../../base/decimal.ts";
import { DataError, PermanentError } from "../../base/errors.ts";
import { parseDay, SHANGHAI, type Day } from "../../domain/day.ts";
import { CURRENCY, MARKET, SOURCE, type CurrencyNumber } from "../../domain/enums.ts";
import type { Frequency } from "../../domain/frequency.ts";
import {
  type Bar,
  type DataSet,
  type ListStatus,
  type RejectedRow,
  type RowOf,
  type Suspension,
} from "../../domain/rows.ts";
import { isSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import { FACTOR, fit, PRICE, rejectRow, RowError, show, TURNOVER, VOLUME_MAX } from "../read-cells.ts";
import type { BaostockTable, Cell } from "./table.ts";

export interface Mapped<D extends DataSet> {
  readonly rows: readonly RowOf[D][];
  readonly rejected: readonly RejectedRow[];
  /** Days of daily bars on which the answer says that there was no trading. */
  readonly suspensions: readonly Suspension[];
}

/**
 * Turns an answer into rows in canonical units, reading columns by the answer's own list. A row that cannot be read
 * becomes a RejectedRow and its neighbours go on; a day without trading is no bar. Throws PermanentError with scope
 * "api" when the answer lacks a column.
 */
export function mapTable<D extends DataSet>(dataSet: D, frequency: Frequency, table: BaostockTable): Mapped<D> {
  const columns = indexColumns(dataSet, frequency, table);
  const toRow = ROW_READERS[dataSet];
  const rows: RowOf[D][] = [];
  const rejected: RejectedRow[] = [];
  const suspensions: Suspension[] = [];
  const context: Context = { frequency, suspend: (suspension) => suspensions.push(suspension) };
  for (const item of table.items) {
    const cells: Cells = (column) => item[columns.get(column) ?? -1];
    try {
      if (item.length !== table.fields.length) {
        throw new RowError("not-parseable", `expected ${table.fields.length} cells, got ${item.length}`);
      }
      const row = toRow(cells, context);
      if (row !== undefined) {
        rows.push(row);
      }
    } catch (error) {
      rejected.push(toRejectedRow(dataSet, item, cells, error));
    }
  }
  return { rows, rejected, suspensions };
}

/** `sh.600000`, as the provider writes 600000.SH. */
export function toWireCode(code: SecurityCode): string {
  const [digits = "", exchange = ""] = code.split(".");
  return `${exchange.toLowerCase()}.${digits}`;
}

/** DataError on a text that is no code of the provider. */
export function parseWireCode(cell: Cell, path = "code"): SecurityCode {
  const match = typeof cell === "string" ? /^([a-z]{2})\.(\d{6})$/.exec(cell) : null;
  const code = `${match?.[2]}.${match?.[1]?.toUpperCase()}`;
  if (!isSecurityCode(code)) {
    throw new DataError(`expected a code such as sh.600000, got ${show(cell)}`, path);
  }
  return code;
}

type Cells = (column: string) => Cell;

interface Context {
  readonly frequency: Frequency;
  readonly suspend: (suspension: Suspension) => void;
}

/** A row as a value; undefined leaves it out; RowError and DataError reject it. */
const ROW_READERS: { readonly [D in DataSet]: (cells: Cells, context: Context) => RowOf[D] | undefined } = {
  bars: (cells, { frequency, suspend }) => {
    const code = parseWireCode(cells("code"));
    const tradingDay = readDay(cells, "date");
    if (readIsSuspended(cells)) {
      suspend({ code, day: tradingDay });
      return undefined;
    }
    return readBar(cells, { code, tradingDay, frequency });
  },

  /** A row stands on an ex-day. The forward factors of old rows change with every event; the backward one does not. */
  "adjustment-factors": (cells) => {
    const factor = fit(readDecimal(cells, "backAdjustFactor"), "backAdjustFactor", FACTOR);
    if (compareDecimal(factor, ZERO) <= 0) {
      throw new RowError("out-of-range", `backAdjustFactor: expected a factor above 0, got ${factor}`);
    }
    return {
      code: parseWireCode(cells("code")),
      tradingDay: readDay(cells, "dividOperateDate"),
      factor,
      source: SOURCE.BAOSTOCK,
    };
  },

  "stock-list": (cells) => {
    const code = parseWireCode(cells("code"));
    return {
      code,
      name: readText(cells, "code_name"),
      industry: "",
      market: MARKET.CHINA,
      currency: currencyOf(code),
      status: readListStatus(cells),
      listedOn: readDay(cells, "ipoDate"),
      delistedOn: cells("outDate") === "" ? undefined : readDay(cells, "outDate"),
      source: SOURCE.BAOSTOCK,
    };
  },

  "trading-calendar": (cells) => ({
    market: MARKET.CHINA,
    day: readDay(cells, "calendar_date"),
    isOpen: readSwitch(cells, "is_trading_day"),
    source: SOURCE.BAOSTOCK,
  }),

  // It answers none of these by themselves.
  ticks: () => undefined,
  suspensions: () => undefined,
};

function readBar(cells: Cells, { code, tradingDay, frequency }: Pick<Bar, "code" | "tradingDay" | "frequency">): Bar {
  requireRaw(cells);
  return {
    code,
    frequency,
    tradingDay,
    time: frequency === "1d" ? `${tradingDay} 00:00:00` : readTime(cells, tradingDay),
    zone: SHANGHAI,
    open: readPrice(cells, "open"),
    high: readPrice(cells, "high"),
    low: readPrice(cells, "low"),
    close: readPrice(cells, "close"),
    preClose: isBlank(cells("preclose")) ? undefined : readPrice(cells, "preclose"),
    volume: readVolume(cells),
    turnover: readTurnover(cells),
    source: SOURCE.BAOSTOCK,
    flags: 0,
  };
}

/** Each data set's columns that a row cannot do without; `adjustflag`, `tradestatus` and `preclose` not all kinds have. */
const COLUMNS: { readonly [D in DataSet]: readonly string[] } = {
  bars: ["date", "code", "open", "high", "low", "close", "volume", "amount"],
  ticks: [],
  "adjustment-factors": ["code", "dividOperateDate", "backAdjustFactor"],
  "stock-list": ["code", "code_name", "ipoDate", "outDate", "status"],
  "trading-calendar": ["calendar_date", "is_trading_day"],
  suspensions: [],
};

/** An index has no such column and never stands still. */
function readIsSuspended(cells: Cells): boolean {
  return cells("tradestatus") !== undefined && !readSwitch(cells, "tradestatus");
}

/** An adjusted price must never pass for a raw one. */
function requireRaw(cells: Cells): void {
  const flag = cells("adjustflag");
  if (!isBlank(flag) && flag !== "3") {
    throw new RowError("not-parseable", `adjustflag: expected 3, which is raw, got ${show(flag)}`);
  }
}

const TIME = /^(\d{4})(\d{2})(\d{2})([01]\d|2[0-3])([0-5]\d)([0-5]\d)\d{3}$/;

/** `20240102093500000` is the end of the interval, as the wall clock of Shanghai. */
function readTime(cells: Cells, tradingDay: Day): string {
  const cell = cells("time");
  const match = typeof cell === "string" ? TIME.exec(cell) : null;
  if (match === null) {
    throw new RowError("not-parseable", `time: expected 17 digits such as 20240102093500000, got ${show(cell)}`);
  }
  const [, year, month, day, hour, minute, second] = match;
  if (`${year}-${month}-${day}` !== tradingDay) {
    throw new RowError("not-parseable", `time: ${show(cell)} is not on ${tradingDay}`);
  }
  return `${tradingDay} ${hour}:${minute}:${second}`;
}

function readPrice(cells: Cells, column: string): DecimalText {
  return fit(readDecimal(cells, column), column, PRICE);
}

function readVolume(cells: Cells): DecimalText {
  const shares = readDecimal(cells, "volume");
  if (scaleOf(shares) > 0) {
    throw new RowError("volume-not-whole", `volume: ${shares} shares`);
  }
  if (compareDecimal(shares, ZERO) < 0 || compareDecimal(shares, VOLUME_MAX) > 0) {
    throw new RowError("out-of-range", `volume: ${shares} shares is no volume`);
  }
  return shares;
}

function readTurnover(cells: Cells): DecimalText {
  const turnover = fit(readDecimal(cells, "amount"), "amount", TURNOVER);
  if (compareDecimal(turnover, ZERO) < 0) {
    throw new RowError("out-of-range", `amount: ${turnover} is no turnover`);
  }
  return turnover;
}

function readDecimal(cells: Cells, column: string): DecimalText {
  return parseDecimal(cells(column), column);
}

function readDay(cells: Cells, column: string): Day {
  return parseDay(cells(column), column);
}

function readText(cells: Cells, column: string): string {
  const cell = cells(column);
  if (typeof cell !== "string") {
    throw new RowError("not-parseable", `${column}: expected a text, got ${show(cell)}`);
  }
  return cell;
}

function readSwitch(cells: Cells, column: string): boolean {
  const cell = cells(column);
  if (cell !== "0" && cell !== "1") {
    throw new RowError("not-parseable", `${column}: expected 0 or 1, got ${show(cell)}`);
  }
  return cell === "1";
}

function readListStatus(cells: Cells): ListStatus {
  return readSwitch(cells, "status") ? "listed" : "delisted";
}

/** The B-shares of Shanghai are quoted in USD, those of Shenzhen in HKD, which has no number. */
function currencyOf(code: SecurityCode): CurrencyNumber {
  if (/^900\d{3}\.SH$/.test(code)) {
    return CURRENCY.USD;
  }
  return /^20\d{4}\.SZ$/.test(code) ? CURRENCY.OTHER : CURRENCY.CNY;
}

function isBlank(cell: Cell): boolean {
  return cell === undefined || cell === "";
}

function indexColumns(dataSet: DataSet, frequency: Frequency, { fields }: BaostockTable): ReadonlyMap<string, number> {
  const columns = new Map(fields.map((field, index) => [field, index]));
  const isIntraday = dataSet === "bars" && frequency !== "1d";
  const missing = [...COLUMNS[dataSet], ...(isIntraday ? ["time"] : [])].filter((column) => !columns.has(column));
  if (missing.length > 0) {
    throw new PermanentError(`reading ${dataSet} of baostock: the answer lacks ${missing.join(", ")}`, "api");
  }
  return columns;
}

function toRejectedRow(dataSet: DataSet, item: readonly Cell[], cells: Cells, error: unknown): RejectedRow {
  return rejectRow(error, {
    dataSet,
    code: toCodeText(cells("code")),
    date: cells("date") ?? cells("calendar_date") ?? cells("dividOperateDate") ?? cells("ipoDate"),
    raw: JSON.stringify(item),
  });
}

function toCodeText(cell: Cell): string {
  try {
    return parseWireCode(cell);
  } catch {
    return typeof cell === "string" ? cell.slice(0, 20) : "";
  }
}
