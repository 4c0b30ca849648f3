import { Temporal } from "temporal-polyfill";

import type { Clock } from "../base/clock.ts";
import { describeError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { addDays, type Day, dayAt } from "../domain/day.ts";
import type { LedgerKey, Span } from "../domain/ledger.ts";
import { ledgerKeyText } from "../domain/ledger.ts";
import { MARKETS, type MarketName } from "../domain/market.ts";
import { MessageError } from "../domain/message-error.ts";
import type { CalendarDay } from "../domain/rows.ts";
import type { Call } from "../domain/unit.ts";
import { askAgainAtMs, lastFinalDay } from "../planning/final-day.ts";
import { retrospectiveCalendar } from "../planning/retrospective-calendar.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import { LATE_PUBLICATION_MS, LATE_PUBLICATION_MS_MAX } from "../planning/verdict.ts";
import type { Lock } from "../ports/lock.ts";
import type { Ledger, ReferenceStore, Store } from "../ports/store.ts";
import { toCalendarList } from "./list-answer.ts";
import type { ProviderLine } from "./provider-line.ts";
import { isCalledWrong, isRefusal } from "./refusals.ts";

/** Markets that publish no calendar which a provider passes on. */
export type IndexMarket = Exclude<MarketName, "CN">;

export interface IndexCalendarParts {
  /** Who knows the days of a market; absent where nobody in use does. */
  readonly lines: ReadonlyMap<IndexMarket, ProviderLine>;
  readonly stored: Pick<ReferenceStore, "calendar">;
  readonly store: Pick<Store, "addBatch" | "quarantine">;
  readonly ledger: Pick<Ledger, "read" | "write">;
  readonly lock: Lock;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends what several messages wait for. */
  readonly work: AbortSignal;
}

const NO_DAYS = retrospectiveCalendar([]);

/** After an answer that cannot be a calendar nobody asks for it again at once. */
const BAD_ANSWER_WAIT_MS = 60_000;

/** So long the days that are known serve after the provider refused the call for more. */
const STORED_SERVES_MS = 600_000;

/**
 * The trading days of Hong Kong and of the United States: those on which the market's index has a bar. Nobody publishes
 * them ahead, so they are known up to the last day that is over; a request is about days up to there. Brought up to date
 * by one worker of the fleet whenever a day more is over.
 */
export class IndexCalendars implements AsyncDisposable {
  readonly #parts: IndexCalendarParts;
  readonly #work: AbortSignal;
  readonly #close = new AbortController();
  readonly #calendars = new Map<IndexMarket, TradingCalendar>();
  readonly #underWay = new Map<IndexMarket, Promise<void>>();
  readonly #badUntilMs = new Map<IndexMarket, number>();
  readonly #storedServesUntilMs = new Map<IndexMarket, number>();

  constructor(parts: IndexCalendarParts) {
    this.#parts = parts;
    this.#work = AbortSignal.any([parts.work, this.#close.signal]);
  }

  calendar(market: IndexMarket): TradingCalendar {
    return this.#calendars.get(market) ?? NO_DAYS;
  }

  /** Nobody in use knows the market's days. */
  isMissing(market: IndexMarket): boolean {
    return !this.#parts.lines.has(market);
  }

  /**
   * Until the calendar reaches the last day that is over. TransientError while the answer is no calendar. Where the provider
   * refuses the call the days that are known serve; MessageError where there are none: other markets go on.
   */
  async ensure(market: IndexMarket, signal: AbortSignal): Promise<void> {
    const line = this.#parts.lines.get(market);
    const servesUntilMs = this.#storedServesUntilMs.get(market) ?? 0;
    if (line === undefined || this.#isRecent(market, line) || this.#parts.clock.nowMs() < servesUntilMs) {
      return;
    }
    let underWay = this.#underWay.get(market);
    if (underWay === undefined) {
      underWay = this.#bringUpToDate(market, line).finally(() => this.#underWay.delete(market));
      this.#underWay.set(market, underWay);
    }
    await line.orOutage(underWay, signal);
  }

  #isRecent(market: IndexMarket, line: ProviderLine): boolean {
    return this.calendar(market).knownTo >= lastFinalDay(line.capability, this.#parts.clock.nowMs());
  }

  async #bringUpToDate(market: IndexMarket, line: ProviderLine): Promise<void> {
    const { lock } = this.#parts;
    await lock.withLock(
      `trading-calendar:${market}`,
      async () => {
        await this.#load(market);
        if (!this.#isRecent(market, line)) {
          await this.#fetchUnlessRefused(market, line);
        }
      },
      this.#work,
    );
  }

  async #load(market: IndexMarket): Promise<void> {
    const { stored, ledger } = this.#parts;
    const days = await stored.calendar(MARKETS[market].number, this.#work);
    const key = keyOf(market);
    const spans = (await ledger.read([key], this.#work)).get(ledgerKeyText(key)) ?? [];
    // Days at the end that were looked at and had no bar, as on a holiday, are no rows.
    const lookedTo = spans.reduce<Day | undefined>(
      (last, { to }) => (last === undefined || to > last ? to : last),
      undefined,
    );
    this.#calendars.set(market, retrospectiveCalendar(days, lookedTo));
  }

  async #fetchUnlessRefused(market: IndexMarket, line: ProviderLine): Promise<void> {
    try {
      await this.#fetch(market, line);
    } catch (error) {
      if (!isRefusal(error) && !isCalledWrong(error)) {
        throw error;
      }
      if (this.calendar(market).size === 0) {
        throw new MessageError("provider-refused", "$", error.message);
      }
      const { clock, log } = this.#parts;
      this.#storedServesUntilMs.set(market, clock.nowMs() + STORED_SERVES_MS);
      log.warn("trading days cannot be brought up to date, what is stored serves", {
        market,
        tryAgainInMs: STORED_SERVES_MS,
        why: describeError(error),
      });
    }
  }

  async #fetch(market: IndexMarket, line: ProviderLine): Promise<void> {
    const { store, ledger, clock, log } = this.#parts;
    const badUntilMs = this.#badUntilMs.get(market) ?? 0;
    if (clock.nowMs() < badUntilMs) {
      throw this.#noCalendar(market, line, badUntilMs - clock.nowMs());
    }
    const { since, zone } = MARKETS[market];
    const today = dayAt(clock.now(), zone);
    const call: Call<"trading-calendar"> = {
      dataSet: "trading-calendar",
      frequency: "1d",
      selection: { by: "range", from: since, to: today, market },
    };
    const lastFinal = lastFinalDay(line.capability, clock.nowMs());
    const answer = await line.fetchAll(call, this.#work);
    if (answer.rows.length === 0) {
      this.#badUntilMs.set(market, clock.nowMs() + BAD_ANSWER_WAIT_MS);
      throw this.#noCalendar(market, line, BAD_ANSWER_WAIT_MS);
    }
    // A bar that came once is there, also where a later answer has lost it.
    const known = new Set(
      (await this.#parts.stored.calendar(MARKETS[market].number, this.#work)).flatMap(({ day, isOpen }) =>
        isOpen ? [day] : [],
      ),
    );
    const rows = answer.rows.filter(({ day, isOpen }) => isOpen || !known.has(day));
    const list = toCalendarList({ ...answer, rows });
    await store.addBatch(list.models, this.#work);
    const callId = answer.callIds.at(-1) ?? "";
    await store.quarantine(answer.rejected, { version: answer.version, callId, requestId: "" }, this.#work);
    const isLate = this.#mayBeLate(lastFinal, answer.rows, line);
    if (isLate) {
      this.#storedServesUntilMs.set(market, clock.nowMs() + LATE_PUBLICATION_MS);
    }
    const span: Span = {
      from: since,
      to: isLate ? addDays(lastFinal, -1) : lastFinal,
      state: "present",
      evidence: {
        provider: line.provider,
        callId,
        version: answer.version,
        note: `bars of the index on ${answer.rows.length} days`,
      },
    };
    await ledger.write([{ key: keyOf(market), change: () => [span] }], this.#work);
    await this.#load(market);
    const calendar = this.calendar(market);
    log.info("trading days brought up to date from the index", {
      market,
      days: calendar.size,
      knownTo: calendar.knownTo,
    });
  }

  /** Of a weekday that is just over and has no bar nobody knows yet whether it was a holiday: a bar may come late. */
  #mayBeLate(day: Day, rows: readonly CalendarDay[], { capability }: ProviderLine): boolean {
    const isWeekend = Temporal.PlainDate.from(day).dayOfWeek > 5;
    const isSaid = isWeekend || rows.some((row) => row.day >= day);
    return !isSaid && this.#parts.clock.nowMs() - askAgainAtMs(day, capability) < LATE_PUBLICATION_MS_MAX;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new TransientError("the trading days are closed"));
    await Promise.allSettled(this.#underWay.values());
  }

  #noCalendar(market: IndexMarket, line: ProviderLine, waitMs: number): TransientError {
    return new TransientError(
      `bringing the trading days of ${MARKETS[market].title} up to date from ${line.provider}: the index has no bar`,
      { retryAfterMs: waitMs },
    );
  }
}

/** The provider calls the call wrong, or refuses us: no affair of the markets that others serve. */
function keyOf(market: IndexMarket): LedgerKey {
  return { dataSet: "trading-calendar", frequency: "1d", code: market };
}
