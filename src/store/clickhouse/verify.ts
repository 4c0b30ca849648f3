import type { Day } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { FREQUENCY_NUMBERS } from "../../domain/frequency.ts";
import { ledgerKeyText, type LedgerKey, type Span } from "../../domain/ledger.ts";
import { type MarketName, marketOf } from "../../domain/market.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { CodeDataSet } from "../../domain/unit.ts";
import type { Ledger } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { fetchedDaysIn } from "./stored-days.ts";
import { LEDGER_ROW } from "./tables.ts";
import { compareDays, type DayDifference } from "./verify-compare.ts";

export interface VerifyRequest {
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  /** Only these codes; all that ledger or table know when absent. Those of other markets are left out. */
  readonly codes?: readonly SecurityCode[];
  /** The mainland by default. */
  readonly market?: MarketName;
  /** The market's trading days, sorted: a span that is present stands for its trading days only. */
  readonly tradingDays: readonly Day[];
}

/** A key of which ledger and table say different things; both lists are sorted. */
export interface LedgerDifference extends DayDifference {
  readonly key: LedgerKey;
}

export interface LedgerComparison {
  readonly differences: readonly LedgerDifference[];
  /** Codes that were looked at. */
  readonly codes: number;
  /** Trading days that the ledger calls present. */
  readonly days: number;
}

/** Codes whose runs of days are held in memory at once. */
export const CODES_PER_STEP_MAX = 250;

/**
 * Compares the ledger with the tables, for all codes. The server turns rows into runs of consecutive trading days, a few
 * dozen a code, and only those travel; the ledger's side is read as the planner reads it. Rows copied from an older
 * table do not count as stored: they were never checked against a provider.
 */
export async function verifyLedger(
  clickhouse: ClickHouse,
  ledger: Ledger,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<LedgerComparison> {
  const { market = "CN" } = request;
  const asked = request.codes ?? (await readCodes(clickhouse, request, signal));
  const codes = asked.filter((code) => marketOf(code) === market);
  const differences: LedgerDifference[] = [];
  let days = 0;
  for (let from = 0; from < codes.length; from += CODES_PER_STEP_MAX) {
    const keys = codes
      .slice(from, from + CODES_PER_STEP_MAX)
      .map((code): LedgerKey => ({ dataSet: request.dataSet, frequency: request.frequency, code }));
    const spans = await ledger.read(keys, signal);
    const runs = await readRuns(clickhouse, request, keys, signal);
    for (const key of keys) {
      const known = spans.get(ledgerKeyText(key)) ?? [];
      const compared = compareDays(known.filter(isPresent), runs.get(key.code) ?? [], request.tradingDays);
      const difference = { ...compared, rowWithoutPresent: compared.rowWithoutPresent.filter(isNews(key, known)) };
      days += difference.presentDays;
      if (difference.presentWithoutRow.length + difference.rowWithoutPresent.length > 0) {
        differences.push({ key, ...difference });
      }
    }
  }
  return { differences, codes: codes.length, days };
}

/**
 * Of a day that has many rows a part may be stored, which is why the ledger says that it is not done: those rows are no
 * news.
 */
function isNews({ dataSet, frequency }: LedgerKey, known: readonly Span[]): (day: Day) => boolean {
  const isWithinDay = dataSet === "ticks" || frequency !== "1d";
  return (day) => !isWithinDay || !known.some(({ from, to, state }) => from <= day && day <= to && UNDONE.has(state));
}

const UNDONE: ReadonlySet<Span["state"]> = new Set(["failed", "unexplained-empty", "pending"]);

function isPresent(span: Span): boolean {
  return span.state === "present";
}

async function readCodes(
  clickhouse: ClickHouse,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<readonly SecurityCode[]> {
  const database = quoteIdentifier(clickhouse.database);
  const days = fetchedDaysIn(clickhouse.database, request.dataSet, request.frequency);
  const rows = await clickhouse.query<{ readonly code: string }>(
    `SELECT DISTINCT toString(code) AS code FROM (
  SELECT code FROM ${days.from} WHERE ${days.condition} GROUP BY code
  UNION ALL
  SELECT code FROM ${database}.${LEDGER_ROW.name} FINAL
  WHERE data_set = ${quoteString(request.dataSet)} AND frequency = ${FREQUENCY_NUMBERS[request.frequency]}
    AND state = 'present' AND NOT removed
) WHERE code != '' ORDER BY code`,
    {},
    signal,
  );
  return rows.map(({ code }) => parseSecurityCode(code));
}

/** Runs of days by code: neighbours in the calendar make one run, a day outside of the calendar is a run of its own. */
async function readRuns(
  clickhouse: ClickHouse,
  request: VerifyRequest,
  keys: readonly LedgerKey[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly (readonly [string, string])[]>> {
  const codes = keys.map(({ code }) => quoteString(code)).join(",");
  const calendar = request.tradingDays.map((day) => `'${day}'`).join(",");
  const stored = fetchedDaysIn(clickhouse.database, request.dataSet, request.frequency);
  const rows = await clickhouse.query<{ readonly code: string; readonly runs: readonly (readonly [string, string])[] }>(
    `WITH arrayMap(day -> toUInt16(day), CAST([${calendar}], 'Array(Date)')) AS calendar
SELECT toString(code) AS code, arrayMap(run -> [toString(run[1].1), toString(run[-1].1)], arraySplit(
  (here, before) -> here.2 = 0 OR here.2 != before.2 + 1,
  stored,
  arrayPushFront(arrayPopBack(stored), (toDate(0), toUInt32(0)))
)) AS runs
FROM (
  SELECT code, arraySort(groupUniqArray((trading_day, transform(toUInt16(trading_day), calendar, arrayEnumerate(calendar), toUInt32(0))))) AS stored
  FROM (
    SELECT DISTINCT code, trading_day FROM ${stored.from}
    WHERE ${stored.condition} AND code IN (${codes})
  )
  GROUP BY code
)`,
    {},
    signal,
  );
  return new Map(rows.map(({ code, runs }) => [code, runs]));
}
