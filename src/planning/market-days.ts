import type { IndexRun } from "./missing-days.ts";
import { packCalls, rowsOf, SEARCH_STEPS_MAX, type DraftCall, type Item, type Work } from "./pack-calls.ts";

/** A unit with numbers for code and days: it misses `missing`, and a call by code asks for `first` … `last`. */
export interface MissingUnit extends IndexRun {
  readonly unit: number;
  readonly code: number;
  readonly missing: readonly IndexRun[];
}

export interface CallBounds {
  /** Rows of a call by codes, already below the cap. */
  readonly rowsMax: number;
  /** 0 when a call cannot name codes. */
  readonly codesMax: number;
  readonly byDay: boolean;
  /** Calls and rows of the whole market on one day. */
  readonly callsPerDay: number;
  readonly rowsPerDay: number;
}

/** The whole market is asked for on `days`, everything else by `calls`. */
export interface CallPlan {
  readonly calls: readonly DraftCall[];
  readonly days: readonly MarketDay[];
}

export interface MarketDay {
  readonly day: number;
  readonly units: readonly number[];
}

/** Days by market × units at most: beyond it only calls by codes are planned, since the list of who waits for what fills memory. */
const SHARES_MAX = 4_000_000;

/**
 * Which days to ask for the whole market, the rest going by codes. Days are worth more the more units miss them, so
 * only sets of the form "the k most missed days" are tried: none, all, powers of two, and where the number of units that
 * miss a day makes a step. The least calls each could need, by its cells and by the codes of one day, say which is tried
 * first, and a set that cannot win any more is not packed.
 */
export function chooseMarketDays(units: readonly MissingUnit[], bounds: CallBounds, work: Work): CallPlan {
  if (!bounds.byDay) {
    return { calls: packCalls(units, bounds, work), days: [] };
  }
  const byCodes = bounds.codesMax > 0;
  const missed = countMissed(units);
  const shares = prefixSums(missed);
  const cells = shares.at(-1) ?? 0;
  const toTry = (byCodes ? sizesToTry(missed) : [missed.length]).flatMap((size) => {
    const left = cells - (shares[size] ?? 0);
    const codesLeft = left === 0 ? 0 : (missed[size]?.count ?? 0);
    const callsByCodes = Math.max(Math.ceil(left / bounds.rowsMax), Math.ceil(codesLeft / bounds.codesMax));
    const isTooMuch = byCodes && size > 0 && (shares[size] ?? 0) > SHARES_MAX;
    return isTooMuch ? [] : [{ size, left, callsLeast: size * bounds.callsPerDay + callsByCodes }];
  });
  let best: Draft | undefined;
  for (const { size, left, callsLeast } of toTry.toSorted((one, other) => one.callsLeast - other.callsLeast)) {
    const isSearchOver = best !== undefined && left > 0 && work.steps > SEARCH_STEPS_MAX;
    if (isSearchOver || (best !== undefined && callsLeast > countCalls(best, bounds))) {
      continue;
    }
    const rest = left === 0 ? [] : size === 0 ? units : cutAt(units, daysOf(missed, size), work);
    const candidate = { size, calls: packCalls(rest, bounds, work) };
    best = best === undefined || isBetter(candidate, best, bounds) ? candidate : best;
  }
  if (best === undefined) {
    return { calls: [], days: [] };
  }
  return { calls: best.calls, days: withUnits(units, daysOf(missed, best.size), work) };
}

/** The whole market on the `size` most missed days. */
interface Draft {
  readonly size: number;
  readonly calls: readonly DraftCall[];
}

function daysOf(missed: readonly MissedDay[], size: number): ReadonlySet<number> {
  return new Set(missed.slice(0, size).map(({ day }) => day));
}

function countCalls({ size, calls }: Draft, bounds: CallBounds): number {
  return calls.length + size * bounds.callsPerDay;
}

function isBetter(left: Draft, right: Draft, bounds: CallBounds): boolean {
  const difference = countCalls(left, bounds) - countCalls(right, bounds);
  return difference !== 0 ? difference < 0 : countRows(left, bounds) < countRows(right, bounds);
}

function countRows({ size, calls }: Draft, bounds: CallBounds): number {
  return calls.reduce((sum, call) => sum + rowsOf(call), 0) + size * bounds.rowsPerDay;
}

interface MissedDay {
  readonly day: number;
  readonly count: number;
}

/** Every missed day with the number of units that miss it, the most missed first, of equals the newest. */
function countMissed(units: readonly MissingUnit[]): readonly MissedDay[] {
  const changes = new Map<number, number>();
  for (const { missing } of units) {
    for (const run of missing) {
      changes.set(run.first, (changes.get(run.first) ?? 0) + 1);
      changes.set(run.last + 1, (changes.get(run.last + 1) ?? 0) - 1);
    }
  }
  const edges = [...changes].toSorted(([left], [right]) => left - right);
  const days: MissedDay[] = [];
  let count = 0;
  for (const [at, [edge, change]] of edges.entries()) {
    count += change;
    const end = count > 0 ? (edges[at + 1]?.[0] ?? edge) : edge;
    for (let day = edge; day < end; day += 1) {
      days.push({ day, count });
    }
  }
  return days.toSorted((left, right) => right.count - left.count || right.day - left.day);
}

function prefixSums(days: readonly MissedDay[]): readonly number[] {
  const sums = [0];
  for (const { count } of days) {
    sums.push((sums.at(-1) ?? 0) + count);
  }
  return sums;
}

/** At most so many steps in the counts are tried. */
const STEPS_MAX = 12;

function sizesToTry(missed: readonly MissedDay[]): readonly number[] {
  const sizes = new Set([0, missed.length]);
  for (let size = 1; size < missed.length; size *= 2) {
    sizes.add(size);
  }
  const steps = missed.flatMap(({ count }, at) => (at > 0 && count < (missed[at - 1]?.count ?? 0) ? [at] : []));
  const bySharpness = steps.toSorted((left, right) => dropAt(missed, right) - dropAt(missed, left) || left - right);
  for (const step of bySharpness.slice(0, STEPS_MAX)) {
    sizes.add(step);
  }
  return [...sizes].toSorted((left, right) => left - right);
}

function dropAt(missed: readonly MissedDay[], at: number): number {
  return (missed[at - 1]?.count ?? 0) - (missed[at]?.count ?? 0);
}

/** What is left to ask for by codes: each unit cut at the days that the market calls bring, without what they leave bare. */
function cutAt(units: readonly MissingUnit[], days: ReadonlySet<number>, work: Work): readonly Item[] {
  const sorted = [...days].toSorted((left, right) => left - right);
  const items: Item[] = [];
  for (const unit of units) {
    const firstMissing = unit.missing[0]?.first ?? unit.first;
    const lastMissing = unit.missing.at(-1)?.last ?? unit.last;
    let piece: { first: number; last: number } | undefined;
    const close = (): void => {
      if (piece !== undefined) {
        const first = piece.first === firstMissing ? unit.first : piece.first;
        const last = piece.last === lastMissing ? unit.last : piece.last;
        items.push({ code: unit.code, unit: unit.unit, first, last });
      }
      piece = undefined;
    };
    for (const run of unit.missing) {
      let next = run.first;
      for (let at = lowerBound(sorted, run.first); (sorted[at] ?? Infinity) <= run.last; at += 1) {
        const cut = sorted[at] ?? 0;
        piece = extend(piece, next, cut - 1);
        close();
        next = cut + 1;
        work.steps += 1;
      }
      piece = extend(piece, next, run.last);
    }
    close();
    work.steps += unit.missing.length;
  }
  return items;
}

function extend(piece: IndexRun | undefined, first: number, last: number): IndexRun | undefined {
  return first > last ? piece : { first: piece?.first ?? first, last };
}

function withUnits(units: readonly MissingUnit[], days: ReadonlySet<number>, work: Work): readonly MarketDay[] {
  const sorted = [...days].toSorted((left, right) => left - right);
  const waiting = sorted.map((day): { day: number; units: number[] } => ({ day, units: [] }));
  for (const { unit, missing } of units) {
    for (const run of missing) {
      for (let at = lowerBound(sorted, run.first); (sorted[at] ?? Infinity) <= run.last; at += 1) {
        waiting[at]?.units.push(unit);
        work.steps += 1;
      }
    }
  }
  return waiting;
}

function lowerBound(values: readonly number[], value: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? value) < value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}
