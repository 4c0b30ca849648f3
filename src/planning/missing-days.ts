import type { Day } from "../domain/day.ts";
import { COVERED_STATES, type Span } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import { firstEndingOnOrAfter } from "./spans.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/**
 * How long an unexplained-empty or failed day is left alone by requests that do not name their days: a day, less the
 * slack of a daily schedule. So a daily "bring it up to date" asks once a day and ten repeats of it ask once. A request
 * that names its days (a start, an end, a number of days, `full`) asks at once.
 */
export const ASK_EMPTY_AGAIN_MS = 20 * 60 * 60 * 1000;

/** What decides whether a day in the ledger is asked for again. */
export interface AskPolicy {
  /** The day of delisting: whether it had a bar is asked once, and `after-delisting` on it is then no contradiction. */
  readonly delistedOn?: Day | undefined;
  /** No list has the code: that it was not listed yet is known from its answers, and no list contradicts it. */
  readonly isImplied?: boolean;
  readonly nowMs: number;
  /** Who would be asked. What another one has not published yet says nothing of this one; absent is whoever it was. */
  readonly provider?: ProviderName;
  /** Unexplained-empty and failed days rest this long after their last call; 0 asks always. */
  readonly askEmptyAfterMs: number;
}

/**
 * What a span means for a request: `covered` needs no call; `missing` is asked for; `waiting` is not there and is not
 * asked for yet: pending before its time, or known empty a short while ago.
 */
export type Need = "covered" | "missing" | "waiting";

export function needOf(span: Span | undefined, policy: AskPolicy): Need {
  if (span === undefined) {
    return "missing";
  }
  if (span.state === "pending") {
    const isAnothers = policy.provider !== undefined && policy.provider !== span.evidence.provider;
    return isAnothers || (span.askAgainAtMs ?? 0) <= policy.nowMs ? "missing" : "waiting";
  }
  if (COVERED_STATES.has(span.state)) {
    return "covered";
  }
  const askedAtMicros = span.evidence.version;
  return askedAtMicros + BigInt(policy.askEmptyAfterMs) * 1000n <= BigInt(policy.nowMs) * 1000n ? "missing" : "waiting";
}

/**
 * Of `tradingDays` (sorted) those that need a call at `nowMs`: unknown ones, pending ones whose time has come, and
 * unexplained-empty and failed ones, which rest `askEmptyAfterMs` after their last call (0: asked for always).
 */
export function uncoveredDays(
  spans: readonly Span[],
  tradingDays: readonly Day[],
  nowMs: number,
  askEmptyAfterMs = 0,
): readonly Day[] {
  const policy = { nowMs, askEmptyAfterMs };
  const uncovered: Day[] = [];
  let at = 0;
  for (const day of tradingDays) {
    while (at < spans.length && (spans[at]?.to ?? day) < day) {
      at += 1;
    }
    const span = spans[at];
    if (needOf(span !== undefined && span.from <= day ? span : undefined, policy) === "missing") {
      uncovered.push(day);
    }
  }
  return uncovered;
}

/** A run of trading days by their numbers in the calendar, both inclusive. */
export interface IndexRun {
  readonly first: number;
  readonly last: number;
}

/** How the trading days `first` … `last` stand. Waiting days are split by why they wait. */
export interface Needs {
  /** Sorted and apart: between two runs lies at least one day that is not missing. */
  readonly missing: readonly IndexRun[];
  readonly covered: number;
  readonly pending: number;
  readonly empty: number;
  /** The earliest instant at which a pending day is worth asking for. */
  readonly askAgainAtMs: number | undefined;
}

/**
 * The same by spans rather than by days, so that 5,500 plans of long histories cost little. The days asked for must lie
 * within the instrument's listing: a before-listing or after-delisting span in there comes from a stock list that has
 * been corrected since, and its days are missing; where no list has the code there is nothing to be corrected.
 */
export function needsBetween(
  spans: readonly Span[],
  calendar: TradingCalendar,
  run: IndexRun,
  policy: AskPolicy,
): Needs {
  const missing: IndexRun[] = [];
  let covered = 0;
  let pending = 0;
  let empty = 0;
  let askAgainAtMs: number | undefined;
  let next = run.first;
  const addMissing = (first: number, last: number): void => {
    const before = missing.at(-1);
    if (before !== undefined && before.last + 1 === first) {
      missing[missing.length - 1] = { first: before.first, last };
    } else {
      missing.push({ first, last });
    }
  };
  const firstDay = calendar.dayAt(run.first);
  const lastDay = calendar.dayAt(run.last);
  for (let at = firstEndingOnOrAfter(spans, firstDay); at < spans.length; at += 1) {
    const span = spans[at];
    if (span === undefined || span.from > lastDay) {
      break;
    }
    const first = span.from <= firstDay ? run.first : calendar.indexOnOrAfter(span.from);
    const last = span.to >= lastDay ? run.last : calendar.indexOnOrBefore(span.to);
    if (first > last) {
      continue;
    }
    if (next < first) {
      addMissing(next, first - 1);
    }
    next = last + 1;
    const need = isContradicted(span, calendar.dayAt(first), policy) ? "missing" : needOf(span, policy);
    if (need === "missing") {
      addMissing(first, last);
    } else if (need === "covered") {
      covered += last - first + 1;
    } else if (span.state === "pending") {
      pending += last - first + 1;
      askAgainAtMs = Math.min(askAgainAtMs ?? Infinity, span.askAgainAtMs ?? Infinity);
    } else {
      empty += last - first + 1;
    }
  }
  if (next <= run.last) {
    addMissing(next, run.last);
  }
  return { missing, covered, pending, empty, askAgainAtMs };
}

/** `from` is the first day of the span that lies within the listing. */
function isContradicted(span: Span, from: Day, { delistedOn, isImplied = false }: AskPolicy): boolean {
  const isBefore = span.state === "before-listing" && !isImplied;
  return isBefore || (span.state === "after-delisting" && from !== delistedOn);
}
