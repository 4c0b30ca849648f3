import type { Day } from "../../domain/day.ts";
import { FREQUENCY_NUMBERS } from "../../domain/frequency.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier } from "./quote.ts";
import { LEDGER_ROW, OUTCOME_ROW, TABLES } from "./tables.ts";

/** What the store says about the work so far. Rows count versions that are not merged yet as well. */
export interface StoreNumbers {
  readonly engine: string;
  readonly transport: "embedded" | "http";
  /** False before a worker made the tables; then everything else is empty. */
  readonly hasTables: boolean;
  readonly rows: Readonly<Record<string, number>>;
  /** Messages of the last hour by outcome. */
  readonly lastHour: Readonly<Record<string, number>>;
  readonly lastSettled: LastSettled | undefined;
  readonly ledger: LedgerNumbers;
}

export interface LastSettled {
  /** ISO 8601 in UTC. */
  readonly at: string;
  readonly place: string;
  readonly command: string;
  readonly codes: readonly string[];
  readonly outcome: string;
}

export interface LedgerNumbers {
  readonly codes: number;
  /** Trading days of daily bars by state, over all codes. */
  readonly barDays: Readonly<Record<string, number>>;
}

const DAY_MS = 86_400_000;

/** `tradingDays`, the market's, sorted, are asked for only where there is a ledger to be counted. */
export async function readNumbers(
  clickhouse: ClickHouse,
  tradingDays: () => Promise<readonly Day[]>,
  signal: AbortSignal,
): Promise<StoreNumbers> {
  const engine = { engine: clickhouse.serverVersion(), transport: clickhouse.transport };
  const rows = await readRows(clickhouse, signal);
  if (rows[OUTCOME_ROW.name] === undefined || rows[LEDGER_ROW.name] === undefined) {
    const ledger = { codes: 0, barDays: {} };
    return { ...engine, hasTables: false, rows, lastHour: {}, lastSettled: undefined, ledger };
  }
  return {
    ...engine,
    hasTables: true,
    rows,
    lastHour: await readLastHour(clickhouse, signal),
    lastSettled: await readLastSettled(clickhouse, signal),
    ledger: await readLedger(clickhouse, await tradingDays(), signal),
  };
}

/** Provider calls in which messages that were settled within the last 60 s took part, by provider. */
export async function readCallsOfLastMinute(
  clickhouse: ClickHouse,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  if ((await readRows(clickhouse, signal))[OUTCOME_ROW.name] === undefined) {
    return {};
  }
  return await readCounts(
    clickhouse,
    `SELECT provider AS name, toString(uniqExact(call)) AS number FROM ${tableOf(clickhouse, OUTCOME_ROW.name)}
ARRAY JOIN call_ids AS call WHERE settled_at > now64(3) - toIntervalSecond(60) AND provider != ''
GROUP BY provider ORDER BY provider`,
    {},
    signal,
  );
}

async function readRows(clickhouse: ClickHouse, signal: AbortSignal): Promise<Readonly<Record<string, number>>> {
  return await readCounts(
    clickhouse,
    `SELECT name, toString(ifNull(total_rows, 0)) AS number FROM system.tables
WHERE database = {database:String} AND name IN {names:Array(String)} ORDER BY name`,
    { database: clickhouse.database, names: TABLES.map(({ name }) => name) },
    signal,
  );
}

async function readLastHour(clickhouse: ClickHouse, signal: AbortSignal): Promise<Readonly<Record<string, number>>> {
  return await readCounts(
    clickhouse,
    `SELECT toString(outcome) AS name, toString(uniqExact(topic, partition, offset, fingerprint)) AS number
FROM ${tableOf(clickhouse, OUTCOME_ROW.name)} WHERE settled_at > now64(3) - toIntervalHour(1)
GROUP BY outcome ORDER BY outcome`,
    {},
    signal,
  );
}

async function readLastSettled(clickhouse: ClickHouse, signal: AbortSignal): Promise<LastSettled | undefined> {
  const [row] = await clickhouse.query<SettledRow>(
    `SELECT toString(toUnixTimestamp64Milli(settled_at)) AS at_ms, concat(topic, '/', toString(partition), '/', toString(offset)) AS place,
  toString(command) AS command, codes, toString(outcome) AS outcome
FROM ${tableOf(clickhouse, OUTCOME_ROW.name)} ORDER BY version DESC, topic, partition, offset LIMIT 1`,
    {},
    signal,
  );
  return (
    row && {
      at: new Date(parseInt(row.at_ms, 10)).toISOString(),
      place: row.place,
      command: row.command,
      codes: row.codes,
      outcome: row.outcome,
    }
  );
}

/**
 * Spans are days from … to; how many of them are trading days follows from two places of a running count, so that the
 * server adds up any number of spans in one pass. Where two writers raced, spans may overlap until the next write.
 */
async function readLedger(
  clickhouse: ClickHouse,
  tradingDays: readonly Day[],
  signal: AbortSignal,
): Promise<LedgerNumbers> {
  const { base, counts } = runningCount(tradingDays);
  const at = (day: string): string =>
    `arrayElement(counts, toUInt32(least(greatest(${day} - ${base} + 2, 1), ${counts.length})))`;
  const from = `FROM ${tableOf(clickhouse, LEDGER_ROW.name)} FINAL WHERE NOT removed AND code != ''`;
  const barDays = await readCounts(
    clickhouse,
    `WITH CAST([${counts.join(",")}], 'Array(UInt32)') AS counts
SELECT toString(state) AS name,
  toString(sum(toInt64(${at("toInt32(last_day)")}) - toInt64(${at("toInt32(first_day) - 1")}))) AS number
${from} AND data_set = 'bars' AND frequency = ${FREQUENCY_NUMBERS["1d"]} GROUP BY state ORDER BY state`,
    {},
    signal,
  );
  const [row] = await clickhouse.query<{ readonly codes: string }>(
    `SELECT toString(uniqExact(code)) AS codes ${from}`,
    {},
    signal,
  );
  return { codes: parseInt(row?.codes ?? "0", 10), barDays };
}

/** `counts[0]` stands for all days before the first trading day, `counts[n]` for the days up to the n-th from there on. */
function runningCount(tradingDays: readonly Day[]): { readonly base: number; readonly counts: readonly number[] } {
  const [first] = tradingDays;
  const last = tradingDays.at(-1);
  if (first === undefined || last === undefined) {
    return { base: 0, counts: [0] };
  }
  const base = dayNumber(first);
  const end = dayNumber(last);
  const open = new Set(tradingDays.map(dayNumber));
  const counts = [0];
  for (let number = base; number <= end; number += 1) {
    counts.push((counts.at(-1) ?? 0) + (open.has(number) ? 1 : 0));
  }
  return { base, counts };
}

/** Days since the epoch, as ClickHouse counts them. */
function dayNumber(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`) / DAY_MS;
}

interface SettledRow {
  readonly at_ms: string;
  readonly place: string;
  readonly command: string;
  readonly codes: readonly string[];
  readonly outcome: string;
}

async function readCounts(
  clickhouse: ClickHouse,
  sql: string,
  params: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const rows = await clickhouse.query<{ readonly name: string; readonly number: string }>(sql, params, signal);
  return Object.fromEntries(rows.map(({ name, number }) => [name, parseInt(number, 10)]));
}

function tableOf(clickhouse: ClickHouse, name: string): string {
  return `${quoteIdentifier(clickhouse.database)}.${name}`;
}
