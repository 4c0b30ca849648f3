import { PermanentError } from "../../base/errors.ts";
import type { Day } from "../../domain/day.ts";
import type { SourceNumber } from "../../domain/enums.ts";
import { TICK_FLAGS, type Tick } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Model, StoredTick } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { joinConditions } from "./compare-read.ts";
import { coverRuns } from "./compare-runs.ts";
import type { BlockContext } from "./encode/column.ts";
import { tickDayColumns, type TickDay } from "./encode/model-columns.ts";
import type { WallClocks } from "./encode/wall-clock.ts";
import { insertRows, type InsertLimits, type RowWriter } from "./insert.ts";
import { quoteIdentifier } from "./quote.ts";
import { withinDay } from "./read-ticks.ts";
import { TICK_DAY_ROW, TICK_ROW } from "./tables.ts";

const DAY_SECONDS = 86_400;
/** Days that nobody asked about and that are counted because they lie between two that are asked for. */
const GAP_SECONDS = 4 * DAY_SECONDS;
/** All versions of a row are in one partition, so FINAL need not look across partitions. */
const FINAL_SETTINGS = "SETTINGS do_not_merge_across_partitions_select_final = 1";

/** Keeps `tick_day_row` at what `tick_row` has. */
export interface TickDays {
  /**
   * Counts the days anew that these ticks are of, when they are durable, and writes what has changed; nothing when nothing
   * has. So a batch that was stored and never counted, since the process ended, is counted when it comes again. Two workers
   * that store the same day of the same code at once may leave a count that is short, which the next batch of the day mends.
   */
  recount(models: readonly Model[], context: BlockContext, signal: AbortSignal): Promise<void>;
}

export function createTickDays(clickhouse: ClickHouse, clocks: WallClocks, limits: InsertLimits): TickDays {
  const writer: RowWriter<TickDay> = {
    table: TICK_DAY_ROW.name,
    columns: tickDayColumns(clocks),
    partitionOf: () => 0,
  };
  return {
    async recount(models, context, signal) {
      const days = daysOf(models, clocks);
      if (days.size === 0) {
        return;
      }
      const known = await readTickDays(clickhouse, days, clocks, signal);
      const counted = await countTicks(clickhouse, days, clocks, signal);
      const changed = [...days].flatMap(([key, day]) => {
        const before = known.get(key);
        const ticks = counted.get(key) ?? 0;
        const version = before !== undefined && before.version > day.version ? before.version : day.version;
        return ticks === (before?.ticks ?? 0) ? [] : [{ ...day, ticks, version }];
      });
      const [refused] = await insertRows(clickhouse, writer, changed, context, limits, signal);
      if (refused !== undefined) {
        // Its values were read from the engine, so the table is not the one we know.
        throw new PermanentError(`counting the ticks of ${changed.length} days: ${refused.detail}`, "store");
      }
    },
  };
}

/** What `Store.storedTicks` promises. Only the parts of the primary key that the day lies in are read. */
export async function readStoredTicks(
  clickhouse: ClickHouse,
  code: SecurityCode,
  day: Day,
  source: SourceNumber,
  signal: AbortSignal,
): Promise<readonly StoredTick[]> {
  const rows = await clickhouse.query<StoredTick>(
    `SELECT toString(toDateTime(timestamp), toString(zone)) AS time, sequence FROM ${tableName(clickhouse, TICK_ROW.name)} FINAL
WHERE code = {code:String} AND source = {source:Int8} AND trading_day = {day:Date}
  AND ${withinDay("timestamp")} AND NOT ${isRemoved()}
ORDER BY timestamp, sequence ${FINAL_SETTINGS}`,
    { code, day, source },
    signal,
  );
  return rows;
}

function isRemoved(): string {
  return `(bitAnd(flags, ${TICK_FLAGS.removed}) != 0)`;
}

/** One of each code, day and source, by its key, with the newest version that came. */
function daysOf(models: readonly Model[], clocks: WallClocks): ReadonlyMap<string, Omit<TickDay, "ticks">> {
  const days = new Map<string, Omit<TickDay, "ticks">>();
  let last: Tick | undefined;
  let lastVersion = 0n;
  for (const { model, row, provenance } of models) {
    if (model !== "tick") {
      continue;
    }
    const { version } = provenance;
    const isSame =
      last?.code === row.code &&
      last.tradingDay === row.tradingDay &&
      last.source === row.source &&
      lastVersion === version;
    if (!isSame && clocks.toDays(row.tradingDay) >= 0) {
      const key = keyOf(row.code, row.tradingDay, row.source);
      const before = days.get(key);
      if (before === undefined || before.version < version) {
        days.set(key, { code: row.code, day: row.tradingDay, source: row.source, version });
      }
      last = row;
      lastVersion = version;
    }
  }
  return days;
}

async function readTickDays(
  clickhouse: ClickHouse,
  days: ReadonlyMap<string, Omit<TickDay, "ticks">>,
  clocks: WallClocks,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, { readonly ticks: number; readonly version: bigint }>> {
  const conditions = coverDays(
    days,
    clocks,
    (first, last) => `trading_day BETWEEN toDate(${first}) AND toDate(${last})`,
  );
  const found = new Map<string, { readonly ticks: number; readonly version: bigint }>();
  for (const where of joinConditions(conditions)) {
    const rows = await clickhouse.query<{ readonly k: string; readonly ticks: number; readonly version: string }>(
      `SELECT ${KEY_SQL} AS k, ticks, toString(version) AS version
FROM ${tableName(clickhouse, TICK_DAY_ROW.name)} FINAL WHERE ${where}`,
      {},
      signal,
    );
    for (const { k, ticks, version } of rows) {
      found.set(k, { ticks, version: BigInt(version) });
    }
  }
  return found;
}

async function countTicks(
  clickhouse: ClickHouse,
  days: ReadonlyMap<string, Omit<TickDay, "ticks">>,
  clocks: WallClocks,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const conditions = coverDays(days, clocks, (first, last) => {
    // A day of an exchange, in whatever zone, lies between the day before and the day after of UTC.
    const [from, to] = [(first - 1) * DAY_SECONDS, (last + 2) * DAY_SECONDS];
    return (
      `trading_day BETWEEN toDate(${first}) AND toDate(${last}) ` +
      `AND timestamp BETWEEN toDateTime(${Math.max(from, 0)}) AND toDateTime(${to})`
    );
  });
  const counted = new Map<string, number>();
  for (const where of joinConditions(conditions)) {
    const rows = await clickhouse.query<{ readonly k: string; readonly ticks: string }>(
      `SELECT ${KEY_SQL} AS k, toString(count()) AS ticks
FROM ${tableName(clickhouse, TICK_ROW.name)} FINAL WHERE (${where}) AND NOT ${isRemoved()}
GROUP BY code, trading_day, source ${FINAL_SETTINGS}`,
      {},
      signal,
    );
    for (const { k, ticks } of rows) {
      // Runs of two clauses never share a day of a code and source.
      counted.set(k, parseInt(ticks, 10));
    }
  }
  return counted;
}

const KEY_SQL = "concat(code, ' ', toString(trading_day), ' ', toString(source))";

function keyOf(code: string, day: string, source: number): string {
  return `${code} ${day} ${source}`;
}

function coverDays(
  days: ReadonlyMap<string, Omit<TickDay, "ticks">>,
  clocks: WallClocks,
  between: (first: number, last: number) => string,
): readonly string[] {
  return coverRuns(
    Array.from(days.values(), ({ code, day, source }) => ({
      code,
      group: `source = ${source}`,
      seconds: clocks.toDays(day) * DAY_SECONDS,
    })),
    GAP_SECONDS,
    (codes, group, from, to) => `code IN (${codes}) AND ${group} AND ${between(from / DAY_SECONDS, to / DAY_SECONDS)}`,
  );
}

function tableName(clickhouse: ClickHouse, table: string): string {
  return `${quoteIdentifier(clickhouse.database)}.${table}`;
}
