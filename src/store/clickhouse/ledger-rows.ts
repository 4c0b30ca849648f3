import type { Day } from "../../domain/day.ts";
import type { FrequencyNumber } from "../../domain/enums.ts";
import { FREQUENCY_NUMBERS, isFrequency, type Frequency } from "../../domain/frequency.ts";
import { LEDGER_STATES, type LedgerKey, type LedgerState, type Span } from "../../domain/ledger.ts";
import { parseProviderName } from "../../domain/provider.ts";
import type { DataSet } from "../../domain/rows.ts";
import { isSecurityCode } from "../../domain/security-code.ts";
import type { EncodedRows } from "./encode/encoded-rows.ts";
import type { StoredSpan } from "./ledger-fold.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { insertColumns, LEDGER_ROW } from "./tables.ts";
import { utcText } from "./utc-text.ts";

export const LEDGER_INSERT_COLUMNS = insertColumns(LEDGER_ROW);

/** A span on its way to `ledger_row`. */
export interface LedgerInsertRow {
  readonly key: LedgerKey;
  readonly span: Span;
  readonly isRemoved: boolean;
  readonly version: bigint;
}

/** What `Date32` holds. */
const DAY_MIN = "1900-01-01";
const DAY_MAX = "2299-12-31";

/** RangeError for days that the column would silently move. */
export function encodeLedgerRows(rows: readonly LedgerInsertRow[]): EncodedRows {
  const lines = rows.map(({ key, span, isRemoved, version }) => {
    if (span.from < DAY_MIN || span.to > DAY_MAX || span.from > span.to) {
      throw new RangeError(`writing the ledger: the span ${span.from} to ${span.to} of ${key.code} cannot be stored`);
    }
    return JSON.stringify([
      key.dataSet,
      FREQUENCY_NUMBERS[key.frequency],
      key.code,
      span.from,
      span.to,
      span.state,
      span.evidence.provider,
      span.evidence.callId,
      span.evidence.version.toString(),
      span.evidence.note,
      span.askAgainAtMs === undefined ? null : utcText(span.askAgainAtMs),
      isRemoved,
      version.toString(),
    ]);
  });
  return { format: "JSONCompactEachRow", body: `${lines.join("\n")}\n`, rows: rows.length };
}

/** As JSONEachRow gives it: 64 bits as text. */
export interface LedgerSelectRow {
  readonly data_set: string;
  readonly frequency: number;
  readonly code: string;
  readonly first_day: string;
  readonly last_day: string;
  readonly state: string;
  readonly provider: string;
  readonly call_id: string;
  readonly evidence_version: string;
  readonly note: string;
  /** Epoch milliseconds, 0 for none. */
  readonly ask_again_ms: string;
  readonly version: string;
}

/** Spans that stand, of keys of one data set and frequency. The codes are part of the text: a URL is too short for them. */
export function selectLedger(database: string, keys: readonly LedgerKey[]): string {
  const first = keys[0];
  if (first === undefined) {
    throw new RangeError("reading the ledger: no keys");
  }
  const codes = [...new Set(keys.map(({ code }) => code))].map(quoteString).join(",");
  return `SELECT data_set, frequency, code, toString(first_day) AS first_day, toString(last_day) AS last_day, state, provider,
  call_id, toString(evidence_version) AS evidence_version, note,
  toString(ifNull(toUnixTimestamp64Milli(ask_again_at), 0)) AS ask_again_ms, toString(version) AS version
FROM ${quoteIdentifier(database)}.${LEDGER_ROW.name} FINAL
WHERE data_set = ${quoteString(first.dataSet)} AND frequency = ${FREQUENCY_NUMBERS[first.frequency]} AND code IN (${codes})
  AND NOT removed`;
}

export function parseLedgerRow(row: LedgerSelectRow): { readonly key: LedgerKey; readonly stored: StoredSpan } {
  const askAgainAtMs = parseInt(row.ask_again_ms, 10);
  return {
    key: { dataSet: parseDataSet(row.data_set), frequency: frequencyOf(row.frequency), code: parseCode(row.code) },
    stored: {
      from: storedDay(row.first_day),
      to: storedDay(row.last_day),
      state: parseState(row.state),
      evidence: {
        provider: parseProviderName(row.provider),
        callId: row.call_id,
        version: BigInt(row.evidence_version),
        note: row.note,
      },
      ...(askAgainAtMs === 0 ? {} : { askAgainAtMs }),
      version: BigInt(row.version),
    },
  };
}

const DATA_SETS: Readonly<Record<DataSet, true>> = {
  bars: true,
  ticks: true,
  "adjustment-factors": true,
  "stock-list": true,
  "trading-calendar": true,
  suspensions: true,
};

function parseDataSet(text: string): DataSet {
  if (!isDataSet(text)) {
    throw new TypeError(`reading the ledger: unknown data set ${text}`);
  }
  return text;
}

function isDataSet(text: string): text is DataSet {
  return Object.hasOwn(DATA_SETS, text);
}

const FREQUENCIES: ReadonlyMap<number, Frequency> = new Map(
  Object.entries(FREQUENCY_NUMBERS).flatMap(([text, number]: [string, FrequencyNumber]) =>
    isFrequency(text) ? [[number, text] as const] : [],
  ),
);

function frequencyOf(number: number): Frequency {
  const frequency = FREQUENCIES.get(number);
  if (frequency === undefined) {
    throw new TypeError(`reading the ledger: unknown frequency ${number}`);
  }
  return frequency;
}

function parseCode(text: string): LedgerKey["code"] {
  if (text !== "" && text !== "HK" && text !== "US" && !isSecurityCode(text)) {
    throw new TypeError(`reading the ledger: unknown code ${text}`);
  }
  return text;
}

function parseState(text: string): LedgerState {
  const state = LEDGER_STATES.find((known) => known === text);
  if (state === undefined) {
    throw new TypeError(`reading the ledger: unknown state ${text}`);
  }
  return state;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The column holds days only, so its text needs a look at the form and no calendar. */
function isStoredDay(text: string): text is Day {
  return DAY.test(text);
}

function storedDay(text: string): Day {
  if (!isStoredDay(text)) {
    throw new TypeError(`reading the ledger: ${JSON.stringify(text)} is no day`);
  }
  return text;
}
