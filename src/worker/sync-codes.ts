import type { Clock } from "../base/clock.ts";
import type { RangeRequest } from "../domain/command.ts";
import type { Day } from "../domain/day.ts";
import type { Frequency } from "../domain/frequency.ts";
import type { LedgerKey, Span } from "../domain/ledger.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Instrument, RowOf } from "../domain/rows.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { CodeDataSet, DaySpan } from "../domain/unit.ts";
import { toDayRuns } from "../planning/day-runs.ts";
import type { Publication } from "../planning/final-day.ts";
import { planCode } from "../planning/plan.ts";
import { stateOn } from "../planning/spans.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import type { Capability } from "../ports/source.ts";
import type { Model, Provenance, Store } from "../ports/store.ts";
import type { CallDesk } from "./call-desk.ts";
import type { DaysLeft } from "./days-left.ts";
import type { LedgerBook } from "./ledger-book.ts";
import type { CommandContext } from "./message-handler.ts";
import type { HeldUp } from "./provider-gate.ts";
import type { Standing } from "./standing-watchers.ts";
import type { Reference } from "./reference.ts";
import type { SuspensionLists } from "./suspension-lists.ts";
import { syncUnit } from "./sync-unit.ts";
import type { StoredTally } from "./tally.ts";
import { throwFailure } from "./throw-failure.ts";

/** What one data set of one provider needs to be brought up to date. */
export interface CodeLine<D extends CodeDataSet> {
  readonly dataSet: D;
  readonly provider: ProviderName;
  readonly capability: Capability;
  readonly desk: Pick<CallDesk<D>, "fetch">;
  /** See `Candidate`. */
  readonly standing: () => Standing;
  readonly onChange: (tell: () => void) => () => void;
  readonly suspensions: Pick<SuspensionLists, "suspendedDays">;
  readonly toModel: (row: RowOf[D], provenance: Provenance) => Model;
  /**
   * Only of data sets of which a day is replaced as a whole: given the rows of whole days, what is stored of those days
   * and is among them no more, as rows that take it back.
   */
  readonly vanished?: (rows: readonly RowOf[D][], signal: AbortSignal) => Promise<readonly RowOf[D][]>;
}

export interface SyncParts {
  readonly reference: Reference;
  readonly ledger: LedgerBook;
  readonly store: Store;
  readonly clock: Clock;
  /** The setting `history.start`; undefined is the listing day. */
  readonly historyStart: Day | undefined;
  /** The setting `history.tick_days`: ticks without any range are brought for so many of the last trading days. */
  readonly tickDays: number;
  /** Told where a unit stands, for tests that end the process there. */
  readonly reached?: ((point: "fetched" | "stored" | "recorded") => Promise<void> | void) | undefined;
}

export interface CodesRequest {
  readonly codes: readonly SecurityCode[];
  readonly frequency: Frequency;
  readonly range: RangeRequest;
  readonly force: boolean;
  /** With `force`: what was stored since (microseconds of the budget's clock) is not fetched again, as after a move. */
  readonly forcedSince?: bigint | undefined;
  /** Of whoever would be asked if nobody were out; see `CodeRequest`. */
  readonly insteadOf?: Publication | undefined;
  /** In place of the range: just these days, whatever the ledger says of them. */
  readonly only?: OnlyDays;
}

export interface OnlyDays {
  readonly days: DaysLeft;
  /** Of these rows came, from whoever: they are settled by a whole day only. */
  readonly broken: DaysLeft;
  /** Who had no row on them, for the evidence. */
  readonly askedBefore: readonly ProviderName[];
}

export interface SyncContext extends CommandContext {
  /** Told of all that is stored, also where the request fails in the end. */
  readonly tally: StoredTally;
  /** Goes with it from line to line. */
  readonly heldUp?: HeldUp;
}

export interface Synced {
  /** Days that are still not there. */
  readonly pendingDays: number;
  readonly unexplainedDays: number;
  readonly left: DaysLeft;
  /** Those of them of which rows came that do not make the day: one was rejected, or of many a part is missing. */
  readonly broken: DaysLeft;
  /** Days that were asked for and are not left. */
  readonly explained: DaysLeft;
  /** Missing days that the line does not reach back to. */
  readonly beyond: DaysLeft;
  /** So many of them are among `unexplainedDays`. */
  readonly beyondUnexplainedDays: number;
}

/**
 * Brings a data set of some codes up to date, with lists that are young enough (`ensureLists`): plan what the ledger
 * misses, fetch it, store it, and only then write to the ledger what the answers showed. Codes go side by side; those
 * the stock list does not have do not hold up the others, and make the message a dead letter in the end.
 */
export async function syncCodes<D extends CodeDataSet>(
  request: CodesRequest,
  line: CodeLine<D>,
  parts: SyncParts,
  context: SyncContext,
  signal: AbortSignal,
): Promise<Synced> {
  const { reference } = parts;
  const unknown: SecurityCode[] = [];
  const known: Instrument[] = [];
  for (const code of request.codes) {
    const instrument = parts.reference.instrument(code);
    if (instrument === undefined) {
      unknown.push(code);
    } else {
      known.push(instrument);
    }
  }
  const results = await Promise.allSettled(
    known.map((instrument) => syncCode(instrument, request, line, parts, context, signal)),
  );
  throwFailure(results);
  const [first] = unknown;
  if (first !== undefined) {
    const more = unknown.length > 1 ? ` and ${unknown.length - 1} more` : "";
    const goneOn = reference.goneOn(first);
    throw new MessageError(
      "unknown-code",
      context.places.codes,
      goneOn === undefined
        ? `the stock list does not have ${first}${more}`
        : `the stock list has ${first} no more, last on ${goneOn}: it may have a new number${more}`,
    );
  }
  const synced = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const sumOf = (count: (one: Synced) => number): number => synced.reduce((sum, one) => sum + count(one), 0);
  return {
    pendingDays: sumOf((one) => one.pendingDays),
    unexplainedDays: sumOf((one) => one.unexplainedDays),
    left: new Map(synced.flatMap(({ left }) => [...left])),
    broken: new Map(synced.flatMap(({ broken }) => [...broken])),
    explained: new Map(synced.flatMap(({ explained }) => [...explained])),
    beyond: new Map(synced.flatMap(({ beyond }) => [...beyond])),
    beyondUnexplainedDays: sumOf((one) => one.beyondUnexplainedDays),
  };
}

/** Calendar and stock list are every message's; what they wait for is no message's own. */
export async function ensureLists(
  { codes }: Pick<CodesRequest, "codes">,
  reference: Reference,
  { pace }: CommandContext,
  signal: AbortSignal,
): Promise<void> {
  using _ = pace?.rest();
  await reference.ensureFresh(codes, signal);
  if (codes.some((code) => reference.instrument(code) === undefined && reference.goneOn(code) === undefined)) {
    await reference.refreshForUnknownCode(signal);
  }
}

/** One data set of one code. */
async function syncCode<D extends CodeDataSet>(
  instrument: Instrument,
  request: CodesRequest,
  line: CodeLine<D>,
  parts: SyncParts,
  context: SyncContext,
  signal: AbortSignal,
): Promise<Synced> {
  const calendar = parts.reference.calendarOf(instrument.code);
  const key: LedgerKey = { dataSet: line.dataSet, frequency: request.frequency, code: instrument.code };
  const known = await parts.ledger.spans(key);
  const isWithinDay = line.capability.rowsPerDay > 1;
  const dailySpans = isWithinDay
    ? await parts.ledger.spans({ dataSet: "bars", frequency: "1d", code: instrument.code })
    : undefined;
  const plan = planCode({
    dataSet: line.dataSet,
    frequency: request.frequency,
    range: request.range,
    force: request.force,
    forcedSince: request.forcedSince,
    instrument,
    historyStart: parts.historyStart,
    daysDefault: line.dataSet === "ticks" ? parts.tickDays : undefined,
    spans: known,
    provider: line.provider,
    capability: line.capability,
    insteadOf: request.insteadOf,
    calendar,
    nowMs: parts.clock.nowMs(),
    askedAtMs: context.firstAskedAtMs,
    only: request.only?.days.get(instrument.code),
    paths: { start: `${context.places.params}.start_date`, end: `${context.places.params}.end_date` },
  });
  const work = {
    instrument,
    line,
    parts,
    context,
    calendar,
    askedBefore: request.only?.askedBefore ?? [],
    ...(dailySpans === undefined ? {} : { dailySpans }),
    // Of a day that the ledger knows nothing of, rows can be left by a crash only, and the same rows come again.
    isRewrite: request.force || known.length > 0,
    learn: (spans: readonly Span[]) => parts.ledger.learn(key, spans, calendar),
  };
  // No unit goes on after the message has ended, and what others brought is known even where one fails.
  const results = await Promise.allSettled(plan.units.map((unit) => syncUnit(unit, work, signal)));
  const judged = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  // Who is asked after others and publishes later does not put off what these have answered.
  const isSecond = work.askedBefore.length > 0;
  const said = judged.flatMap(({ spans }) => spans).filter(({ state }) => !isSecond || state !== "pending");
  const learned = withoutBroken(said, request.only?.broken.get(instrument.code) ?? [], calendar);
  await work.learn([...plan.spans, ...withoutSilence(learned, known, calendar)]);
  throwFailure(results);
  await parts.reached?.("recorded");
  const inState = (state: Span["state"]): number =>
    learned.reduce((sum, span) => sum + (span.state === state ? calendar.countBetween(span.from, span.to) : 0), 0);
  const left = learned.filter(isLeft);
  const partial = new Set(judged.flatMap(({ partialDays }) => partialDays));
  const isPart = (day: Day): boolean => partial.has(day);
  const broken = left.flatMap((span) =>
    span.state === "failed" ? [span] : partial.size === 0 ? [] : onDays(span, isPart, calendar),
  );
  const ofCode = (days: readonly DaySpan[]): DaysLeft =>
    days.length === 0 ? NONE_LEFT : new Map([[instrument.code, days]]);
  return {
    pendingDays: plan.pendingDays + inState("pending"),
    unexplainedDays: plan.emptyDays + inState("unexplained-empty") + inState("failed"),
    left: ofCode(left),
    broken: ofCode(broken),
    explained: ofCode(learned.filter((span) => !isLeft(span))),
    beyond: ofCode(plan.beyond),
    beyondUnexplainedDays: plan.beyondEmptyDays,
  };
}

function isLeft({ state }: Span): boolean {
  return state === "unexplained-empty" || state === "failed";
}

/**
 * A row that came and was rejected, or a part of a day, is not undone by somebody who has none or another part: only by one
 * who has the whole day.
 */
function withoutBroken(said: readonly Span[], broken: readonly DaySpan[], calendar: TradingCalendar): readonly Span[] {
  const isOpen = (day: Day): boolean => !broken.some(({ from, to }) => from <= day && day <= to);
  return broken.length === 0
    ? said
    : said.flatMap((span) => (span.state === "present" ? [span] : onDays(span, isOpen, calendar)));
}

/**
 * A row that is stored stays known when somebody who is asked again, by force, says nothing of its day: rows are never
 * deleted. The outcome of the message counts that day as unexplained all the same.
 */
function withoutSilence(said: readonly Span[], known: readonly Span[], calendar: TradingCalendar): readonly Span[] {
  const isAbsent = (day: Day): boolean => stateOn(known, day) !== "present";
  return said.flatMap((span) => (span.state === "unexplained-empty" ? onDays(span, isAbsent, calendar) : [span]));
}

function onDays(span: Span, isWanted: (day: Day) => boolean, calendar: TradingCalendar): readonly Span[] {
  const days = calendar.tradingDaysBetween(span.from, span.to).filter(isWanted);
  return toDayRuns(days, calendar).map(({ from, to }) => ({ ...span, from, to }));
}

const NONE_LEFT: DaysLeft = new Map();
