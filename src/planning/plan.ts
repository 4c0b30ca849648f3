import { addDays, maxDay, minDay, type Day } from "../domain/day.ts";
import type { RangeRequest } from "../domain/command.ts";
import type { Frequency } from "../domain/frequency.ts";
import { COVERED_STATES, type Evidence, type Span } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Instrument } from "../domain/rows.ts";
import type { CodeDataSet, DaySpan, Unit } from "../domain/unit.ts";
import type { Capability } from "../ports/source.ts";
import { codeDaysMax } from "./coalesce.ts";
import { askAgainAtMs, earlierOf, isFinal, lastFinalDay, type Publication } from "./final-day.ts";
import { ASK_EMPTY_AGAIN_MS, needsBetween, type IndexRun, type Needs } from "./missing-days.ts";
import { toRequestedRange, type RangePaths } from "./requested-range.ts";
import { spanOn } from "./spans.ts";
import type { TradingCalendar } from "./trading-calendar.ts";
import { LATE_PUBLICATION_MS } from "./verdict.ts";

/** One code of a sync command, for one data set: bars that want their factors too are planned twice. */
export interface CodeRequest {
  readonly dataSet: CodeDataSet;
  readonly frequency: Frequency;
  readonly range: RangeRequest;
  /** Plan as if the ledger were empty. */
  readonly force: boolean;
  /** Then only spans of an older version count for nothing. */
  readonly forcedSince?: bigint | undefined;
  readonly instrument: Instrument;
  /** The setting `history.start`; undefined is the listing day. */
  readonly historyStart: Day | undefined;
  /** Without any range so many of the last trading days are meant; undefined is all since `historyStart`. */
  readonly daysDefault?: number | undefined;
  /** What the ledger knows of (data set, frequency, code). A pinned provider does not make another one's days missing. */
  readonly spans: readonly Span[];
  readonly provider: ProviderName;
  readonly capability: Capability;
  /** Of whoever it steps in for: a day that this one has published is asked for, and pending where it is not final yet. */
  readonly insteadOf?: Publication | undefined;
  readonly calendar: TradingCalendar;
  readonly nowMs: number;
  /** When it was asked; undefined is now. */
  readonly askedAtMs?: number | undefined;
  /** In place of the range: just these days, whatever the ledger says of them. */
  readonly only?: readonly DaySpan[] | undefined;
  /** Where the message has its days; the long form's places by default. */
  readonly paths?: RangePaths;
}

/**
 * What is to be done for one code. Of the `tradingDays` asked for (between listing and delisting),
 * `coveredDays` + `missingDays` + `pendingDays` + `emptyDays` are all.
 */
export interface CodePlan {
  /** What to fetch, oldest first; empty when nothing is missing. Their days are final. */
  readonly units: readonly Unit[];
  readonly tradingDays: number;
  readonly coveredDays: number;
  /** What the units are to bring. */
  readonly missingDays: number;
  /** Not published yet, and not asked for; of a market without a calendar also weekdays of which nobody knows yet whether it was open. */
  readonly pendingDays: number;
  /** When the first pending day is worth asking for. */
  readonly askAgainAtMs: number | undefined;
  /**
   * Unexplained-empty or failed, and asked for a short while ago: still not there, not asked for now. And days asked for
   * by name that the provider does not reach back to.
   */
  readonly emptyDays: number;
  /** What is missing and the provider does not reach back to; another one may. */
  readonly beyond: readonly DaySpan[];
  /** So many days of `beyond` are among `emptyDays`. */
  readonly beyondEmptyDays: number;
  /** What follows without any call and the ledger does not say yet: before-listing, after-delisting, pending. */
  readonly spans: readonly Span[];
}

const LONG_FORM_PATHS: RangePaths = { start: "$.params.start_date", end: "$.params.end_date" };

/**
 * Missing runs with at most this many trading days between them become one unit, and an anchor is looked for this far:
 * about a month, since within a call of many codes that costs fewer rows than another call.
 */
export const GAP_DAYS_MAX = 20;

/**
 * From a request and the ledger to units. The rules of the range are `toRequestedRange`'s; days before listing and
 * after delisting are never asked for; a day that is not final is pending, never an error, and only days that the
 * ledger misses are asked for. Bars that a wrong stock list puts before the listing day stay in the ledger as present.
 * Throws MessageError (start-after-end, future-day) and CalendarEndError.
 */
export function planCode(request: CodeRequest): CodePlan {
  const { instrument, calendar, nowMs, capability, spans } = request;
  if (request.only !== undefined) {
    return planOnly(request.only, request);
  }
  const range = withDefault(request.range, request.daysDefault);
  const asked = toRequestedRange({
    range,
    listedOn: instrument.listedOn,
    historyStart: request.historyStart,
    publication: earlierOf(capability, request.insteadOf),
    calendar,
    nowMs,
    askedAtMs: request.askedAtMs,
    paths: request.paths ?? LONG_FORM_PATHS,
  });
  const outside = spansOutsideListing(request, asked.from, asked.to);
  const from = maxDay(asked.from, instrument.listedOn);
  const askedTo = minDay(asked.to, instrument.delistedOn ?? asked.to);
  const to = calendar.clip(askedTo);
  const unknown = calendar.countUnknown(from, askedTo);
  const unknownAgainAtMs = unknown > 0 ? nowMs + LATE_PUBLICATION_MS : undefined;
  const reach = reachOf(capability, calendar, nowMs);
  const namesDays = asked.namesDays && range === request.range;
  const beyondTo = reach === undefined ? undefined : minDay(to, addDays(reach, -1));
  const beyond = asked.isExact && beyondTo !== undefined ? daysBeyond(from, beyondTo, request) : 0;
  const runBeyond = beyondTo === undefined ? undefined : tradingRun(calendar, from, beyondTo);
  const missingBeyond = runBeyond === undefined ? [] : needsOf(runBeyond, request, namesDays).missing;
  const beyondRuns = {
    beyond: missingBeyond.map((one) => toDays(one, calendar)),
    beyondEmptyDays: Math.min(beyond, countDays(missingBeyond)),
  };
  const run = tradingRun(calendar, maxDay(from, reach ?? from), to);
  if (run === undefined) {
    return {
      ...nothingToDo(outside),
      ...beyondRuns,
      tradingDays: beyond + unknown,
      emptyDays: beyond,
      pendingDays: unknown,
      askAgainAtMs: unknownAgainAtMs,
    };
  }
  const { finalRun, pendingRun } = splitAtFinal(run, request);
  const needs = finalRun === undefined ? NO_NEEDS : needsOf(finalRun, request, namesDays);
  const pending = pendingRun === undefined ? [] : pendingSpans(pendingRun, request);
  const unfinished = pendingRun === undefined ? 0 : pendingRun.last - pendingRun.first + 1;
  return {
    units: toUnits(needs.missing, request),
    tradingDays: beyond + run.last - run.first + 1 + unknown,
    coveredDays: needs.covered + unfinished - pending.length,
    missingDays: countDays(needs.missing),
    ...beyondRuns,
    pendingDays: needs.pending + pending.length + unknown,
    askAgainAtMs: needs.askAgainAtMs ?? pending[0]?.askAgainAtMs ?? unknownAgainAtMs,
    emptyDays: beyond + needs.empty,
    spans: [...outside, ...pending.filter((span) => !saysAlready(spans, span))].toSorted(byFirstDay),
  };
}

/** Just these days, as far as the provider has them: what the ledger says of them is what is in doubt. */
function planOnly(days: readonly DaySpan[], request: CodeRequest): CodePlan {
  const { calendar, capability, nowMs } = request;
  const reach = reachOf(capability, calendar, nowMs);
  const lastFinal = lastFinalDay(capability, nowMs);
  const runs = days.flatMap(
    ({ from, to }) => tradingRun(calendar, maxDay(from, reach ?? from), minDay(to, lastFinal)) ?? [],
  );
  const beyond = days.flatMap(({ from, to }) =>
    reach === undefined ? [] : (tradingRun(calendar, from, minDay(to, addDays(reach, -1))) ?? []),
  );
  const missingDays = countDays(runs);
  return {
    ...nothingToDo([]),
    units: toUnits(runs, request),
    tradingDays: missingDays,
    missingDays,
    beyond: beyond.map((one) => toDays(one, calendar)),
  };
}

function countDays(runs: readonly IndexRun[]): number {
  return runs.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

function toDays({ first, last }: IndexRun, calendar: TradingCalendar): DaySpan {
  return { from: calendar.dayAt(first), to: calendar.dayAt(last) };
}

function withDefault(range: RangeRequest, days: number | undefined): RangeRequest {
  const isOpen = !range.full && range.start === undefined && range.end === undefined && range.days === undefined;
  return isOpen && days !== undefined ? { ...range, days } : range;
}

/** The first day that the provider still has; undefined where that is the listing day. */
export function reachOf(
  { since, daysKept, completeFrom, zone }: Capability,
  calendar: TradingCalendar,
  nowMs: number,
): Day | undefined {
  if (daysKept === undefined) {
    return since;
  }
  const kept = calendar.firstOfLast(daysKept, calendar.clip(lastFinalDay({ completeFrom, zone }, nowMs)));
  return since === undefined ? kept : maxDay(since, kept);
}

/** Trading days that were asked for by name, that the provider does not reach back to, and that nobody else brought. */
function daysBeyond(from: Day, to: Day, { calendar, spans }: CodeRequest): number {
  const run = tradingRun(calendar, from, to);
  if (run === undefined) {
    return 0;
  }
  let count = 0;
  for (let index = run.first; index <= run.last; index += 1) {
    const state = spanOn(spans, calendar.dayAt(index))?.state;
    count += state !== undefined && COVERED_STATES.has(state) ? 0 : 1;
  }
  return count;
}

/**
 * How far apart missing runs may lie to share a unit: no more days than a call full of codes has for each of them. Of
 * what is asked for day by day no call brings a second day, which would prove nothing either.
 */
export function gapDaysMax(capability: Pick<Capability, "rowsMax" | "rowsPerDay" | "codesMax">): number {
  if (codeDaysMax(capability) === 1) {
    return 0;
  }
  return Math.min(GAP_DAYS_MAX, Math.floor(codeDaysMax(capability) / Math.max(1, capability.codesMax)));
}

const NO_NEEDS: Needs = { missing: [], covered: 0, pending: 0, empty: 0, askAgainAtMs: undefined };

function nothingToDo(spans: readonly Span[]): CodePlan {
  const none = { tradingDays: 0, coveredDays: 0, missingDays: 0, pendingDays: 0, emptyDays: 0 };
  return { units: [], ...none, beyond: [], beyondEmptyDays: 0, askAgainAtMs: undefined, spans };
}

function tradingRun(calendar: TradingCalendar, from: Day, to: Day): IndexRun | undefined {
  if (from > to) {
    return undefined;
  }
  const first = calendar.indexOnOrAfter(from);
  const last = calendar.indexOnOrBefore(to);
  return first > last ? undefined : { first, last };
}

/** Days that are not final are today, and with a fast clock tomorrow: the end of the run, day by day. */
function splitAtFinal(
  run: IndexRun,
  { calendar, capability, nowMs }: CodeRequest,
): { readonly finalRun: IndexRun | undefined; readonly pendingRun: IndexRun | undefined } {
  let last = run.last;
  while (last >= run.first && !isFinal(calendar.dayAt(last), capability, nowMs)) {
    last -= 1;
  }
  return {
    finalRun: last < run.first ? undefined : { first: run.first, last },
    pendingRun: last === run.last ? undefined : { first: last + 1, last: run.last },
  };
}

function needsOf(run: IndexRun, request: CodeRequest, namesDays: boolean): Needs {
  const { spans, force, forcedSince, calendar, nowMs, provider } = request;
  const { delistedOn, isImplied = false } = request.instrument;
  const policy = { nowMs, provider, askEmptyAfterMs: namesDays ? 0 : ASK_EMPTY_AGAIN_MS, delistedOn, isImplied };
  return needsBetween(force ? newerThan(spans, forcedSince) : spans, calendar, run, policy);
}

function newerThan(spans: readonly Span[], since: bigint | undefined): readonly Span[] {
  return since === undefined ? [] : spans.filter(({ evidence }) => evidence.version >= since);
}

function toUnits(missing: readonly IndexRun[], request: CodeRequest): readonly Unit[] {
  const units: Unit[] = [];
  const gapMax = gapDaysMax(request.capability);
  let group: IndexRun[] = [];
  for (const next of missing) {
    const before = group.at(-1);
    if (before !== undefined && next.first - before.last - 1 > gapMax) {
      units.push(toUnit(group, request));
      group = [];
    }
    group.push(next);
  }
  if (group.length > 0) {
    units.push(toUnit(group, request));
  }
  return units;
}

/**
 * A unit of neighbouring runs, widened to the nearest day on either side that is present already (its anchors). With a
 * row before and a row after in one complete answer, a missing day without a row is proven to have had no trade. A
 * single missing day with an anchor on one side only is not widened: it proves nothing. Nor is a day that the provider does
 * not keep any more an anchor, though its row is stored.
 */
function toUnit(runs: readonly IndexRun[], request: CodeRequest): Unit {
  const { calendar, dataSet, frequency, provider, instrument, capability, nowMs } = request;
  const reach = reachOf(capability, calendar, nowMs);
  const firstKept = reach === undefined ? 0 : calendar.indexOnOrAfter(reach);
  const first = runs[0]?.first ?? 0;
  const last = runs.at(-1)?.last ?? first;
  const before = findAnchor(first - 1, -1, firstKept, request);
  const after = findAnchor(last + 1, 1, firstKept, request);
  const isUseful = (before !== undefined && after !== undefined) || last > first;
  const from = isUseful ? (before ?? first) : first;
  const to = isUseful ? (after ?? last) : last;
  return {
    dataSet,
    frequency,
    code: instrument.code,
    from: calendar.dayAt(from),
    to: calendar.dayAt(to),
    tradingDays: to - from + 1,
    missing: runs.map((run) => toDays(run, calendar)),
    provider,
  };
}

function findAnchor(start: number, step: 1 | -1, indexMin: number, request: CodeRequest): number | undefined {
  const { calendar, spans } = request;
  const triesMax = gapDaysMax(request.capability);
  let index = start;
  for (let tried = 0; tried < triesMax && index >= indexMin && index < calendar.size; tried += 1, index += step) {
    const span = spanOn(spans, calendar.dayAt(index));
    if (span?.state === "present") {
      return index;
    }
    if (span === undefined) {
      return undefined;
    }
  }
  return undefined;
}

/** Days of the request that lie outside the listing, where the ledger knows nothing better of them. */
function spansOutsideListing(request: CodeRequest, from: Day, to: Day): readonly Span[] {
  const { listedOn, delistedOn } = request.instrument;
  const found: Span[] = [];
  if (from < listedOn) {
    // Nothing is said of days before there was an exchange: nobody asks, and the ledger's days begin in 1900.
    const since = maxDay(from, request.calendar.dayAt(0));
    const span = { from: since, to: minDay(to, addDays(listedOn, -1)), state: "before-listing" } as const;
    found.push(...whereUnknown({ ...span, evidence: listEvidence(request, `listed on ${listedOn}`) }, request));
  }
  if (delistedOn !== undefined && to > delistedOn) {
    const span = { from: maxDay(from, addDays(delistedOn, 1)), to, state: "after-delisting" } as const;
    found.push(...whereUnknown({ ...span, evidence: listEvidence(request, `delisted on ${delistedOn}`) }, request));
  }
  return found;
}

/**
 * The parts of `span` of which the ledger says neither the same nor that a row is there. A part without a trading day
 * is left out.
 */
function whereUnknown(span: Span, { spans, calendar }: CodeRequest): readonly Span[] {
  if (span.from > span.to) {
    return [];
  }
  const parts: Span[] = [];
  let from = span.from;
  for (const known of spans) {
    if (known.to < from || (known.state !== span.state && known.state !== "present")) {
      continue;
    }
    if (known.from > span.to) {
      break;
    }
    if (known.from > from) {
      parts.push({ ...span, from, to: addDays(known.from, -1) });
    }
    from = addDays(known.to, 1);
  }
  if (from <= span.to) {
    parts.push({ ...span, from });
  }
  return parts.filter((part) => calendar.countBetween(part.from, part.to) > 0);
}

/** A day that another provider published earlier, so that it is known what it had, is not pending. */
function pendingSpans(run: IndexRun, request: CodeRequest): readonly Span[] {
  const spans: Span[] = [];
  for (let index = run.first; index <= run.last; index += 1) {
    const day = request.calendar.dayAt(index);
    const state = spanOn(request.spans, day)?.state;
    if (state === "present" || state === "no-trade" || state === "suspended") {
      continue;
    }
    const evidence = listEvidence(request, `complete from ${request.capability.completeFrom} on`);
    const askAgain = askAgainAtMs(day, request.capability);
    spans.push({ from: day, to: day, state: "pending", evidence, askAgainAtMs: askAgain });
  }
  return spans;
}

function saysAlready(spans: readonly Span[], span: Span): boolean {
  const known = spanOn(spans, span.from);
  return known?.state === span.state && known.askAgainAtMs === span.askAgainAtMs;
}

/** What no call had to show: it follows from the stock list or from the hour. */
function listEvidence({ provider, nowMs }: CodeRequest, note: string): Evidence {
  return { provider, callId: "", version: BigInt(nowMs) * 1000n, note };
}

function byFirstDay(left: Span, right: Span): number {
  return left.from < right.from ? -1 : 1;
}
