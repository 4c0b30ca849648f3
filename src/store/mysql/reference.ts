import type { Log } from "../../base/log.ts";
import { DataError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { CURRENCY, isEnumNumber, MARKET, SOURCE, type SourceNumber } from "../../domain/enums.ts";
import type { CalendarDay, Instrument } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { ReferenceStore, RowOutcome } from "../../ports/store.ts";
import { createMySql, type MySqlTarget } from "./connection.ts";
import { ensureTables, STOCK_INFO, TRADE_DAY, type TableReport } from "./tables.ts";
import { upsertRows } from "./upsert.ts";

/** Instruments and calendar in the MySQL where Ginkgo reads them. */
export interface MySqlReference extends ReferenceStore, AsyncDisposable {
  /** Resolves when the server answered. */
  ask(signal: AbortSignal): Promise<void>;
  /** Makes missing tables where `mayCreate`; never runs DDL on one that exists. */
  ensureTables(mayCreate: boolean, signal: AbortSignal): Promise<readonly TableReport[]>;
  /** One transaction; outcomes in the order of the rows. A row that the server refuses is `rejected`. */
  writeInstruments(rows: readonly Instrument[], signal: AbortSignal): Promise<readonly RowOutcome[]>;
  writeCalendar(rows: readonly CalendarDay[], signal: AbortSignal): Promise<readonly RowOutcome[]>;
}

/** Stands for "still listed": the column is NOT NULL. */
const STILL_LISTED = "2099-12-31" as const;

/**
 * The tables have no column for the status, so a paused instrument reads back as listed and a gone one as delisted. Rows of other makers that no
 * market of ours has are passed over and counted in the log.
 */
export function openMySqlReference(target: MySqlTarget, log: Log): MySqlReference {
  const mysql = createMySql(target);
  return {
    ask: async (signal) => {
      await mysql.withSession("asking MySQL", signal, (session) => session.query("SELECT 1", []));
    },
    ensureTables: (mayCreate, signal) => ensureTables(mysql, mayCreate, signal),
    instruments: async (signal) => {
      const rows = await mysql.withSession("reading instruments from MySQL", signal, (session) =>
        session.query<InstrumentRow>(
          `SELECT code, code_name, industry, currency, market, list_date, delist_date, source FROM stock_info
           WHERE is_del = 0 ORDER BY code, update_at, uuid`,
          [],
        ),
      );
      return readable(rows, toInstrument, (row) => row.code, "stock_info", log);
    },
    calendar: async (market, signal) => {
      const rows = await mysql.withSession("reading the trading calendar from MySQL", signal, (session) =>
        session.query<CalendarRow>(
          "SELECT market, timestamp, is_open, source FROM trade_day WHERE is_del = 0 AND market = ? ORDER BY timestamp, update_at, uuid",
          [market],
        ),
      );
      return readable(rows, toCalendarDay, (row) => row.day, "trade_day", log);
    },
    writeInstruments: (rows, signal) => upsertRows(mysql, STOCK_INFO, rows.map(fromInstrument), signal),
    writeCalendar: (rows, signal) => upsertRows(mysql, TRADE_DAY, rows.map(fromCalendarDay), signal),
    [Symbol.asyncDispose]: () => mysql[Symbol.asyncDispose](),
  };
}

interface InstrumentRow {
  readonly code: string;
  readonly code_name: string;
  readonly industry: string | null;
  readonly currency: number;
  readonly market: number;
  readonly list_date: string | null;
  readonly delist_date: string | null;
  readonly source: number;
}

interface CalendarRow {
  readonly market: number;
  readonly timestamp: string;
  readonly is_open: number;
  readonly source: number;
}

/** Of rows of one key the one updated last; sorted as they came. */
function readable<Row, Read>(
  rows: readonly Row[],
  convert: (row: Row) => Read,
  keyOf: (read: Read) => string,
  table: string,
  log: Log,
): readonly Read[] {
  const byKey = new Map<string, Read>();
  let passedOver = 0;
  for (const row of rows) {
    try {
      const read = convert(row);
      byKey.set(keyOf(read), read);
    } catch (error) {
      if (!(error instanceof DataError)) {
        throw error;
      }
      passedOver += 1;
    }
  }
  if (passedOver > 0) {
    log.warn("rows of another maker passed over", { table, rows: passedOver });
  }
  return [...byKey.values()];
}

function toInstrument(row: InstrumentRow): Instrument {
  const delisted = row.delist_date === null ? STILL_LISTED : row.delist_date.slice(0, 10);
  const delistedOn = delisted >= STILL_LISTED ? undefined : parseDay(delisted);
  if (!isEnumNumber(MARKET, row.market) || !isEnumNumber(CURRENCY, row.currency)) {
    throw new DataError(`expected a known market and currency, got ${row.market} and ${row.currency}`);
  }
  return {
    code: parseSecurityCode(row.code),
    name: row.code_name,
    industry: row.industry ?? "",
    market: row.market,
    currency: row.currency,
    status: delistedOn === undefined ? "listed" : "delisted",
    listedOn: parseDay(row.list_date?.slice(0, 10)),
    delistedOn,
    source: sourceOf(row.source),
  };
}

function toCalendarDay(row: CalendarRow): CalendarDay {
  if (!isEnumNumber(MARKET, row.market)) {
    throw new DataError(`expected a known market, got ${row.market}`);
  }
  return {
    market: row.market,
    day: parseDay(row.timestamp.slice(0, 10)),
    isOpen: row.is_open === 1,
    source: sourceOf(row.source),
  };
}

/** Numbers that Ginkgo uses and we do not name say nothing to us. */
function sourceOf(number: number): SourceNumber {
  return isEnumNumber(SOURCE, number) ? number : SOURCE.OTHER;
}

function fromInstrument(row: Instrument): Readonly<Record<string, string | number>> {
  return {
    code: row.code,
    code_name: row.name,
    industry: row.industry,
    currency: row.currency,
    market: row.market,
    list_date: midnight(row.listedOn),
    delist_date: `${row.delistedOn ?? STILL_LISTED} 00:00:00`,
    source: row.source,
  };
}

function fromCalendarDay(row: CalendarDay): Readonly<Record<string, string | number>> {
  return { market: row.market, timestamp: midnight(row.day), is_open: row.isOpen ? 1 : 0, source: row.source };
}

function midnight(day: Day): string {
  return `${day} 00:00:00`;
}
