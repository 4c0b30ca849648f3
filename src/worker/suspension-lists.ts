import { BoundedMap } from "../base/bounded-map.ts";
import { DataError, PermanentError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { createGatherer, type Gatherer } from "../base/gather.ts";
import type { Log } from "../base/log.ts";
import type { Day } from "../domain/day.ts";
import type { Evidence } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import { askAgainAtMs } from "../planning/final-day.ts";
import { LATE_PUBLICATION_MS, LATE_PUBLICATION_MS_MAX } from "../planning/verdict.ts";
import type { ProviderLine, WholeAnswer } from "./provider-line.ts";

/** Days of one code that came back empty and that nothing explains yet. */
interface Suspects {
  readonly code: SecurityCode;
  readonly days: readonly Day[];
}

/** What the lists say of a code's suspects, and the newest call behind it. */
export interface SuspendedDays {
  readonly days: ReadonlySet<Day>;
  /** Undefined when no list was read: the provider has none, or does not let us read it. */
  readonly evidence: Omit<Evidence, "note"> | undefined;
}

interface RememberedDay {
  readonly list: ListedDay;
  readonly untilMs: number;
}

interface ListedDay {
  readonly codes: ReadonlySet<SecurityCode>;
  readonly evidence: Omit<Evidence, "note">;
}

/** Suspects whose lookups share calls. */
const LOOKUPS_MAX = 8_192;
/** Days whose list of the whole market is remembered: about twelve years. */
const DAYS_REMEMBERED_MAX = 3_000;
/** Up to so many days are asked for day by day, the whole market each; beyond it one range is asked for. */
const DAY_CALLS_MAX = 3;

/**
 * Asks the provider's suspension lists about empty days. What many messages suspect at the same time is answered by
 * few calls: one code over its span, the market on each of a few days, or the market over the whole span.
 */
export class SuspensionLists {
  readonly #line: ProviderLine | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #work: AbortSignal;
  readonly #lookUp: Gatherer<Suspects, SuspendedDays>;
  /** Codes suspended on a day, for days of which the list of the whole market was read. */
  readonly #market = new BoundedMap<Day, RememberedDay>(DAYS_REMEMBERED_MAX);
  #isRefused = false;

  constructor(line: ProviderLine | undefined, clock: Clock, log: Log, work: AbortSignal) {
    this.#line = line;
    this.#clock = clock;
    this.#log = log;
    this.#work = work;
    this.#lookUp = createGatherer((batch) => this.#answer(batch), LOOKUPS_MAX);
  }

  async suspendedDays(code: SecurityCode, days: readonly Day[]): Promise<SuspendedDays> {
    return days.length === 0 ? NOTHING_ASKED : await this.#lookUp({ code, days });
  }

  async #answer(batch: readonly Suspects[]): Promise<readonly SuspendedDays[]> {
    const days = [...new Set(batch.flatMap((suspects) => suspects.days))].toSorted();
    const listed = new Map<Day, ListedDay>();
    for (const day of days) {
      const known = this.#market.get(day);
      if (known !== undefined && this.#clock.nowMs() < known.untilMs) {
        listed.set(day, known.list);
      }
    }
    const unread = days.filter((day) => !listed.has(day));
    if (unread.length > 0) {
      for (const [day, list] of await this.#read([...new Set(batch.map(({ code }) => code))], unread)) {
        listed.set(day, list);
      }
    }
    return batch.map((suspects) => ({
      days: new Set(suspects.days.filter((day) => listed.get(day)?.codes.has(suspects.code))),
      evidence: suspects.days.map((day) => listed.get(day)?.evidence).find((evidence) => evidence !== undefined),
    }));
  }

  /** What the lists say of these codes on these days; nothing when there is no list. */
  async #read(codes: readonly SecurityCode[], days: readonly Day[]): Promise<ReadonlyMap<Day, ListedDay>> {
    const [from, to] = [days[0], days.at(-1)];
    const line = this.#line;
    if (line === undefined || this.#isRefused || from === undefined || to === undefined) {
      return new Map();
    }
    try {
      if (days.length <= DAY_CALLS_MAX) {
        const lists = new Map<Day, ListedDay>();
        for (const day of days) {
          for (const [listedDay, list] of toLists([day], await this.#fetch(line, { by: "day", day }), line.provider)) {
            lists.set(listedDay, list);
          }
        }
        return this.#remember(lists, line);
      }
      if (codes.length === 1) {
        return toLists(days, await this.#fetch(line, { by: "codes", codes, from, to }), line.provider);
      }
      return this.#remember(toLists(days, await this.#fetch(line, { by: "range", from, to }), line.provider), line);
    } catch (error) {
      if (error instanceof PermanentError && error.scope === "api") {
        this.#isRefused = true;
        this.#log.warn("no suspension list, empty days stay unexplained", {
          provider: line.provider,
          why: error.message,
        });
        return new Map();
      }
      if (error instanceof DataError) {
        // Nobody's days are at fault: for these lookups there is no list, and the next ones ask again.
        this.#log.warn("suspension list refused, empty days stay unexplained", {
          provider: line.provider,
          why: error.message,
        });
        return new Map();
      }
      throw error;
    }
  }

  async #fetch(line: ProviderLine, selection: Call["selection"]): Promise<WholeAnswer<"suspensions">> {
    const call: Call<"suspensions"> = { dataSet: "suspensions", frequency: "1d", selection };
    return await line.fetchAll(call, this.#work);
  }

  /**
   * For good only what was read a day after the list was to be complete: before its hour a list grows, and for a day
   * after it the list may be as late as the bars are. Until then it is read again when they are asked for again.
   */
  #remember(lists: ReadonlyMap<Day, ListedDay>, { capability }: ProviderLine): ReadonlyMap<Day, ListedDay> {
    const nowMs = this.#clock.nowMs();
    for (const [day, list] of lists) {
      const isWhole = nowMs >= askAgainAtMs(day, capability) + LATE_PUBLICATION_MS_MAX;
      this.#market.set(day, { list, untilMs: isWhole ? Infinity : nowMs + LATE_PUBLICATION_MS });
    }
    return lists;
  }
}

const NOTHING_ASKED: SuspendedDays = { days: new Set(), evidence: undefined };

/** One list a day, an empty one where the answer has no row. */
function toLists(
  days: readonly Day[],
  answer: WholeAnswer<"suspensions">,
  provider: ProviderName,
): ReadonlyMap<Day, ListedDay> {
  const evidence = { provider, callId: answer.callIds.at(-1) ?? "", version: answer.version };
  const byDay = Map.groupBy(answer.rows, ({ day }) => day);
  return new Map(
    days.map((day) => [day, { codes: new Set((byDay.get(day) ?? []).map(({ code }) => code)), evidence }]),
  );
}
