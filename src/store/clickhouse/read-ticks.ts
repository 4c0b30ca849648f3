import { parseDay, type Day } from "../../domain/day.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { ClickHouse } from "./client.ts";
import { quoteIdentifier, quoteString } from "./quote.ts";
import { TICK_DAY_ROW } from "./tables.ts";
import { renderViews, type ViewOptions } from "./views.ts";

/** Price and volume as exact text; `trades` is null where the provider does not say how many a print stands for. */
export type TickRecord = Readonly<Record<string, string | number | null>>;

export const TICK_COLUMNS = [
  "code",
  "trading_day",
  "time",
  "sequence",
  "price",
  "volume",
  "trades",
  "direction",
  "source",
  "flags",
] as const;

/** In words what people trade by; what only order books have keeps its number. */
const DIRECTION_WORDS: readonly (readonly [number, string])[] = [
  [TICK_DIRECTION.NEUTRAL, "neutral"],
  [TICK_DIRECTION.ACTIVEBUY, "buy"],
  [TICK_DIRECTION.ACTIVESELL, "sell"],
];

/** The trades of a day in their order, as the view `tick` has them, in stored units whatever `compat.ginkgoUnits` says. */
export async function readTicks(
  clickhouse: ClickHouse,
  options: ViewOptions,
  code: SecurityCode,
  day: Day,
  signal: AbortSignal,
): Promise<readonly TickRecord[]> {
  const view = renderViews({ ...options, ginkgoUnits: false }).find(({ name }) => name === "tick");
  if (view === undefined) {
    throw new RangeError("there is no view tick");
  }
  const numbers = DIRECTION_WORDS.map(([number]) => number).join(", ");
  const words = DIRECTION_WORDS.map(([, word]) => quoteString(word)).join(", ");
  return await clickhouse.query<TickRecord>(
    `SELECT toString(t.code) AS code, toString(t.trading_day) AS trading_day,
  toString(toDateTime(t.timestamp), toString(t.zone)) AS time, t.sequence AS sequence, t.price AS price, t.volume AS volume,
  t.trades AS trades, transform(t.direction, [${numbers}], [${words}], toString(t.direction)) AS direction,
  t.source AS source, t.flags AS flags
FROM (
${view.select}
) AS t
WHERE t.code = {code:String} AND t.trading_day = {day:Date} AND ${withinDay("t.timestamp")}
ORDER BY t.timestamp, t.sequence`,
    { code, day },
    signal,
  );
}

/** A day of an exchange, in whatever zone, lies between the day before and the day after of UTC; so the key is reached. */
export function withinDay(column: string): string {
  const midnight = "toDateTime64({day:String}, 3, 'UTC')";
  return `${column} >= ${midnight} - toIntervalDay(1) AND ${column} < ${midnight} + toIntervalDay(2)`;
}

export interface StoredTickDays {
  readonly from: Day;
  readonly to: Day;
  /** How many days have ticks. */
  readonly days: string;
}

/** Of which days there are ticks of a code; undefined when there are none. */
export async function readStoredTickDays(
  clickhouse: ClickHouse,
  code: SecurityCode,
  signal: AbortSignal,
): Promise<StoredTickDays | undefined> {
  const [row] = await clickhouse.query<{ readonly from: string; readonly to: string; readonly days: string }>(
    `SELECT toString(min(trading_day)) AS from, toString(max(trading_day)) AS to, toString(uniqExact(trading_day)) AS days
FROM ${quoteIdentifier(clickhouse.database)}.${TICK_DAY_ROW.name} FINAL WHERE code = {code:String} AND ticks > 0`,
    { code },
    signal,
  );
  return row === undefined || row.days === "0"
    ? undefined
    : { from: parseDay(row.from), to: parseDay(row.to), days: row.days };
}
