import { FREQUENCY, SOURCE } from "../../domain/enums.ts";
import { BAR_FLAGS } from "../../domain/rows.ts";
import type { ClickHouse } from "./client.ts";
import { isDailyOrLonger, sharesPerUnit, yuanPerUnit } from "./original-units.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import type { StoredObject } from "./schema-compare.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW, FETCHED_VERSION_MIN, type Table } from "./tables.ts";

export interface CopyCounts {
  /** Rows of the old table. */
  readonly found: bigint;
  /** Rows that are in ours now because of it, one a key. */
  readonly copied: bigint;
  /** Good rows whose key another row of the old table has as well. */
  readonly repeats: bigint;
  /** Rows that were not taken, by what is wrong with them. */
  readonly refused: Readonly<Record<string, bigint>>;
}

const OLD_BAR_COLUMNS = [
  "code",
  "open",
  "high",
  "low",
  "close",
  "volume",
  "amount",
  "frequency",
  "timestamp",
  "source",
];
const OLD_FACTOR_COLUMNS = ["code", "adjustfactor", "timestamp", "source"];

export function isOldBarTable(object: StoredObject): boolean {
  return OLD_BAR_COLUMNS.every((name) => object.columns.has(name));
}

export function isOldFactorTable(object: StoredObject): boolean {
  return OLD_FACTOR_COLUMNS.every((name) => object.columns.has(name));
}

/** Whoever fetched a row has a version of at least FETCHED_VERSION_MIN. */
const COPIED_VERSION = FETCHED_VERSION_MIN - 1n;

/** Copies the original's bars, which are in the units of their provider. */
export async function copyBars(clickhouse: ClickHouse, old: StoredObject, signal: AbortSignal): Promise<CopyCounts> {
  const frequencies = Object.values(FREQUENCY).filter((number) => number > 0);
  const isDaily = isDailyOrLonger("o.frequency");
  const volume = `toInt64(o.volume) * ${sharesPerUnit("o.source", isDaily)}`;
  const amount = `toDecimal128(o.amount, 4) * ${yuanPerUnit("o.source", isDaily)}`;
  const isOrdered = "o.low <= o.high AND o.open BETWEEN o.low AND o.high AND o.close BETWEEN o.low AND o.high";
  const hasNoTurnover = "o.amount = 0 AND o.volume > 0";
  // As the check stage does it, multiplied out.
  const isTurnoverOff = `o.amount > 0 AND o.volume > 0 AND (${amount} < toDecimal128(o.low, 4) * (${volume}) OR ${amount} > toDecimal128(o.high, 4) * (${volume}))`;
  const flags = [
    [isOrdered, 0, BAR_FLAGS.ohlcOrder],
    [hasNoTurnover, BAR_FLAGS.noTurnover, 0],
    [isTurnoverOff, BAR_FLAGS.turnoverRange, 0],
  ].map(([condition, flag, other]) => `if(${condition}, ${flag}, ${other})`);
  const time = wallClock("o.timestamp");
  return copy(
    clickhouse,
    old,
    {
      table: BAR_ROW,
      refusals: {
        "a code of no known market": `NOT match(o.code, ${quoteString(CODE_PATTERN)})`,
        "an unknown frequency": `o.frequency NOT IN (${frequencies.join(", ")})`,
        "an unknown source": `o.source NOT IN (${KNOWN_SOURCES})`,
        "a price that is not positive": "least(o.open, o.high, o.low, o.close) <= 0",
        "a negative volume or amount": "o.volume < 0 OR o.amount < 0",
      },
      values: {
        code: "o.code",
        frequency: "o.frequency",
        timestamp: `if(${isDaily}, toStartOfDay(${time}), ${time})`,
        trading_day: `toDate(${time})`,
        zone: "'Asia/Shanghai'",
        ...Object.fromEntries(["open", "high", "low", "close"].map((name) => [name, `toDecimal64(o.${name}, 4)`])),
        pre_close: "NULL",
        volume,
        // A turnover of nothing beside a volume is one that the provider did not give.
        amount: `if(${hasNoTurnover}, NULL, ${amount})`,
        source: "o.source",
        flags: `toUInt32(${flags.join(" + ")})`,
      },
      tieBreak: "o.volume DESC, o.amount DESC, o.close DESC, o.open DESC, o.high DESC, o.low DESC",
    },
    signal,
  );
}

/** Copies the original's `adjustfactor`, which is the cumulative factor; its other two columns depended on the query window. */
export async function copyFactors(clickhouse: ClickHouse, old: StoredObject, signal: AbortSignal): Promise<CopyCounts> {
  const time = wallClock("o.timestamp");
  return copy(
    clickhouse,
    old,
    {
      table: ADJUSTFACTOR_ROW,
      refusals: {
        "a code of no known market": `NOT match(o.code, ${quoteString(CODE_PATTERN)})`,
        "an unknown source": `o.source NOT IN (${KNOWN_SOURCES})`,
        "a factor that is not positive": "o.adjustfactor <= 0",
      },
      values: {
        code: "o.code",
        timestamp: `toStartOfDay(${time})`,
        trading_day: `toDate(${time})`,
        factor: "toDecimal64(o.adjustfactor, 8)",
        source: "o.source",
      },
      tieBreak: "o.adjustfactor DESC",
    },
    signal,
  );
}

const CODE_PATTERN = "^[0-9]{6}\\.(SH|SZ|BJ)$";
const KNOWN_SOURCES = Object.values(SOURCE)
  .filter((number) => number >= 0)
  .join(", ");

/** The original wrote the exchange's wall clock into a column of the server's zone: the clock counts, not the instant. */
function wallClock(column: string): string {
  return `toDateTime(substring(toString(${column}), 1, 19), 'Asia/Shanghai')`;
}

interface CopyPlan {
  readonly table: Table;
  /** Condition of what is not taken, by what is wrong. */
  readonly refusals: Readonly<Record<string, string>>;
  /** Expression by column of ours; provenance is added. */
  readonly values: Readonly<Record<string, string>>;
  /** Which of several rows of a key is taken: the same one every time. */
  readonly tieBreak: string;
}

/** Copies year by year, so that neither memory nor the partitions of one insert grow with the history. */
async function copy(
  clickhouse: ClickHouse,
  old: StoredObject,
  plan: CopyPlan,
  signal: AbortSignal,
): Promise<CopyCounts> {
  const database = quoteIdentifier(clickhouse.database);
  const from = `${database}.${quoteIdentifier(old.name)} AS o`;
  const refusal = Object.values(plan.refusals)
    .map((condition) => `(${condition})`)
    .join(" OR ");
  const values: Readonly<Record<string, string>> = {
    ...plan.values,
    version: COPIED_VERSION.toString(),
    ingested_at: "now64(3, 'UTC')",
    request_id: "'schema adopt'",
    call_id: quoteString(old.name),
  };
  const names = Object.keys(values);
  const key = plan.table.key.map((name) => `(${values[name] ?? name})`).join(", ");

  const reasons = Object.values(plan.refusals).map((condition) => `toString(countIf(${condition}))`);
  const [totals] = await clickhouse.query<{
    readonly found: string;
    readonly good: string;
    readonly refused: readonly string[];
  }>(
    `SELECT toString(count()) AS found, toString(countIf(NOT (${refusal}))) AS good, [${reasons.join(", ")}] AS refused FROM ${from}`,
    {},
    signal,
  );
  const years = await clickhouse.query<{ readonly year: number }>(
    `SELECT DISTINCT toYear(o.timestamp) AS year FROM ${from} WHERE NOT (${refusal}) ORDER BY year`,
    {},
    signal,
  );
  let copied = 0n;
  for (const { year } of years) {
    const rows = `SELECT ${names.map((name) => `${values[name] ?? name} AS ${quoteIdentifier(`our_${name}`)}`).join(", ")}
FROM ${from} WHERE toYear(o.timestamp) = ${year} AND NOT (${refusal})
ORDER BY ${key}, ${plan.tieBreak} LIMIT 1 BY ${key}`;
    await clickhouse.command(
      `INSERT INTO ${database}.${plan.table.name} (${names.map(quoteIdentifier).join(", ")}) ${rows}`,
      {},
      signal,
    );
    const [count] = await clickhouse.query<{ readonly rows: string }>(
      `SELECT toString(count()) AS rows FROM (${rows})`,
      {},
      signal,
    );
    copied += BigInt(count?.rows ?? "0");
  }
  const refused = Object.keys(plan.refusals).map(
    (reason, index) => [reason, BigInt(totals?.refused[index] ?? "0")] as const,
  );
  return {
    found: BigInt(totals?.found ?? "0"),
    copied,
    repeats: BigInt(totals?.good ?? "0") - copied,
    refused: Object.fromEntries(refused),
  };
}
