import { addDigests, digestOfDay, NO_DAYS, subtractDigests, type DayDigest } from "../domain/day-digest.ts";
import { maxDay, minDay, type Day } from "../domain/day.ts";
import type { Span } from "../domain/ledger.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** The digest of the trading days between two days that a ledger calls present; a market's histories by one table of sums. */
export function createPresentDigest(
  calendar: TradingCalendar,
  range: { readonly from: Day; readonly to: Day },
): (spans: readonly Span[]) => DayDigest {
  const days = calendar.tradingDaysBetween(range.from, range.to);
  const first = days.length === 0 ? 0 : calendar.indexOnOrAfter(range.from);
  const sums: DayDigest[] = [NO_DAYS];
  for (const day of days) {
    sums.push(addDigests(sums.at(-1) ?? NO_DAYS, digestOfDay(day)));
  }
  const sumBefore = (index: number): DayDigest => sums[index - first] ?? NO_DAYS;
  return (spans) => {
    let digest = NO_DAYS;
    for (const span of spans) {
      const [from, to] = [maxDay(span.from, range.from), minDay(span.to, range.to)];
      if (span.state === "present" && from <= to) {
        const [begin, end] = [calendar.indexOnOrAfter(from), calendar.indexOnOrBefore(to) + 1];
        digest = addDigests(digest, subtractDigests(sumBefore(end), sumBefore(begin)));
      }
    }
    return digest;
  };
}

/** Trading days between two days that a ledger calls pending: a row there is neither missing nor unknown. */
export function pendingDays(
  spans: readonly Span[],
  range: { readonly from: Day; readonly to: Day },
  calendar: TradingCalendar,
): readonly Day[] {
  return spans
    .filter(({ state }) => state === "pending")
    .flatMap(({ from, to }) => calendar.tradingDaysBetween(maxDay(from, range.from), minDay(to, range.to)));
}
