import { BoundedMap } from "../base/bounded-map.ts";
import { DataError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import { createGatherer, type Gatherer } from "../base/gather.ts";
import type { Log } from "../base/log.ts";
import type { Day } from "../domain/day.ts";
import type { Evidence } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import { exchangeOf, type SecurityCode } from "../domain/security-code.ts";
import type { Call, Selection } from "../domain/unit.ts";
import { askAgainAtMs } from "../planning/final-day.ts";
import { chooseSuspensionCalls, type CodeDays } from "../planning/suspension-calls.ts";
import { LATE_PUBLICATION_MS, LATE_PUBLICATION_MS_MAX } from "../planning/verdict.ts";
import type { ProviderLine, WholeAnswer } from "./provider-line.ts";
import { isRefusal } from "./refusals.ts";
import { whileNotOut } from "./while-not-out.ts";

/** Days of one code that came back empty and that nothing explains yet. */
interface Suspects {
  readonly code: SecurityCode;
  readonly days: readonly Day[];
}

/** What the lists say of a code's suspects, and the newest call behind it. */
export interface SuspendedDays {
  readonly days: ReadonlySet<Day>;
  /** Undefined when no list was read: the provider has none of the code's exchange, or does not let us read it. */
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

/**
 * Asks the provider's suspension lists about empty days. What many messages suspect at the same time is answered by
 * few calls: one code over its span, the market on a day, or the market over a run of days.
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

  /**
   * `askedOf` is who brought the rows. What another provider's list says is not waited for while that one is out: the days
   * are judged without it, and asked for again as all that nothing explains.
   */
  async suspendedDays(code: SecurityCode, days: readonly Day[], askedOf?: ProviderName): Promise<SuspendedDays> {
    const line = this.#line;
    if (days.length === 0 || line?.capability.exchanges.includes(exchangeOf(code)) === false) {
      return NOTHING_ASKED;
    }
    const answer = this.#lookUp({ code, days });
    if (line === undefined) {
      return await answer;
    }
    const mayGoWithout = askedOf !== undefined && askedOf !== line.provider;
    const look = (until: AbortSignal): Promise<SuspendedDays> => line.orOutage(answer, until);
    return mayGoWithout ? ((await whileNotOut([line], look, this.#work)) ?? NOTHING_ASKED) : await look(this.#work);
  }

  async #answer(batch: readonly Suspects[]): Promise<readonly SuspendedDays[]> {
    const days = new Set(batch.flatMap((suspects) => suspects.days));
    const known: KnownLists = { market: new Map(), byCode: new Map() };
    for (const day of days) {
      const remembered = this.#market.get(day);
      if (remembered !== undefined && this.#clock.nowMs() < remembered.untilMs) {
        known.market.set(day, remembered.list);
      }
    }
    await this.#read(unreadOf(batch, known), known);
    return batch.map(({ code, days: asked }) => {
      const lists = new Map(asked.map((day) => [day, listOf(known, code, day)]));
      return {
        days: new Set(asked.filter((day) => lists.get(day)?.codes.has(code))),
        evidence: [...lists.values()].find((list) => list !== undefined)?.evidence,
      };
    });
  }

  /** Adds what the lists say of these days to what is known; nothing where there is no list. */
  async #read(unread: readonly CodeDays[], known: KnownLists): Promise<void> {
    const line = this.#line;
    if (line === undefined || unread.length === 0) {
      return;
    }
    const days = [...new Set(unread.flatMap((suspects) => suspects.days))].toSorted();
    for (const selection of chooseSuspensionCalls(unread, line.capability.rowsMax)) {
      const answer = await this.#fetchUnlessRefused(line, selection);
      if (answer === undefined) {
        continue;
      }
      if (selection.by === "codes") {
        const [code] = selection.codes;
        const own = unread.find((suspects) => suspects.code === code)?.days ?? [];
        if (code !== undefined) {
          known.byCode.set(code, toLists(own.filter(isWithin(selection)), answer, line.provider));
        }
      } else {
        const lists = toLists(days.filter(isWithin(selection)), answer, line.provider);
        for (const [day, list] of this.#remember(lists, line)) {
          known.market.set(day, list);
        }
      }
    }
  }

  /** Undefined where the provider has no list for us: for good when we have no right to it, else for this time. */
  async #fetchUnlessRefused(line: ProviderLine, selection: Selection): Promise<WholeAnswer<"suspensions"> | undefined> {
    if (this.#isRefused) {
      return undefined;
    }
    try {
      return await this.#fetch(line, selection);
    } catch (error) {
      const isForGood = isRefusal(error);
      if (!isForGood && !(error instanceof DataError)) {
        throw error;
      }
      this.#isRefused = isForGood;
      this.#log.warn("no suspension list, empty days stay unexplained", {
        provider: line.provider,
        isForGood,
        why: error.message,
      });
      return undefined;
    }
  }

  async #fetch(line: ProviderLine, selection: Selection): Promise<WholeAnswer<"suspensions">> {
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

/** Lists of the market by day, and of one code by day where only that code was asked for. */
interface KnownLists {
  readonly market: Map<Day, ListedDay>;
  readonly byCode: Map<SecurityCode, ReadonlyMap<Day, ListedDay>>;
}

function listOf({ market, byCode }: KnownLists, code: SecurityCode, day: Day): ListedDay | undefined {
  return market.get(day) ?? byCode.get(code)?.get(day);
}

/** What is not known, one entry a code. */
function unreadOf(batch: readonly Suspects[], { market }: KnownLists): readonly CodeDays[] {
  return [...Map.groupBy(batch, ({ code }) => code)].flatMap(([code, suspects]) => {
    const days = [...new Set(suspects.flatMap((one) => one.days))].filter((day) => !market.has(day)).toSorted();
    return days.length === 0 ? [] : [{ code, days }];
  });
}

function isWithin(selection: Selection): (day: Day) => boolean {
  switch (selection.by) {
    case "day":
      return (day) => day === selection.day;
    case "codes":
    case "range":
      return (day) => selection.from <= day && day <= selection.to;
    case "status":
      return () => false;
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
