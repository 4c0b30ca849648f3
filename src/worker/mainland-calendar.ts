import { addDays, dayAt, SHANGHAI } from "../domain/day.ts";
import { MARKET } from "../domain/enums.ts";
import type { LedgerKey } from "../domain/ledger.ts";
import { MARKETS } from "../domain/market.ts";
import type { Call } from "../domain/unit.ts";
import { isStale } from "../planning/freshness.ts";
import { findEmptyFault } from "../planning/list-faults.ts";
import { bundledCalendar, mergedCalendar, type TradingCalendar } from "../planning/trading-calendar.ts";
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
import { toCalendarList } from "./list-answer.ts";
import type { ListLines } from "./list-lines.ts";
import { OnceForAll } from "./once-for-all.ts";
import type { ProviderLine } from "./provider-line.ts";
import { StoredServes } from "./stored-serves.ts";

/** The exchanges publish the calendar about a year ahead. */
const CALENDAR_DAYS_AHEAD = 400;

const KEY: LedgerKey = { dataSet: "trading-calendar", frequency: "1d", code: "" };

/**
 * The trading calendar of mainland China: read from the store, and brought up to date by one worker of the fleet when it is
 * absent or older than 20 h. Until the first answer the bundled calendar serves; past its end every plan says so.
 */
export class MainlandCalendar {
  readonly #parts: ListParts;
  readonly #lines: ListLines;
  readonly #whole: OnceForAll<Refreshed>;
  readonly #storedServes: StoredServes;
  #calendar: TradingCalendar = bundledCalendar();
  #loadedAtMs: number | undefined;

  constructor(parts: ListParts, lines: ListLines) {
    this.#parts = parts;
    this.#lines = lines;
    this.#whole = new OnceForAll(lines);
    this.#storedServes = new StoredServes(parts, lines);
  }

  get calendar(): TradingCalendar {
    return this.#calendar;
  }

  /** Before any plan. TransientError while nobody's answer is a calendar; where nobody can be asked what is stored serves. */
  async ensureYoung(signal: AbortSignal): Promise<void> {
    const isYoung: IsYoung = (atMs) => !isStale(atMs, this.#parts.clock.nowMs());
    const loadStored = async (): Promise<boolean> => {
      await this.#take();
      return true;
    };
    await this.#storedServes.orElse((until) => this.ensure(isYoung, until), loadStored, signal, true);
  }

  async ensure(isYoung: IsYoung, signal: AbortSignal, isForced = false): Promise<Refreshed> {
    if (isForced) {
      this.#lines.forgetBad();
    }
    const refreshed = await this.#whole.ensure(
      () => isYoung(this.#loadedAtMs),
      () => this.#refresh(isYoung),
      signal,
    );
    return refreshed ?? NOTHING_FETCHED;
  }

  /** Until what is under way has ended; the signal of the parts ends it. */
  async ended(): Promise<void> {
    await this.#whole.ended();
  }

  async #refresh(isYoung: IsYoung): Promise<Refreshed> {
    const { lock, work } = this.#parts;
    return await lock.withLock(
      "trading-calendar",
      async () => {
        const fetchedAtMs = newestMs(await readSpans(KEY, this.#parts));
        if (isYoung(fetchedAtMs)) {
          await this.#load(fetchedAtMs ?? 0);
          return NOTHING_FETCHED;
        }
        return await this.#lines.ask((line, ending) => this.#fetch(line, ending), work);
      },
      work,
    );
  }

  async #fetch(line: ProviderLine, ending: AbortSignal): Promise<Refreshed> {
    const { clock, log } = this.#parts;
    const startedMs = clock.elapsedMs();
    const today = dayAt(clock.now(), SHANGHAI);
    const { since } = MARKETS.CN;
    const call: Call<"trading-calendar"> = {
      dataSet: "trading-calendar",
      frequency: "1d",
      selection: { by: "range", from: since, to: addDays(today, CALENDAR_DAYS_AHEAD) },
    };
    const answer = await line.fetchAll(call, ending);
    const fault = findEmptyFault({ rows: answer.rows.length, rejected: answer.rejected });
    if (fault !== undefined) {
      this.#lines.refuse(line, fault);
    }
    const list = toCalendarList(answer);
    const [rows, calls] = [list.models.length, list.callIds.length];
    const note = `complete answer of ${rows} rows in ${calls} calls`;
    const span = { key: KEY, provider: line.provider, from: since, to: today, state: "present", note } as const;
    const { refreshed } = await keepList(list, span, this.#parts);
    this.#lines.forgetBad([line]);
    await this.#load(toMs(list.version));
    const ms = Math.round(clock.elapsedMs() - startedMs);
    log.info("list brought up to date", { list: this.#lines.list, provider: line.provider, rows, calls, ms });
    return refreshed;
  }

  async #load(fetchedAtMs: number): Promise<void> {
    await this.#take();
    this.#loadedAtMs = fetchedAtMs;
  }

  async #take(): Promise<void> {
    this.#calendar = mergedCalendar(await this.#parts.stored.calendar(MARKET.CHINA, this.#parts.work));
  }
}
