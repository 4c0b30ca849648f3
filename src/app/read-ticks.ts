import type { ClickHouse } from "../store/clickhouse/client.ts";
import { readStoredTickDays, readTicks, TICK_COLUMNS } from "../store/clickhouse/read-ticks.ts";
import type { ViewOptions } from "../store/clickhouse/views.ts";
import type { TicksReport, TicksRequest } from "./app-api.ts";

/** The ticks of a day of one code: of the day that is named, else of the last one that has any. */
export async function readTicksOf(
  clickhouse: ClickHouse,
  views: ViewOptions,
  { code, day: named }: TicksRequest,
  signal: AbortSignal,
): Promise<TicksReport> {
  const stored = await readStoredTickDays(clickhouse, code, signal);
  const day = named ?? stored?.to;
  const rows = stored === undefined || day === undefined ? [] : await readTicks(clickhouse, views, code, day, signal);
  return { columns: TICK_COLUMNS, day, rows, stored };
}
