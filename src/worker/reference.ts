import { Temporal } from "temporal-polyfill";

import type { Clock } from "../base/clock.ts";
import { DataError, describeError, PermanentError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { orAbort } from "../base/or-abort.ts";
import { addDays, type Day, dayAt, parseDay, SHANGHAI } from "../domain/day.ts";
import { MARKET } from "../domain/enums.ts";
import type { LedgerKey, Span } from "../domain/ledger.ts";
import { NO_ROWS, type Tally } from "../domain/outcome.ts";
import { impliedInstrument } from "../domain/implied-instrument.ts";
import { kindOf } from "../domain/instrument-kind.ts";
import { type MarketName, marketOf } from "../domain/market.ts";
import { PROVIDER_SOURCES } from "../domain/provider.ts";
import type { Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import { isStale } from "../planning/freshness.ts";
import { covers } from "../planning/covers.ts";
import { findEmptyFault, findGone, findShortFault } from "../planning/list-faults.ts";
import { retrospectiveCalendar } from "../planning/retrospective-calendar.ts";
import { bundledCalendar, mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
import type { Lock } from "../ports/lock.ts";
import { ledgerKeyText } from "../domain/ledger.ts";
import type { Ledger, ReferenceStore, Store } from "../ports/store.ts";
import { type ListAnswer, type ListDataSet, toCalendarList, toInstrumentList } from "./list-answer.ts";
import { isCalledWrong } from "./refusals.ts";
import { whileNotOut } from "./while-not-out.ts";
import type { ProviderLine, WholeAnswer } from "./provider-line.ts";
import type { IndexCalendars } from "./index-calendars.ts";
import { addTallies, tallyOf } from "./tally.ts";

export interface ReferenceParts {
  /** Of the markets that publish no calendar; none by default. */
  readonly indexCalendars?: IndexCalendars;
  readonly lines: Readonly<Record<ListDataSet, ProviderLine>>;
  readonly stored: ReferenceStore;
  readonly store: Store;
  readonly ledger: Ledger;
  readonly lock: Lock;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends what several messages wait for. */
  readonly work: AbortSignal;
}

/** What bringing a list up to date did. */
export interface Refreshed {
  readonly rows: Tally;
  readonly callIds: readonly string[];
  /** False when the list was already newer than what was asked for. */
  readonly isFetched: boolean;
}

/** A list that is asked for again within this time is the same list. */
const UNKNOWN_CODE_REFRESH_MS = 600_000;

/** So many codes of a log line are named. */
const CODES_SHOWN_MAX = 10;

/** After an answer that cannot be the list it is not asked for again at once, however many messages wait for it. */
const BAD_LIST_WAIT_MS = 60_000;

/** So long a stored list serves after the provider refused the call for it or went out. */
const STORED_SERVES_MS = 600_000;

/** Of a market of which nobody in use knows the days: there is nothing to ask for. */
const NO_CALENDAR = retrospectiveCalendar([]);

/** The first day of the calendar; both exchanges opened in that month. */
const CALENDAR_FROM = parseDay("1990-12-19");
/** The exchanges publish the calendar about a year ahead. */
const CALENDAR_DAYS_AHEAD = 400;

/** What is asked for: the codes that are listed, the whole stock list with delisted and paused ones, the calendar. */
type Wanted = "listed" | ListDataSet;

/**
 * The stock list and the trading calendar: read from the store, and brought up to date by the worker itself when they
 * are absent or older than 20 h, by one worker of the fleet. Until the first answer the bundled calendar serves.
 *
 * A plan needs the listed codes. They are asked for first and used as soon as they are there; delisted and paused ones
 * are asked for after them, in the background, since an account may have a call an hour. Only a code that is not known
 * by then, and a message for the list itself, wait for the whole of it. In the ledger the stock list is `pending` until
 * the whole is there.
 */
export class Reference implements AsyncDisposable {
  readonly #parts: ReferenceParts;
  readonly #work: AbortSignal;
  readonly #close = new AbortController();
  #instruments: ReadonlyMap<SecurityCode, Instrument> = new Map();
  #goneOn: ReadonlyMap<SecurityCode, Day> = new Map();
  #listedCount = 0;
  #calendar: TradingCalendar = bundledCalendar();
  /** Epoch milliseconds of the call behind what is loaded here; undefined until it was loaded. */
  readonly #loadedAtMs = new Map<Wanted, number>();
  readonly #underWay = new Map<Wanted, Promise<Refreshed>>();
  /** Answers that were no list, and until when nobody asks again. */
  readonly #bad = new Map<ListDataSet, { readonly error: TransientError; readonly untilMs: number }>();
  /** Codes that the last whole list did not have. */
  #absentBefore: ReadonlySet<SecurityCode> = new Set();
  #secondLook: { readonly atMs: number; readonly looking: Promise<void> } | undefined;
  /** Until when what is stored is fresh enough, since the provider refuses the call for the list or is out. */
  readonly #storedServesUntilMs = new Map<ListDataSet, number>();

  constructor(parts: ReferenceParts) {
    this.#parts = parts;
    this.#work = AbortSignal.any([parts.work, this.#close.signal]);
  }

  /** Of mainland China. */
  get calendar(): TradingCalendar {
    return this.#calendar;
  }

  /** Of the code's market. */
  calendarOf(code: SecurityCode): TradingCalendar {
    return this.calendarOfMarket(marketOf(code));
  }

  calendarOfMarket(market: MarketName): TradingCalendar {
    return market === "CN" ? this.#calendar : (this.#parts.indexCalendars?.calendar(market) ?? NO_CALENDAR);
  }

  /** False where nobody in use knows on which days the code's market was open. */
  hasCalendarOf(code: SecurityCode): boolean {
    const market = marketOf(code);
    return market === "CN" || this.#parts.indexCalendars?.isMissing(market) === false;
  }

  /**
   * Undefined for a code that no list has, or has any more. What the provider's list has nothing of, such as an index
   * where it is a list of stocks, is taken for listed since the calendar's first day.
   */
  instrument(code: SecurityCode): Instrument | undefined {
    const known = this.#instruments.get(code);
    if (known !== undefined || covers(this.#parts.lines["stock-list"].capability, code)) {
      return known;
    }
    return impliedInstrument(code, PROVIDER_SOURCES[this.#parts.lines["stock-list"].provider]);
  }

  /** The last day on which a list had a code that is gone; undefined for every other. */
  goneOn(code: SecurityCode): Day | undefined {
    return this.#goneOn.get(code);
  }

  /** How many stocks are listed: the rows that one day of the market has at most. 0 before the list was loaded. */
  get listedCount(): number {
    return this.#listedCount;
  }

  /**
   * Before any plan: calendar and listed codes are there and young enough. TransientError while the provider's answer
   * is no list. Where the provider refuses the call or is out what is stored serves, and the bundled calendar in any case; past
   * its end every plan says so. Only lists of the codes' markets are looked at.
   */
  async ensureFresh(codes: readonly SecurityCode[], signal: AbortSignal): Promise<void> {
    const markets = new Set(codes.map(marketOf));
    for (const market of markets) {
      if (market === "CN") {
        await this.#ensureOrServeStored("trading-calendar", signal);
        await this.#ensureOrServeStored("listed", signal);
      } else {
        await this.#parts.indexCalendars?.ensure(market, signal);
      }
    }
  }

  async #ensureOrServeStored(wanted: "trading-calendar" | "listed", signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const list = listOf(wanted);
    const doesStoredServe = (): boolean => clock.nowMs() < (this.#storedServesUntilMs.get(list) ?? 0);
    if (doesStoredServe()) {
      return;
    }
    const isYoung: IsYoung = (atMs) => !isStale(atMs, clock.nowMs());
    try {
      // What was begun goes on without this message, and finds out when the provider is back.
      const ensure = (until: AbortSignal): Promise<Refreshed> => this.#ensure(wanted, isYoung, until);
      const isOut = (await whileNotOut(this.#parts.lines[list], ensure, signal)) === undefined;
      if (isOut && !doesStoredServe() && !(await this.#serveStored(list, "its provider is out"))) {
        await ensure(signal);
      }
    } catch (error) {
      if (!isRefusedCall(error)) {
        throw error;
      }
      // Many messages wait for the same answer; the first of them sees to it for all.
      if (!doesStoredServe() && !(await this.#serveStored(list, describeError(error))) && list === "stock-list") {
        // The trouble is the list's and no message's: messages wait, unless only a person can help.
        throw error instanceof DataError ? this.#waitWithout(list, error) : error;
      }
    }
  }

  /** False where nothing is stored that could serve; the bundled calendar does as long as it reaches. */
  async #serveStored(list: ListDataSet, why: string): Promise<boolean> {
    const { clock, log, stored } = this.#parts;
    if (list === "stock-list") {
      if (this.#instruments.size === 0) {
        this.#takeInstruments(await stored.instruments(this.#work));
      }
      if (this.#instruments.size === 0) {
        return false;
      }
    } else {
      this.#calendar = mergedCalendar(await stored.calendar(MARKET.CHINA, this.#work));
    }
    const untilMs = this.#storedServesUntilMs.get(list) ?? 0;
    if (clock.nowMs() >= untilMs) {
      this.#storedServesUntilMs.set(list, clock.nowMs() + STORED_SERVES_MS);
      log.warn("a list cannot be brought up to date, what is stored serves", {
        list,
        tryAgainInMs: STORED_SERVES_MS,
        why,
      });
    }
    return true;
  }

  #waitWithout(list: ListDataSet, error: DataError): TransientError {
    const { clock } = this.#parts;
    const waiting = new TransientError(`bringing the ${list.replace("-", " ")} up to date, and none is stored`, {
      cause: error,
      retryAfterMs: BAD_LIST_WAIT_MS,
    });
    this.#bad.set(list, { error: waiting, untilMs: clock.nowMs() + BAD_LIST_WAIT_MS });
    return waiting;
  }

  /**
   * A code that the list does not have: the whole list is waited for or asked for once more, unless it is minutes old. Where
   * a short list looks whole, even one of seconds ago is looked at again, once in ten minutes for all who wait.
   */
  async refreshForUnknownCode(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const isDoubtful = this.#parts.lines["stock-list"].capability.isSilentlyShort === true;
    if (isDoubtful && nowMs - (this.#secondLook?.atMs ?? -Infinity) >= UNKNOWN_CODE_REFRESH_MS) {
      const looking = this.#refreshUnlessYoung(nowMs, this.#work);
      // Each who waits sees the failure, and whoever comes later looks anew.
      looking.catch(() => (this.#secondLook = undefined));
      this.#secondLook = { atMs: nowMs, looking };
    }
    await (isDoubtful && this.#secondLook !== undefined
      ? orAbort(this.#secondLook.looking, signal)
      : this.#refreshUnlessYoung(nowMs - UNKNOWN_CODE_REFRESH_MS, signal));
  }

  async #refreshUnlessYoung(youngSinceMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#ensure("stock-list", (atMs) => atMs !== undefined && atMs >= youngSinceMs, signal);
    } catch (error) {
      if (error instanceof DataError && isRefusedCall(error)) {
        throw this.#waitWithout("stock-list", error);
      }
      // Without the right to the list, what is stored decides which codes there are.
      if (!isRefusedCall(error)) {
        throw error;
      }
    }
  }

  /** What a `stockinfo` or `trade_day` message asks for: a list fetched after it was sent. `force` fetches in any case. */
  async bringUpToDate(list: ListDataSet, askedAtMs: number, force: boolean, signal: AbortSignal): Promise<Refreshed> {
    if (force) {
      this.#bad.delete(list);
    }
    return await this.#ensure(list, (atMs) => !force && atMs !== undefined && atMs >= askedAtMs, signal, force);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close.abort(new TransientError("the reference lists are closed"));
    await Promise.allSettled(this.#underWay.values());
    await this.#parts.indexCalendars?.[Symbol.asyncDispose]();
  }

  /** Waits no longer than `signal` and an outage's deadline let; what is under way goes on for others, and ends with the worker. */
  async #ensure(wanted: Wanted, isYoung: IsYoung, signal: AbortSignal, isForced = false): Promise<Refreshed> {
    const line = this.#parts.lines[listOf(wanted)];
    for (;;) {
      signal.throwIfAborted();
      if (isYoung(this.#loadedAtMs.get(wanted))) {
        return NOTHING_FETCHED;
      }
      const bad = this.#bad.get(listOf(wanted));
      if (bad !== undefined && this.#parts.clock.nowMs() < bad.untilMs) {
        throw bad.error;
      }
      const underWay = this.#underWay.get(wanted);
      if (underWay === undefined) {
        return await line.orOutage(this.#begin(wanted, this.#refresh(wanted, isYoung, isForced)), signal);
      }
      await line.orOutage(underWay, signal);
    }
  }

  #begin(wanted: Wanted, refreshing: Promise<Refreshed>): Promise<Refreshed> {
    const tracked = refreshing.finally(() => this.#underWay.delete(wanted));
    this.#underWay.set(wanted, tracked);
    return tracked;
  }

  #refresh(wanted: Wanted, isYoung: IsYoung, isForced: boolean): Promise<Refreshed> {
    switch (wanted) {
      case "trading-calendar":
        return this.#refreshCalendar(isYoung);
      case "listed":
        return this.#refreshListed(isYoung);
      case "stock-list":
        return this.#refreshWhole(isYoung, isForced);
    }
  }

  async #refreshListed(isYoung: IsYoung): Promise<Refreshed> {
    const { lock } = this.#parts;
    const listed = await lock.withLock(
      LISTED_LOCK,
      async () => {
        const spans = await this.#spansOf("stock-list");
        if (isYoung(newestMs(spans))) {
          await this.#loadInstruments(spans);
          return undefined;
        }
        return await this.#fetchListed(false, spans);
      },
      this.#work,
    );
    if (listed === undefined) {
      return NOTHING_FETCHED;
    }
    if (!this.#underWay.has("stock-list")) {
      this.#completeLater(listed);
    }
    return listed.refreshed;
  }

  #completeLater(listed: ListedAnswer): void {
    const completing = this.#parts.lock.withLock(
      WHOLE_LOCK,
      async () => {
        const spans = await this.#spansOf("stock-list");
        if (isWhole(spans) && (newestMs(spans) ?? 0) >= toMs(listed.answer.version)) {
          await this.#loadInstruments(spans);
          return NOTHING_FETCHED;
        }
        return await this.#complete(listed);
      },
      this.#work,
    );
    this.#begin("stock-list", completing).catch((error: unknown) => {
      if (!this.#work.aborted) {
        this.#parts.log.warn("delisted and paused codes were not brought up to date", { why: describeError(error) });
      }
    });
  }

  async #refreshWhole(isYoung: IsYoung, isForced: boolean): Promise<Refreshed> {
    const { lock } = this.#parts;
    return await lock.withLock(
      WHOLE_LOCK,
      async () => {
        const spans = await this.#spansOf("stock-list");
        if (isWhole(spans) && isYoung(newestMs(spans))) {
          await this.#loadInstruments(spans);
          return NOTHING_FETCHED;
        }
        const listed = await lock.withLock(LISTED_LOCK, () => this.#fetchListed(isForced, spans), this.#work);
        const rest = await this.#complete(listed);
        return {
          rows: addTallies(listed.refreshed.rows, rest.rows),
          callIds: [...listed.refreshed.callIds, ...rest.callIds],
          isFetched: true,
        };
      },
      this.#work,
    );
  }

  /** A market without a paused or a delisted security is possible, one without a listed security is not. */
  async #fetchListed(isForced: boolean, before: readonly Span[]): Promise<ListedAnswer> {
    const startedMs = this.#parts.clock.elapsedMs();
    const answer = await this.#askByStatus("listed");
    const empty = findEmptyFault({ rows: answer.rows.length, rejected: answer.rejected });
    const fault =
      empty ?? (isForced ? undefined : findShortFault(answer.rows, await this.#parts.stored.instruments(this.#work)));
    if (fault !== undefined) {
      this.#refuse("stock-list", fault);
    }
    const refreshed = await this.#keep("stock-list", toInstrumentList([answer]), {
      part: "listed",
      startedMs,
    });
    return { answer, refreshed, seenBeforeAtMs: newestMs(before) };
  }

  /** Delisted and paused codes, and then those that no list has any more. */
  async #complete({ answer: listed, seenBeforeAtMs }: ListedAnswer): Promise<Refreshed> {
    const startedMs = this.#parts.clock.elapsedMs();
    const answers = [await this.#askByStatus("delisted"), await this.#askByStatus("paused")];
    const whole = [listed, ...answers];
    const absent = findGone(
      { instruments: whole.flatMap(({ rows }) => rows), rejected: whole.flatMap(({ rejected }) => rejected) },
      await this.#parts.stored.instruments(this.#work),
      dayAt(toInstant(seenBeforeAtMs ?? this.#parts.clock.nowMs()), SHANGHAI),
    );
    // A list that lacks a code by mistake has it the next time.
    const isDoubtful = this.#parts.lines["stock-list"].capability.isSilentlyShort === true;
    const gone = isDoubtful ? absent.filter(({ code }) => this.#absentBefore.has(code)) : absent;
    this.#absentBefore = new Set(absent.map(({ code }) => code));
    if (gone.length > 0) {
      const codes = gone.slice(0, CODES_SHOWN_MAX).map(({ code }) => code);
      this.#parts.log.warn("codes are in no list any more", { count: gone.length, codes });
    }
    return await this.#keep("stock-list", toInstrumentList(answers, gone), {
      part: "whole",
      startedMs,
    });
  }

  async #askByStatus(status: "listed" | "delisted" | "paused"): Promise<WholeAnswer<"stock-list">> {
    const call: Call<"stock-list"> = { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status } };
    return await this.#parts.lines["stock-list"].fetchAll(call, this.#work);
  }

  async #refreshCalendar(isYoung: IsYoung): Promise<Refreshed> {
    return await this.#parts.lock.withLock(
      "trading-calendar",
      async () => {
        const fetchedAtMs = newestMs(await this.#spansOf("trading-calendar"));
        if (isYoung(fetchedAtMs)) {
          await this.#loadCalendar(fetchedAtMs ?? 0);
          return NOTHING_FETCHED;
        }
        return await this.#fetchCalendar();
      },
      this.#work,
    );
  }

  async #fetchCalendar(): Promise<Refreshed> {
    const { clock, lines } = this.#parts;
    const startedMs = clock.elapsedMs();
    const to = addDays(dayAt(clock.now(), SHANGHAI), CALENDAR_DAYS_AHEAD);
    const call: Call<"trading-calendar"> = {
      dataSet: "trading-calendar",
      frequency: "1d",
      selection: { by: "range", from: CALENDAR_FROM, to },
    };
    const answer = await lines["trading-calendar"].fetchAll(call, this.#work);
    const fault = findEmptyFault({ rows: answer.rows.length, rejected: answer.rejected });
    if (fault !== undefined) {
      this.#refuse("trading-calendar", fault);
    }
    const models = toCalendarList(answer);
    return await this.#keep("trading-calendar", models, { part: "whole", startedMs });
  }

  /** The answer is not taken, and the list counts as old as it was. */
  #refuse(list: ListDataSet, fault: string): never {
    const { lines, clock } = this.#parts;
    const name = list.replace("-", " ");
    const error = new TransientError(
      `bringing the ${name} up to date from ${lines[list].provider}: ${fault}; it is asked for again in ${BAD_LIST_WAIT_MS / 1_000} s`,
      { retryAfterMs: BAD_LIST_WAIT_MS },
    );
    this.#bad.set(list, { error, untilMs: clock.nowMs() + BAD_LIST_WAIT_MS });
    throw error;
  }

  /** Writes an answer, says in the ledger how far the list is known, and loads it. */
  async #keep(
    list: ListDataSet,
    answer: ListAnswer,
    { part, startedMs }: { readonly part: "listed" | "whole"; readonly startedMs: number },
  ): Promise<Refreshed> {
    const { store, ledger, lines, log, clock } = this.#parts;
    this.#bad.delete(list);
    const rows = answer.models.length === 0 ? NO_ROWS : tallyOf(await store.addBatch(answer.models, this.#work));
    const provenance = { version: answer.version, callId: answer.callIds[0] ?? "", requestId: "" };
    await store.quarantine(answer.rejected, provenance, this.#work);
    const span: Span = {
      from: CALENDAR_FROM,
      to: dayAt(clock.now(), SHANGHAI),
      state: part === "whole" ? "present" : "pending",
      evidence: {
        provider: lines[list].provider,
        callId: answer.callIds.at(-1) ?? "",
        version: answer.version,
        note:
          part === "whole"
            ? `complete answer of ${answer.models.length} rows in ${answer.callIds.length} calls`
            : `${answer.models.length} listed codes, delisted and paused ones are asked for`,
      },
    };
    await ledger.write([{ key: keyOf(list), change: () => [span] }], this.#work);
    await (list === "stock-list" ? this.#loadInstruments([span]) : this.#loadCalendar(toMs(answer.version)));
    log.info("list brought up to date", {
      list,
      part,
      rows: answer.models.length,
      calls: answer.callIds.length,
      ms: Math.round(clock.elapsedMs() - startedMs),
    });
    return {
      rows: { ...rows, rejected: rows.rejected + answer.rejected.length },
      callIds: answer.callIds,
      isFetched: true,
    };
  }

  async #spansOf(list: ListDataSet): Promise<readonly Span[]> {
    const key = keyOf(list);
    return (await this.#parts.ledger.read([key], this.#work)).get(ledgerKeyText(key)) ?? [];
  }

  async #loadInstruments(spans: readonly Span[]): Promise<void> {
    this.#takeInstruments(await this.#parts.stored.instruments(this.#work));
    const fetchedAtMs = newestMs(spans) ?? 0;
    this.#loadedAtMs.set("listed", fetchedAtMs);
    if (isWhole(spans)) {
      this.#loadedAtMs.set("stock-list", fetchedAtMs);
    }
  }

  #takeInstruments(instruments: readonly Instrument[]): void {
    const gone = instruments.filter(({ status }) => status === "gone");
    const known = instruments.filter(({ status }) => status !== "gone");
    this.#goneOn = new Map(gone.map(({ code, listedOn, delistedOn }) => [code, delistedOn ?? listedOn]));
    this.#instruments = new Map(known.map((instrument) => [instrument.code, instrument]));
    this.#listedCount = known.filter(({ status, code }) => status !== "delisted" && kindOf(code) === "stock").length;
  }

  async #loadCalendar(fetchedAtMs: number): Promise<void> {
    this.#calendar = mergedCalendar(await this.#parts.stored.calendar(MARKET.CHINA, this.#work));
    this.#loadedAtMs.set("trading-calendar", fetchedAtMs);
  }
}

/** The provider refused this very call: it calls it wrong, or we have no right to it. */
function isRefusedCall(error: unknown): error is DataError | PermanentError {
  return isCalledWrong(error) || (error instanceof PermanentError && error.scope === "api");
}

type IsYoung = (atMs: number | undefined) => boolean;

/** Who wants both takes the one of the whole first. */
const LISTED_LOCK = "stock-list";
const WHOLE_LOCK = "whole-stock-list";

function listOf(wanted: Wanted): ListDataSet {
  return wanted === "listed" ? "stock-list" : wanted;
}

function keyOf(list: ListDataSet): LedgerKey {
  return { dataSet: list, frequency: "1d", code: "" };
}

/** The listed codes, kept already, and when the list was asked for the time before. */
interface ListedAnswer {
  readonly answer: WholeAnswer<"stock-list">;
  readonly refreshed: Refreshed;
  readonly seenBeforeAtMs: number | undefined;
}

function isWhole(spans: readonly Span[]): boolean {
  return spans.some(({ state }) => state === "present");
}

const NOTHING_FETCHED: Refreshed = { rows: NO_ROWS, callIds: [], isFetched: false };

function newestMs(spans: readonly Span[]): number | undefined {
  const versions = spans.map(({ evidence }) => toMs(evidence.version));
  return versions.length === 0 ? undefined : Math.max(...versions);
}

function toInstant(epochMs: number): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(epochMs);
}

function toMs(micros: bigint): number {
  return Number(micros / 1_000n);
}
