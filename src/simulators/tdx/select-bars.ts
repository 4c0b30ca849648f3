import { foldDays, foldMinuteBars, type LongPeriod } from "./fold-bars.ts";
import type { TdxBar } from "./tdx-data.ts";
import type { TdxView } from "./view.ts";

/** What a category number asks for. */
export type Category =
  | { readonly kind: "minutes"; readonly minutes: number }
  | { readonly kind: "days"; readonly isInShares: boolean }
  | { readonly kind: "period"; readonly period: LongPeriod };

const CATEGORIES: ReadonlyMap<number, Category> = new Map<number, Category>([
  [0, { kind: "minutes", minutes: 5 }],
  [1, { kind: "minutes", minutes: 15 }],
  [2, { kind: "minutes", minutes: 30 }],
  [3, { kind: "minutes", minutes: 60 }],
  [4, { kind: "days", isInShares: true }],
  [5, { kind: "period", period: "week" }],
  [6, { kind: "period", period: "month" }],
  [7, { kind: "minutes", minutes: 1 }],
  [8, { kind: "minutes", minutes: 1 }],
  [9, { kind: "days", isInShares: false }],
  [10, { kind: "period", period: "quarter" }],
  [11, { kind: "period", period: "year" }],
]);

export function categoryOf(number: number): Category | undefined {
  return CATEGORIES.get(number);
}

/** Minute rows reach so far back, whatever their length. */
export const MINUTE_ROWS_MAX = 24_000;

/** `count` rows that end `start` rows before the newest one, oldest first; fewer where the history begins. */
export function selectBars(
  view: TdxView,
  code: string,
  category: Category,
  start: number,
  count: number,
): readonly TdxBar[] {
  switch (category.kind) {
    case "days":
      return pageOf(view.dayBars(code), start, count);
    case "period":
      return pageOf(foldDays(view.dayBars(code), category.period), start, count);
    case "minutes":
      return selectMinutes(view, code, category.minutes, start, count);
  }
}

/** A page of rows of which position 0 is the newest. */
export function pageOf<Row>(rows: readonly Row[], start: number, count: number): readonly Row[] {
  const end = Math.max(0, rows.length - start);
  return rows.slice(Math.max(0, end - count), end);
}

function selectMinutes(view: TdxView, code: string, minutes: number, start: number, count: number): readonly TdxBar[] {
  let skip = start;
  let wanted = Math.min(count, Math.max(0, MINUTE_ROWS_MAX - start));
  const pages: (readonly TdxBar[])[] = [];
  for (const { day, rows } of view.minuteDays(code).toReversed()) {
    const folded = Math.ceil(rows / minutes);
    if (wanted === 0) {
      break;
    }
    if (skip >= folded) {
      skip -= folded;
      continue;
    }
    const page = pageOf(foldMinuteBars(view.minuteBars(code, day), minutes), skip, wanted);
    pages.unshift(page);
    wanted -= page.length;
    skip = 0;
  }
  return pages.flat();
}
