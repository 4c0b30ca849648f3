import type { Day } from "../domain/day.ts";
import type { Span } from "../domain/ledger.ts";
import { NO_ROWS, type Tally } from "../domain/outcome.ts";
import type { Instrument } from "../domain/rows.ts";
import type { CodeDataSet, Unit } from "../domain/unit.ts";
import { DaySet } from "../planning/day-set.ts";
import { judgeUnit, type Answer, type JudgeInput } from "../planning/verdict.ts";
import type { RowOutcome, Store } from "../ports/store.ts";
import type { UnitPart } from "./call-desk.ts";
import type { CommandContext } from "./message-handler.ts";
import type { CodeLine, SyncParts } from "./sync-codes.ts";
import { addTallies, tallyOf } from "./tally.ts";

export interface Brought {
  readonly rows: Tally;
  readonly spans: readonly Span[];
  readonly callIds: readonly string[];
}

/** Fetches a unit, makes its rows durable as they come, and says what every missing day is now known to be. */
export async function syncUnit<D extends CodeDataSet>(
  unit: Unit,
  instrument: Instrument,
  line: CodeLine<D>,
  parts: SyncParts,
  context: CommandContext,
  signal: AbortSignal,
): Promise<Brought> {
  const { calendar } = parts.reference;
  const stored = new DaySet(calendar, unit.from, unit.to);
  const rejectedDays = new Map<Day, string>();
  const answers: Answer[] = [];
  let rows: Tally = NO_ROWS;
  const keep = async (part: UnitPart<D>): Promise<void> => {
    await parts.reached?.("fetched");
    const outcomes = await storePart(part, line, parts.store, context, signal);
    await parts.reached?.("stored");
    for (const [index, { row }] of part.fetched.entries()) {
      if (outcomes[index] !== "rejected") {
        stored.add(row.tradingDay);
      }
    }
    for (const [day, reason] of rejectionsOf(unit, part, outcomes)) {
      rejectedDays.set(day, reason);
    }
    answers.push(...part.answers);
    const tally = tallyOf(outcomes);
    rows = addTallies(rows, { ...tally, rejected: tally.rejected + part.rejected.length });
  };
  await line.desk.fetch(unit, keep, signal);
  const input: JudgeInput = {
    unit,
    answers,
    daysWithRows: stored.days(),
    rejectedDays,
    suspensions: undefined,
    instrument,
    calendar,
    capability: line.capability,
    nowMs: parts.clock.nowMs(),
  };
  return { rows, spans: await judge(input, line), callIds: answers.map(({ evidence }) => evidence.callId) };
}

/** Empty days that the answers do not explain are looked up in the suspension list before they are judged for good. */
async function judge<D extends CodeDataSet>(input: JudgeInput, line: CodeLine<D>): Promise<readonly Span[]> {
  const first = judgeUnit(input);
  if (first.suspects.length === 0) {
    return first.spans;
  }
  const suspensions = await line.suspensions.suspendedDays(input.unit.code, first.suspects);
  return judgeUnit({ ...input, suspensions }).spans;
}

async function storePart<D extends CodeDataSet>(
  part: UnitPart<D>,
  line: CodeLine<D>,
  store: Store,
  { requestId }: CommandContext,
  signal: AbortSignal,
): Promise<readonly RowOutcome[]> {
  const newest = part.answers.at(-1)?.evidence;
  if (part.rejected.length > 0 && newest !== undefined) {
    await store.quarantine(part.rejected, { version: newest.version, callId: newest.callId, requestId }, signal);
  }
  const models = part.fetched.map(({ row, provenance }) => line.toModel(row, { ...provenance, requestId }));
  return models.length === 0 ? [] : await store.addBatch(models, signal);
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
