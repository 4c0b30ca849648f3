import { DataError, TransientError } from "../../base/errors.ts";
import { isRecord } from "../http/json-text.ts";
import { divide, multiply, ONE, toPositive, type Ratio } from "./ratio.ts";

/** A cell as it came: the source text of a number, null, or anything else for mapping to refuse. */
export type Cell = unknown;

/** One place of the parallel arrays. */
export interface Slot {
  /** Seconds since the epoch, the beginning of the bar; undefined where it cannot be read. */
  readonly stamp: number | undefined;
  readonly open: Cell;
  readonly high: Cell;
  readonly low: Cell;
  readonly close: Cell;
  readonly volume: Cell;
}

export interface Period {
  readonly start: number;
  readonly end: number;
}

export interface Split {
  readonly stamp: number;
  /** Shares after it for a share before it. */
  readonly ratio: Ratio;
}

export interface Payment {
  readonly stamp: number;
  readonly amount: Cell;
  /** Undefined where the answer does not say: then it is the one of the prices. */
  readonly currency: string | undefined;
}

/** A success; what a key that is absent means is for the reader to decide. */
export interface Chart {
  readonly symbol: string | undefined;
  readonly currency: string | undefined;
  readonly zone: string | undefined;
  readonly granularity: string | undefined;
  /** Hours of trade, of bars within the day; undefined where the answer has none. */
  readonly tradingPeriods: readonly Period[] | undefined;
  readonly slots: readonly Slot[];
  readonly splits: readonly Split[];
  /** Dividends and distributed gains, whose value leaves the price on their day. */
  readonly payments: readonly Payment[];
}

/**
 * Reads `chart.result[0]` of an answer whose numbers are their source text. Throws TransientError on a broken form, which
 * says nothing about what exists, and DataError on a split that cannot be read, since every price before it would be
 * wrong.
 */
export function readChart(result: unknown, doing: string): Chart {
  if (!isRecord(result) || !isRecord(result["meta"])) {
    throw new TransientError(`${doing}: the answer has no chart (${describe(result)})`);
  }
  const { meta, timestamp, events, indicators } = result;
  return {
    symbol: textOf(meta["symbol"]),
    currency: textOf(meta["currency"]),
    zone: textOf(meta["exchangeTimezoneName"]),
    granularity: textOf(meta["dataGranularity"]),
    tradingPeriods: readPeriods(meta["tradingPeriods"], doing),
    slots: readSlots(timestamp, indicators, doing),
    splits: readEvents(events, "splits", doing).map((event) => readSplit(event, doing)),
    payments: ["dividends", "capitalGains"].flatMap((name) =>
      readEvents(events, name, doing).map(({ stamp, fields }) => ({
        stamp,
        amount: fields["amount"],
        currency: textOf(fields["currency"]),
      })),
    ),
  };
}

const COLUMNS = ["open", "high", "low", "close", "volume"] as const;

/** An answer without a bar has no `timestamp` at all; its arrays are absent or empty then. */
function readSlots(timestamp: unknown, indicators: unknown, doing: string): readonly Slot[] {
  if (timestamp === undefined || timestamp === null) {
    return [];
  }
  const quote = isRecord(indicators) && Array.isArray(indicators["quote"]) ? indicators["quote"][0] : undefined;
  if (!Array.isArray(timestamp) || !isRecord(quote)) {
    throw new TransientError(`${doing}: the answer has no bars to its stamps (${describe(indicators)})`);
  }
  if (timestamp.length === 0) {
    return [];
  }
  const columns = COLUMNS.map((name) => {
    const column = quote[name];
    if (!Array.isArray(column) || column.length !== timestamp.length) {
      const found = Array.isArray(column) ? `${column.length}` : describe(column);
      throw new TransientError(`${doing}: expected ${timestamp.length} values of ${name}, got ${found}`);
    }
    return column as readonly Cell[];
  });
  return timestamp.map((stamp: unknown, index) => {
    const [open, high, low, close, volume] = columns.map((column) => column[index]);
    return { stamp: readStamp(stamp), open, high, low, close, volume };
  });
}

/** Beyond the years 1900 to 2100 it is no stamp of a bar. */
const STAMP_MIN = -2_208_988_800;
const STAMP_MAX = 4_102_444_800;

function readStamp(cell: unknown): number | undefined {
  const stamp = typeof cell === "string" && /^-?\d{1,10}$/.test(cell) ? Number.parseInt(cell, 10) : undefined;
  return stamp !== undefined && stamp >= STAMP_MIN && stamp <= STAMP_MAX ? stamp : undefined;
}

/** `[[{…}]]` with a list a day, or the regular ones beside those before and after them. */
function readPeriods(input: unknown, doing: string): readonly Period[] | undefined {
  const list = isRecord(input) ? input["regular"] : input;
  if (list === undefined || list === null) {
    return undefined;
  }
  if (!Array.isArray(list)) {
    throw new TransientError(`${doing}: the answer's hours of trade cannot be read (${describe(input)})`);
  }
  return list.flat().map((period: unknown) => {
    const [start, end] = isRecord(period) ? [readStamp(period["start"]), readStamp(period["end"])] : [];
    if (start === undefined || end === undefined) {
      throw new TransientError(`${doing}: the answer's hours of trade cannot be read (${describe(period)})`);
    }
    return { start, end };
  });
}

interface WireEvent {
  readonly stamp: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Events are keyed by their stamp as text. */
function readEvents(events: unknown, name: string, doing: string): readonly WireEvent[] {
  const found = isRecord(events) ? events[name] : undefined;
  if (found === undefined || found === null) {
    return [];
  }
  if (!isRecord(found)) {
    throw new TransientError(`${doing}: the answer's ${name} cannot be read (${describe(found)})`);
  }
  return Object.entries(found).map(([key, fields]) => {
    const stamp = isRecord(fields) ? readStamp(fields["date"] ?? key) : undefined;
    if (!isRecord(fields) || stamp === undefined) {
      throw new DataError(`${doing}: an event of ${name} cannot be read (${key}: ${describe(fields)})`);
    }
    return { stamp, fields };
  });
}

function readSplit({ stamp, fields }: WireEvent, doing: string): Split {
  const [numerator, denominator] = ["numerator", "denominator"].map((name) => toPositive(fields[name]));
  if (numerator === undefined || denominator === undefined) {
    throw new DataError(`${doing}: a split of no ratio (${describe(fields)})`);
  }
  return { stamp, ratio: divide(numerator, denominator) };
}

/** All splits that pass `isLater`, multiplied. */
export function ratioOf(splits: readonly Split[], isLater: (split: Split) => boolean): Ratio {
  return splits.filter(isLater).reduce((product, { ratio }) => multiply(product, ratio), ONE);
}

function textOf(cell: unknown): string | undefined {
  return typeof cell === "string" && cell !== "" ? cell : undefined;
}

function describe(value: unknown): string {
  return value === undefined ? "absent" : (JSON.stringify(value) ?? typeof value).slice(0, 80);
}
