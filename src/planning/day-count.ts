import type { Day } from "../domain/day.ts";
import type { Capability } from "../ports/source.ts";

/** Counts the bars within each day, so that a day with a part of them is not taken for done. Other data sets count nothing. */
export class DayCount {
  readonly #expected: number;
  readonly #times = new Map<Day, Set<string>>();

  constructor({ dataSet, rowsPerDay }: Pick<Capability, "dataSet" | "rowsPerDay">) {
    this.#expected = dataSet === "bars" && rowsPerDay > 1 ? rowsPerDay : 0;
  }

  /** A bar that comes twice, as pages overlap, counts once. */
  add(row: { readonly tradingDay: Day; readonly time?: string }): void {
    if (this.#expected === 0 || row.time === undefined) {
      return;
    }
    let times = this.#times.get(row.tradingDay);
    if (times === undefined) {
      times = new Set();
      this.#times.set(row.tradingDay, times);
    }
    times.add(row.time);
  }

  /** Days with fewer bars than a full day has, and how many they have. */
  partialDays(): ReadonlyMap<Day, number> {
    const partial = new Map<Day, number>();
    for (const [day, { size }] of this.#times) {
      if (size < this.#expected) {
        partial.set(day, size);
      }
    }
    return partial;
  }
}
