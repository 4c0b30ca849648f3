import { createAdjuster } from "./adjust.ts";
import { buildMeta } from "./build-meta.ts";
import type { Chart, ChartEvent, ChartEvents, ChartRow } from "./chart.ts";
import { dayRows, type DayRow, type View } from "./daily-rows.ts";
import { minuteRows } from "./minute-rows.ts";
import { selectDays, selectPeriods } from "./period-rows.ts";
import type { ChartQuery } from "./read-query.ts";
import { openOf } from "./stamps.ts";
import type { YahooListing } from "./yahoo-data.ts";

/** The right answer to a good query at an instant. */
export function buildChart(
  listing: YahooListing,
  query: ChartQuery,
  nowSeconds: number,
  liveSeconds: number | undefined,
): Chart {
  const view: View = { listing, adjuster: createAdjuster(listing, nowSeconds), nowSeconds, liveSeconds };
  const days = dayRows(view);
  const rows = query.from === query.to ? [] : selectRows(view, query, days);
  return {
    meta: buildMeta(view, query, days, rows),
    rows,
    events: eventsOf(view, query),
    hasAdjclose: query.interval.kind !== "minutes",
  };
}

function selectRows(view: View, query: ChartQuery, days: readonly DayRow[]): readonly ChartRow[] {
  const { interval } = query;
  if (interval.kind === "minutes") {
    return minuteRows(view, interval.minutes, query, query.includesExtended);
  }
  return interval.kind === "day"
    ? selectDays(days, query)
    : selectPeriods(days, interval.kind, query, view.listing.hours);
}

/** What happened within the span, by the stamp of its ex-day's open. */
function eventsOf({ listing, adjuster }: View, query: ChartQuery): ChartEvents | undefined {
  const isWithin = (stamp: number): boolean => stamp >= query.from && stamp < query.to;
  const collect = (events: readonly (readonly [number, ChartEvent])[]): readonly (readonly [number, ChartEvent])[] =>
    events.filter(([stamp]) => isWithin(stamp));
  const paid = (kind: "dividend" | "capital-gain"): readonly (readonly [number, ChartEvent])[] =>
    collect(
      adjuster.payouts
        .filter((payout) => payout.kind === kind)
        .map((payout) => {
          const date = openOf(listing.hours, payout.exDay);
          return [date, { amount: adjuster.amountOf(payout), date }] as const;
        }),
    );
  const found = {
    dividends: paid("dividend"),
    splits: collect(
      adjuster.splits.map(({ exDay, numerator, denominator }) => {
        const date = openOf(listing.hours, exDay);
        return [date, { date, numerator, denominator, splitRatio: `${numerator}:${denominator}` }] as const;
      }),
    ),
    capitalGains: paid("capital-gain"),
  };
  const wanted = (["dividends", "splits", "capitalGains"] as const)
    .filter((kind) => query.events.has(kind) && found[kind].length > 0)
    .map((kind) => [kind, Object.fromEntries(found[kind].map(([stamp, event]) => [String(stamp), event]))] as const);
  return wanted.length === 0 ? undefined : Object.fromEntries(wanted);
}
