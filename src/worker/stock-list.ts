import { Temporal } from "temporal-polyfill";

import { describeError } from "../base/errors.ts";
import { orAbort } from "../base/or-abort.ts";
import { type Day, dayAt, SHANGHAI } from "../domain/day.ts";
import { impliedInstrument } from "../domain/implied-instrument.ts";
import { kindOf } from "../domain/instrument-kind.ts";
import type { LedgerKey, Span } from "../domain/ledger.ts";
import { MARKETS } from "../domain/market.ts";
import { PROVIDER_SOURCES } from "../domain/provider.ts";
import type { Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import { covers } from "../planning/covers.ts";
import { isStale } from "../planning/freshness.ts";
import { findEmptyFault, findGone, findShortFault } from "../planning/list-faults.ts";
import {
  type IsYoung,
  keepList,
  type ListParts,
  newestMs,
  NOTHING_FETCHED,
  readSpans,
  type Refreshed,
  toMs,
} from "./keep-list.ts";
import { toInstrumentList } from "./list-answer.ts";
import { isNotForUs, type ListLines } from "./list-lines.ts";
import { OnceForAll } from "./once-for-all.ts";
import type { ProviderLine, WholeAnswer } from "./provider-line.ts";
import { isCalledWrong } from "./refusals.ts";
import { StoredServes } from "./stored-serves.ts";
import { addTallies } from "./tally.ts";

/** A list that is asked for again within this time is the same list. */
const UNKNOWN_CODE_REFRESH_MS = 600_000;

/** As often as an answer is looked at that says nothing where there may be something, unless a look takes so long. */
const EMPTY_LOOKS_MAX = 3;
const SLOW_LOOK_MS = 90_000;

/** So many codes of a log line are named. */
const CODES_SHOWN_MAX = 10;

const KEY: LedgerKey = { dataSet: "stock-list", frequency: "1d", code: "" };

/** Who wants both takes the one of the whole first. */
const LISTED_LOCK = "stock-list";
const WHOLE_LOCK = "whole-stock-list";

/**
 * The stock list of mainland China: read from the store, and brought up to date by one worker of the fleet when it is absent
 * or older than 20 h.
 *
 * A plan needs the listed codes. They are asked for first and used as soon as they are there; delisted and paused ones
 * are asked for after them, in the background, since an account may have a call an hour. Only a code that is not known
 * by then, and a message for the list itself, wait for the whole of it. In the ledger the list is `pending` until the
 * whole is there. All of a list is one provider's. While the first is out what is stored serves; another one steps in where
 * nothing is stored yet, for a code that is in no list, for a message for the list itself, and where the first refuses it or
 * answers with what cannot be it.
 */
export class StockList {
  readonly #parts: ListParts;
  readonly #lines: ListLines;
  readonly #listed: OnceForAll<Refreshed>;
  readonly #whole: OnceForAll<Refreshed>;
  readonly #storedServes: StoredServes;
  #instruments: ReadonlyMap<SecurityCode, Instrument> = new Map();
  #goneOn: ReadonlyMap<SecurityCode, Day> = new Map();
  #listedCount = 0;
  /** Who brought the newest list: of what it covers, a code that is not known does not exist. */
  #newest: ProviderLine;
  /** Whose delisted and paused codes are being asked for. */
  #restOf: ProviderLine | undefined;
  #listedAtMs: number | undefined;
  #wholeAtMs: number | undefined;
  /** Codes that the last whole list of each provider did not have. */
  readonly #absentBefore = new Map<ProviderLine, ReadonlySet<SecurityCode>>();
  #secondLook: { readonly atMs: number; readonly looking: Promise<void> } | undefined;

  constructor(parts: ListParts, lines: ListLines) {
    this.#parts = parts;
    this.#lines = lines;
    this.#listed = new OnceForAll(lines, () => this.#whoMayList());
    this.#whole = new OnceForAll(lines, () => (this.#restOf === undefined ? this.#whoMayBegin() : [this.#restOf]));
    this.#storedServes = new StoredServes(parts, lines);
    this.#newest = lines.first;
  }

  /**
   * Undefined for a code that no list has, or has any more. What the newest list has nothing of, such as an index where it
   * is a list of stocks, is taken for listed since the calendar's first day.
   */
  instrument(code: SecurityCode): Instrument | undefined {
    const known = this.#instruments.get(code);
    if (known !== undefined || covers(this.#newest.capability, code)) {
      return known;
    }
    return impliedInstrument(code, PROVIDER_SOURCES[this.#newest.provider]);
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
   * Before any plan: the listed codes are there and young enough. TransientError while nobody's answer is a list. Where
   * everybody refuses the call, or who is asked first is out, what is stored serves.
   */
  async ensureListed(signal: AbortSignal): Promise<void> {
    const isYoung: IsYoung = (atMs) => !isStale(atMs, this.#parts.clock.nowMs());
    const ensure = (until: AbortSignal): Promise<unknown> =>
      this.#listed.ensure(
        () => isYoung(this.#listedAtMs),
        () => this.#refreshListed(isYoung),
        until,
      );
    try {
      await this.#storedServes.orElse(ensure, () => this.#loadStored(), signal, false);
    } catch (error) {
      // The trouble is the list's and no message's: messages wait, unless only a person can help.
      throw isCalledWrong(error) ? this.#lines.refuseAll(error) : error;
    }
  }

  /**
   * A code that the list does not have: the whole list is waited for or asked for once more, unless it is minutes old. Where
   * a short list looks whole, even one of seconds ago is looked at again, once in ten minutes for all who wait.
   */
  async refreshForUnknownCode(signal: AbortSignal): Promise<void> {
    const nowMs = this.#parts.clock.nowMs();
    const isDoubtful = this.#newest.capability.isSilentlyShort === true;
    if (isDoubtful && nowMs - (this.#secondLook?.atMs ?? -Infinity) >= UNKNOWN_CODE_REFRESH_MS) {
      const looking = this.#refreshUnlessYoung(nowMs, this.#parts.work);
      // Each who waits sees the failure, and whoever comes later looks anew.
      looking.catch(() => (this.#secondLook = undefined));
      this.#secondLook = { atMs: nowMs, looking };
    }
    await (isDoubtful && this.#secondLook !== undefined
      ? orAbort(this.#secondLook.looking, signal)
      : this.#refreshUnlessYoung(nowMs - UNKNOWN_CODE_REFRESH_MS, signal));
  }

  /** The whole list, unless it is as young as that. `isForced` takes it also where it is far shorter than the stored one. */
  async ensureWhole(isYoung: IsYoung, signal: AbortSignal, isForced = false): Promise<Refreshed> {
    if (isForced) {
      this.#lines.forgetBad();
    }
    const refreshed = await this.#whole.ensure(
      () => isYoung(this.#wholeAtMs),
      () => this.#refreshWhole(isYoung, isForced),
      signal,
    );
    return refreshed ?? NOTHING_FETCHED;
  }

  /** Until what is under way has ended; the signal of the parts ends it. */
  async ended(): Promise<void> {
    await Promise.all([this.#listed.ended(), this.#whole.ended()]);
  }

  async #refreshUnlessYoung(youngSinceMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.ensureWhole((atMs) => atMs !== undefined && atMs >= youngSinceMs, signal);
    } catch (error) {
      if (isCalledWrong(error)) {
        throw this.#lines.refuseAll(error);
      }
      // Without the right to the list, what is stored decides which codes there are.
      if (!isNotForUs(error)) {
        throw error;
      }
    }
  }

  async #refreshListed(isYoung: IsYoung): Promise<Refreshed> {
    const listed = await this.#parts.lock.withLock(
      LISTED_LOCK,
      async () => {
        const spans = await this.#readSpans();
        if (isYoung(newestMs(spans))) {
          await this.#load(spans);
          return undefined;
        }
        await this.#loadStored();
        // What is stored serves while the first is out.
        return await this.#askListed(spans, { isForced: false, mayMove: this.#instruments.size === 0 });
      },
      this.#parts.work,
    );
    if (listed === undefined) {
      return NOTHING_FETCHED;
    }
    if (!this.#whole.isUnderWay) {
      this.#completeLater(listed);
    }
    return listed.refreshed;
  }

  #completeLater(listed: Listed): void {
    const { lock, log, work } = this.#parts;
    const completing = lock.withLock(
      WHOLE_LOCK,
      async () => {
        const spans = await this.#readSpans();
        if (isWhole(spans) && (newestMs(spans) ?? 0) >= toMs(listed.answer.version)) {
          await this.#load(spans);
          return NOTHING_FETCHED;
        }
        return await this.#fetchRest(listed);
      },
      work,
    );
    this.#whole.begin(completing).catch((error: unknown) => {
      if (!work.aborted) {
        log.warn("delisted and paused codes were not brought up to date", { why: describeError(error) });
      }
    });
  }

  async #refreshWhole(isYoung: IsYoung, isForced: boolean): Promise<Refreshed> {
    const { lock, work } = this.#parts;
    return await lock.withLock(
      WHOLE_LOCK,
      async () => {
        const spans = await this.#readSpans();
        if (isWhole(spans) && isYoung(newestMs(spans))) {
          await this.#load(spans);
          return NOTHING_FETCHED;
        }
        const listed = await lock.withLock(
          LISTED_LOCK,
          () => this.#askListed(spans, { isForced, mayMove: true }),
          work,
        );
        const rest = await this.#fetchRest(listed);
        return {
          rows: addTallies(listed.refreshed.rows, rest.rows),
          callIds: [...listed.refreshed.callIds, ...rest.callIds],
          isFetched: true,
        };
      },
      work,
    );
  }

  #whoMayList(): readonly ProviderLine[] {
    const able = this.#lines.able();
    return this.#instruments.size === 0 ? able : able.slice(0, 1);
  }

  /** A list that is being brought up to date has to be waited for first. */
  #whoMayBegin(): readonly ProviderLine[] {
    return this.#listed.isUnderWay ? this.#whoMayList() : this.#lines.able();
  }

  async #askListed(before: readonly Span[], { isForced, mayMove }: HowToAsk): Promise<Listed> {
    const ask = (line: ProviderLine, ending: AbortSignal): Promise<Listed> =>
      this.#fetchListed(line, ending, newestMs(before), isForced);
    return await this.#lines.ask(ask, this.#parts.work, mayMove);
  }

  /** A market without a paused or a delisted security is possible, one without a listed security is not. */
  async #fetchListed(
    line: ProviderLine,
    ending: AbortSignal,
    seenBeforeAtMs: number | undefined,
    isForced: boolean,
  ): Promise<Listed> {
    const startedMs = this.#parts.clock.elapsedMs();
    const answer = await askByStatus(line, "listed", ending);
    const empty = findEmptyFault({ rows: answer.rows.length, rejected: answer.rejected });
    const fault =
      empty ?? (isForced ? undefined : findShortFault(answer.rows, await this.#readStored(), line.capability));
    if (fault !== undefined) {
      this.#lines.refuse(line, fault);
    }
    const refreshed = await this.#keep(line, [answer], [], { part: "listed", startedMs });
    return { line, answer, refreshed, seenBeforeAtMs };
  }

  /** Delisted and paused codes, of whoever brought the listed ones, and then those that no list has any more. */
  async #fetchRest({ line, answer: listed, seenBeforeAtMs }: Listed): Promise<Refreshed> {
    const { clock, log, work } = this.#parts;
    const startedMs = clock.elapsedMs();
    this.#restOf = line;
    const asking = this.#lines.stay(
      line,
      async (ending) => [
        await this.#askUnlessEmpty(line, "delisted", ending),
        await this.#askUnlessEmpty(line, "paused", ending),
      ],
      work,
    );
    const answers = await asking.finally(() => (this.#restOf = undefined));
    const whole = [listed, ...answers];
    const absent = findGone(
      { instruments: whole.flatMap(({ rows }) => rows), rejected: whole.flatMap(({ rejected }) => rejected) },
      await this.#readStored(),
      dayAt(Temporal.Instant.fromEpochMilliseconds(seenBeforeAtMs ?? clock.nowMs()), SHANGHAI),
    );
    // A list that lacks a code by mistake has it the next time.
    const isDoubtful = line.capability.isSilentlyShort === true;
    const gone = isDoubtful ? absent.filter(({ code }) => this.#absentBefore.get(line)?.has(code) === true) : absent;
    this.#absentBefore.set(line, new Set(absent.map(({ code }) => code)));
    if (gone.length > 0) {
      const codes = gone.slice(0, CODES_SHOWN_MAX).map(({ code }) => code);
      log.warn("codes are in no list any more", { count: gone.length, codes });
    }
    return await this.#keep(line, answers, gone, { part: "whole", startedMs });
  }

  /**
   * An answer without any code is asked for again before it is believed, so that no delisted or paused code is unknown by
   * mistake; not where that takes its time, as with an account that has one call an hour.
   */
  async #askUnlessEmpty(
    line: ProviderLine,
    status: "delisted" | "paused",
    ending: AbortSignal,
  ): Promise<WholeAnswer<"stock-list">> {
    const { clock } = this.#parts;
    for (let look = 1; ; look += 1) {
      const startedMs = clock.elapsedMs();
      const answer = await askByStatus(line, status, ending);
      const isSlow = clock.elapsedMs() - startedMs >= SLOW_LOOK_MS;
      if (answer.rows.length > 0 || answer.rejected.length > 0 || isSlow || look === EMPTY_LOOKS_MAX) {
        return answer;
      }
    }
  }

  async #keep(
    line: ProviderLine,
    answers: readonly WholeAnswer<"stock-list">[],
    gone: readonly Instrument[],
    { part, startedMs }: { readonly part: "listed" | "whole"; readonly startedMs: number },
  ): Promise<Refreshed> {
    const { clock, log } = this.#parts;
    const list = toInstrumentList(answers, gone);
    const [rows, calls] = [list.models.length, list.callIds.length];
    const { refreshed, span } = await keepList(
      list,
      {
        key: KEY,
        provider: line.provider,
        from: MARKETS.CN.since,
        to: dayAt(clock.now(), SHANGHAI),
        state: part === "whole" ? "present" : "pending",
        note:
          part === "whole"
            ? `complete answer of ${rows} rows in ${calls} calls`
            : `${rows} listed codes, delisted and paused ones are asked for`,
      },
      this.#parts,
    );
    this.#lines.forgetBad([line]);
    await this.#load([span]);
    const ms = Math.round(clock.elapsedMs() - startedMs);
    log.info("list brought up to date", { list: this.#lines.list, provider: line.provider, part, rows, calls, ms });
    return refreshed;
  }

  #readSpans(): Promise<readonly Span[]> {
    return readSpans(KEY, this.#parts);
  }

  #readStored(): Promise<readonly Instrument[]> {
    return this.#parts.stored.instruments(this.#parts.work);
  }

  /** False where nothing is stored that could serve. */
  async #loadStored(): Promise<boolean> {
    if (this.#instruments.size === 0) {
      this.#setNewest(await this.#readSpans());
      this.#take(await this.#readStored());
    }
    return this.#instruments.size > 0;
  }

  async #load(spans: readonly Span[]): Promise<void> {
    this.#take(await this.#readStored());
    this.#setNewest(spans);
    this.#listedAtMs = newestMs(spans) ?? 0;
    if (isWhole(spans)) {
      this.#wholeAtMs = this.#listedAtMs;
    }
  }

  #setNewest([span]: readonly Span[]): void {
    const by = span?.evidence.provider;
    this.#newest = this.#lines.all.find(({ provider }) => provider === by) ?? this.#lines.first;
  }

  #take(instruments: readonly Instrument[]): void {
    const gone = instruments.filter(({ status }) => status === "gone");
    const known = instruments.filter(({ status }) => status !== "gone");
    this.#goneOn = new Map(gone.map(({ code, listedOn, delistedOn }) => [code, delistedOn ?? listedOn]));
    this.#instruments = new Map(known.map((instrument) => [instrument.code, instrument]));
    this.#listedCount = known.filter(({ status, code }) => status !== "delisted" && kindOf(code) === "stock").length;
  }
}

/** The listed codes, kept already, who listed them, and when the list was asked for the time before. */
interface Listed {
  readonly line: ProviderLine;
  readonly answer: WholeAnswer<"stock-list">;
  readonly refreshed: Refreshed;
  readonly seenBeforeAtMs: number | undefined;
}

interface HowToAsk {
  /** Also a list that is far shorter than the stored one is taken. */
  readonly isForced: boolean;
  /** To the next one when this one is out; in any case where it does not give the list. */
  readonly mayMove: boolean;
}

async function askByStatus(
  line: ProviderLine,
  status: "listed" | "delisted" | "paused",
  signal: AbortSignal,
): Promise<WholeAnswer<"stock-list">> {
  const call: Call<"stock-list"> = { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status } };
  return await line.fetchAll(call, signal);
}

function isWhole(spans: readonly Span[]): boolean {
  return spans.some(({ state }) => state === "present");
}
