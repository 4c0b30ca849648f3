import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Model, RowOutcome } from "../../ports/store.ts";
import { InsertProgress } from "../batching/insert-progress.ts";
import { withRows } from "../pressure-error.ts";
import type { ClickHouse } from "./client.ts";
import { decide, type Revision } from "./compare.ts";
import { FIELD_SEPARATOR, readStored } from "./compare-read.ts";
import type { BlockContext } from "./encode/column.ts";
import type { ModelName } from "./encode/model-columns.ts";
import { type ModelTable, type ModelTables, modelTableOf } from "./model-tables.ts";

/** Lines one comparison may log of changed values; the rest is counted. */
export const REVISIONS_LOGGED_MAX = 20;
/** Rows compared at once, so that what is read back of a large batch never stands in memory as a whole. */
const COMPARED_ROWS_MAX = 10_000;

/** What a batch brings to one table, and how far it has come. */
export interface PlannedInsert {
  readonly table: ModelTable<Model>;
  /** What to write instead should a row be refused that beat another of its key. */
  readonly superseded: ReadonlyMap<Model, Model>;
  /** What is being written now: first all of it, then what takes the place of refused rows. */
  rows: readonly Model[];
  progress: InsertProgress<Model>;
  /** Refused, and in quarantine. */
  readonly lost: Set<Model>;
}

/** What a batch writes, the same each time it is tried. */
export interface PlannedBatch {
  readonly context: BlockContext;
  readonly inserts: readonly PlannedInsert[];
}

export interface BatchPlanParts {
  readonly clickhouse: ClickHouse;
  readonly log: Log;
  readonly tables: ModelTables;
  readonly clock: Pick<Clock, "nowMs">;
  /** What an earlier try found of the same models, in their order, of which it may have stored some. */
  readonly known: readonly (RowOutcome | undefined)[];
}

/**
 * What becomes of each row of a batch, and what is to be written of it. It is found out part by part; when a part fails the
 * next try goes on there, so that what changed is said once, and it is never asked again once rows have been written: they
 * would be found stored, and be taken for `same`.
 */
export class BatchPlan {
  readonly #parts: BatchPlanParts;
  readonly #models: readonly Model[];
  /** Undefined while it is not compared. */
  readonly #outcomes: (RowOutcome | undefined)[];
  readonly #comparisons: readonly Comparison[];
  #planned: PlannedBatch | undefined;

  constructor(models: readonly Model[], parts: BatchPlanParts) {
    this.#parts = parts;
    this.#models = models;
    this.#outcomes = Array.from({ length: models.length }, () => undefined);
    this.#comparisons = [...comparisonsOf(models, parts.tables)];
  }

  /** Whatever is stored, every row is `new` and is written. */
  takeAll(): PlannedBatch {
    if (this.#planned === undefined) {
      this.#outcomes.fill("new");
      for (const { pending, rows } of this.#comparisons) {
        for (const { model } of pending.flat()) {
          rows.push(model);
        }
      }
      this.#planned = this.#plan();
    }
    return this.#planned;
  }

  /** Reads what is stored, at most `rowsMax` rows at once, unless an earlier try has read all of it. */
  async compare(rowsMax: number, signal: AbortSignal): Promise<PlannedBatch> {
    if (this.#planned === undefined) {
      for (const comparison of this.#comparisons) {
        await this.#compareTable(comparison, Math.min(rowsMax, COMPARED_ROWS_MAX), signal);
      }
      this.#planned = this.#plan();
    }
    return this.#planned;
  }

  /** What was found so far of the models from `from` on. */
  outcomesFrom(from: number, count: number): readonly (RowOutcome | undefined)[] {
    return this.#outcomes.slice(from, from + count);
  }

  /** Of a batch that is stored. */
  outcomes(): readonly RowOutcome[] {
    const lost = (this.#planned?.inserts ?? []).map((insert) => insert.lost).filter(({ size }) => size > 0);
    return this.#models.map((model, index) =>
      lost.some((rows) => rows.has(model)) ? "rejected" : (this.#outcomes[index] ?? "same"),
    );
  }

  #plan(): PlannedBatch {
    return {
      context: { ingestedAtMs: this.#parts.clock.nowMs() },
      inserts: this.#comparisons.map(({ table, rows, superseded }) => planInsert(table, rows, superseded)),
    };
  }

  async #compareTable(comparison: Comparison, rowsMax: number, signal: AbortSignal): Promise<void> {
    const { table } = comparison;
    comparison.pending = comparison.pending.flatMap((part) =>
      cutByKey(part, (row) => table.compared.keyOf(row), rowsMax),
    );
    for (let [part] = comparison.pending; part !== undefined; [part] = comparison.pending) {
      await this.#comparePart(part, comparison, signal);
      comparison.pending = comparison.pending.slice(1);
    }
  }

  /** Notes the outcomes of a part, the rows of it to write, and what each of them beats. */
  async #comparePart(
    members: readonly Member[],
    { table, rows, superseded }: Comparison,
    signal: AbortSignal,
  ): Promise<void> {
    const { clickhouse, log, known } = this.#parts;
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
    const saidBefore = new Set<string>();
    members.forEach(({ index, model }, at) => {
      const found = decision.outcomes[at] ?? "same";
      const before = known[index];
      // What is stored already may be of the earlier try.
      this.#outcomes[index] = found === "same" && before !== undefined ? before : found;
      if (before === "revised") {
        saidBefore.add(table.compared.keyOf(model));
      }
    });
    logRevisions(
      log,
      table,
      decision.revisions.filter(({ key }) => !saidBefore.has(key)),
    );
    for (const [newerAt, olderAt] of decision.superseded) {
      const [newer, older] = [models[newerAt], models[olderAt]];
      if (newer !== undefined && older !== undefined) {
        superseded.set(newer, older);
      }
    }
    for (const at of decision.writes) {
      const model = models[at];
      if (model !== undefined) {
        rows.push(model);
      }
    }
  }
}

/** A model and where it stands in the batch. */
interface Member {
  readonly model: Model;
  readonly index: number;
}

/** How far the rows of one table are compared. */
interface Comparison {
  readonly table: ModelTable<Model>;
  /** Parts that are not compared yet; no key stands in two of them. */
  pending: readonly (readonly Member[])[];
  /** To be written. */
  readonly rows: Model[];
  readonly superseded: Map<Model, Model>;
}

function* comparisonsOf(models: readonly Model[], tables: ModelTables): Generator<Comparison> {
  const groups = new Map<ModelName, Member[]>();
  models.forEach((model, index) => {
    const members = groups.get(model.model);
    if (members === undefined) {
      groups.set(model.model, [{ model, index }]);
    } else {
      members.push({ model, index });
    }
  });
  for (const members of groups.values()) {
    const [first] = members;
    if (first !== undefined) {
      yield { table: modelTableOf(tables, first.model), pending: [members], rows: [], superseded: new Map() };
    }
  }
}

function planInsert(
  table: ModelTable<Model>,
  rows: readonly Model[],
  superseded: ReadonlyMap<Model, Model>,
): PlannedInsert {
  return { table, superseded, rows, progress: new InsertProgress(rows), lost: new Set() };
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
