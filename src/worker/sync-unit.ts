import { orAbort } from "../base/or-abort.ts";
import { GivenBackError } from "../consumer/handling.ts";
import type { Day } from "../domain/day.ts";
import type { Span } from "../domain/ledger.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { Instrument, RowOf } from "../domain/rows.ts";
import type { CodeDataSet, DaySpan, Unit } from "../domain/unit.ts";
import { DayCount } from "../planning/day-count.ts";
import { DaySet } from "../planning/day-set.ts";
import type { TradingCalendar } from "../planning/trading-calendar.ts";
import { judgeUnit, type Answer, type JudgeInput, type Judgement } from "../planning/verdict.ts";
import type { RowOutcome, Store } from "../ports/store.ts";
import { PART_ROWS, type UnitPart } from "./call-desk.ts";
import type { SuspendedDays } from "./suspension-lists.ts";
import type { CodeLine, SyncContext, SyncParts } from "./sync-codes.ts";
import { tallyOf } from "./tally.ts";

export interface Judged {
  /** What the ledger is to learn yet. */
  readonly spans: readonly Span[];
  /** Days with a part of their bars, in no order; of data sets that are counted within the day. */
  readonly partialDays: readonly Day[];
}

export interface UnitWork<D extends CodeDataSet> {
  readonly instrument: Instrument;
  readonly line: CodeLine<D>;
  readonly parts: Pick<SyncParts, "clock" | "reached"> & {
    readonly store: Pick<Store, "addBatch" | "quarantine">;
  };
  /** Of the code's market. */
  readonly calendar: TradingCalendar;
  /** Providers that had no row on the missing days, for the evidence. */
  readonly askedBefore?: readonly ProviderName[];
  readonly context: Pick<SyncContext, "requestId" | "tally" | "heldUp" | "pace" | "finishing">;
  /** Rows of these days may stand in the store already, from another answer. */
  readonly isRewrite?: boolean;
  /** What the ledger knows of the code's daily bars, for data sets that follow from them. */
  readonly dailySpans?: readonly Span[];
  /** Writes to the ledger; durable when it resolves. */
  readonly learn: (spans: readonly Span[]) => Promise<void>;
}

/**
 * Fetches a unit, makes its rows durable as they come, and says what its missing days are now known to be. Days of a
 * unit of many calls that are present stand in the ledger already, month by month, so that a restart asks for them no
 * more; what the days without a row are shows once everything has come. So do the days stored of a unit that ends
 * early, for whoever does it next. Days of which only a whole market's answer speaks, by lacking the code, are asked for
 * by code before they are judged, and days that only silence speaks of again, up to twice. When the signal aborts no call is begun; what has come is stored until `finishing` aborts.
 */
export async function syncUnit<D extends CodeDataSet>(
  unit: Unit,
  { instrument, line, parts, calendar, context, learn, dailySpans, askedBefore = [], isRewrite = false }: UnitWork<D>,
  signal: AbortSignal,
): Promise<Judged> {
  const storing = context.finishing ?? signal;
  const stored = new DaySet(calendar, unit.from, unit.to);
  const recorded = new DaySet(calendar, unit.from, unit.to);
  const rejectedDays = new Map<Day, string>();
  const count = new DayCount(line.capability, calendar, unit.from, unit.to);
  const answers: Answer[] = [];
  const lists: ListsRead = { days: new Set(), asked: new Set(), evidence: undefined };
  let unrecorded: Day[] = [];
  const inputOf = (days: readonly Day[], daysWithRows: readonly Day[]): JudgeInput => ({
    unit: { ...unit, missing: toRuns(days, calendar) },
    answers,
    daysWithRows,
    rejectedDays,
    partialDays: count.partialDays(),
    ...(dailySpans === undefined ? {} : { dailySpans }),
    suspensions: undefined,
    askedBefore,
    instrument,
    calendar,
    capability: line.capability,
    nowMs: parts.clock.nowMs(),
  });
  const keep = async (part: UnitPart<D>): Promise<void> => {
    await parts.reached?.("fetched");
    const outcomes = await storePart(part, line, parts.store, { ...context, isRewrite }, storing);
    context.pace?.progress();
    await parts.reached?.("stored");
    const accepted: Day[] = [];
    part.fetched.forEach(({ row }, index) => {
      if (outcomes[index] !== "rejected") {
        accepted.push(row.tradingDay);
        stored.add(row.tradingDay);
        count.add(row);
      }
    });
    for (const [day, reason] of rejectionsOf(unit, part, outcomes)) {
      rejectedDays.set(day, reason);
    }
    answers.push(...part.answers);
    const tally = tallyOf(outcomes);
    context.tally.add(
      { ...tally, rejected: tally.rejected + part.rejected.length },
      part.answers.map(({ evidence }) => evidence),
    );
    unrecorded.push(...accepted);
    if (!part.isLast && unrecorded.length >= PART_ROWS) {
      await learnStored();
    }
  };
  const learnStored = async (): Promise<void> => {
    const days = unrecorded.filter((day) => isMissing(day, unit) && calendar.isTradingDay(day)).toSorted();
    unrecorded = [];
    const present = judgeUnit(inputOf(days, days)).spans.filter(({ state }) => state === "present");
    await learn(present);
    for (const day of present.flatMap(({ from, to }) => calendar.tradingDaysBetween(from, to))) {
      recorded.add(day);
    }
  };
  const judgeResting = async (days: readonly Day[]): Promise<Judgement> => {
    using _ = context.pace?.rest();
    return await judge(inputOf(days, stored.days()), lists, line, signal, storing);
  };
  const lookAgain = async (asked: Unit, days: readonly Day[]): Promise<void> => {
    signal.throwIfAborted();
    // Should the look fail, whoever does it next has what is not in doubt.
    await learnStored();
    await line.desk.fetch(unitOf(asked, days, stored.days(), calendar), keep, signal, context);
  };
  try {
    await line.desk.fetch(unit, keep, signal, context);
    const missing = unit.missing.flatMap(({ from, to }) => calendar.tradingDaysBetween(from, to));
    const judgeLeft = (): Promise<Judgement> => judgeResting(missing.filter((day) => !recorded.has(day)));
    let judged = await judgeLeft();
    let [wanted, looks] = [unit, 1];
    if (judged.unproven.length > 0 && line.capability.codesMax > 0) {
      // What a market lacked no other market answers.
      wanted = { ...unit, isByCodeOnly: true };
      await lookAgain(wanted, judged.unproven);
      judged = await judgeLeft();
      looks += 1;
    }
    // What one answer lacks without a word another one may bring, and most often it does.
    for (; looks < LOOKS_MAX && judged.doubts.length > 0; looks += 1) {
      // What one look says of them is no verdict: whoever does it next begins with them.
      await lookAgain(wanted, judged.doubts);
      judged = await judgeLeft();
    }
    return { spans: judged.spans, partialDays: [...count.partialDays().keys()] };
  } catch (error) {
    if (unrecorded.length > 0 && (signal.aborted || error instanceof GivenBackError) && !storing.aborted) {
      await learnStored();
    }
    throw error;
  }
}

/** Looks at days of which an answer may have said nothing by mistake, the first one among them. */
const LOOKS_MAX = 3;

/** These days of a unit, widened to the nearest days with rows, which show how far an answer goes. */
function unitOf(unit: Unit, days: readonly Day[], withRows: readonly Day[], calendar: TradingCalendar): Unit {
  const [first = unit.from] = days;
  const last = days.at(-1) ?? unit.to;
  const from = withRows.findLast((day) => day < first) ?? first;
  const to = withRows.find((day) => day > last) ?? last;
  return { ...unit, from, to, tradingDays: calendar.countBetween(from, to), missing: toRuns(days, calendar) };
}

function isMissing(day: Day, { missing }: Unit): boolean {
  return missing.some(({ from, to }) => from <= day && day <= to);
}

/** Trading days, sorted, as runs of neighbours. */
function toRuns(days: readonly Day[], calendar: TradingCalendar): readonly DaySpan[] {
  const runs: DaySpan[] = [];
  for (const day of days) {
    const last = runs.at(-1);
    if (last !== undefined && calendar.countBetween(last.to, day) <= 2) {
      runs[runs.length - 1] = { ...last, to: day };
    } else {
      runs.push({ from: day, to: day });
    }
  }
  return runs;
}

/** What the suspension list said of days of this unit. */
interface ListsRead {
  readonly days: Set<Day>;
  readonly asked: Set<Day>;
  evidence: SuspendedDays["evidence"];
}

/**
 * Empty days that the answers do not explain are looked up in the suspension list, once each, before they are judged for
 * good; the list is not asked for any more once the signal has aborted.
 */
async function judge<D extends CodeDataSet>(
  input: JudgeInput,
  lists: ListsRead,
  line: CodeLine<D>,
  signal: AbortSignal,
  finishing: AbortSignal,
): Promise<Judgement> {
  const first = judgeUnit(input);
  if (first.suspects.length === 0) {
    return first;
  }
  signal.throwIfAborted();
  const unread = first.suspects.filter((day) => !lists.asked.has(day));
  if (unread.length > 0) {
    const found = line.suspensions.suspendedDays(input.unit.code, unread, line.provider);
    const { days, evidence } = await orAbort(found, finishing);
    for (const day of days) {
      lists.days.add(day);
    }
    for (const day of unread) {
      lists.asked.add(day);
    }
    lists.evidence = evidence ?? lists.evidence;
  }
  return judgeUnit({ ...input, suspensions: lists });
}

async function storePart<D extends CodeDataSet>(
  part: UnitPart<D>,
  line: CodeLine<D>,
  store: Pick<Store, "addBatch" | "quarantine">,
  { requestId, isRewrite }: Pick<SyncContext, "requestId"> & { readonly isRewrite: boolean },
  signal: AbortSignal,
): Promise<readonly RowOutcome[]> {
  const newest = part.answers.at(-1)?.evidence;
  if (part.rejected.length > 0 && newest !== undefined) {
    await store.quarantine(part.rejected, { version: newest.version, callId: newest.callId, requestId }, signal);
  }
  const models = part.fetched.map(({ row, provenance }) => line.toModel(row, { ...provenance, requestId }));
  if (models.length === 0) {
    return [];
  }
  const gone = isRewrite ? await findGone(part, line, signal) : [];
  const takenBack = gone.map((row) =>
    line.toModel(row, { version: newest?.version ?? 0n, callId: newest?.callId ?? "", requestId }),
  );
  const outcomes = await store.addBatch([...models, ...takenBack], signal);
  return outcomes.slice(0, models.length);
}

/** A day with a row that cannot be read is not whole: what is stored of it may be that very row. */
async function findGone<D extends CodeDataSet>(
  { fetched, rejected }: UnitPart<D>,
  { vanished }: CodeLine<D>,
  signal: AbortSignal,
): Promise<readonly RowOf[D][]> {
  if (vanished === undefined || rejected.some(({ day }) => day === undefined)) {
    return [];
  }
  const broken = new Set(rejected.map(({ day }) => day));
  const whole = fetched.flatMap(({ row }) => (broken.has(row.tradingDay) ? [] : [row]));
  return whole.length === 0 ? [] : await vanished(whole, signal);
}

function rejectionsOf<D extends CodeDataSet>(
  unit: Unit,
  part: UnitPart<D>,
  outcomes: readonly RowOutcome[],
): ReadonlyMap<Day, string> {
  const reasons = new Map<Day, string>();
  for (const { code, day, reason } of part.rejected) {
    if (day !== undefined && code === unit.code) {
      reasons.set(day, reason);
    }
  }
  part.fetched.forEach(({ row }, index) => {
    if (outcomes[index] === "rejected") {
      reasons.set(row.tradingDay, "store-refused");
    }
  });
  return reasons;
}
