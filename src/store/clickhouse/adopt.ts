import type { Log } from "../../base/log.ts";
import { compactDay, type Day } from "../../domain/day.ts";
import { copyBars, copyFactors, isOldBarTable, isOldFactorTable, type CopyCounts } from "./adopt-copy.ts";
import type { ClickHouse } from "./client.ts";
import { onCluster, qualify } from "./migrations.ts";
import { isForeign, readObjects, type StoredObject } from "./schema-compare.ts";
import { ensureSchema, type SchemaOptions, type SchemaReport } from "./schema.ts";

export interface AdoptOptions extends SchemaOptions {
  /** Copies the rows of the renamed `bar` and `adjustfactor` into our tables, in our units. */
  readonly copyRows: boolean;
  /**
   * Renames the original's tick tables, one a code (`000001_SZ_Tick`), too. Nothing stands in their place until ticks of
   * the code are stored, so Ginkgo's own readers of ticks then find no table.
   */
  readonly tickTables: boolean;
  /** The day that the new names carry. */
  readonly today: Day;
}

const TICK_TABLE = /^[0-9A-Za-z]+_[A-Za-z]+_Tick$/;
/** `bar_before_20240102`, and `bar_before_20240102_2` for a second one on a day. */
const RENAMED = /^(bar|adjustfactor)_before_\d{8}(?:_\d+)?$/;

/**
 * Makes room for our views where the original's tables stand: renames each to `<name>_before_<day>`, then ensures the
 * schema, then copies rows when asked. Drops nothing. What was copied has a version below every fetched row's, so that
 * a fetch always wins; doing it again changes nothing.
 */
export async function adoptSchema(
  clickhouse: ClickHouse,
  options: AdoptOptions,
  log: Log,
  signal: AbortSignal,
): Promise<readonly SchemaReport[]> {
  const report: SchemaReport[] = [];
  const before = await readObjects(clickhouse, signal);
  for (const object of before.values()) {
    const isTick = TICK_TABLE.test(object.name) && object.engine !== "View";
    if (isForeign(object) || (isTick && options.tickTables)) {
      const name = freeName(object.name, options.today, before);
      await rename(clickhouse, options, object.name, name, signal);
      log.info("table renamed", { from: object.name, to: name });
      report.push({ object: `table ${object.name}`, action: "renamed", note: `is ${name} now` });
    } else if (isTick) {
      report.push({
        object: `table ${object.name}`,
        action: "left",
        note: "ticks of its code cannot be stored until it is renamed, with --tick-tables",
      });
    }
  }
  report.push(...(await ensureSchema(clickhouse, options, log, signal)));
  if (options.copyRows) {
    const after = await readObjects(clickhouse, signal);
    for (const object of after.values()) {
      if (RENAMED.test(object.name)) {
        report.push(await copyTable(clickhouse, object, log, signal));
      }
    }
  }
  return report;
}

function freeName(name: string, today: Day, taken: ReadonlyMap<string, StoredObject>): string {
  const first = `${name}_before_${compactDay(today)}`;
  let free = first;
  for (let count = 2; taken.has(free); count += 1) {
    free = `${first}_${count}`;
  }
  return free;
}

async function rename(
  clickhouse: ClickHouse,
  options: AdoptOptions,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<void> {
  const place = { ...options, database: clickhouse.database };
  const sql = `RENAME TABLE ${qualify(place, from)} TO ${qualify(place, to)}${onCluster(place)}`;
  await clickhouse.command(sql, {}, signal);
}

async function copyTable(
  clickhouse: ClickHouse,
  object: StoredObject,
  log: Log,
  signal: AbortSignal,
): Promise<SchemaReport> {
  const name = `table ${object.name}`;
  const copy = isOldBarTable(object) ? copyBars : isOldFactorTable(object) ? copyFactors : undefined;
  if (copy === undefined) {
    return { object: name, action: "left", note: "its columns are not those of the original" };
  }
  const counts = await copy(clickhouse, object, signal);
  log.info("rows copied", { table: object.name, ...counts });
  return { object: name, action: "copied", note: describe(counts) };
}

function describe(counts: CopyCounts): string {
  const refused = Object.entries(counts.refused)
    .filter(([, count]) => count > 0n)
    .map(([reason, count]) => `${count} with ${reason}`);
  const parts = [`${counts.copied} of ${counts.found} rows copied`];
  if (counts.repeats > 0n) {
    parts.push(`${counts.repeats} repeats left out`);
  }
  if (refused.length > 0) {
    parts.push(`refused: ${refused.join(", ")}`);
  }
  return parts.join("; ");
}
