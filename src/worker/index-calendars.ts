import { Temporal } from "temporal-polyfill";

import { addDays, type Day, dayAt } from "../domain/day.ts";
import type { LedgerKey } from "../domain/ledger.ts";
import { MARKETS, type MarketName } from "../domain/market.ts";
import { MessageError } from "../domain/message-error.ts";
import type { CalendarDay } from "../domain/rows.ts";
import type { Call } from "../domain/unit.ts";
import { askAgainAtMs, lastFinalDay } from "../planning/final-day.ts";
import { retrospectiveCalendar } from "../planning/retrospective-calendar.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import { LATE_PUBLICATION_MS, LATE_PUBLICATION_MS_MAX } from "../planning/verdict.ts";
import { keepList, type ListParts, readSpans } from "./keep-list.ts";
import { toCalendarList } from "./list-answer.ts";
import type { ListLines } from "./list-lines.ts";
import { OnceForAll } from "./once-for-all.ts";
import type { ProviderLine } from "./provider-line.ts";
import { isCalledWrong, isRefusal } from "./refusals.ts";
import { StoredServes } from "./stored-serves.ts";

/** Markets that publish no calendar which a provider passes on. */
export type IndexMarket = Exclude<MarketName, "CN">;

const NO_DAYS = retrospectiveCalendar([]);

/**
 * The trading days of Hong Kong and of the United States: those on which the market's index has a bar. Nobody publishes
 * them ahead, so they are known up to the last day that is over; a request is about days up to there. Brought up to date
 * by one worker of the fleet whenever a day more is over.
 */
export class IndexCalendars {
  readonly #markets: ReadonlyMap<IndexMarket, IndexCalendar>;

  /** `lines` has who is asked for a market's days, in this order; it lacks a market whose days nobody in use knows. */
  constructor(parts: ListParts, lines: ReadonlyMap<IndexMarket, ListLines>) {
    this.#markets = new Map([...lines].map(([market, of]) => [market, new IndexCalendar(parts, market, of)]));
  }

  calendar(market: IndexMarket): TradingCalendar {
    return this.#markets.get(market)?.calendar ?? NO_DAYS;
  }

  /** Nobody in use knows the market's days. */
  isMissing(market: IndexMarket): boolean {
    return !this.#markets.has(market);
  }

  /**
   * Until the calendar reaches the last day that is over. TransientError while no answer is a calendar. Where everybody
   * refuses the call the days that are known serve; MessageError where there are none: other markets go on.
   */
  async ensure(market: IndexMarket, signal: AbortSignal): Promise<void> {
    await this.#markets.get(market)?.ensure(signal);
  }

  /** Until what is under way has ended; the signal of the parts ends it. */
  async ended(): Promise<void> {
    await Promise.all([...this.#markets.values()].map((one) => one.ended()));
  }
}

class IndexCalendar {
  readonly #parts: ListParts;
  readonly #market: IndexMarket;
  readonly #lines: ListLines;
  readonly #key: LedgerKey;
  readonly #bringing: OnceForAll<void>;
  readonly #storedServes: StoredServes;
  #calendar: TradingCalendar = NO_DAYS;

  constructor(parts: ListParts, market: IndexMarket, lines: ListLines) {
    this.#parts = parts;
    this.#market = market;
    this.#lines = lines;
    this.#key = { dataSet: "trading-calendar", frequency: "1d", code: market };
    this.#bringing = new OnceForAll(lines);
    this.#storedServes = new StoredServes(parts, lines);
  }

  get calendar(): TradingCalendar {
    return this.#calendar;
  }

  async ensure(signal: AbortSignal): Promise<void> {
    await this.#bringing.ensure(
      () => this.#isRecent() || this.#storedServes.isSo,
      () => this.#bringUpToDate(),
      signal,
    );
  }

  async ended(): Promise<void> {
    await this.#bringing.ended();
  }

  #isRecent(): boolean {
    return this.#calendar.knownTo >= this.#lastFinal();
  }

  /** By the first of the chain, whoever answers: by the hours of several nobody would ever agree what recent is. */
  #lastFinal(): Day {
    return lastFinalDay(this.#lines.first.capability, this.#parts.clock.nowMs());
  }

  async #bringUpToDate(): Promise<void> {
    const { lock, work } = this.#parts;
    await lock.withLock(
      `trading-calendar:${this.#market}`,
      async () => {
        await this.#load();
        if (!this.#isRecent()) {
          await this.#fetchUnlessRefused();
        }
      },
      work,
    );
  }

  async #load(): Promise<void> {
    const { stored, work } = this.#parts;
    const days = await stored.calendar(MARKETS[this.#market].number, work);
    const spans = await readSpans(this.#key, this.#parts);
    // Days at the end that were looked at and had no bar, as on a holiday, are no rows.
    const lookedTo = spans.reduce<Day | undefined>(
      (last, { to }) => (last === undefined || to > last ? to : last),
      undefined,
    );
    this.#calendar = retrospectiveCalendar(days, lookedTo);
  }

  async #fetchUnlessRefused(): Promise<void> {
    try {
      await this.#lines.ask((line, ending) => this.#fetch(line, ending), this.#parts.work);
    } catch (error) {
      const isRefused = isRefusal(error) || isCalledWrong(error) || error instanceof MessageError;
      if (!isRefused) {
        throw error;
      }
      if (this.#calendar.size === 0) {
        throw new MessageError("provider-refused", "$", error.message);
      }
      this.#storedServes.say(error);
    }
  }

  async #fetch(line: ProviderLine, ending: AbortSignal): Promise<void> {
    const { stored, clock, log, work } = this.#parts;
    const { since, zone, number } = MARKETS[this.#market];
    const lastFinal = this.#lastFinal();
    const call: Call<"trading-calendar"> = {
      dataSet: "trading-calendar",
      frequency: "1d",
      selection: { by: "range", from: since, to: dayAt(clock.now(), zone), market: this.#market },
    };
    const answer = await line.fetchAll(call, ending);
    if (answer.rows.length === 0) {
      this.#lines.refuse(line, "the index has no bar");
    }
    // A bar that came once is there, also where a later answer has lost it.
    const known = new Set((await stored.calendar(number, work)).flatMap(({ day, isOpen }) => (isOpen ? [day] : [])));
    const rows = answer.rows.filter(({ day, isOpen }) => isOpen || !known.has(day));
    const isLate = this.#mayBeLate(lastFinal, answer.rows, line);
    if (isLate) {
      this.#storedServes.begin(LATE_PUBLICATION_MS);
    }
    await keepList(
      toCalendarList({ ...answer, rows }),
      {
        key: this.#key,
        provider: line.provider,
        from: since,
        to: isLate ? addDays(lastFinal, -1) : lastFinal,
        state: "present",
        note: `bars of the index on ${answer.rows.length} days`,
      },
      this.#parts,
    );
    this.#lines.forgetBad([line]);
    await this.#load();
    const { size: days, knownTo } = this.#calendar;
    log.info("trading days brought up to date from the index", {
      market: this.#market,
      provider: line.provider,
      days,
      knownTo,
    });
  }

  /** Of a weekday that is just over and has no bar nobody knows yet whether it was a holiday: a bar may come late. */
  #mayBeLate(day: Day, rows: readonly CalendarDay[], { capability }: ProviderLine): boolean {
    const isWeekend = Temporal.PlainDate.from(day).dayOfWeek > 5;
    const isSaid = isWeekend || rows.some((row) => row.day >= day);
    return !isSaid && this.#parts.clock.nowMs() - askAgainAtMs(day, capability) < LATE_PUBLICATION_MS_MAX;
  }
}
