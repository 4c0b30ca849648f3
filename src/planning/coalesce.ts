import type { SecurityCode } from "../domain/security-code.ts";
import type { Call, CodeDataSet, Unit } from "../domain/unit.ts";
import type { Capability } from "../ports/source.ts";
import { chooseMarketDays, type MissingUnit } from "./market-days.ts";
import { rowsOf, type DraftCall, type Work } from "./pack-calls.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** One provider call and the units that wait for it. */
export interface PlannedCall<D extends CodeDataSet = CodeDataSet> {
  readonly call: Call<D>;
  readonly units: readonly Unit[];
  /** Rows the answer is expected to have at most. */
  readonly rowsExpected: number;
  /** 0 live, 1 other short work, 2 backfill: that of the most urgent unit that waits for it. */
  readonly rank: number;
}

type Unranked<D extends CodeDataSet> = Omit<PlannedCall<D>, "rank">;

export interface CoalesceOptions {
  readonly calendar: TradingCalendar;
  /** Codes of the whole market that have rows on one day (5,500 today). */
  readonly marketRowsByDay: number;
  /** Counts the work done; for tests. */
  readonly work?: Work;
}

/**
 * The fewest calls found that bring every missing day of all units, which are of the capability's data set and
 * frequency and of one provider. Kinds of calls:
 *  - several codes over one range of days, with fewer rows than the cap (an answer of exactly the cap is never the end)
 *    and at most `codesMax` codes; an answer also holds days between its units' that nobody asked for;
 *  - the whole market on one day, which counts as two calls when the market reaches the cap (the answer then names the rest);
 *    for no unit that is `isByCodeOnly`.
 * With as many calls either way, the way with fewer rows is taken.
 *
 * A unit whose days take several calls stands in each of them; it is answered when all of them are. The same units in
 * any order give the same calls. Calls that serve live work (short and recent) come first, then other short work, then
 * backfill, newest first. RangeError when the units are not the capability's or no call can name a code.
 */
export function coalesce<D extends CodeDataSet>(
  units: readonly Unit[],
  capability: Capability,
  options: CoalesceOptions,
): readonly PlannedCall<D>[] {
  if (units.length === 0) {
    return [];
  }
  refuseStrangers(units, capability);
  // Units and capability have been found to agree; the type argument is the caller's word for the same data set.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const dataSet = capability.dataSet as D;
  const { frequency } = capability;
  const { calendar } = options;
  const sorted = units.toSorted(byCodeAndDay);
  const codes = [...new Set(sorted.map((unit) => unit.code))];
  const rowsOfMarket = options.marketRowsByDay * capability.rowsPerDay;
  const bounds = {
    // In days of a code, of which each has so many rows.
    rowsMax: codeDaysMax(capability),
    codesMax: capability.codesMax,
    byDay: capability.byDay,
    callsPerDay: Math.floor(rowsOfMarket / (capability.dayRowsMax ?? capability.rowsMax)) + 1,
    rowsPerDay: options.marketRowsByDay,
  };
  const work = options.work ?? { steps: 0 };
  const isByCodeOnly = ({ unit }: MissingUnit): boolean =>
    capability.codesMax > 0 && unitAt(sorted, unit).isByCodeOnly === true;
  const numbers = toNumbers(sorted, codes, calendar);
  const named = chooseMarketDays(numbers.filter(isByCodeOnly), { ...bounds, byDay: false }, work);
  const plan = chooseMarketDays(
    numbers.filter((unit) => !isByCodeOnly(unit)),
    bounds,
    work,
  );
  const ranks = rankUnits(sorted, calendar);
  const calls = [
    ...[...named.calls, ...plan.calls].map((draft) =>
      toCodesCall(draft, sorted, codes, calendar, { dataSet, frequency }, capability),
    ),
    ...plan.days.map(({ day, units: served }): Unranked<D> => {
      const call = { dataSet, frequency, selection: { by: "day", day: calendar.dayAt(day) } } as const;
      return { call, units: pick(sorted, served), rowsExpected: rowsOfMarket };
    }),
  ];
  return sortByUrgency(calls, ranks);
}

/** Days of a code that one call brings for certain: an answer of exactly the cap is never the end. */
export function codeDaysMax({ rowsMax, rowsPerDay }: Pick<Capability, "rowsMax" | "rowsPerDay">): number {
  return Math.floor((rowsMax - 1) / rowsPerDay);
}

function refuseStrangers(units: readonly Unit[], capability: Capability): void {
  const provider = units[0]?.provider;
  for (const unit of units) {
    const isOurs = unit.dataSet === capability.dataSet && unit.frequency === capability.frequency;
    if (!isOurs || unit.provider !== provider) {
      const expected = `${capability.dataSet} ${capability.frequency} of ${provider}`;
      throw new RangeError(`coalescing ${expected}: got ${unit.dataSet} ${unit.frequency} of ${unit.provider}`);
    }
  }
  if (codeDaysMax(capability) < 1 || (capability.codesMax < 1 && !capability.byDay)) {
    const bounds = `${capability.rowsMax} rows and ${capability.codesMax} codes a call`;
    throw new RangeError(
      `coalescing ${capability.dataSet} over ${capability.api}: nothing can be asked with ${bounds}`,
    );
  }
}

/** Units as numbers; those without a trading day have nothing to bring and take part in no call. */
function toNumbers(
  units: readonly Unit[],
  codes: readonly SecurityCode[],
  calendar: TradingCalendar,
): readonly MissingUnit[] {
  const numbers = new Map(codes.map((code, index) => [code, index]));
  return units.flatMap((unit, index) => {
    const missing = unit.missing
      .map((run) => ({ first: calendar.indexOnOrAfter(run.from), last: calendar.indexOnOrBefore(run.to) }))
      .filter((run) => run.first <= run.last);
    const first = calendar.indexOnOrAfter(unit.from);
    const last = calendar.indexOnOrBefore(unit.to);
    return missing.length === 0 ? [] : [{ unit: index, code: numbers.get(unit.code) ?? 0, first, last, missing }];
  });
}

function toCodesCall<D extends CodeDataSet>(
  draft: DraftCall,
  units: readonly Unit[],
  codes: readonly SecurityCode[],
  calendar: TradingCalendar,
  { dataSet, frequency }: Pick<Call<D>, "dataSet" | "frequency">,
  { rowsPerDay }: Capability,
): Unranked<D> {
  const named = draft.codes.flatMap((index) => codes[index] ?? []).toSorted();
  const selection = { by: "codes", codes: named, from: calendar.dayAt(draft.first), to: calendar.dayAt(draft.last) };
  return {
    call: { dataSet, frequency, selection: { ...selection, by: "codes" } },
    units: pick(units, draft.units),
    rowsExpected: rowsOf(draft) * rowsPerDay,
  };
}

function pick(units: readonly Unit[], indexes: readonly number[]): readonly Unit[] {
  const isSorted = indexes.every((index, at) => at === 0 || (indexes[at - 1] ?? 0) < index);
  const sorted = isSorted ? indexes : indexes.toSorted((left, right) => left - right);
  return sorted.map((index) => unitAt(units, index));
}

function unitAt(units: readonly Unit[], index: number): Unit {
  const unit = units[index];
  if (unit === undefined) {
    throw new RangeError(`no unit has the number ${index}; there are ${units.length}`);
  }
  return unit;
}

/** Up to this many trading days a unit is short, and this near to the newest day asked for it is recent. */
const SHORT_DAYS_MAX = 30;
const RECENT_DAYS_MAX = 10;

/** 0 live, 1 short, 2 backfill. */
function rankUnits(units: readonly Unit[], calendar: TradingCalendar): ReadonlyMap<Unit, number> {
  const newest = units.reduce((latest, unit) => Math.max(latest, calendar.indexOnOrBefore(unit.to)), 0);
  return new Map(
    units.map((unit) => {
      const isShort = unit.tradingDays <= SHORT_DAYS_MAX;
      const isRecent = newest - calendar.indexOnOrBefore(unit.to) <= RECENT_DAYS_MAX;
      return [unit, isShort ? (isRecent ? 0 : 1) : 2];
    }),
  );
}

/** A call is as urgent as the most urgent unit that waits for it. */
function sortByUrgency<D extends CodeDataSet>(
  calls: readonly Unranked<D>[],
  ranks: ReadonlyMap<Unit, number>,
): readonly PlannedCall<D>[] {
  const keyed = calls.map((planned) => {
    const rank = planned.units.reduce((least, unit) => Math.min(least, ranks.get(unit) ?? 2), 2);
    return { planned: { ...planned, rank }, rank, ...daysOf(planned) };
  });
  keyed.sort(
    (left, right) =>
      left.rank - right.rank ||
      compare(right.to, left.to) ||
      compare(right.from, left.from) ||
      compare(left.code, right.code),
  );
  return keyed.map(({ planned }) => planned);
}

function daysOf({ call: { selection } }: Unranked<CodeDataSet>): { from: string; to: string; code: string } {
  if (selection.by === "day") {
    return { from: selection.day, to: selection.day, code: "" };
  }
  if (selection.by === "codes") {
    return { from: selection.from, to: selection.to, code: selection.codes[0] ?? "" };
  }
  throw new RangeError(`no unit is asked for by ${selection.by}`);
}

function byCodeAndDay(left: Unit, right: Unit): number {
  return compare(left.code, right.code) || compare(left.from, right.from) || compare(left.to, right.to);
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
