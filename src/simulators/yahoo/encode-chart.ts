import type { Random } from "../../market/random.ts";
import { QUOTE_KEYS, type Chart, type QuoteKey } from "./chart.ts";

/** The order of members that mean the same in any order. */
export type KeyOrder = readonly QuoteKey[] | { readonly variedBy: Random };

/** An answer as JSON text. Numbers are written as they are: a float32 that was widened shows all its digits. */
export function encodeChart(chart: Chart, order: KeyOrder): string {
  const { meta, rows, events, hasAdjclose } = chart;
  const shuffle = shufflerOf(order);
  const quoteKeys = "variedBy" in order ? shuffled(QUOTE_KEYS, order.variedBy) : order;
  const quote = Object.fromEntries(quoteKeys.map((key) => [key, cellsOf(chart, key)]));
  const isEmpty = rows.length === 0;
  const result = {
    meta: shuffle(meta),
    ...(isEmpty ? {} : { timestamp: rows.map(({ stamp }) => stamp) }),
    ...(events === undefined ? {} : { events: shuffle(events) }),
    indicators: {
      quote: [isEmpty ? {} : quote],
      ...(hasAdjclose ? { adjclose: [isEmpty ? {} : { adjclose: rows.map(({ adjclose }) => adjclose) }] } : {}),
    },
  };
  return withBareNumbers(JSON.stringify({ chart: { result: [result], error: null } }));
}

function cellsOf({ rows, shortBy }: Chart, key: QuoteKey): readonly (number | string | null)[] {
  const cells = rows.map((row) => row[key]);
  return shortBy?.key === key ? cells.slice(0, Math.max(0, cells.length - shortBy.count)) : cells;
}

/** `"@1e400"` becomes `1e400`: JSON has numbers that no double holds. */
function withBareNumbers(json: string): string {
  return json.replaceAll(/"@([-+.\deE]+)"/g, "$1");
}

/** Members of the inner objects change their places; those of the answer's `meta` itself stay where clients print them. */
function shufflerOf(order: KeyOrder): (value: Readonly<Record<string, unknown>>) => object {
  if (!("variedBy" in order)) {
    return (value) => value;
  }
  return (value) =>
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shuffleDeep(inner, order.variedBy)]));
}

function shuffleDeep(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => shuffleDeep(item, random));
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const entries = shuffled(Object.entries(value), random);
  return Object.fromEntries(entries.map(([key, inner]) => [key, shuffleDeep(inner, random)]));
}

function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index -= 1) {
    const other = random.below(index + 1);
    const [left, right] = [result[index], result[other]];
    if (left !== undefined && right !== undefined) {
      result[index] = right;
      result[other] = left;
    }
  }
  return result;
}
