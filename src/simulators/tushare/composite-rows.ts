import { compactDay } from "../../domain/day.ts";
import {
  compositeHistory,
  COMPOSITES,
  compositeOf,
  type Composite,
  type CompositeBar,
} from "../../market/composites.ts";
import type { Market } from "../../market/generate-market.ts";
import { divideHalfUp } from "../../market/price-rules.ts";
import { decimalOf } from "../../market/truth-rows.ts";
import type { SimulatedRow } from "./simulated-data.ts";

const KINDS = { index_daily: "index", fund_daily: "etf" } as const satisfies Readonly<
  Record<string, Composite["kind"]>
>;
export type CompositeApiName = keyof typeof KINDS;

export function isCompositeApi(name: string): name is CompositeApiName {
  return Object.hasOwn(KINDS, name);
}

/** Rows of one index or fund, newest first; none for a code of another kind. */
export function* compositeRows(
  market: Market,
  api: CompositeApiName,
  code: string,
): Generator<SimulatedRow, undefined, unknown> {
  if (compositeOf(code)?.kind === KINDS[api]) {
    for (const bar of compositeHistory(market, code).toReversed()) {
      yield compositeRow(bar);
    }
  }
}

export function* compositeRowsOn(
  market: Market,
  api: CompositeApiName,
  day: string,
  wanted: ReadonlySet<string> | undefined,
): Generator<SimulatedRow, undefined, unknown> {
  for (const { code, kind } of COMPOSITES) {
    const isWanted = kind === KINDS[api] && (wanted?.has(code) ?? true);
    const bar = isWanted ? compositeHistory(market, code).find((own) => compactDay(own.day) === day) : undefined;
    if (bar !== undefined) {
      yield compositeRow(bar);
    }
  }
}

/** In lots and thousands of yuan, as `daily`; the columns of both APIs are the same and in another order than there. */
function compositeRow(bar: CompositeBar): SimulatedRow {
  const changeMilli = bar.closeMilli - bar.preCloseMilli;
  return [
    bar.code,
    compactDay(bar.day),
    decimalOf(bar.closeMilli, 3),
    decimalOf(bar.openMilli, 3),
    decimalOf(bar.highMilli, 3),
    decimalOf(bar.lowMilli, 3),
    decimalOf(bar.preCloseMilli, 3),
    decimalOf(changeMilli, 3),
    decimalOf(divideHalfUp(changeMilli * 1_000_000, bar.preCloseMilli), 4),
    decimalOf(bar.volume, 2),
    decimalOf(bar.turnoverCents, 5),
  ];
}
