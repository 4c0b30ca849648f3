/**
 * The tables of ours as data: what the writer encodes for, what `schema ensure` compares the server with, and what the
 * documents list. The DDL itself is in `migrations/*.sql`; a test holds the two together.
 */

export interface Column {
  readonly name: string;
  /** As `system.columns` spells it. */
  readonly type: string;
  /** Compression, as inside `CODEC(…)`; absent where the server's default serves. */
  readonly codec?: string;
  /** The server computes it; it is never inserted. */
  readonly materialized?: string;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** ORDER BY; rows equal in it are one row, of which the greatest `versionColumn` wins. */
  readonly key: readonly string[];
  /** PARTITION BY, or the empty string; always a function of the key, so that versions of a row share a partition. */
  readonly partition: string;
  readonly versionColumn: string;
  /** TTL, or the empty string. */
  readonly ttl: string;
  /** The view that Ginkgo reads; undefined for our own bookkeeping. */
  readonly view: string | undefined;
}

/** A server keeps the hashes of this many inserted blocks per table, so that an insert repeated at once is seen. */
export const DEDUPLICATION_WINDOW = 1000;

/** Rows with a version below this were copied from an older table; whatever was fetched beats them. */
export const FETCHED_VERSION_MIN = 2n;

/** Names in the order of insertion; computed columns are left out. */
export function insertColumns(table: Table): readonly string[] {
  return table.columns.filter((column) => column.materialized === undefined).map((column) => column.name);
}

const ZSTD = "ZSTD(1)";
/** Values that rise by nearly equal steps. */
const STEPS = "DoubleDelta, ZSTD(1)";
/** Values that stay close to each other; T64 takes integers and decimals of up to 64 bits. */
const NARROW = "T64, ZSTD(1)";

const CODE: Column = { name: "code", type: "LowCardinality(String)" };
const SOURCE: Column = { name: "source", type: "Int8", codec: ZSTD };
const TRADING_DAY: Column = { name: "trading_day", type: "Date", codec: STEPS };
/** An instant; its zone is that of the first market and is stated, so that no server setting moves a bar. */
const TIMESTAMP: Column = { name: "timestamp", type: "DateTime('Asia/Shanghai')", codec: STEPS };

const PROVENANCE: readonly Column[] = [
  { name: "version", type: "UInt64", codec: STEPS },
  { name: "ingested_at", type: "DateTime64(3, 'UTC')", codec: STEPS },
  { name: "request_id", type: "String", codec: ZSTD },
  { name: "call_id", type: "String", codec: ZSTD },
];

const PRICE = "Decimal(18, 4)";

export const BAR_ROW: Table = {
  name: "bar_row",
  columns: [
    CODE,
    { name: "frequency", type: "Int8", codec: ZSTD },
    TIMESTAMP,
    TRADING_DAY,
    { name: "zone", type: "LowCardinality(String)" },
    { name: "open", type: PRICE, codec: NARROW },
    { name: "high", type: PRICE, codec: NARROW },
    { name: "low", type: PRICE, codec: NARROW },
    { name: "close", type: PRICE, codec: NARROW },
    { name: "pre_close", type: `Nullable(${PRICE})`, codec: NARROW },
    { name: "volume", type: "Int64", codec: NARROW },
    // 128 bits wide: no codec but a general one takes it.
    { name: "amount", type: "Nullable(Decimal(20, 4))", codec: ZSTD },
    SOURCE,
    { name: "flags", type: "UInt32", codec: NARROW },
    ...PROVENANCE,
  ],
  key: ["code", "frequency", "timestamp", "source"],
  // Daily and longer (1, 9 to 12) by year, intraday by month; the column's own zone decides where a year begins.
  partition: "if(frequency IN (1, 9, 10, 11, 12), toYear(timestamp), toYYYYMM(timestamp))",
  versionColumn: "version",
  ttl: "",
  view: "bar",
};

export const ADJUSTFACTOR_ROW: Table = {
  name: "adjustfactor_row",
  columns: [
    CODE,
    TIMESTAMP,
    TRADING_DAY,
    { name: "factor", type: "Decimal(18, 8)", codec: NARROW },
    SOURCE,
    ...PROVENANCE,
  ],
  key: ["code", "timestamp", "source"],
  partition: "toYear(timestamp)",
  versionColumn: "version",
  ttl: "",
  view: "adjustfactor",
};

export const STOCK_INFO_ROW: Table = {
  name: "stock_info_row",
  columns: [
    { name: "code", type: "String" },
    { name: "code_name", type: "String" },
    { name: "industry", type: "String" },
    { name: "currency", type: "Int8" },
    { name: "market", type: "Int8" },
    { name: "status", type: "LowCardinality(String)" },
    { name: "list_date", type: "Date" },
    { name: "delist_date", type: "Nullable(Date)" },
    SOURCE,
    ...PROVENANCE,
  ],
  key: ["code", "source"],
  partition: "",
  versionColumn: "version",
  ttl: "",
  view: "stock_info",
};

export const TRADE_DAY_ROW: Table = {
  name: "trade_day_row",
  columns: [
    { name: "market", type: "Int8", codec: ZSTD },
    TRADING_DAY,
    TIMESTAMP,
    { name: "is_open", type: "Bool" },
    SOURCE,
    ...PROVENANCE,
  ],
  key: ["market", "trading_day", "source"],
  partition: "",
  versionColumn: "version",
  ttl: "",
  view: "trade_day",
};

export const TICK_ROW: Table = {
  name: "tick_row",
  columns: [
    CODE,
    { name: "timestamp", type: "DateTime64(3, 'Asia/Shanghai')", codec: STEPS },
    TRADING_DAY,
    { name: "zone", type: "LowCardinality(String)" },
    // The place inside its timestamp: several trades share a minute or a second, and their order is data.
    { name: "sequence", type: "UInt32", codec: STEPS },
    { name: "price", type: PRICE, codec: NARROW },
    { name: "volume", type: "Int64", codec: NARROW },
    { name: "trades", type: "Nullable(UInt32)", codec: NARROW },
    { name: "direction", type: "Int8", codec: ZSTD },
    SOURCE,
    { name: "flags", type: "UInt32", codec: NARROW },
    ...PROVENANCE,
  ],
  key: ["code", "timestamp", "sequence", "source"],
  partition: "toYYYYMM(timestamp)",
  versionColumn: "version",
  ttl: "",
  view: "tick",
};

/**
 * How many ticks of a code, day and source stand. The writer counts anew whenever it wrote any of them, so that choosing
 * one source a day, and asking which days there are, read some thousand rows rather than some million ticks.
 */
export const TICK_DAY_ROW: Table = {
  name: "tick_day_row",
  columns: [
    CODE,
    TRADING_DAY,
    SOURCE,
    { name: "ticks", type: "UInt32", codec: NARROW },
    { name: "version", type: "UInt64", codec: STEPS },
  ],
  key: ["code", "trading_day", "source"],
  partition: "",
  versionColumn: "version",
  ttl: "",
  view: undefined,
};

export const QUARANTINE_ROW: Table = {
  name: "quarantine_row",
  columns: [
    { name: "at", type: "DateTime64(3, 'UTC')" },
    { name: "data_set", type: "LowCardinality(String)" },
    { name: "code", type: "String" },
    { name: "day", type: "Nullable(Date)" },
    { name: "reason", type: "LowCardinality(String)" },
    { name: "detail", type: "String", codec: ZSTD },
    { name: "raw", type: "String", codec: ZSTD },
    { name: "version", type: "UInt64" },
    { name: "request_id", type: "String" },
    { name: "call_id", type: "String" },
    // The same bad row fetched again is the same row here, whichever call brought it.
    { name: "row_hash", type: "UInt64", materialized: "sipHash64(data_set, code, reason, raw)" },
  ],
  key: ["data_set", "code", "row_hash"],
  partition: "",
  versionColumn: "version",
  ttl: "",
  view: undefined,
};

/**
 * One row for each span that ever began on a day of a key; a span that went leaves a row with `removed` set.
 * Days are Date32, since spans before listing may begin before 1970.
 */
export const LEDGER_ROW: Table = {
  name: "ledger_row",
  columns: [
    { name: "data_set", type: "LowCardinality(String)" },
    { name: "frequency", type: "Int8" },
    { name: "code", type: "String" },
    { name: "first_day", type: "Date32" },
    { name: "last_day", type: "Date32" },
    { name: "state", type: "LowCardinality(String)" },
    { name: "provider", type: "LowCardinality(String)" },
    { name: "call_id", type: "String", codec: ZSTD },
    { name: "evidence_version", type: "UInt64" },
    { name: "note", type: "String", codec: ZSTD },
    { name: "ask_again_at", type: "Nullable(DateTime64(3, 'UTC'))" },
    { name: "removed", type: "Bool" },
    { name: "version", type: "UInt64" },
  ],
  key: ["data_set", "frequency", "code", "first_day"],
  partition: "",
  versionColumn: "version",
  ttl: "",
  view: undefined,
};

export const OUTCOME_ROW: Table = {
  name: "outcome_row",
  columns: [
    { name: "topic", type: "LowCardinality(String)" },
    { name: "partition", type: "Int32" },
    { name: "offset", type: "Int64" },
    { name: "fingerprint", type: "String" },
    { name: "request_id", type: "String" },
    { name: "command", type: "LowCardinality(String)" },
    { name: "codes", type: "Array(String)", codec: ZSTD },
    { name: "outcome", type: "LowCardinality(String)" },
    { name: "rows_new", type: "UInt64" },
    { name: "rows_same", type: "UInt64" },
    { name: "rows_revised", type: "UInt64" },
    { name: "rows_rejected", type: "UInt64" },
    { name: "call_ids", type: "Array(String)", codec: ZSTD },
    { name: "provider", type: "LowCardinality(String)" },
    { name: "duration_ms", type: "Float64" },
    { name: "pending_days", type: "UInt32" },
    { name: "unexplained_days", type: "UInt32" },
    { name: "reason", type: "LowCardinality(String)" },
    { name: "settled_at", type: "DateTime64(3, 'UTC')" },
    { name: "version", type: "UInt64" },
  ],
  key: ["topic", "partition", "offset", "fingerprint"],
  partition: "",
  versionColumn: "version",
  ttl: "toDateTime(settled_at) + toIntervalDay(90)",
  view: undefined,
};

export const DEAD_LETTER_ROW: Table = {
  name: "dead_letter_row",
  columns: [
    { name: "topic", type: "LowCardinality(String)" },
    { name: "partition", type: "Int32" },
    { name: "offset", type: "Int64" },
    { name: "fingerprint", type: "String" },
    { name: "action", type: "LowCardinality(String)" },
    { name: "at", type: "DateTime64(3, 'UTC')" },
    { name: "note", type: "String", codec: ZSTD },
    { name: "version", type: "UInt64" },
  ],
  key: ["topic", "partition", "offset", "fingerprint"],
  partition: "",
  versionColumn: "version",
  ttl: "",
  view: undefined,
};

export const TABLES: readonly Table[] = [
  BAR_ROW,
  ADJUSTFACTOR_ROW,
  STOCK_INFO_ROW,
  TRADE_DAY_ROW,
  TICK_ROW,
  TICK_DAY_ROW,
  QUARANTINE_ROW,
  LEDGER_ROW,
  OUTCOME_ROW,
  DEAD_LETTER_ROW,
];
