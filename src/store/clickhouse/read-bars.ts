import { parseDay, type Day } from "../../domain/day.ts";
import type { SourceNumber } from "../../domain/enums.ts";
import { FREQUENCY_NUMBERS, isIntraday, isPeriod, type ReadFrequency } from "../../domain/frequency.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { ClickHouse } from "./client.ts";
import { quoteString } from "./quote.ts";
import { renderViews, type ViewOptions } from "./views.ts";

const RAW_COLUMNS = ["open", "high", "low", "close", "pre_close", "volume", "amount"] as const;
const PERIOD_COLUMNS = ["trading_days", "is_final"] as const;
const ADJUSTED = ["open", "high", "low", "close"] as const;

/** Decimals and volume as exact text; `amount` is null where the provider gives none, what depends on a factor where none is stored. */
export type BarRecord = Readonly<Record<string, string | number | boolean | null>>;

export interface BarSelection {
  readonly code: SecurityCode;
  readonly frequency: ReadFrequency;
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /**
   * Not of weeks and months: each price × its day's factor ÷ `divisor`, decimal text; a divisor of `1` leaves them backward
   * adjusted. Providers begin their factors where they like, so only those of one `source` go together; undefined: none do.
   */
  readonly adjust: { readonly divisor: string; readonly source: SourceNumber | undefined } | undefined;
}

export interface StoredFactor {
  readonly day: Day;
  /** Decimal text. */
  readonly factor: string;
  readonly source: SourceNumber;
}

export function barColumns({ frequency, adjust }: Pick<BarSelection, "frequency" | "adjust">): readonly string[] {
  return [
    "code",
    "trading_day",
    ...(isIntraday(frequency) ? ["time"] : []),
    ...RAW_COLUMNS,
    ...(isPeriod(frequency) ? PERIOD_COLUMNS : []),
    ...(adjust === undefined ? [] : ["factor", ...ADJUSTED.map((name) => `adjusted_${name}`)]),
    "flags",
  ];
}

/**
 * One row a bar, by time. `time` of minutes is the wall clock of the exchange at the interval's end. It reads what the
 * views read, in stored units whatever `compat.ginkgoUnits` says of them. An adjusted price is exact: price (4 digits)
 * × factor (8 digits) is multiplied out, the quotient is cut after 5 digits and rounded half away from zero to 4, which
 * is the rounding of the whole quotient.
 */
export function selectBars(options: ViewOptions, selection: BarSelection): string {
  const { code, frequency, adjust } = selection;
  const isBuilt = isPeriod(frequency);
  const bars = `SELECT * FROM (
${viewText(options, isBuilt ? `bar_${frequency}` : "bar")}
) WHERE code = ${quoteString(code)}${isBuilt ? "" : ` AND frequency = ${FREQUENCY_NUMBERS[frequency]}`}${between(selection)}`;
  const columns = [
    "toString(b.code) AS code",
    "b.trading_day AS trading_day",
    ...(isIntraday(frequency) ? ["toString(b.timestamp, toString(b.zone)) AS time"] : []),
    ...["open", "high", "low", "close", "pre_close", "volume"].map((name) => `b.${name} AS ${name}`),
    `if(bitAnd(b.flags, 32) != 0, NULL, b.amount) AS amount`,
    ...(isBuilt ? ["b.trading_days AS trading_days", "CAST(b.is_final, 'Bool') AS is_final"] : []),
    ...(adjust === undefined ? [] : adjustedColumns(adjust.divisor)),
    "b.flags AS flags",
  ];
  const factors =
    adjust === undefined
      ? ""
      : `
LEFT JOIN (
SELECT trading_day, toNullable(adjustfactor) AS factor FROM (
${viewText(options, "adjustfactor")}
) WHERE code = ${quoteString(code)} AND ${adjust.source === undefined ? "0" : `source = ${adjust.source}`}
) AS f ON f.trading_day = b.trading_day`;
  return `SELECT ${columns.join(", ")}
FROM (
${bars}
) AS b${factors}
ORDER BY b.timestamp`;
}

export async function readBars(
  clickhouse: ClickHouse,
  sql: string,
  signal: AbortSignal,
): Promise<readonly BarRecord[]> {
  return await clickhouse.query<BarRecord>(sql, {}, signal);
}

/** First and last day of which there is a bar, and how many days have one; undefined when none has. Weeks are of days. */
export async function readStoredRange(
  clickhouse: ClickHouse,
  code: SecurityCode,
  frequency: ReadFrequency,
  signal: AbortSignal,
): Promise<{ readonly from: Day; readonly to: Day; readonly bars: string } | undefined> {
  const [row] = await clickhouse.query<{ readonly from: string; readonly to: string; readonly bars: string }>(
    `SELECT toString(min(trading_day)) AS from, toString(max(trading_day)) AS to, toString(uniqExact(trading_day)) AS bars
FROM ${clickhouse.database}.bar_row WHERE code = {code:String} AND frequency = ${FREQUENCY_NUMBERS[isPeriod(frequency) ? "1d" : frequency]}`,
    { code },
    signal,
  );
  return row === undefined || row.bars === "0"
    ? undefined
    : { from: parseDay(row.from), to: parseDay(row.to), bars: row.bars };
}

/** The last stored factor of a code, on or before `day` where one is named; undefined when there is none. */
export async function readFactorUpTo(
  clickhouse: ClickHouse,
  options: ViewOptions,
  code: SecurityCode,
  day: Day | undefined,
  signal: AbortSignal,
): Promise<StoredFactor | undefined> {
  return await readFactor(
    clickhouse,
    options,
    code,
    day === undefined ? "" : ` AND trading_day <= '${day}'`,
    "DESC",
    signal,
  );
}

export async function readFirstFactor(
  clickhouse: ClickHouse,
  options: ViewOptions,
  code: SecurityCode,
  signal: AbortSignal,
): Promise<StoredFactor | undefined> {
  return await readFactor(clickhouse, options, code, "", "ASC", signal);
}

async function readFactor(
  clickhouse: ClickHouse,
  options: ViewOptions,
  code: SecurityCode,
  condition: string,
  order: "ASC" | "DESC",
  signal: AbortSignal,
): Promise<StoredFactor | undefined> {
  const [row] = await clickhouse.query<{
    readonly day: string;
    readonly factor: string;
    readonly source: SourceNumber;
  }>(
    `SELECT toString(trading_day) AS day, toString(adjustfactor) AS factor, source FROM (
${viewText(options, "adjustfactor")}
) WHERE code = ${quoteString(code)}${condition} ORDER BY trading_day ${order} LIMIT 1`,
    {},
    signal,
  );
  return row === undefined ? undefined : { day: parseDay(row.day), factor: row.factor, source: row.source };
}

/** Whether a day between two days has a factor that is of another source. */
export async function hasFactorOfOtherSource(
  clickhouse: ClickHouse,
  options: ViewOptions,
  code: SecurityCode,
  range: { readonly from: Day; readonly to: Day; readonly source: SourceNumber },
  signal: AbortSignal,
): Promise<boolean> {
  const rows = await clickhouse.query(
    `SELECT trading_day FROM (
${viewText(options, "adjustfactor")}
) WHERE code = ${quoteString(code)} AND source != ${range.source}${between(range)} LIMIT 1`,
    {},
    signal,
  );
  return rows.length > 0;
}

const DECIMAL = /^\d+(?:\.\d+)?$/;

function adjustedColumns(divisor: string): readonly string[] {
  if (!DECIMAL.test(divisor)) {
    throw new RangeError(`adjusting bars by ${JSON.stringify(divisor)}, which is no decimal number`);
  }
  const adjusted = ADJUSTED.map((name) => {
    const product = `multiplyDecimal(b.${name}, f.factor, 12)`;
    return `CAST(round(divideDecimal(${product}, toDecimal128('${divisor}', 8), 5), 4), 'Nullable(Decimal(38, 4))') AS adjusted_${name}`;
  });
  return ["f.factor AS factor", ...adjusted];
}

function between({ from, to }: Pick<BarSelection, "from" | "to">): string {
  return `${from === undefined ? "" : ` AND trading_day >= '${from}'`}${to === undefined ? "" : ` AND trading_day <= '${to}'`}`;
}

function viewText(options: ViewOptions, name: string): string {
  const view = renderViews({ ...options, ginkgoUnits: false }).find((known) => known.name === name);
  if (view === undefined) {
    throw new RangeError(`there is no view ${name}`);
  }
  return view.select;
}
