import { addDays, maxDay, minDay, parseDay } from "../../domain/day.ts";
import type { DataSet, RowOf } from "../../domain/rows.ts";
import type { Call } from "../../domain/unit.ts";
import type { Page, Source } from "../../ports/source.ts";
import { capOf, tushareCapabilities, type TushareBounds } from "./capabilities.ts";
import { createTushareClient, type TushareClientOptions } from "./client.ts";
import { createInquiries } from "./inquiries.ts";
import { columnsOf, mapTable } from "./mapping.ts";
import { isCut, splitCall } from "./paging.ts";
import { capabilityOf, toParams } from "./requests.ts";

export { TUSHARE_COMPLETE_FROM, TUSHARE_ROW_CAPS, tushareCapabilities, type TushareRowCaps } from "./capabilities.ts";

export interface TushareSourceOptions extends TushareClientOptions, TushareBounds {}

/** Tushare Pro as a source. One call is one request; nothing is retried, waited for or counted here. */
export function openTushareSource(options: TushareSourceOptions): Source {
  const client = createTushareClient(options);
  const capabilities = tushareCapabilities(options);

  async function fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> {
    const { api } = capabilityOf(capabilities, call);
    const { dataSet, frequency } = call;
    const rowsMax = capOf(options.rowCaps, api);
    const { now, later } = takeWhatFits(call, rowsMax);
    const fields = columnsOf(dataSet, frequency);
    const table = await client.call({ api, params: toParams(now, rowsMax), fields }, signal);
    const { rows, rejected } = mapTable(dataSet, frequency, table);
    const received = table.items.length;
    const rest = isCut(now, table, rowsMax) ? splitCall(now, received, rowsMax) : beforeFirstRow(now, rows);
    return { dataSet, rows, rejected, received, rest: [...rest, ...later] };
  }

  return {
    provider: "tushare",
    capabilities,
    fetch,
    inquiries: createInquiries(client),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/**
 * The calendar has a row for every day, so how much of a range one answer holds is known beforehand: that much is asked
 * for and the years after it are left for later.
 */
function takeWhatFits<D extends DataSet>(
  call: Call<D>,
  rowsMax: number,
): { readonly now: Call<D>; readonly later: readonly Call<D>[] } {
  const { selection } = call;
  if (call.dataSet !== "trading-calendar" || selection.by !== "range") {
    return { now: call, later: [] };
  }
  // One row fewer than the cap, since an answer of exactly the cap is not believed to be whole.
  const last = minDay(selection.to, addDays(selection.from, Math.max(rowsMax - 2, 0)));
  return {
    now: { ...call, selection: { ...selection, to: last } },
    later: last < selection.to ? [{ ...call, selection: { ...selection, from: addDays(last, 1) } }] : [],
  };
}

/** The first day of the exchange's calendar at this provider. */
const CALENDAR_BEGIN = parseDay("1990-12-19");

/**
 * A calendar that lacks its oldest days was cut by a cap smaller than ours on a server that does not say so: the days
 * before its first row are asked for once more.
 */
function beforeFirstRow<D extends DataSet>(call: Call<D>, rows: readonly RowOf[D][]): readonly Call<D>[] {
  const { selection } = call;
  if (call.dataSet !== "trading-calendar" || selection.by !== "range") {
    return [];
  }
  const days = rows.flatMap((row) => ("day" in row ? [row.day] : []));
  const first = days.length === 0 ? undefined : days.reduce(minDay);
  const from = maxDay(selection.from, CALENDAR_BEGIN);
  return first !== undefined && first > from
    ? [{ ...call, selection: { ...selection, from, to: addDays(first, -1) } }]
    : [];
}
