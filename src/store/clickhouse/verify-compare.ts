import { parseDay, type Day } from "../../domain/day.ts";
import type { Span } from "../../domain/ledger.ts";

export interface DayDifference {
  /** How many trading days the ledger calls present. */
  readonly presentDays: number;
  /** Trading days that the ledger calls present and of which no row is stored. */
  readonly presentWithoutRow: readonly Day[];
  /** Days of which a row is stored and that the ledger does not call present. */
  readonly rowWithoutPresent: readonly Day[];
}

/**
 * Compares spans that are present with runs of stored days (first and last day; what lies between are all the trading
 * days there). `tradingDays` is sorted.
 */
export function compareDays(
  present: readonly Pick<Span, "from" | "to">[],
  runs: readonly (readonly [string, string])[],
  tradingDays: readonly Day[],
): DayDifference {
  const expected = new Set(present.flatMap(({ from, to }) => daysWithin(from, to, tradingDays)));
  const stored = new Set(
    runs.flatMap(([from, to]) => (from === to ? [parseDay(from)] : daysWithin(from, to, tradingDays))),
  );
  const isCovered = (day: Day): boolean => present.some(({ from, to }) => from <= day && day <= to);
  return {
    presentDays: expected.size,
    presentWithoutRow: [...expected].filter((day) => !stored.has(day)),
    // A row on a day outside of the calendar has no trading day to stand for; a span around it covers it.
    rowWithoutPresent: [...stored].filter((day) => !expected.has(day) && !isCovered(day)),
  };
}

function daysWithin(from: string, to: string, tradingDays: readonly Day[]): readonly Day[] {
  return tradingDays.slice(firstAtOrAfter(tradingDays, from), firstAfter(tradingDays, to));
}

function firstAtOrAfter(days: readonly Day[], wanted: string): number {
  return bisect(days, (day) => day >= wanted);
}

function firstAfter(days: readonly Day[], wanted: string): number {
  return bisect(days, (day) => day > wanted);
}

function bisect(days: readonly Day[], isReached: (day: Day) => boolean): number {
  let low = 0;
  let high = days.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const day = days[middle];
    if (day !== undefined && isReached(day)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
