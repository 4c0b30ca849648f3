import type { Clock } from "../../base/clock.ts";
import { dayAt, SHANGHAI, type Day } from "../../domain/day.ts";
import { foldBars } from "./fold-bars.ts";
import type { TdxBar, TdxData, TdxTick } from "./tdx-data.ts";

const OPENING_AUCTION = 9 * 60 + 25;
const NOON_END = 11 * 60 + 30;
const AFTERNOON = 13 * 60;
const CLOSE = 15 * 60;

/** What is published of the data at one instant: nothing of tomorrow, and of today what the clock has reached. */
export class TdxView {
  readonly #data: TdxData;
  /** The newest trading day whose session has begun: the one that commands "of today" answer with. */
  readonly sessionDay: Day | undefined;
  /** The calendar's day in Beijing, and minutes since its midnight. */
  readonly today: Day;
  readonly minute: number;

  /** `staleDays`: so many of the newest days are missing, as on a host that lags behind. */
  constructor(data: TdxData, clock: Clock, staleDays = 0) {
    const now = clock.now();
    const time = now.toZonedDateTimeISO(SHANGHAI);
    this.#data = data;
    this.today = dayAt(now, SHANGHAI);
    this.minute = time.hour * 60 + time.minute;
    const newest = data.days.findLastIndex((day) => this.#hasBegun(day));
    this.sessionDay = data.days[newest - staleDays];
  }

  get data(): TdxData {
    return this.#data;
  }

  /** Bars of whole days, and of today what its minutes make so far. */
  dayBars(code: string): readonly TdxBar[] {
    if (this.#data.security(code, this.today) === undefined) {
      return [];
    }
    const newest = this.sessionDay;
    return this.#data.dayBars(code).flatMap((bar) => {
      if (newest === undefined || bar.day > newest) {
        return [];
      }
      return this.#isOver(bar.day) ? [bar] : this.#unfinished(code, bar);
    });
  }

  /** Days with minutes, oldest first, and how many rows of each are published. */
  minuteDays(code: string): readonly { readonly day: Day; readonly rows: number }[] {
    const newest = this.sessionDay;
    if (newest === undefined || this.#data.security(code, this.today) === undefined) {
      return [];
    }
    return this.#data
      .minuteDays(code)
      .filter(({ day }) => day <= newest)
      .map((entry) => (this.#isOver(entry.day) ? entry : { ...entry, rows: this.minuteBars(code, entry.day).length }))
      .filter(({ rows }) => rows > 0);
  }

  minuteBars(code: string, day: Day): readonly TdxBar[] {
    const bars = this.#data.minuteBars(code, day);
    return this.#isOver(day) ? bars : bars.filter(({ endMinute }) => endMinute <= this.minute);
  }

  /** In the afternoon the row that ended at 11:30 today is stamped with the minute at which trading went on. */
  stampOf({ day, endMinute }: TdxBar): number {
    const isAfternoon = day === this.today && this.minute >= AFTERNOON && this.minute < CLOSE;
    return isAfternoon && endMinute === NOON_END ? AFTERNOON : endMinute;
  }

  ticks(code: string, day: Day): readonly TdxTick[] {
    const newest = this.sessionDay;
    if (newest === undefined || day > newest || this.#data.security(code, this.today) === undefined) {
      return [];
    }
    const ticks = this.#data.ticks(code, day);
    return this.#isOver(day) ? ticks : ticks.filter(({ minute }) => minute <= this.minute);
  }

  /** Prints of the session with what only today's list has: the prices of the closing auction while it went on. */
  sessionTicks(code: string): readonly TdxTick[] {
    const day = this.sessionDay;
    const ticks = day === undefined ? [] : this.ticks(code, day);
    if (day === undefined || ticks.length === 0) {
      return ticks;
    }
    const snapshots = this.#data.snapshots?.(code, day) ?? [];
    const shown = this.#isOver(day) ? snapshots : snapshots.filter(({ minute }) => minute <= this.minute);
    return [...ticks, ...shown].toSorted((left, right) => left.minute - right.minute);
  }

  /** The close that a day's prices are compared with. */
  preCloseOf(code: string, day: Day): number {
    const bars = this.#data.dayBars(code);
    const at = bars.findIndex((bar) => bar.day >= day);
    const own = bars[at];
    const before = bars[at < 0 ? bars.length - 1 : at - 1];
    return (own?.day === day ? own.preCloseMilli : undefined) ?? before?.closeMilli ?? 0;
  }

  #hasBegun(day: Day): boolean {
    return day < this.today || (day === this.today && this.minute >= OPENING_AUCTION);
  }

  #isOver(day: Day): boolean {
    return day < this.today || (day === this.today && this.minute >= CLOSE);
  }

  #unfinished(code: string, bar: TdxBar): readonly TdxBar[] {
    const minutes = this.minuteBars(code, bar.day);
    return minutes.length === 0 ? [] : [{ ...foldBars(minutes), endMinute: CLOSE }];
  }
}
