import type { Day } from "../../domain/day.ts";
import { COVERED_STATES, ledgerKeyText, type Evidence, type LedgerKey, type Span } from "../../domain/ledger.ts";
import { toDayRuns } from "../../planning/day-runs.ts";
import { laySpans, stateOn } from "../../planning/spans.ts";
import type { TradingCalendar } from "../../planning/trading-calendar.ts";
import type { Ledger } from "../../ports/store.ts";
import type { FileState } from "./import-batch.ts";
import { barsCapability } from "./plan-import.ts";

export interface Learned {
  readonly daysLearned: number;
  readonly daysInPart: number;
}

/**
 * Tells the ledger of the days of files whose rows are durable, in their order. A day with its row, of minutes with all of
 * them, is present; a day with a record of no trade is suspended. Days between without a record stay as they are: a file
 * has holes where the client was not used, so it proves nothing by what it lacks. What the ledger knows to be present
 * keeps its evidence, and a suspension is said of days only that nothing is known of.
 */
export async function learnFromFiles(
  files: readonly FileState[],
  ledger: Pick<Ledger, "read" | "write">,
  calendar: TradingCalendar,
  signal: AbortSignal,
): Promise<readonly Learned[]> {
  const keyed = files.map((state) => ({ state, key: keyOf(state), ...daysOf(state, calendar) }));
  const known = await ledger.read(
    keyed.map(({ key }) => key),
    signal,
  );
  const told = keyed.map((one) => ({
    ...one,
    spans: newSpans(one, known.get(ledgerKeyText(one.key)) ?? [], calendar),
  }));
  await ledger.write(
    told
      .filter(({ spans }) => spans.length > 0)
      .map((one) => ({
        key: one.key,
        change: (stored: readonly Span[]) => laySpans(stored, newSpans(one, stored, calendar), calendar),
      })),
    signal,
  );
  return told.map(({ spans, inPart }) => ({
    daysLearned: spans.reduce((sum, { from, to }) => sum + calendar.countBetween(from, to), 0),
    daysInPart: inPart,
  }));
}

interface FileDays {
  readonly state: FileState;
  /** Trading days, sorted. */
  readonly present: readonly Day[];
  readonly suspended: readonly Day[];
  readonly inPart: number;
}

function daysOf(state: FileState, calendar: TradingCalendar): Omit<FileDays, "state"> {
  const { rowsPerDay } = barsCapability(state.readable.planned.frequency);
  const isTradingDay = (day: Day): boolean => calendar.knows(day) && calendar.isTradingDay(day);
  const present: Day[] = [];
  let inPart = 0;
  for (const [day, rows] of state.accepted) {
    const isWhole = rows >= rowsPerDay && (rowsPerDay === 1 || !state.spoilt.has(day));
    if (isWhole && isTradingDay(day)) {
      present.push(day);
    }
    inPart += isWhole ? 0 : 1;
  }
  return { present: present.toSorted(), suspended: [...state.suspended].filter(isTradingDay).toSorted(), inPart };
}

function newSpans(
  { state, present, suspended }: Omit<FileDays, "inPart">,
  stored: readonly Span[],
  calendar: TradingCalendar,
): readonly Span[] {
  const evidence = evidenceOf(state);
  const spansOf = (days: readonly Day[], as: "present" | "suspended", note: string): readonly Span[] =>
    toDayRuns(days, calendar).map(({ from, to }) => ({ from, to, state: as, evidence: { ...evidence, note } }));
  const { name } = state.readable.file;
  const learned = [
    ...spansOf(
      present.filter((day) => stateOn(stored, day) !== "present"),
      "present",
      `imported from ${name}`,
    ),
    ...spansOf(
      suspended.filter((day) => !isCovered(stored, day)),
      "suspended",
      `${name} has a record without trade`,
    ),
  ];
  return learned.toSorted((left, right) => (left.from < right.from ? -1 : 1));
}

function isCovered(stored: readonly Span[], day: Day): boolean {
  const known = stateOn(stored, day);
  return known !== undefined && COVERED_STATES.has(known);
}

function evidenceOf({ readable: { file, version } }: FileState): Omit<Evidence, "note"> {
  return { provider: "tdx", callId: `file:${file.name}`, version };
}

function keyOf({ readable: { planned } }: FileState): LedgerKey {
  return { dataSet: "bars", frequency: planned.frequency, code: planned.code };
}
