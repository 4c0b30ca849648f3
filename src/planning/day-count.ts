import type { Day } from "../domain/day.ts";
import { BAR_FLAGS } from "../domain/rows.ts";
import type { Capability } from "../ports/source.ts";
import { DaySet } from "./day-set.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/**
 * Counts the bars within each day, so that a day with a part of them is not taken for done. The row of the opening auction,
 * which only some providers have, is none of a full day's, and a day that has nothing else is not done. Other data sets,
 * and bars of which a provider leaves out those without a trade, are not counted.
 * Of a day that is complete only that is kept: thousands of units count years of minutes at once.
 */
export class DayCount {
  readonly #expected: number;
  readonly #complete: DaySet;
  readonly #times = new Map<Day, Set<string>>();

  /** `from` and `to` say where most days lie. */
  constructor(
    { dataSet, rowsPerDay, skipsIdleBars = false }: Pick<Capability, "dataSet" | "rowsPerDay" | "skipsIdleBars">,
    calendar: TradingCalendar,
    from: Day,
    to: Day,
  ) {
    this.#expected = dataSet === "bars" && rowsPerDay > 1 && !skipsIdleBars ? rowsPerDay : 0;
    this.#complete = new DaySet(calendar, from, to);
  }

  /** A bar that comes twice, as pages overlap, counts once. */
  add(row: { readonly tradingDay: Day; readonly time?: string; readonly flags?: number }): void {
    if (this.#expected === 0 || row.time === undefined || this.#complete.has(row.tradingDay)) {
      return;
    }
    let times = this.#times.get(row.tradingDay);
    if (times === undefined) {
      times = new Set();
      this.#times.set(row.tradingDay, times);
    }
    if (((row.flags ?? 0) & BAR_FLAGS.auction) !== 0) {
      return;
    }
    times.add(row.time);
    if (times.size >= this.#expected) {
      this.#complete.add(row.tradingDay);
      this.#times.delete(row.tradingDay);
    }
  }

  /** Times that are kept, of days that are not complete. */
  get timesHeld(): number {
    return this.#times.values().reduce((sum, { size }) => sum + size, 0);
  }

  /** Days with fewer bars than a full day has, and how many they have. */
  partialDays(): ReadonlyMap<Day, number> {
    return new Map(Array.from(this.#times, ([day, { size }]) => [day, size]));
  }
}
