import { applyFault } from "./apply-fault.ts";
import { buildChart } from "./build-chart.ts";
import { encodeChart, type KeyOrder } from "./encode-chart.ts";
import { isRowFault, type SettledFault } from "./faults.ts";
import { granularityOf, intervalOf } from "./intervals.ts";
import { readQuery, type ChartQuery } from "./read-query.ts";
import { NOT_FOUND } from "./refusal.ts";
import { jsonReply, refusalReply, type Reply } from "./reply.ts";
import type { YahooData, YahooListing } from "./yahoo-data.ts";
import { openOf } from "./stamps.ts";

export interface ChartParts {
  readonly data: YahooData;
  readonly keyOrder: KeyOrder;
  /** See `View`. */
  readonly liveSeconds: number | undefined;
}

export interface ChartReply extends Reply {
  readonly rows: number;
}

/** The answer to a request for a symbol's chart, right or as the fault leaves it. */
export function answerChart(
  parts: ChartParts,
  symbol: string,
  parameters: URLSearchParams,
  nowSeconds: number,
  fault: SettledFault | undefined,
): ChartReply {
  const { data } = parts;
  const recorded = data.recorded?.({ symbol, query: parameters });
  if (recorded !== undefined) {
    return { ...recorded, rows: 0 };
  }
  const asked = listingAt(data, symbol, nowSeconds);
  const listing = fault?.kind === "wrong-symbol" ? otherListing(data, symbol, fault.symbol, nowSeconds) : asked;
  if (asked === undefined || listing === undefined || fault?.kind === "not-found") {
    return { ...refusalReply(NOT_FOUND), rows: 0 };
  }
  const query = readQuery(parameters, listing, nowSeconds);
  if ("status" in query) {
    return { ...refusalReply(query), rows: 0 };
  }
  const served = fault?.kind === "coarse" ? coarser(query, fault.interval) : query;
  const right = buildChart(listing, served, nowSeconds, parts.liveSeconds);
  const chart = fault !== undefined && isRowFault(fault) ? applyFault(right, fault, listing.hours) : right;
  const told =
    fault?.kind === "coarse" && !fault.isTold
      ? { ...chart, meta: { ...chart.meta, dataGranularity: granularityOf(query.name) } }
      : chart;
  return { ...jsonReply(200, encodeChart(told, parts.keyOrder)), rows: told.rows.length };
}

/** Undefined for a symbol that nobody knows, or nobody knows any more; one that is yet to be listed is as unknown. */
export function listingAt(data: YahooData, symbol: string, nowSeconds: number): YahooListing | undefined {
  const listing = data.listing(symbol);
  if (listing === undefined) {
    return undefined;
  }
  const { hours, listedOn, delistedOn } = listing;
  const isGone = delistedOn !== undefined && openOf(hours, delistedOn) <= nowSeconds;
  return isGone || openOf(hours, listedOn) > nowSeconds ? undefined : listing;
}

function otherListing(
  data: YahooData,
  symbol: string,
  named: string | undefined,
  nowSeconds: number,
): YahooListing | undefined {
  const at = data.symbols.indexOf(symbol);
  const rest = [...data.symbols.slice(at + 1), ...data.symbols.slice(0, Math.max(0, at))];
  const candidates = named === undefined ? rest : [named];
  for (const candidate of candidates) {
    const listing = listingAt(data, candidate, nowSeconds);
    if (listing !== undefined) {
      return listing;
    }
  }
  return undefined;
}

function coarser(query: ChartQuery, name: ChartQuery["name"]): ChartQuery {
  return { ...query, name, interval: intervalOf(name) };
}
