import type { Day } from "../domain/day.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** Days, a bit for each trading day: thousands of units remember thousands of days each. */
export class DaySet {
  readonly #calendar: TradingCalendar;
  readonly #first: number;
  readonly #bits: Uint8Array;
  /** What lies outside of the range or is no trading day. */
  readonly #others = new Set<Day>();

  /** `from` and `to` say where most days lie; any day may be added. */
  constructor(calendar: TradingCalendar, from: Day, to: Day) {
    this.#calendar = calendar;
    this.#first = calendar.indexOnOrAfter(from);
    this.#bits = new Uint8Array(Math.ceil((calendar.indexOnOrBefore(to) + 1 - this.#first) / 8));
  }

  add(day: Day): void {
    const at = this.#placeOf(day);
    if (at === undefined) {
      this.#others.add(day);
    } else {
      this.#bits[at >> 3] = (this.#bits[at >> 3] ?? 0) | (1 << (at & 7));
    }
  }

  has(day: Day): boolean {
    const at = this.#placeOf(day);
    return at === undefined ? this.#others.has(day) : ((this.#bits[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
  }

  /** Sorted, no repeats. */
  days(): readonly Day[] {
    const days: Day[] = [...this.#others];
    this.#bits.forEach((byte, index) => {
      for (let bit = 0; byte >> bit !== 0; bit += 1) {
        if ((byte & (1 << bit)) !== 0) {
          days.push(this.#calendar.dayAt(this.#first + index * 8 + bit));
        }
      }
    });
    return this.#others.size === 0 ? days : days.toSorted();
  }

  #placeOf(day: Day): number | undefined {
    if (!this.#calendar.knows(day) || !this.#calendar.isTradingDay(day)) {
      return undefined;
    }
    const at = this.#calendar.indexOnOrAfter(day) - this.#first;
    return at < 0 || at >= this.#bits.length * 8 ? undefined : at;
  }
}
