import { dayAt, SHANGHAI } from "../../domain/day.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import type { DataSet, RowOf } from "../../domain/rows.ts";
import { exchangeOf } from "../../domain/security-code.ts";
import type { Call, Selection } from "../../domain/unit.ts";
import type { Capability, Page, Source } from "../../ports/source.ts";
import { baostockCapabilities, type BaostockBounds } from "./capabilities.ts";
import { createBaostockClient, type BaostockClientOptions } from "./client.ts";
import { fetchFactors } from "./factors.ts";
import { createInquiries } from "./inquiries.ts";
import { mapTable } from "./mapping.ts";
import { pageOf, restOf, ROWS_BY_PAGE } from "./paging.ts";
import { toRequest } from "./requests.ts";

export { BAOSTOCK_COMPLETE_FROM, baostockCapabilities } from "./capabilities.ts";

export interface BaostockSourceOptions extends BaostockClientOptions, BaostockBounds {}

/**
 * BaoStock as a source. One call is one request; beyond that only a session is begun where there is none, a request is
 * sent again once after the server had forgotten or closed an old one, and a list of factors that may be short is asked for
 * again.
 */
export function openBaostockSource(options: BaostockSourceOptions): Source {
  const client = createBaostockClient(options);
  const capabilities = baostockCapabilities(options);
  const { rowsByPage = ROWS_BY_PAGE } = options;

  async function fetch<D extends DataSet>(call: Call<D>, signal: AbortSignal): Promise<Page<D>> {
    requireOffered(capabilities, call);
    const { dataSet, frequency, selection } = call;
    if (selection.by === "status" && selection.status === "paused") {
      // It knows listed and delisted only.
      signal.throwIfAborted();
      return { dataSet, rows: [], rejected: [], received: 0, rest: [] };
    }
    const page = pageOf(call, rowsByPage);
    const [code] = dataSet === "adjustment-factors" && selection.by === "codes" ? selection.codes : [];
    const table =
      code === undefined
        ? await client.call(toRequest(call, page), signal)
        : await fetchFactors(client, code, dayAt(options.clock.now(), SHANGHAI), page, signal);
    const { rows, rejected, suspensions } = mapTable(dataSet, frequency, table);
    const received = table.items.length;
    return {
      dataSet,
      rows: rows.filter((row) => isOfStatus(row, selection) && !(code !== undefined && isAfter(row, selection))),
      rejected,
      received,
      rest: restOf(call, received, rowsByPage),
      ...(suspensions.length === 0 ? {} : { suspensions }),
    };
  }

  return {
    provider: "baostock",
    capabilities,
    fetch,
    rest: () => client.rest(),
    inquiries: createInquiries(client, rowsByPage),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Factors are asked for up to today, whatever the call's end. */
function isAfter(row: RowOf[DataSet], selection: Selection): boolean {
  return selection.by === "codes" && "tradingDay" in row && row.tradingDay > selection.to;
}

/** The provider's list has every status at once. */
function isOfStatus(row: RowOf[DataSet], selection: Selection): boolean {
  return selection.by !== "status" || !("status" in row) || row.status === selection.status;
}

const SELECTIONS: { readonly [D in DataSet]: readonly Selection["by"][] } = {
  bars: ["codes", "day"],
  ticks: [],
  "adjustment-factors": ["codes"],
  "stock-list": ["status"],
  "trading-calendar": ["range"],
  suspensions: [],
};

/** Throws RangeError on a call that this source never offered: the caller's defect. */
function requireOffered(capabilities: readonly Capability[], { dataSet, frequency, selection }: Call): void {
  const offers = capabilities.filter((offer) => offer.dataSet === dataSet && offer.frequency === frequency);
  const isKnown = SELECTIONS[dataSet].includes(selection.by) && offers.length > 0;
  if (!isKnown || (selection.by === "day" && !offers.some(({ byDay }) => byDay))) {
    throw new RangeError(`calling baostock: it has no ${dataSet} at ${frequency} by ${selection.by}`);
  }
  if (selection.by !== "codes") {
    return;
  }
  const [code] = selection.codes;
  if (code === undefined || selection.codes.length > 1) {
    throw new RangeError(`calling baostock: expected one code, got ${selection.codes.length}`);
  }
  if (!offers.some(({ kinds, exchanges }) => kinds.includes(kindOf(code)) && exchanges.includes(exchangeOf(code)))) {
    throw new RangeError(`calling baostock: it has no ${dataSet} at ${frequency} of ${code}`);
  }
}
