import { DataError } from "../base/errors.ts";
import type { Day } from "../domain/day.ts";
import type { SourceNumber } from "../domain/enums.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import {
  barColumns,
  hasFactorOfOtherSource,
  readBars,
  readFactorUpTo,
  readFirstFactor,
  readStoredRange,
  selectBars,
  type BarRecord,
  type BarSelection,
  type StoredFactor,
} from "../store/clickhouse/read-bars.ts";
import type { ViewOptions } from "../store/clickhouse/views.ts";
import type { BarsReport, BarsRequest, DaysWithoutFactor } from "./app-api.ts";

/**
 * Bars of one code with what a reader must know of them. An adjusted price is price × factor ÷ factor at the anchor; a
 * day without a factor keeps its row, with null for what depends on it, and so does one whose factor is of another source
 * than the anchor's (without an anchor, than the latest factor). DataError when the anchor has no factor.
 */
export async function readBarsOf(
  clickhouse: ClickHouse,
  views: ViewOptions,
  request: BarsRequest,
  signal: AbortSignal,
): Promise<BarsReport> {
  const anchor = await findAnchor(clickhouse, views, request, signal);
  const source = await findSource(clickhouse, views, request, anchor, signal);
  const adjust = request.adjust === undefined ? undefined : { divisor: anchor?.factor ?? "1", source };
  const selection: BarSelection = { ...request, adjust };
  const sql = selectBars(views, selection);
  const rows = await readBars(clickhouse, sql, signal);
  if (request.parquet !== undefined && rows.length > 0) {
    for await (const piece of clickhouse.raw(sql, "Parquet", signal)) {
      await request.parquet(piece);
    }
  }
  const unadjusted = request.adjust === undefined ? undefined : withoutFactor(rows);
  const hasOtherSource =
    unadjusted !== undefined &&
    source !== undefined &&
    (await hasFactorOfOtherSource(clickhouse, views, request.code, { ...unadjusted, source }, signal));
  return {
    columns: barColumns(selection),
    rows,
    anchor,
    withoutFactor: unadjusted === undefined ? undefined : { ...unadjusted, hasOtherSource },
    stored: rows.length > 0 ? undefined : await readStoredRange(clickhouse, request.code, request.frequency, signal),
  };
}

/** Whose factors multiply: those of the anchor's source, else of that of the latest factor. */
async function findSource(
  clickhouse: ClickHouse,
  views: ViewOptions,
  { code, adjust }: BarsRequest,
  anchor: StoredFactor | undefined,
  signal: AbortSignal,
): Promise<SourceNumber | undefined> {
  return adjust === undefined || anchor !== undefined
    ? anchor?.source
    : (await readFactorUpTo(clickhouse, views, code, undefined, signal))?.source;
}

/** Whose factor divides. Backward adjusted prices are not divided unless an anchor is named. */
async function findAnchor(
  clickhouse: ClickHouse,
  views: ViewOptions,
  { code, adjust, anchor }: BarsRequest,
  signal: AbortSignal,
): Promise<StoredFactor | undefined> {
  if (adjust === undefined || (adjust === "backward" && anchor === undefined)) {
    return undefined;
  }
  const found = await readFactorUpTo(clickhouse, views, code, anchor, signal);
  if (anchor === undefined || found?.day === anchor) {
    return found;
  }
  const doing = `adjusting ${code} at the anchor ${anchor}: no factor is stored for that day`;
  if (found !== undefined) {
    throw new DataError(`${doing}; the nearest earlier day that has one is ${found.day}: take --anchor ${found.day}`);
  }
  const first = await readFirstFactor(clickhouse, views, code, signal);
  throw new DataError(
    first === undefined
      ? `${doing} nor for any other; bring them with gdw request --kind factors --codes ${code}`
      : `${doing} nor for an earlier one; the first day that has one is ${first.day}`,
  );
}

function withoutFactor(rows: readonly BarRecord[]): Omit<DaysWithoutFactor, "hasOtherSource"> | undefined {
  const days = [...new Set(rows.filter(({ factor }) => factor === null).map((row) => dayOf(row)))];
  const [from] = days;
  const to = days.at(-1);
  return from === undefined || to === undefined ? undefined : { days: days.length, from, to };
}

function dayOf({ trading_day: day }: BarRecord): Day {
  if (!isDay(day)) {
    throw new TypeError(`reading bars: ${JSON.stringify(day)} is no day`);
  }
  return day;
}

/** The engine wrote it from a Date. */
function isDay(value: unknown): value is Day {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
}
