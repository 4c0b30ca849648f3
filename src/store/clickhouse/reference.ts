import { parseDay } from "../../domain/day.ts";
import { CURRENCY, isEnumNumber, MARKET, SOURCE, type NumberIn } from "../../domain/enums.ts";
import type { CalendarDay, Instrument, ListStatus } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { ReferenceStore } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier } from "./quote.ts";
import { rankSource, type SourceRanks } from "./rank-source.ts";
import { STOCK_INFO_ROW, TRADE_DAY_ROW } from "./tables.ts";

/** Instruments and calendar from our tables; of several sources of one the best of the chain. */
export function openClickHouseReference(clickhouse: ClickHouse, ranks: SourceRanks): ReferenceStore {
  const table = (name: string): string => `${quoteIdentifier(clickhouse.database)}.${name}`;
  return {
    instruments: async (signal) => {
      const rows = await clickhouse.query<InstrumentRow>(
        `SELECT code, code_name, industry, market, currency, status, toString(list_date) AS listed,
  toString(delist_date) AS delisted, source
FROM ${table(STOCK_INFO_ROW.name)} FINAL ORDER BY code, ${rankSource(ranks, "stock-list", { prefix: "", code: "code" })}, source LIMIT 1 BY code`,
        {},
        signal,
      );
      return rows.map(toInstrument);
    },
    calendar: async (market, signal) => {
      const rows = await clickhouse.query<CalendarRow>(
        `SELECT market, toString(trading_day) AS day, is_open, source
FROM ${table(TRADE_DAY_ROW.name)} FINAL WHERE market = {market:Int8}
ORDER BY trading_day, ${rankSource(ranks, "trading-calendar", { prefix: "", market: "market" })}, source LIMIT 1 BY trading_day`,
        { market },
        signal,
      );
      return rows.map(toCalendarDay);
    },
  };
}

interface InstrumentRow {
  readonly code: string;
  readonly code_name: string;
  readonly industry: string;
  readonly market: number;
  readonly currency: number;
  readonly status: string;
  readonly listed: string;
  readonly delisted: string | null;
  readonly source: number;
}

interface CalendarRow {
  readonly market: number;
  readonly day: string;
  readonly is_open: boolean;
  readonly source: number;
}

function toInstrument(row: InstrumentRow): Instrument {
  return {
    code: parseSecurityCode(row.code),
    name: row.code_name,
    industry: row.industry,
    market: checked(MARKET, row.market, "market"),
    currency: checked(CURRENCY, row.currency, "currency"),
    status: parseStatus(row.status),
    listedOn: parseDay(row.listed),
    delistedOn: row.delisted === null ? undefined : parseDay(row.delisted),
    source: checked(SOURCE, row.source, "source"),
  };
}

function toCalendarDay(row: CalendarRow): CalendarDay {
  return {
    market: checked(MARKET, row.market, "market"),
    day: parseDay(row.day),
    isOpen: row.is_open,
    source: checked(SOURCE, row.source, "source"),
  };
}

function checked<Table extends Readonly<Record<string, number>>>(
  table: Table,
  value: number,
  what: string,
): NumberIn<Table> {
  if (!isEnumNumber(table, value)) {
    throw new TypeError(`reading reference tables: unknown ${what} ${value}`);
  }
  return value;
}

function parseStatus(text: string): ListStatus {
  if (text !== "listed" && text !== "delisted" && text !== "paused" && text !== "gone") {
    throw new TypeError(`reading reference tables: unknown status ${text}`);
  }
  return text;
}
