import { addDays, maxDay, minDay, type Day } from "../domain/day.ts";
import type { Evidence, LedgerState, Span } from "../domain/ledger.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/**
 * Lays `incoming` over `current`: day by day the incoming span wins (of two incoming ones the later in the list), then
 * neighbours are joined. `current` is sorted and without overlap, as the ledger promises; so is the result.
 *
 * Two spans are neighbours when no trading day lies between them, so Friday joins Monday. Neighbours are joined when
 * their state and provider are equal and nothing that could be needed is lost:
 *  - present, suspended, before-listing, after-delisting: what they say can be looked up again (the row itself with its
 *    own provenance, the suspension list, the stock list), so one span with the newer evidence (the higher version) is
 *    enough. The day that is added every evening therefore lengthens the last span instead of adding a row a day.
 *  - no-trade, unexplained-empty, failed, pending: their evidence is all there is, so they join only when it is equal
 *    (same call, version and note, and for pending the same instant to ask again).
 * Spans of different providers never join.
 */
export function laySpans(
  current: readonly Span[],
  incoming: readonly Span[],
  calendar: TradingCalendar,
): readonly Span[] {
  let laid: readonly Span[] = current;
  for (const batch of splitAtOverlaps(incoming)) {
    laid = overlay(laid, batch, calendar);
  }
  return joinNeighbours(laid, calendar);
}

/** The span that holds `day`; undefined when nothing is known of it. */
export function spanOn(spans: readonly Span[], day: Day): Span | undefined {
  const found = spans[firstEndingOnOrAfter(spans, day)];
  return found !== undefined && found.from <= day ? found : undefined;
}

export function stateOn(spans: readonly Span[], day: Day): LedgerState | undefined {
  return spanOn(spans, day)?.state;
}

/** Where the first span that ends on or after `day` stands; `spans.length` when all end before. */
export function firstEndingOnOrAfter(spans: readonly Span[], day: Day): number {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const span = spans[middle];
    if (span !== undefined && span.to < day) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** How many of `days` (sorted) are in each state, and of how many nothing is known. */
export function countStates(
  spans: readonly Span[],
  days: readonly Day[],
): Readonly<Record<LedgerState | "unknown", number>> {
  const counts = emptyCounts();
  let at = 0;
  for (const day of days) {
    while (at < spans.length && (spans[at]?.to ?? day) < day) {
      at += 1;
    }
    const span = spans[at];
    counts[span !== undefined && span.from <= day ? span.state : "unknown"] += 1;
  }
  return counts;
}

function emptyCounts(): Record<LedgerState | "unknown", number> {
  return {
    present: 0,
    "no-trade": 0,
    suspended: 0,
    "before-listing": 0,
    "after-delisting": 0,
    pending: 0,
    "unexplained-empty": 0,
    failed: 0,
    unknown: 0,
  };
}

/** Cuts the list into stretches that are sorted and free of overlap, in order; nearly always there is one. */
function splitAtOverlaps(incoming: readonly Span[]): readonly (readonly Span[])[] {
  const batches: Span[][] = [];
  let last: Span | undefined;
  for (const span of incoming) {
    if (span.from > span.to) {
      throw new RangeError(`writing the ledger: a span from ${span.from} to ${span.to}`);
    }
    if (last === undefined || span.from <= last.to) {
      batches.push([]);
    }
    batches.at(-1)?.push(span);
    last = span;
  }
  return batches;
}

/** One pass over both lists: what is left of `below` goes between the spans of `above`. */
function overlay(below: readonly Span[], above: readonly Span[], calendar: TradingCalendar): readonly Span[] {
  const result: Span[] = [];
  let at = 0;
  for (const span of below) {
    let rest: Span | undefined = span;
    while (rest !== undefined) {
      const top: Span | undefined = above[at];
      if (top === undefined || top.from > rest.to) {
        result.push(rest);
        break;
      }
      if (top.to < rest.from) {
        result.push(top);
        at += 1;
        continue;
      }
      if (rest.from < top.from) {
        pushUnlessBare(result, { ...rest, to: addDays(top.from, -1) }, calendar);
      }
      if (rest.to <= top.to) {
        rest = undefined;
      } else {
        result.push(top);
        at += 1;
        rest = unlessBare({ ...rest, from: addDays(top.to, 1) }, calendar);
      }
    }
  }
  result.push(...above.slice(at));
  return result;
}

function pushUnlessBare(into: Span[], span: Span, calendar: TradingCalendar): void {
  const kept = unlessBare(span, calendar);
  if (kept !== undefined) {
    into.push(kept);
  }
}

/** A remainder that holds no trading day (the week-end between two spans) says nothing and is dropped. */
function unlessBare(span: Span, calendar: TradingCalendar): Span | undefined {
  const isKnown = calendar.knows(span.from) && calendar.knows(span.to);
  return isKnown && calendar.countBetween(span.from, span.to) === 0 ? undefined : span;
}

function joinNeighbours(spans: readonly Span[], calendar: TradingCalendar): readonly Span[] {
  const joined: Span[] = [];
  for (const span of spans) {
    const last = joined.at(-1);
    if (last !== undefined && canJoin(last, span) && areNeighbours(last.to, span.from, calendar)) {
      const evidence = span.evidence.version >= last.evidence.version ? span.evidence : last.evidence;
      joined[joined.length - 1] = { ...last, to: span.to, evidence };
    } else {
      joined.push(span);
    }
  }
  return joined;
}

const CAN_BE_LOOKED_UP_AGAIN: ReadonlySet<LedgerState> = new Set([
  "present",
  "suspended",
  "before-listing",
  "after-delisting",
]);

function canJoin(left: Span, right: Span): boolean {
  if (left.state !== right.state || left.evidence.provider !== right.evidence.provider) {
    return false;
  }
  if (CAN_BE_LOOKED_UP_AGAIN.has(left.state)) {
    return true;
  }
  return left.askAgainAtMs === right.askAgainAtMs && isSameEvidence(left.evidence, right.evidence);
}

function areNeighbours(last: Day, first: Day, calendar: TradingCalendar): boolean {
  if (!calendar.knows(last) || !calendar.knows(first)) {
    return addDays(last, 1) >= first;
  }
  return calendar.indexOnOrBefore(last) + 1 >= calendar.indexOnOrAfter(first);
}

function isSameEvidence(left: Evidence, right: Evidence): boolean {
  return (
    left.provider === right.provider &&
    left.callId === right.callId &&
    left.version === right.version &&
    left.note === right.note
  );
}

/** The part of a span that lies on or between two days; undefined when there is none. */
export function clipSpan(span: Span, from: Day, to: Day): Span | undefined {
  const first = maxDay(span.from, from);
  const last = minDay(span.to, to);
  return first > last ? undefined : { ...span, from: first, to: last };
}
