import type { DataSet, RejectedRow } from "../../domain/rows.ts";
import type { Provenance } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import type { BlockContext } from "./encode/column.ts";
import { quarantineColumns, type QuarantinedRow } from "./encode/model-columns.ts";
import type { WallClocks } from "./encode/wall-clock.ts";
import { PermanentError } from "../../base/errors.ts";
import { insertRows, type InsertLimits, type RowWriter } from "./insert.ts";
import { QUARANTINE_ROW } from "./tables.ts";

export const DETAIL_LENGTH_MAX = 1_000;
export const RAW_LENGTH_MAX = 2_000;
const DATE_DAYS_MAX = 65_535;

/** Sets rows aside: durable when `write` resolves. The same bad row fetched again is one row there. */
export interface Quarantine {
  write(rows: readonly QuarantinedRow[], context: BlockContext, signal: AbortSignal): Promise<void>;
}

export function createQuarantine(clickhouse: ClickHouse, clocks: WallClocks, limits: InsertLimits): Quarantine {
  const writer: RowWriter<QuarantinedRow> = {
    table: QUARANTINE_ROW.name,
    columns: quarantineColumns(clocks),
    partitionOf: () => 0,
  };
  return {
    async write(rows, context, signal) {
      const bounded = rows.map((row) => ({ ...row, rejected: fit(row.rejected, clocks) }));
      const refused = await insertRows(clickhouse, writer, bounded, context, limits, signal);
      const [first] = refused;
      if (first !== undefined) {
        // Every text goes in, so the table is not the one we know.
        throw new PermanentError(
          `quarantining ${rows.length} rows: ${refused.length} refused: ${first.detail}`,
          "store",
        );
      }
    },
  };
}

/** A row that the store refused, as what quarantine keeps of it. */
export function toRefusedRow(dataSet: DataSet, code: string, row: object, detail: string): RejectedRow {
  return { dataSet, code, day: undefined, reason: "store-refused", detail, raw: JSON.stringify(row) };
}

export function withProvenance(rows: readonly RejectedRow[], provenance: Provenance): readonly QuarantinedRow[] {
  return rows.map((rejected) => ({ rejected, provenance }));
}

/** Whatever made the row bad, its notes must be storable. */
function fit(rejected: RejectedRow, clocks: WallClocks): RejectedRow {
  const days = rejected.day === undefined ? NaN : clocks.toDays(rejected.day);
  return {
    ...rejected,
    day: days >= 0 && days <= DATE_DAYS_MAX ? rejected.day : undefined,
    detail: rejected.detail.slice(0, DETAIL_LENGTH_MAX),
    raw: rejected.raw.slice(0, RAW_LENGTH_MAX),
  };
}
