import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { FREQUENCY_NUMBERS } from "../../domain/frequency.ts";
import type { Day } from "../../domain/day.ts";
import type { LedgerKey } from "../../domain/ledger.ts";
import type { Model, RowOutcome, Store } from "../../ports/store.ts";
import { InsertProgress } from "../batching/insert-progress.ts";
import type { ClickHouse } from "./client.ts";
import { decide, type Revision } from "./compare.ts";
import { FIELD_SEPARATOR, readStored } from "./compare-read.ts";
import type { BlockContext } from "./encode/column.ts";
import type { ModelName } from "./encode/model-columns.ts";
import { createWallClocks } from "./encode/wall-clock.ts";
import { INSERT_LIMITS_DEFAULT, insertRows, type InsertLimits } from "./insert.ts";
import { createModelTables, modelTableOf, type ModelTable } from "./model-tables.ts";
import { createQuarantine, toRefusedRow, withProvenance } from "./quarantine.ts";
import { quoteIdentifier } from "./quote.ts";
import { withRows } from "../pressure-error.ts";
import { ADJUSTFACTOR_ROW, BAR_ROW } from "./tables.ts";

export interface StoreParts {
  /** Stays the caller's to close. */
  readonly clickhouse: ClickHouse;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: InsertLimits;
  /** False writes every row without asking what is stored; all are then `new`. For benchmarks and first loads. */
  readonly compare?: boolean;
}

/** Lines one batch may log of changed values; the rest is counted. */
export const REVISIONS_LOGGED_MAX = 20;
/** Rows compared at once, so that what is read back of a large batch never stands in memory as a whole. */
const COMPARED_ROWS_MAX = 10_000;

/**
 * The tables as a Store. A batch goes: what is stored is read by primary key, new and changed rows are inserted, rows the
 * engine refuses are set aside, all before `addBatch` resolves. When it throws, the plan of that batch is kept with its
 * array: called again with the same array it repeats the inserts that were not acknowledged, byte for byte where it may
 * send as many rows at once as before, and answers as the first attempt would have, however much had been stored.
 */
export function createClickHouseStore(parts: StoreParts): Store {
  const { clickhouse, clock, log } = parts;
  const limits = parts.limits ?? INSERT_LIMITS_DEFAULT;
  const clocks = createWallClocks();
  const tables = createModelTables(clocks);
  const quarantine = createQuarantine(clickhouse, clocks, limits);
  const plans = new WeakMap<readonly Model[], Plan>();

  async function plan(models: readonly Model[], rowsMax: number, signal: AbortSignal): Promise<Plan> {
    const context = { ingestedAtMs: clock.nowMs() };
    const outcomes: RowOutcome[] = Array.from({ length: models.length }, () => "new");
    const inserts: PlannedInsert[] = [];
    if (parts.compare === false) {
      for (const rows of Map.groupBy(models, ({ model }) => model).values()) {
        const [first] = rows;
        if (first !== undefined) {
          inserts.push(planInsert(modelTableOf(tables, first), rows, new Map()));
        }
      }
      return { context, outcomes, inserts };
    }
    for (const { table, members } of groupByTable(models, tables)) {
      const rows: Model[] = [];
      const superseded = new Map<Model, Model>();
      for (const part of cutByKey(members, (row) => table.compared.keyOf(row), rowsMax)) {
        for (const row of await compare(table, part, outcomes, superseded, signal)) {
          rows.push(row);
        }
      }
      inserts.push(planInsert(table, rows, superseded));
    }
    return { context, outcomes, inserts };
  }

  /** Answers with the rows to write; notes their outcomes and what each of them beats. */
  async function compare(
    table: ModelTable<Model>,
    members: readonly Member[],
    outcomes: RowOutcome[],
    superseded: Map<Model, Model>,
    signal: AbortSignal,
  ): Promise<readonly Model[]> {
    const models = members.map(({ model }) => model);
    const stored = await readStored(clickhouse, table.compared, models, signal).catch((error: unknown) => {
      throw withRows(error, models.length);
    });
    const decision = decide(
      models.map((model) => ({
        key: table.compared.keyOf(model),
        value: table.compared.valueOf(model),
        version: model.provenance.version,
      })),
      stored,
    );
    members.forEach(({ index }, at) => {
      outcomes[index] = decision.outcomes[at] ?? "same";
    });
    logRevisions(log, table, decision.revisions);
    for (const [newerAt, olderAt] of decision.superseded) {
      const [newer, older] = [models[newerAt], models[olderAt]];
      if (newer !== undefined && older !== undefined) {
        superseded.set(newer, older);
      }
    }
    return decision.writes.flatMap((at) => models[at] ?? []);
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
    async addBatch(models, signal, { rowsPerInsertMax = limits.rowsMax } = {}) {
      const rowsMax = Math.max(1, rowsPerInsertMax);
      const planned = plans.get(models) ?? (await plan(models, Math.min(rowsMax, COMPARED_ROWS_MAX), signal));
      plans.set(models, planned);
      for (const insert of planned.inserts) {
        await run(insert, planned.context, rowsMax, signal);
      }
      plans.delete(models);
      return planned.inserts.every(({ lost }) => lost.size === 0)
        ? planned.outcomes
        : planned.outcomes.map((outcome, index) => (isLost(planned, models[index]) ? "rejected" : outcome));
    },
    quarantine: (rows, provenance, signal) =>
      quarantine.write(withProvenance(rows, provenance), { ingestedAtMs: clock.nowMs() }, signal),
    storedDays: (key, from, to, signal) => readStoredDays(clickhouse, key, from, to, signal),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** What a batch brings to one table, and how far it has come. */
interface PlannedInsert {
  readonly table: ModelTable<Model>;
  /** What to write instead should a row be refused that beat another of its key. */
  readonly superseded: ReadonlyMap<Model, Model>;
  /** What is being written now: first all of it, then what takes the place of refused rows. */
  rows: readonly Model[];
  progress: InsertProgress<Model>;
  /** Refused, and in quarantine. */
  readonly lost: Set<Model>;
}

function planInsert(
  table: ModelTable<Model>,
  rows: readonly Model[],
  superseded: ReadonlyMap<Model, Model>,
): PlannedInsert {
  return { table, superseded, rows, progress: new InsertProgress(rows), lost: new Set() };
}

interface Plan {
  readonly context: BlockContext;
  readonly outcomes: readonly RowOutcome[];
  readonly inserts: readonly PlannedInsert[];
}

/** A model and where it stands in the batch. */
interface Member {
  readonly model: Model;
  readonly index: number;
}

interface TableGroup {
  readonly table: ModelTable<Model>;
  readonly members: Member[];
}

function groupByTable(models: readonly Model[], tables: Parameters<typeof modelTableOf>[0]): Iterable<TableGroup> {
  const groups = new Map<ModelName, TableGroup>();
  models.forEach((model, index) => {
    const group = groups.get(model.model);
    if (group === undefined) {
      groups.set(model.model, { table: modelTableOf(tables, model), members: [{ model, index }] });
    } else {
      group.members.push({ model, index });
    }
  });
  return groups.values();
}

/**
 * Cuts a large batch for comparison. It is sorted by key, so that each part reads a stretch of the primary key, and a cut
 * never falls between two rows of one key.
 */
function cutByKey(
  members: readonly Member[],
  keyOf: (row: Model) => string,
  rowsMax: number,
): readonly (readonly Member[])[] {
  if (members.length <= rowsMax) {
    return [members];
  }
  const keyed = members.map((member) => ({ member, key: keyOf(member.model) }));
  keyed.sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  const parts: Member[][] = [];
  let current: Member[] = [];
  let last = "";
  for (const { member, key } of keyed) {
    if (current.length >= rowsMax && key !== last) {
      parts.push(current);
      current = [];
    }
    current.push(member);
    last = key;
  }
  return [...parts, current];
}

function logRevisions(log: Log, table: ModelTable<Model>, revisions: readonly Revision[]): void {
  for (const { key, before, after } of revisions.slice(0, REVISIONS_LOGGED_MAX)) {
    const [old, now] = [before.split(FIELD_SEPARATOR), after.split(FIELD_SEPARATOR)];
    const changed = table.compared.fields.flatMap((name, at) =>
      old[at] === now[at] ? [] : [[name, { old: old[at], new: now[at] }] as const],
    );
    log.warn("stored value revised", { table: table.writer.table, key, ...Object.fromEntries(changed) });
  }
  if (revisions.length > REVISIONS_LOGGED_MAX) {
    log.warn("more stored values revised", {
      table: table.writer.table,
      rows: revisions.length - REVISIONS_LOGGED_MAX,
    });
  }
}

function isLost({ inserts }: Plan, model: Model | undefined): boolean {
  return model !== undefined && inserts.some(({ lost }) => lost.has(model));
}

/** What the tables really have, without the views: a day counts whichever source brought it. */
async function readStoredDays(
  clickhouse: ClickHouse,
  key: LedgerKey,
  from: Day,
  to: Day,
  signal: AbortSignal,
): Promise<readonly Day[]> {
  const isBars = key.dataSet === "bars";
  if (!isBars && key.dataSet !== "adjustment-factors") {
    throw new TypeError(
      `the stored days of ${key.dataSet} were asked for; only bars and adjustment factors have a ledger`,
    );
  }
  const table = `${quoteIdentifier(clickhouse.database)}.${(isBars ? BAR_ROW : ADJUSTFACTOR_ROW).name}`;
  const sql =
    `SELECT DISTINCT toString(trading_day) AS day FROM ${table} WHERE code = {code:String}` +
    `${isBars ? " AND frequency = {frequency:Int8}" : ""} AND trading_day BETWEEN {from:Date} AND {to:Date} ORDER BY day`;
  const params = { code: key.code, from, to, ...(isBars ? { frequency: FREQUENCY_NUMBERS[key.frequency] } : {}) };
  const rows = await clickhouse.query<{ readonly day: Day }>(sql, params, signal);
  return rows.map(({ day }) => day);
}
