import { Temporal } from "temporal-polyfill";

import type { Clock } from "../base/clock.ts";
import { PermanentError, TransientError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { addDays, type Day, dayAt, parseDay, SHANGHAI } from "../domain/day.ts";
import { MARKET } from "../domain/enums.ts";
import type { LedgerKey, Span } from "../domain/ledger.ts";
import { NO_ROWS, type Tally } from "../domain/outcome.ts";
import type { Instrument, RowOf } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import { isStale } from "../planning/freshness.ts";
import { findEmptyFault, findGone, findShortFault } from "../planning/list-faults.ts";
import { bundledCalendar, mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
import type { Lock } from "../ports/lock.ts";
import { ledgerKeyText } from "../domain/ledger.ts";
import type { Ledger, Model, Provenance, ReferenceStore, Store } from "../ports/store.ts";
import type { ProviderLine, WholeAnswer } from "./provider-line.ts";
import { tallyOf } from "./tally.ts";

type ListDataSet = "stock-list" | "trading-calendar";

export interface ReferenceParts {
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

/** The first day of the calendar; both exchanges opened in that month. */
const CALENDAR_FROM = parseDay("1990-12-19");
/** The exchanges publish the calendar about a year ahead. */
const CALENDAR_DAYS_AHEAD = 400;

/**
 * The stock list and the trading calendar: read from the store, and brought up to date by the worker itself when they
 * are absent or older than 20 h, by one worker of the fleet. Until the first answer the bundled calendar serves.
 */
export class Reference {
  readonly #parts: ReferenceParts;
  #instruments: ReadonlyMap<SecurityCode, Instrument> = new Map();
  #goneOn: ReadonlyMap<SecurityCode, Day> = new Map();
  #listedCount = 0;
  #calendar: TradingCalendar = bundledCalendar();
  /** Epoch milliseconds of the call behind what is loaded here; undefined until it was loaded. */
  readonly #loadedAtMs = new Map<ListDataSet, number>();
  readonly #underWay = new Map<ListDataSet, Promise<Refreshed>>();
  /** Answers that were no list, and until when nobody asks again. */
  readonly #bad = new Map<ListDataSet, { readonly error: TransientError; readonly untilMs: number }>();

  constructor(parts: ReferenceParts) {
    this.#parts = parts;
  }

  get calendar(): TradingCalendar {
    return this.#calendar;
  }

  /** Undefined for a code that no list has, or has any more. */
  instrument(code: SecurityCode): Instrument | undefined {
    return this.#instruments.get(code);
  }

  /** The last day on which a list had a code that is gone; undefined for every other. */
  goneOn(code: SecurityCode): Day | undefined {
    return this.#goneOn.get(code);
  }

  /** How many securities are listed: the rows that one day of the market has at most. 0 before the list was loaded. */
  get listedCount(): number {
    return this.#listedCount;
  }

  /** Before any plan: both lists are there and young enough. TransientError while the provider's answer is no list. */
  async ensureFresh(signal: AbortSignal): Promise<void> {
    try {
      await this.#ensure("trading-calendar", (atMs) => !isStale(atMs, this.#parts.clock.nowMs()), signal);
    } catch (error) {
      this.#goOnWithoutCalendar(error);
    }
    await this.#ensure("stock-list", (atMs) => !isStale(atMs, this.#parts.clock.nowMs()), signal);
  }

  /** The bundled calendar serves an account that has no right to the provider's; past its end every plan says so. */
  #goOnWithoutCalendar(error: unknown): void {
    if (!(error instanceof PermanentError) || error.scope !== "api") {
      throw error;
    }
    this.#parts.log.warn("no trading calendar from the provider, the bundled one serves", { why: error.message });
    this.#loadedAtMs.set("trading-calendar", this.#parts.clock.nowMs());
  }

  /** A code that the list does not have: the list is asked for once more, unless it is minutes old. */
  async refreshForUnknownCode(signal: AbortSignal): Promise<void> {
    const youngSinceMs = this.#parts.clock.nowMs() - UNKNOWN_CODE_REFRESH_MS;
    await this.#ensure("stock-list", (atMs) => atMs !== undefined && atMs >= youngSinceMs, signal);
  }

  /** What a `stockinfo` or `trade_day` message asks for: a list fetched after it was sent. `force` fetches in any case. */
  async bringUpToDate(list: ListDataSet, askedAtMs: number, force: boolean, signal: AbortSignal): Promise<Refreshed> {
    if (force) {
      this.#bad.delete(list);
    }
    return await this.#ensure(list, (atMs) => !force && atMs !== undefined && atMs >= askedAtMs, signal, force);
  }

  async #ensure(
    list: ListDataSet,
    isYoung: (atMs: number | undefined) => boolean,
    signal: AbortSignal,
    isForced = false,
  ): Promise<Refreshed> {
    for (;;) {
      signal.throwIfAborted();
      if (isYoung(this.#loadedAtMs.get(list))) {
        return NOTHING_FETCHED;
      }
      const bad = this.#bad.get(list);
      if (bad !== undefined && this.#parts.clock.nowMs() < bad.untilMs) {
        throw bad.error;
      }
      const underWay = this.#underWay.get(list);
      if (underWay === undefined) {
        // Others may come to wait for it, so it ends with the worker and not with the message that began it.
        const work = this.#parts.work;
        const refreshing = this.#parts.lock
          .withLock(list, () => this.#refresh(list, isYoung, isForced, work), work)
          .finally(() => this.#underWay.delete(list));
        this.#underWay.set(list, refreshing);
        return await refreshing;
      }
      await underWay;
    }
  }

  async #refresh(
    list: ListDataSet,
    isYoung: (atMs: number | undefined) => boolean,
    isForced: boolean,
    signal: AbortSignal,
  ): Promise<Refreshed> {
    const { ledger, log, clock } = this.#parts;
    const key: LedgerKey = { dataSet: list, frequency: "1d", code: "" };
    const spans = (await ledger.read([key], signal)).get(ledgerKeyText(key)) ?? [];
    const fetchedAtMs = newestMs(spans);
    if (isYoung(fetchedAtMs)) {
      await this.#load(list, fetchedAtMs ?? 0, signal);
      return NOTHING_FETCHED;
    }
    const startedMs = clock.elapsedMs();
    const answer =
      list === "stock-list"
        ? await this.#fetchInstruments(isForced, fetchedAtMs, signal)
        : await this.#fetchCalendar(signal);
    this.#bad.delete(list);
    const rows = await this.#write(answer.models, signal);
    await this.#parts.store.quarantine(
      answer.rejected,
      { version: answer.version, callId: answer.callIds[0] ?? "", requestId: "" },
      signal,
    );
    const today = dayAt(clock.now(), SHANGHAI);
    const span: Span = {
      from: CALENDAR_FROM,
      to: today,
      state: "present",
      evidence: {
        provider: this.#parts.lines[list].provider,
        callId: answer.callIds.at(-1) ?? "",
        version: answer.version,
        note: `complete answer of ${answer.models.length} rows in ${answer.callIds.length} calls`,
      },
    };
    const outdated = spans.map(({ from }) => from).filter((from) => from !== span.from);
    await ledger.write([{ key, put: [span], remove: outdated }], signal);
    await this.#load(list, toMs(answer.version), signal);
    log.info("list brought up to date", {
      list,
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

  async #fetchInstruments(
    isForced: boolean,
    fetchedBeforeAtMs: number | undefined,
    signal: AbortSignal,
  ): Promise<ListAnswer> {
    const line = this.#parts.lines["stock-list"];
    const answers: WholeAnswer<"stock-list">[] = [];
    for (const status of ["listed", "delisted", "paused"] as const) {
      const answer = await line.fetchAll<"stock-list">(
        { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status } },
        signal,
      );
      if (status === "listed") {
        await this.#judgeListed(answer, isForced, signal);
      }
      answers.push(answer);
    }
    const whole = {
      instruments: answers.flatMap(({ rows }) => rows),
      rejected: answers.flatMap(({ rejected }) => rejected),
    };
    const gone = findGone(
      whole,
      await this.#parts.stored.instruments(signal),
      dayAt(toInstant(fetchedBeforeAtMs ?? this.#parts.clock.nowMs()), SHANGHAI),
    );
    if (gone.length > 0) {
      const codes = gone.slice(0, CODES_SHOWN_MAX).map(({ code }) => code);
      this.#parts.log.warn("codes are in no list any more", { count: gone.length, codes });
    }
    return toListAnswer(
      answers,
      ({ code }) => code,
      (row, provenance) => ({ model: "instrument", row, provenance }),
      gone,
    );
  }

  /** A market without a paused or a delisted security is possible, one without a listed security is not. */
  async #judgeListed(answer: WholeAnswer<"stock-list">, isForced: boolean, signal: AbortSignal): Promise<void> {
    const empty = findEmptyFault({ rows: answer.rows.length, rejected: answer.rejected });
    const fault =
      empty ?? (isForced ? undefined : findShortFault(answer.rows, await this.#parts.stored.instruments(signal)));
    if (fault !== undefined) {
      this.#refuse("stock-list", fault);
    }
  }

  async #fetchCalendar(signal: AbortSignal): Promise<ListAnswer> {
    const to = addDays(dayAt(this.#parts.clock.now(), SHANGHAI), CALENDAR_DAYS_AHEAD);
    const call: Call<"trading-calendar"> = {
      dataSet: "trading-calendar",
      frequency: "1d",
      selection: { by: "range", from: CALENDAR_FROM, to },
    };
    const answer = await this.#parts.lines["trading-calendar"].fetchAll(call, signal);
    const fault = findEmptyFault({ rows: answer.rows.length, rejected: answer.rejected });
    if (fault !== undefined) {
      this.#refuse("trading-calendar", fault);
    }
    return toListAnswer(
      [answer],
      ({ day }) => day,
      (row, provenance) => ({ model: "calendar-day", row, provenance }),
    );
  }

  async #write(models: readonly Model[], signal: AbortSignal): Promise<Tally> {
    return models.length === 0 ? NO_ROWS : tallyOf(await this.#parts.store.addBatch(models, signal));
  }

  async #load(list: ListDataSet, fetchedAtMs: number, signal: AbortSignal): Promise<void> {
    if (list === "stock-list") {
      const instruments = await this.#parts.stored.instruments(signal);
      const gone = instruments.filter(({ status }) => status === "gone");
      const known = instruments.filter(({ status }) => status !== "gone");
      this.#goneOn = new Map(gone.map(({ code, listedOn, delistedOn }) => [code, delistedOn ?? listedOn]));
      this.#instruments = new Map(known.map((instrument) => [instrument.code, instrument]));
      this.#listedCount = known.filter(({ status }) => status !== "delisted").length;
    } else {
      this.#calendar = mergedCalendar(await this.#parts.stored.calendar(MARKET.CHINA, signal));
    }
    this.#loadedAtMs.set(list, fetchedAtMs);
  }
}

interface ListAnswer {
  readonly models: readonly Model[];
  readonly rejected: WholeAnswer<ListDataSet>["rejected"];
  readonly callIds: readonly string[];
  readonly version: bigint;
}

const NOTHING_FETCHED: Refreshed = { rows: NO_ROWS, callIds: [], isFetched: false };

/** One answer of several, each key once: pages may overlap, and a code may move from one status to another between calls. */
function toListAnswer<D extends ListDataSet>(
  answers: readonly WholeAnswer<D>[],
  keyOf: (row: RowOf[D]) => string,
  toModel: (row: RowOf[D], provenance: Provenance) => Model,
  more: readonly RowOf[D][] = [],
): ListAnswer {
  const version = answers.reduce((newest, answer) => (answer.version > newest ? answer.version : newest), 0n);
  const callIds = answers.flatMap((answer) => answer.callIds);
  const rows = new Map(answers.flatMap((answer) => answer.rows).map((row) => [keyOf(row), row]));
  const provenance = { version, callId: callIds.at(-1) ?? "", requestId: "" };
  return {
    models: [...rows.values(), ...more].map((row) => toModel(row, provenance)),
    rejected: answers.flatMap((answer) => answer.rejected),
    callIds,
    version,
  };
}

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
