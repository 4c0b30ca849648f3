import { addDays, compactDay, maxDay, minDay, parseDay, SHANGHAI } from "../../domain/day.ts";
import type { DataSet, RowOf } from "../../domain/rows.ts";
import { MAINLAND_EXCHANGES } from "../../domain/security-code.ts";
import type { Call, Selection } from "../../domain/unit.ts";
import type { Capability, Page, Source } from "../../ports/source.ts";
import { createTushareClient, type TushareClientOptions } from "./client.ts";
import type { TushareTable } from "./envelope.ts";
import { COLUMNS, mapTable } from "./mapping.ts";
import { splitCall } from "./paging.ts";

/** The server's row caps; accounts and years differ (protocol section 5), so each is a setting. */
export interface TushareRowCaps {
  readonly daily: number;
  readonly adj_factor: number;
  readonly stock_basic: number;
  readonly trade_cal: number;
  readonly suspend_d: number;
}

export const TUSHARE_ROW_CAPS: TushareRowCaps = {
  daily: 6_000,
  // Not stated by the provider; its clients assume that of daily.
  adj_factor: 6_000,
  stock_basic: 6_000,
  // Not stated; the full history is longer than one answer, so it is cut beforehand as if it were that of daily.
  trade_cal: 6_000,
  suspend_d: 5_000,
};

export interface TushareSourceOptions extends TushareClientOptions {
  readonly rowCaps?: Partial<TushareRowCaps>;
  /** Codes one call for daily bars names; long lists are refused from about 100 on. Default 80. */
  readonly codesMax?: number;
}

/** Tushare Pro as a source. One call is one request; nothing is retried, waited for or counted here. */
export function openTushareSource(options: TushareSourceOptions): Source {
  const client = createTushareClient(options);
  const capabilities = tushareCapabilities(options);

  async function fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> {
    const capability = capabilityOf(capabilities, call);
    const { now, later } = takeWhatFits(call, capability.rowsMax);
    const params = { ...API_PARAMS[call.dataSet], ...toParams(now.selection), ...toOffset(now, capability.rowsMax) };
    const table = await client.call({ api: capability.api, params, fields: COLUMNS[call.dataSet] }, signal);
    const { rows, rejected } = mapTable(call.dataSet, table);
    const received = table.items.length;
    const rest = isCut(now, table, capability.rowsMax)
      ? splitCall(now, received, capability.rowsMax)
      : beforeFirstRow(now, rows);
    return { dataSet: call.dataSet, rows, rejected, received, rest: [...rest, ...later] };
  }

  return { provider: "tushare", capabilities, fetch, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

/** What the source can answer; known without an account. */
export function tushareCapabilities({
  rowCaps,
  codesMax = 80,
}: Pick<TushareSourceOptions, "rowCaps" | "codesMax">): readonly Capability[] {
  return listCapabilities({ ...TUSHARE_ROW_CAPS, ...rowCaps }, codesMax);
}

/** What every call of a data set says beside its selection. */
const API_PARAMS: { readonly [D in DataSet]: Readonly<Record<string, string>> } = {
  bars: {},
  "adjustment-factors": {},
  "stock-list": {},
  "trading-calendar": { exchange: "SSE" },
  suspensions: { suspend_type: "S" },
  ticks: {},
};

/** When a day's rows are complete, in Shanghai: bars are published from 15:00 on and whole by about 17:00. */
export const TUSHARE_COMPLETE_FROM = { bars: "17:00", ticks: "17:00", "adjustment-factors": "09:20" } as const;

const LIST_STATUS_LETTERS = { listed: "L", delisted: "D", paused: "P" } as const;

function listCapabilities(caps: TushareRowCaps, codesMax: number): readonly Capability[] {
  const common = {
    frequency: "1d",
    zone: SHANGHAI,
    rowsPerDay: 1,
    exchanges: MAINLAND_EXCHANGES,
    kinds: ["stock"],
    since: undefined,
  } as const;
  return [
    {
      ...common,
      dataSet: "bars",
      api: "daily",
      rowsMax: caps.daily,
      codesMax,
      byDay: true,
      completeFrom: TUSHARE_COMPLETE_FROM.bars,
    },
    {
      ...common,
      dataSet: "adjustment-factors",
      api: "adj_factor",
      rowsMax: caps.adj_factor,
      // A list of codes is documented for `daily` only.
      codesMax: 1,
      byDay: true,
      completeFrom: TUSHARE_COMPLETE_FROM["adjustment-factors"],
    },
    {
      ...common,
      dataSet: "stock-list",
      api: "stock_basic",
      rowsMax: caps.stock_basic,
      codesMax: 0,
      byDay: false,
      completeFrom: "00:00",
    },
    {
      ...common,
      dataSet: "trading-calendar",
      api: "trade_cal",
      rowsMax: caps.trade_cal,
      codesMax: 0,
      byDay: false,
      completeFrom: "00:00",
    },
    {
      ...common,
      dataSet: "suspensions",
      api: "suspend_d",
      rowsMax: caps.suspend_d,
      codesMax: 1,
      byDay: true,
      // The provider states no hour; a halt may be declared during the session, so the list is whole with the bars.
      completeFrom: "17:00",
    },
  ];
}

/** Throws RangeError on a call that this source never offered: the caller's defect. */
function capabilityOf(capabilities: readonly Capability[], call: Call): Capability {
  const capability = capabilities.find(({ dataSet }) => dataSet === call.dataSet);
  const { selection } = call;
  if (
    capability === undefined ||
    capability.frequency !== call.frequency ||
    !SELECTIONS[call.dataSet].includes(selection.by)
  ) {
    throw new RangeError(`calling tushare: it has no ${call.dataSet} at ${call.frequency} by ${selection.by}`);
  }
  if (selection.by === "codes" && (selection.codes.length === 0 || selection.codes.length > capability.codesMax)) {
    throw new RangeError(
      `calling tushare ${capability.api}: expected 1 to ${capability.codesMax} codes, got ${selection.codes.length}`,
    );
  }
  return capability;
}

const SELECTIONS: { readonly [D in DataSet]: readonly Selection["by"][] } = {
  bars: ["codes", "day"],
  "adjustment-factors": ["codes", "day"],
  "stock-list": ["status"],
  "trading-calendar": ["range"],
  suspensions: ["codes", "day", "range"],
  ticks: [],
};

function toParams(selection: Selection): Readonly<Record<string, string>> {
  if (selection.by === "status") {
    return { list_status: LIST_STATUS_LETTERS[selection.status] };
  }
  if (selection.by === "day") {
    return { trade_date: compactDay(selection.day) };
  }
  const dates = { start_date: compactDay(selection.from), end_date: compactDay(selection.to) };
  return selection.by === "codes" ? { ts_code: selection.codes.join(","), ...dates } : dates;
}

function toOffset(call: Call, rowsMax: number): Readonly<Record<string, string>> {
  return call.offset === undefined ? {} : { offset: `${call.offset}`, limit: `${rowsMax}` };
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

/** A page of exactly the cap is never the end, whatever `has_more` says; an empty page after an offset is. */
function isCut(call: Call, table: TushareTable, rowsMax: number): boolean {
  const isPastTheEnd = call.offset !== undefined && table.items.length === 0;
  return !isPastTheEnd && (table.hasMore === true || table.items.length >= rowsMax);
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
