import { maxDay, minDay, type Day } from "../domain/day.ts";
import type { LedgerState, Span } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Instrument } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import { toDayRuns, type DayRun } from "./day-runs.ts";
import { firstEndingOnOrAfter } from "./spans.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/**
 * What can be said of a day on which a security should have a row. `row-missing`: the ledger says present and the table
 * has no row. `not-asked`: nobody ever asked for it, or what the ledger says contradicts the stock list of today.
 */
export const COVERAGE_STATES = [
  "present",
  "no-trade",
  "suspended",
  "pending",
  "unexplained-empty",
  "failed",
  "row-missing",
  "not-asked",
] as const;
export type CoverageState = (typeof COVERAGE_STATES)[number];
export type CoverageCounts = Readonly<Record<CoverageState, number>>;

/** Expected days of one code in one state, and why. `days` are trading days. */
export interface CoverageSpan extends DayRun {
  readonly code: SecurityCode;
  readonly state: Exclude<CoverageState, "present">;
  readonly reason: string;
  /** Empty where no call showed it. */
  readonly callId: string;
  readonly provider: ProviderName | undefined;
  /** Of pending days: epoch milliseconds from which on it is worth asking again. */
  readonly askAgainAtMs: number | undefined;
}

export interface CodeCoverage {
  readonly code: SecurityCode;
  /** Empty for a code that the stock list does not have. */
  readonly name: string;
  /** Trading days between listing and delisting within the range. The counts add up to it. */
  readonly expected: number;
  readonly counts: CoverageCounts;
  /** Every expected day that is not present, by day. */
  readonly spans: readonly CoverageSpan[];
  /**
   * Trading days of a code that is gone from the lists whose row is not there and never will be: the code cannot be asked
   * for, so they are not expected. 0 for every other code.
   */
  readonly daysGone: number;
}

export interface CoverageInput {
  readonly code: SecurityCode;
  /** Undefined where the stock list does not have the code: then every day that the ledger speaks of is expected. */
  readonly instrument: Instrument | undefined;
  /** What the ledger knows, sorted. */
  readonly spans: readonly Span[];
  /** Days that the ledger calls present and that have no row, sorted. */
  readonly lostDays: readonly Day[];
  readonly from: Day;
  readonly to: Day;
  /** The last day whose rows are published: a later one is only expected where the ledger speaks of it. */
  readonly lastFinalDay: Day;
  readonly calendar: TradingCalendar;
}

/** Holds one code's ledger against the days on which it should have rows. By spans, so that long histories cost little. */
export function coverCode(input: CoverageInput): CodeCoverage {
  const { code, instrument, calendar, spans } = input;
  const found = new Collector(input);
  const from = maxDay(input.from, instrument?.listedOn ?? input.from);
  const to = minDay(input.to, instrument?.delistedOn ?? input.to);
  if (from > to) {
    return { code, name: instrument?.name ?? "", ...found.result() };
  }
  const first = calendar.indexOnOrAfter(from);
  const last = calendar.indexOnOrBefore(to);
  let next = first;
  for (let at = firstEndingOnOrAfter(spans, from); at < spans.length && next <= last; at += 1) {
    const span = spans[at];
    if (span === undefined || span.from > to) {
      break;
    }
    const begin = Math.max(next, span.from <= from ? first : calendar.indexOnOrAfter(span.from));
    const end = span.to >= to ? last : calendar.indexOnOrBefore(span.to);
    if (begin > end) {
      continue;
    }
    found.addUnknown(next, begin - 1, "never asked for");
    found.addKnown(begin, end, span);
    next = end + 1;
  }
  found.addUnknown(next, last, "never asked for");
  return { code, name: instrument?.name ?? "", ...found.result() };
}

/** The days that the ledger was asked about: from the first to the last, listing and delisting aside; undefined for none. */
export function askedRange(spans: readonly Span[]): { readonly from: Day; readonly to: Day } | undefined {
  const asked = spans.filter(({ state }) => state !== "before-listing" && state !== "after-delisting");
  const [first] = asked;
  const last = asked.at(-1);
  return first === undefined || last === undefined ? undefined : { from: first.from, to: last.to };
}

export function addCounts(all: readonly CoverageCounts[]): CoverageCounts {
  const sum = noCounts();
  for (const counts of all) {
    for (const state of COVERAGE_STATES) {
      sum[state] += counts[state];
    }
  }
  return sum;
}

function noCounts(): Record<CoverageState, number> {
  return {
    present: 0,
    "no-trade": 0,
    suspended: 0,
    pending: 0,
    "unexplained-empty": 0,
    failed: 0,
    "row-missing": 0,
    "not-asked": 0,
  };
}

/** What only another request would settle. */
const BY_REQUEST_ONLY: ReadonlySet<CoverageState> = new Set(["not-asked", "failed", "unexplained-empty", "pending"]);

/** Counts what is found in order of days and keeps what is not present. */
class Collector {
  readonly #input: CoverageInput;
  readonly #counts = noCounts();
  readonly #spans: CoverageSpan[] = [];
  #daysGone = 0;

  constructor(input: CoverageInput) {
    this.#input = input;
  }

  /** Trading days by number, both inclusive, of which nothing is known that counts. */
  addUnknown(first: number, last: number, reason: string): void {
    const { calendar, lastFinalDay, instrument } = this.#input;
    // Without the stock list nobody can say that a row should be there.
    if (instrument === undefined || first > last) {
      return;
    }
    const end = Math.min(last, calendar.indexOnOrBefore(lastFinalDay));
    this.#add(first, end, "not-asked", { reason, callId: "", provider: undefined, askAgainAtMs: undefined });
  }

  addKnown(first: number, last: number, span: Span): void {
    const { state } = span;
    if (state === "present") {
      this.#addPresent(first, last, span);
    } else if (state === "before-listing" || state === "after-delisting") {
      this.#addOutside(first, last, state);
    } else {
      const { note: reason, callId, provider } = span.evidence;
      this.#add(first, last, state, { reason, callId, provider, askAgainAtMs: span.askAgainAtMs });
    }
  }

  result(): Pick<CodeCoverage, "expected" | "counts" | "spans" | "daysGone"> {
    const expected = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    return { expected, counts: this.#counts, spans: this.#spans, daysGone: this.#daysGone };
  }

  #addPresent(first: number, last: number, span: Span): void {
    const { calendar, lostDays } = this.#input;
    const [from, to] = [calendar.dayAt(first), calendar.dayAt(last)];
    const lost = lostDays.filter((day) => day >= from && day <= to && calendar.isTradingDay(day));
    this.#counts.present += last - first + 1 - lost.length;
    const { callId, provider } = span.evidence;
    for (const run of toDayRuns(lost, calendar)) {
      this.#push("row-missing", run, {
        reason: "the ledger says present, and there is no row",
        callId,
        provider,
        askAgainAtMs: undefined,
      });
    }
  }

  /** Whether the day of delisting had a bar is asked once, and that it had none is no contradiction. */
  #addOutside(first: number, last: number, state: LedgerState): void {
    const { calendar, instrument } = this.#input;
    const isDelistingDay = state === "after-delisting" && calendar.dayAt(first) === instrument?.delistedOn;
    const listing =
      state === "before-listing" ? `listed on ${instrument?.listedOn}` : `delisted on ${instrument?.delistedOn}`;
    if (!isDelistingDay) {
      this.addUnknown(first, last, `the ledger says ${state}, the stock list ${listing}`);
    }
  }

  #add(first: number, last: number, state: CoverageSpan["state"], why: Why): void {
    const { calendar, instrument } = this.#input;
    if (first <= last && instrument?.status === "gone" && BY_REQUEST_ONLY.has(state)) {
      this.#daysGone += last - first + 1;
    } else if (first <= last) {
      this.#push(state, { from: calendar.dayAt(first), to: calendar.dayAt(last), days: last - first + 1 }, why);
    }
  }

  #push(state: CoverageSpan["state"], { from, to, days }: DayRun, why: Why): void {
    this.#counts[state] += days;
    this.#spans.push({ code: this.#input.code, state, from, to, days, ...why });
  }
}

type Why = Pick<CoverageSpan, "reason" | "callId" | "provider" | "askAgainAtMs">;
