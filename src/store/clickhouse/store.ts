import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Model, Store, WriteOptions } from "../../ports/store.ts";
import { InsertProgress } from "../batching/insert-progress.ts";
import { BatchPlan, type PlannedInsert } from "./batch-plan.ts";
import type { ClickHouse } from "./client.ts";
import type { BlockContext } from "./encode/column.ts";
import { createWallClocks } from "./encode/wall-clock.ts";
import { INSERT_LIMITS_DEFAULT, insertRows, type InsertLimits } from "./insert.ts";
import { createModelTables } from "./model-tables.ts";
import { createQuarantine, toRefusedRow, withProvenance } from "./quarantine.ts";
import { readStoredDays } from "./stored-days.ts";
import { createTickDays, readStoredTicks } from "./tick-days.ts";
import { createTickViews, type TickViewOptions } from "./tick-views.ts";

export interface StoreParts {
  /** Stays the caller's to close. */
  readonly clickhouse: ClickHouse;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: InsertLimits;
  /** False writes every row without asking what is stored; all are then `new`. For benchmarks and first loads. */
  readonly compare?: boolean;
  /** How the view of a code is made when its first ticks are stored; without it none is. */
  readonly tickViews?: TickViewOptions;
}

/**
 * The tables as a Store. A batch goes: what is stored is read by primary key, new and changed rows are inserted, rows the
 * engine refuses are set aside, all before `addBatch` resolves. When it throws, the plan of that batch is kept with its
 * array: called again with the same array it repeats the inserts that were not acknowledged, byte for byte where it may
 * send as many rows at once as before, and answers as the first attempt would have, however much had been stored. With
 * `failed` so does a part of a batch that is tried by itself.
 */
export function createClickHouseStore(parts: StoreParts): Store {
  const { clickhouse, clock, log } = parts;
  const limits = parts.limits ?? INSERT_LIMITS_DEFAULT;
  const clocks = createWallClocks();
  const tables = createModelTables(clocks);
  const quarantine = createQuarantine(clickhouse, clocks, limits);
  const tickDays = createTickDays(clickhouse, clocks, limits);
  const tickViews = parts.tickViews === undefined ? undefined : createTickViews(clickhouse, parts.tickViews, log);
  const plans = new WeakMap<readonly Model[], BatchPlan>();

  function planOf(models: readonly Model[], failed: WriteOptions["failed"]): BatchPlan {
    const before = plans.get(models);
    if (before !== undefined) {
      return before;
    }
    const known = failed === undefined ? [] : plans.get(failed.models)?.outcomesFrom(failed.from, models.length);
    const plan = new BatchPlan(models, { clickhouse, log, tables, clock, known: known ?? [] });
    plans.set(models, plan);
    return plan;
  }

  /** Resolves when all of it is durable; what is lost is in no table but quarantine. Called again it goes on. */
  async function run(
    planned: PlannedInsert,
    context: BlockContext,
    rowsMax: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { table, superseded, lost } = planned;
    const few = { ...limits, rowsMax: Math.min(limits.rowsMax, rowsMax) };
    while (planned.rows.length > 0) {
      const refused = await insertRows(clickhouse, table.writer, planned.rows, context, few, signal, planned.progress);
      const rejected = refused.map(({ row, detail }) => ({
        rejected: toRefusedRow(table.dataSet, table.codeOf(row), row.row, detail),
        provenance: row.provenance,
      }));
      if (rejected.length > 0) {
        await quarantine.write(rejected, context, signal);
        log.warn("rows refused by the store", {
          table: table.writer.table,
          rows: rejected.length,
          first: rejected[0]?.rejected.detail,
        });
      }
      for (const { row } of refused) {
        lost.add(row);
      }
      planned.rows = refused.flatMap(({ row }) => superseded.get(row) ?? []);
      planned.progress = new InsertProgress(planned.rows);
    }
  }

  return {
    async addBatch(models, signal, { rowsPerInsertMax = limits.rowsMax, failed } = {}) {
      const rowsMax = Math.max(1, rowsPerInsertMax);
      await tickViews?.ensure(tickCodes(models), signal);
      const plan = planOf(models, failed);
      const { context, inserts } = parts.compare === false ? plan.takeAll() : await plan.compare(rowsMax, signal);
      for (const insert of inserts) {
        await run(insert, context, rowsMax, signal);
      }
      await tickDays.recount(models, context, signal);
      plans.delete(models);
      return plan.outcomes();
    },
    quarantine: (rows, provenance, signal) =>
      quarantine.write(withProvenance(rows, provenance), { ingestedAtMs: clock.nowMs() }, signal),
    storedDays: (key, from, to, signal) => readStoredDays(clickhouse, key, from, to, signal),
    storedTicks: (code, day, source, signal) => readStoredTicks(clickhouse, code, day, source, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function* tickCodes(models: readonly Model[]): Generator<SecurityCode> {
  for (const { model, row } of models) {
    if (model === "tick") {
      yield row.code;
    }
  }
}
