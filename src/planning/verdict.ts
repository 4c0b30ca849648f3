import { maxDay, type Day } from "../domain/day.ts";
import type { Evidence, LedgerState, Span } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Instrument } from "../domain/rows.ts";
import type { DaySpan, Unit } from "../domain/unit.ts";
import type { Capability } from "../ports/source.ts";
import { askAgainAtMs, isFinal } from "./final-day.ts";
import { spanOn } from "./spans.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** One complete, untruncated answer that the unit waited for. */
export interface Answer {
  /** The days it was asked for, both inclusive. */
  readonly from: Day;
  readonly to: Day;
  /** Rows of the whole market up to and with this page when it was asked for by day; undefined when it named codes. */
  readonly marketRows: number | undefined;
  /** Of a market that has far fewer rows than codes are listed. */
  readonly isShort?: true;
  /** Rejected rows that may be the unit's: their code or their day could not be read. */
  readonly lostRows: readonly LostRow[];
  /** Days of which the answer itself says that the unit's code did not trade; absent when it says nothing of the kind. */
  readonly suspended?: ReadonlySet<Day>;
  /** There is more to come of it, which is another answer: it speaks of the days within its reach only. */
  readonly isCut?: true;
  /** The first and the last day of which this answer itself has anything of the unit's code; only of one that named codes. */
  readonly reach?: DaySpan;
  readonly evidence: Omit<Evidence, "note">;
}

/** A row that was rejected and cannot be given to one day of one code. */
export interface LostRow {
  /** Undefined when it could not be read: the row may be of any day of the answer. */
  readonly day: Day | undefined;
  readonly reason: string;
}

export interface JudgeInput {
  readonly unit: Unit;
  /** All answers of the unit's calls; together they cover every missing day. */
  readonly answers: readonly Answer[];
  /** Days with an accepted row of the unit's code in those answers, sorted, no repeats; days outside the unit may be among them. */
  readonly daysWithRows: readonly Day[];
  /**
   * Of bars within the day: how many there are of each day that has fewer than `capability.rowsPerDay`. Such a day is
   * not done.
   */
  readonly partialDays?: ReadonlyMap<Day, number>;
  /** Days whose row was rejected, and why, in words. */
  readonly rejectedDays: ReadonlyMap<Day, string>;
  /** What the ledger knows of the code's daily bars: without trade there are no ticks and no bars within the day. */
  readonly dailySpans?: readonly Span[];
  /**
   * The days on which the suspension list names the code, and the call that said so; undefined when it has not been
   * asked. Ask when the first verdict has suspects, then judge again. Without `evidence` no list could be read: there
   * is none, or we have no right to it.
   */
  readonly suspensions:
    | { readonly days: ReadonlySet<Day>; readonly evidence: Omit<Evidence, "note"> | undefined }
    | undefined;
  /** Providers that were asked for the same days before and had no row either. */
  readonly askedBefore?: readonly ProviderName[];
  readonly instrument: Instrument;
  readonly calendar: TradingCalendar;
  readonly capability: Capability;
  readonly nowMs: number;
}

export interface Judgement {
  /** What the ledger is to learn of the missing days, sorted, without overlap. A suspect day stands in none. */
  readonly spans: readonly Span[];
  /** Days without a row and without a reason, sorted; always empty once the suspension list was asked. */
  readonly suspects: readonly Day[];
  /**
   * Days, sorted, of which nothing but the answers themselves says that there is no more of them. An answer that is silently
   * short leaves just these: unexplained-empty, and no-trade at an edge of the listing. Where the provider says whether
   * there is more, those of which no answer has any row of the code.
   */
  readonly doubts: readonly Day[];
  /**
   * Days, sorted, of which only an answer for the whole market speaks, by lacking the code: it may have been cut short
   * without a word. They are to be asked for by code.
   */
  readonly unproven: readonly Day[];
}

/**
 * Between listing and first row, and between last row and delisting, a few days without trade are usual (000001.SZ is
 * listed on 1991-04-03 and first trades on 1991-04-04). A longer stretch more likely means that the provider's history
 * begins late, and stays suspect.
 */
export const LISTING_EDGE_DAYS_MAX = 20;

/** An empty day that is published late is asked for again after this. */
export const LATE_PUBLICATION_MS = 15 * 60_000;
/** So long after its hour a day may still be published late or in part. */
export const LATE_PUBLICATION_MS_MAX = 24 * 60 * 60_000;

/**
 * What complete answers say of every missing day of a unit, first rule that holds:
 *  - the day is not final yet: pending, even when a row came;
 *  - a row was accepted: present; a row came and was rejected: failed; of many rows a day some are missing: pending
 *    within a day of publication, later unexplained-empty;
 *  - outside the listing, or on the very day of delisting: before-listing, after-delisting;
 *  - the answer itself, or for ticks and bars within the day the ledger of daily bars, says that it did not trade;
 *  - asked for by market, and the whole market is empty within a day of publication: pending;
 *  - of bars, rows of the code before and after it, unless the answer was by market and so of a single day, and one of
 *    them in an answer that covers the day: no-trade; where answers may be silently short, both in one such answer;
 *    doubtful where they may have holes;
 *  - of bars, a few days at the edge of the listing: no-trade, and the note says so;
 *  - else suspect, until the suspension list was asked. It names the day: suspended. It does not, and the day was to be
 *    published less than a day ago: pending, since rows come late and a market comes in parts; later: unexplained-empty.
 * A day's ticks come in an answer of their own, so their neighbours prove nothing either. Where no list has the code its
 * first row in an answer from the beginning is its listing.
 * A day of which the ledger has the daily bar was traded, so that its neighbours prove nothing of the bars within it, unless
 * the provider leaves out those without a trade.
 * There is an adjustment factor for every listed trading day, with trade or without, so that one is missing says nothing
 * of trade: its neighbours prove nothing, and only the suspension list explains it.
 * What a market's answer lacks is unproven where the day would be unexplained-empty. Where it would be pending, only if
 * the answer is short, since a market in parts and one that was cut look the same, and if one call names many codes.
 * A day whose row may be among the lost ones of its answer never had no trade: it is failed unless the suspension list
 * names it.
 * RangeError when a missing day is covered by no answer: that is a defect of the caller and never becomes a verdict.
 */
export function judgeUnit(input: JudgeInput): Judgement {
  const spans = new SpanBuilder();
  const suspects: Day[] = [];
  const doubts: Day[] = [];
  const unproven: Day[] = [];
  const facts = gatherFacts(input);
  for (const run of input.unit.missing) {
    for (const day of input.calendar.tradingDaysBetween(run.from, run.to)) {
      const verdict = judgeDay(day, facts, input);
      if (verdict === undefined) {
        suspects.push(day);
        spans.breakOff();
      } else {
        spans.add(day, verdict);
        if (verdict.isDoubtful === true || (verdict.state === "unexplained-empty" && isSilence(day, input))) {
          doubts.push(day);
        }
        if (verdict.isUnproven === true) {
          unproven.push(day);
        }
      }
    }
    spans.breakOff();
  }
  return { spans: spans.spans, suspects, doubts, unproven };
}

/** An answer with rows of the code says something of all its days, unless it may be silently short. */
function isSilence(day: Day, input: JudgeInput): boolean {
  return input.capability.isSilentlyShort === true || !hasRowsBeside(day, input);
}

/** Whether an answer that covers the day has any row of the code: one without may be empty by mistake as a whole. */
function hasRowsBeside(day: Day, { answers }: JudgeInput): boolean {
  return answers.some(({ from, to, reach, isCut }) => {
    const isWithin = isCut === true ? reach !== undefined && reach.from <= day && day <= reach.to : true;
    return from <= day && day <= to && reach !== undefined && isWithin;
  });
}

/** What a day is said to be; two days with the same `source` and equal words share a span. */
interface Verdict {
  readonly state: LedgerState;
  readonly source: Omit<Evidence, "note">;
  readonly note: string;
  readonly askAgainAtMs?: number;
  /** No row on its other side bears it out. */
  readonly isDoubtful?: boolean;
  /** See Judgement. */
  readonly isUnproven?: boolean;
}

interface Facts {
  readonly rows: ReadonlySet<Day>;
  readonly first: Day | undefined;
  readonly last: Day | undefined;
  readonly summary: string;
  readonly isAskedFromListing: boolean;
  /** Empty days up to the first row may be the edge of the listing, and so may those after the last row. */
  readonly isListingEdge: boolean;
  readonly isDelistingEdge: boolean;
}

function gatherFacts({ unit, daysWithRows, answers, instrument, calendar, capability }: JudgeInput): Facts {
  const first = daysWithRows[0];
  const last = daysWithRows.at(-1);
  const { listedOn, delistedOn } = instrument;
  const rows = `${daysWithRows.length} ${daysWithRows.length === 1 ? "row" : "rows"} of the code`;
  const span = first === undefined ? "" : ` from ${first} to ${last}`;
  const isEdge = (from: Day, to: Day): boolean => calendar.countBetween(from, to) - 1 <= LISTING_EDGE_DAYS_MAX;
  // Where no list has the code, nothing can be asked of the days before the provider's own first one.
  const begins = instrument.isImplied === true ? maxDay(listedOn, capability.since ?? listedOn) : listedOn;
  const firstListed = calendar.indexOnOrAfter(begins);
  const isAskedFromListing = calendar.indexOnOrAfter(unit.from) <= firstListed;
  const isAskedToDelisting =
    delistedOn !== undefined && calendar.indexOnOrBefore(unit.to) >= calendar.indexOnOrBefore(delistedOn);
  return {
    rows: new Set(daysWithRows),
    first,
    last,
    summary: `${answers.length === 1 ? "complete answer" : `${answers.length} complete answers`} with ${rows}${span}`,
    isAskedFromListing,
    isListingEdge: first !== undefined && isAskedFromListing && isEdge(listedOn, first),
    isDelistingEdge: last !== undefined && isAskedToDelisting && isEdge(last, delistedOn),
  };
}

function judgeDay(day: Day, facts: Facts, input: JudgeInput): Verdict | undefined {
  const { instrument, capability, nowMs, rejectedDays } = input;
  const answer = answerFor(day, input);
  const source = answer.evidence;
  if (!isFinal(day, capability, nowMs)) {
    const note = `complete from ${capability.completeFrom} on`;
    return { state: "pending", source, note, askAgainAtMs: askAgainAtMs(day, capability) };
  }
  if (facts.rows.has(day)) {
    return judgeDayWithRows(day, source, facts, input);
  }
  const rejected = rejectedDays.get(day);
  if (rejected !== undefined) {
    return { state: "failed", source, note: `the row was rejected: ${rejected}` };
  }
  if (day < instrument.listedOn) {
    return { state: "before-listing", source, note: `no row, and listed on ${instrument.listedOn}` };
  }
  if (instrument.delistedOn !== undefined && day >= instrument.delistedOn) {
    return { state: "after-delisting", source, note: `no row, and delisted on ${instrument.delistedOn}` };
  }
  return judgeEmptyDay(day, answer, facts, input);
}

/** Ticks and bars within the day have many rows a day: one rejected or missing one leaves the day undone. */
function judgeDayWithRows(
  day: Day,
  source: Verdict["source"],
  { summary }: Facts,
  { capability, rejectedDays, partialDays, nowMs }: JudgeInput,
): Verdict {
  const rejected = capability.rowsPerDay > 1 ? rejectedDays.get(day) : undefined;
  if (rejected !== undefined) {
    return { state: "failed", source, note: `a row of the day was rejected: ${rejected}` };
  }
  const rows = partialDays?.get(day);
  if (rows === undefined) {
    return { state: "present", source, note: summary };
  }
  const note = `${rows} of ${capability.rowsPerDay} bars of the day`;
  return nowMs - askAgainAtMs(day, capability) < LATE_PUBLICATION_MS_MAX
    ? { state: "pending", source, note, askAgainAtMs: nowMs + LATE_PUBLICATION_MS }
    : { state: "unexplained-empty", source, note };
}

function judgeEmptyDay(day: Day, answer: Answer, facts: Facts, input: JudgeInput): Verdict | undefined {
  const { capability, nowMs, instrument, suspensions, unit } = input;
  const source = answer.evidence;
  const { first, last } = facts;
  const isShownByNeighbours = unit.dataSet === "bars" && answer.marketRows === undefined;
  if (answer.suspended?.has(day) === true) {
    return { state: "suspended", source, note: "the answer itself says that it did not trade" };
  }
  const daily = dailyState(day, input);
  if (daily === "no-trade" || daily === "suspended") {
    return { state: daily, source, note: "no row, and the ledger of daily bars says that it did not trade" };
  }
  const mayBeLate = nowMs - askAgainAtMs(day, capability) < LATE_PUBLICATION_MS_MAX;
  const late = { state: "pending", source, askAgainAtMs: nowMs + LATE_PUBLICATION_MS } as const;
  if (answer.marketRows === 0 && mayBeLate) {
    return { ...late, note: "the answer for the whole market has no row yet" };
  }
  const lost = findLostRow(day, input);
  const isTraded = daily === "present" && capability.skipsIdleBars !== true;
  const isBare = lost === undefined && !isTraded;
  if (isBare && isShownByNeighbours && first !== undefined && last !== undefined) {
    const isShown = capability.isSilentlyShort === true ? isReachedOver(day, input) : hasRowsBeside(day, input);
    if (first < day && day < last && isShown) {
      const note = `${facts.summary}, rows before and after`;
      return { state: "no-trade", source, note, isDoubtful: capability.hasHoles === true };
    }
    if (day < first && facts.isListingEdge) {
      const edge = `no bar between listing on ${instrument.listedOn} and first trade on ${first}`;
      return { state: "no-trade", source, note: `${facts.summary}, ${edge}`, isDoubtful: isSilence(day, input) };
    }
    if (day > last && facts.isDelistingEdge) {
      const edge = `no bar between last trade on ${last} and delisting on ${instrument.delistedOn}`;
      return { state: "no-trade", source, note: `${facts.summary}, ${edge}`, isDoubtful: isSilence(day, input) };
    }
  }
  if (isBare && instrument.isImplied === true && facts.isAskedFromListing) {
    if (first !== undefined && day < first && answer.marketRows === undefined) {
      const note = `${facts.summary}, and no stock list has the code`;
      return { state: "before-listing", source, note, isDoubtful: !hasRowsBeside(day, input) };
    }
  }
  if (suspensions === undefined) {
    return undefined;
  }
  if (suspensions.days.has(day)) {
    const note = "no row, and the suspension list names the day";
    // Of bars that is all there is to say. A factor there may be all the same, so that an answer empty as a whole is doubted.
    const isDoubtful = input.unit.dataSet === "adjustment-factors" && !hasRowsBeside(day, input);
    return { state: "suspended", source: suspensions.evidence ?? source, note, isDoubtful };
  }
  if (lost !== undefined) {
    const unread = lost.day === undefined ? "whose day cannot be read" : "whose code cannot be read";
    return { state: "failed", source, note: `no row, and a row ${unread} was rejected: ${lost.reason}` };
  }
  const asked = answer.marketRows === undefined ? facts.summary : `the day's ${answer.marketRows} rows of the market`;
  const list = suspensions.evidence === undefined ? "no suspension list to be read" : "not on the suspension list";
  const others = (input.askedBefore ?? []).filter((provider) => provider !== source.provider);
  const agreed = others.length === 0 ? "" : `, and ${others.join(", ")} had none either`;
  const note = `${asked}, none on this day, ${list}${agreed}`;
  // Of a market without any row there is nothing that this code lacks more than others.
  const isOfMarket = (answer.marketRows ?? 0) > 0;
  return mayBeLate
    ? {
        ...late,
        note: `${note}, within a day of ${capability.completeFrom}`,
        isUnproven: answer.isShort === true && capability.codesMax > 1,
      }
    : { state: "unexplained-empty", source, note, isUnproven: isOfMarket };
}

/** What the daily bars say of a day; undefined where they are what is judged. */
function dailyState(day: Day, { unit, dailySpans }: JudgeInput): LedgerState | undefined {
  const isDaily = unit.dataSet === "bars" && unit.frequency === "1d";
  return isDaily || dailySpans === undefined ? undefined : spanOn(dailySpans, day)?.state;
}

/** Whether one answer goes on behind the day: rows of several are no proof, since each may have ended before it. */
function isReachedOver(day: Day, { answers }: JudgeInput): boolean {
  return answers.some(({ reach }) => reach !== undefined && reach.from < day && day < reach.to);
}

function findLostRow(day: Day, { answers }: JudgeInput): LostRow | undefined {
  for (const { from, to, lostRows } of answers) {
    const lost =
      from <= day && day <= to ? lostRows.find((row) => row.day === undefined || row.day === day) : undefined;
    if (lost !== undefined) {
      return lost;
    }
  }
  return undefined;
}

/** The newest answer that covers the day, one that named codes before one by market. */
function answerFor(day: Day, { unit, answers }: JudgeInput): Answer {
  let found: Answer | undefined;
  for (const answer of answers) {
    if (answer.from <= day && day <= answer.to && (found === undefined || isStronger(answer, found))) {
      found = answer;
    }
  }
  if (found === undefined) {
    throw new RangeError(`judging ${unit.dataSet} of ${unit.code}: no answer covers ${day}`);
  }
  return found;
}

function isStronger(left: Answer, right: Answer): boolean {
  const namesCodes = left.marketRows === undefined;
  return namesCodes === (right.marketRows === undefined) ? left.evidence.version > right.evidence.version : namesCodes;
}

class SpanBuilder {
  readonly spans: Span[] = [];
  #open: Verdict | undefined;

  add(day: Day, verdict: Verdict): void {
    const last = this.spans.at(-1);
    if (last !== undefined && this.#open !== undefined && isSameVerdict(this.#open, verdict)) {
      this.spans[this.spans.length - 1] = { ...last, to: day };
      return;
    }
    const { state, source, note, askAgainAtMs } = verdict;
    const evidence = { ...source, note };
    const again = askAgainAtMs === undefined ? {} : { askAgainAtMs };
    this.spans.push({ from: day, to: day, state, evidence, ...again });
    this.#open = verdict;
  }

  breakOff(): void {
    this.#open = undefined;
  }
}

function isSameVerdict(left: Verdict, right: Verdict): boolean {
  return (
    left.state === right.state &&
    left.source === right.source &&
    left.note === right.note &&
    left.askAgainAtMs === right.askAgainAtMs
  );
}
