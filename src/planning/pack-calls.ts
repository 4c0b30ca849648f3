/**
 * Packs what is missing into as few calls as can be found where a call names some codes and one range of days. In this
 * file codes, days and units are plain numbers, and nothing is known of markets.
 *
 * A call is a rectangle: codes × days. Its rows are bounded by `rowsMax` (already below the provider's cap) and its
 * codes by `codesMax`. The least number of rectangles is a hard problem (NP-complete), so several simple packings are
 * made, each in O(n log n), and the best one is taken and then tightened.
 */

/** Days `first` … `last` of a code, both inclusive, wanted by a unit. */
export interface Item {
  readonly code: number;
  readonly first: number;
  readonly last: number;
  readonly unit: number;
}

/** One call in the making: distinct codes, a range that its items span exactly, the units it serves. */
export interface DraftCall {
  readonly codes: readonly number[];
  readonly first: number;
  readonly last: number;
  readonly units: readonly number[];
}

export interface PackLimits {
  /** Rows of one call at most, at least 1. */
  readonly rowsMax: number;
  /** Codes of one call at most, at least 1. */
  readonly codesMax: number;
}

/** Counts elementary steps of one plan: bounds the search, and lets a test bound the work without a clock. */
export interface Work {
  steps: number;
}

/**
 * After so many steps (200 to 400 ms) no further packing is tried and the best one so far stands, since the event loop
 * waits meanwhile. Only a backfill of thousands of long histories gets there. Steps, not time: equal work, equal calls.
 */
export const SEARCH_STEPS_MAX = 3_000_000;

export function packCalls(items: readonly Item[], limits: PackLimits, work: Work): readonly DraftCall[] {
  if (items.length === 0) {
    return [];
  }
  const codes = groupByCode(items);
  if (limits.codesMax === 1) {
    return packAlone(codes, limits, work);
  }
  const whole = packBest(codes, limits, work);
  // Long histories and single days rarely suit the same width, so each class of lengths is also packed by itself.
  const classes = work.steps > SEARCH_STEPS_MAX ? [] : splitByLength(codes, limits);
  const split = classes.length > 1 ? classes.flatMap((part) => packBest(part, limits, work)) : whole;
  const tightWhole = tighten(whole, limits, work);
  const tightSplit = split === whole ? tightWhole : tighten(split, limits, work);
  return isBetter(tightSplit, tightWhole) ? tightSplit : tightWhole;
}

export function rowsOf(call: Pick<DraftCall, "codes" | "first" | "last">): number {
  return call.codes.length * (call.last - call.first + 1);
}

/** Where a call names one code there is nothing to choose: each code is cut by itself, and no fewer calls bring it. */
function packAlone(codes: readonly CodeItems[], { rowsMax }: PackLimits, work: Work): readonly DraftCall[] {
  const seen = new Stamps(codes);
  const calls: DraftCall[] = [];
  for (const code of codes) {
    sweep([code], rowsMax, seen, work, calls);
  }
  return calls;
}

/** The items of one code, by first day. */
interface CodeItems {
  readonly code: number;
  readonly items: readonly Item[];
  readonly first: number;
  readonly last: number;
}

function groupByCode(items: readonly Item[]): readonly CodeItems[] {
  const byCode = new Map<number, Item[]>();
  for (const item of items) {
    const list = byCode.get(item.code);
    if (list === undefined) {
      byCode.set(item.code, [item]);
    } else {
      list.push(item);
    }
  }
  return [...byCode].map(([code, list]) => {
    const sorted = list.toSorted((left, right) => left.first - right.first || left.last - right.last);
    const last = sorted.reduce((latest, item) => Math.max(latest, item.last), 0);
    return { code, items: sorted, first: sorted[0]?.first ?? 0, last };
  });
}

function splitByLength(codes: readonly CodeItems[], { rowsMax, codesMax }: PackLimits): readonly CodeItems[][] {
  const shortest = Math.max(1, Math.floor(rowsMax / codesMax));
  const classes = new Map<number, CodeItems[]>();
  for (const code of codes) {
    const rank = Math.max(0, Math.ceil(Math.log2((code.last - code.first + 1) / shortest)));
    const list = classes.get(rank);
    if (list === undefined) {
      classes.set(rank, [code]);
    } else {
      list.push(code);
    }
  }
  return [...classes.values()];
}

type Order = (left: CodeItems, right: CodeItems) => number;

const ORDERS: readonly Order[] = [
  (left, right) => left.first - right.first || left.last - right.last || left.code - right.code,
  (left, right) => left.last - right.last || left.first - right.first || left.code - right.code,
];

/** Tries every packing by its number of calls and rows only, and makes the calls of the best one. */
function packBest(codes: readonly CodeItems[], limits: PackLimits, work: Work): readonly DraftCall[] {
  const seen = new Stamps(codes);
  let best: { readonly size: Size; readonly make: (into: DraftCall[]) => void } | undefined;
  for (const order of ORDERS) {
    if (best !== undefined && work.steps > SEARCH_STEPS_MAX) {
      break;
    }
    const ordered = codes.toSorted(order);
    work.steps += ordered.length * Math.ceil(Math.log2(ordered.length + 1));
    const pack = (groups: readonly (readonly CodeItems[])[]): void => {
      const size = measure(groups, limits.rowsMax, seen, best?.size, work);
      if (size !== undefined && (best === undefined || isSmaller(size, best.size))) {
        const make = (into: DraftCall[]): void => {
          for (const group of groups) {
            sweep(group, limits.rowsMax, seen, work, into);
          }
        };
        best = { size, make };
      }
    };
    pack(groupWhole(ordered, limits, work));
    for (const width of widthsToTry(ordered, limits)) {
      if (work.steps > SEARCH_STEPS_MAX) {
        break;
      }
      pack(groupStrips(ordered, width));
    }
  }
  const calls: DraftCall[] = [];
  best?.make(calls);
  return calls;
}

/** How many calls a packing has, and how many rows they may bring. */
interface Size {
  readonly calls: number;
  readonly rows: number;
}

function isSmaller(left: Size, right: Size): boolean {
  return left.calls !== right.calls ? left.calls < right.calls : left.rows < right.rows;
}

/** Undefined as soon as it needs more calls than the best so far. */
function measure(
  groups: readonly (readonly CodeItems[])[],
  rowsMax: number,
  seen: Stamps,
  best: Size | undefined,
  work: Work,
): Size | undefined {
  let [calls, rows] = [0, 0];
  for (const group of groups) {
    const size = sweep(group, rowsMax, seen, work);
    calls += size.calls;
    rows += size.rows;
    if (best !== undefined && calls > best.calls) {
      return undefined;
    }
  }
  return { calls, rows };
}

/** A set of codes that is emptied at no cost. */
class Stamps {
  readonly #stamps: Int32Array;
  #now = 0;

  constructor(codes: readonly CodeItems[]) {
    this.#stamps = new Int32Array(codes.reduce((most, { code }) => Math.max(most, code), 0) + 1);
  }

  clear(): void {
    this.#now += 1;
  }

  has(code: number): boolean {
    return this.#stamps[code] === this.#now;
  }

  add(code: number): void {
    this.#stamps[code] = this.#now;
  }
}

function isBetter(left: readonly DraftCall[], right: readonly DraftCall[]): boolean {
  return left.length !== right.length ? left.length < right.length : totalRows(left) < totalRows(right);
}

function totalRows(calls: readonly DraftCall[]): number {
  return calls.reduce((sum, call) => sum + rowsOf(call), 0);
}

/** How many codes a strip may hold: powers of two, the full width, and those that just fit the lengths there are. */
function widthsToTry(codes: readonly CodeItems[], { rowsMax, codesMax }: PackLimits): readonly number[] {
  const widest = Math.min(codesMax, rowsMax, codes.length);
  const widths = new Set([widest]);
  for (let width = 1; width < widest; width *= 2) {
    widths.add(width);
  }
  const lengths = codes.map((code) => code.last - code.first + 1).toSorted((left, right) => left - right);
  for (const share of [0, 0.5, 0.9, 1]) {
    const length = lengths[Math.floor(share * (lengths.length - 1))] ?? 1;
    const chunks = Math.ceil(length / rowsMax);
    for (const parts of [chunks, chunks + 1, chunks * 2]) {
      widths.add(Math.min(widest, Math.max(1, Math.floor(rowsMax / Math.ceil(length / parts)))));
    }
  }
  return [...widths];
}

/** Whole codes only, in their order: a call is filled as far as the rectangle around its codes allows. */
function groupWhole(
  codes: readonly CodeItems[],
  { rowsMax, codesMax }: PackLimits,
  work: Work,
): readonly (readonly CodeItems[])[] {
  const groups: CodeItems[][] = [];
  let group: CodeItems[] = [];
  let first = 0;
  let last = 0;
  for (const code of codes) {
    const from = Math.min(first, code.first);
    const to = Math.max(last, code.last);
    if (group.length > 0 && group.length < codesMax && (group.length + 1) * (to - from + 1) <= rowsMax) {
      first = from;
      last = to;
      group.push(code);
    } else {
      first = code.first;
      last = code.last;
      group = [code];
      groups.push(group);
    }
    work.steps += 1;
  }
  return groups;
}

/** Strips of `width` codes in their order. */
function groupStrips(codes: readonly CodeItems[], width: number): readonly (readonly CodeItems[])[] {
  return Array.from({ length: Math.ceil(codes.length / width) }, (_, at) => codes.slice(at * width, (at + 1) * width));
}

/**
 * Cuts one group of codes along the days. Each call begins on the first day that is still wanted and reaches as far as
 * its codes allow; the fewer codes want something there, the further. Codes without a wanted day in a call's range are
 * left out. The calls are made only where `into` is given.
 */
function sweep(group: readonly CodeItems[], rowsMax: number, seen: Stamps, work: Work, into?: DraftCall[]): Size {
  const items = itemsOf(group);
  let [calls, rows] = [0, 0];
  /** What the call before left open, all of it from `start` on. */
  let taken: Item[] = [];
  let start = 0;
  let at = 0;
  while (taken.length > 0 || at < items.length) {
    start = taken.length > 0 ? start : (items[at]?.first ?? 0);
    let codes = 0;
    seen.clear();
    for (const { code } of taken) {
      codes += seen.has(code) ? 0 : 1;
      seen.add(code);
    }
    let end = start + Math.floor(rowsMax / Math.max(1, codes)) - 1;
    for (let next = items[at]; next !== undefined && next.first <= end; next = items[at]) {
      const count = seen.has(next.code) ? codes : codes + 1;
      const narrower = start + Math.floor(rowsMax / count) - 1;
      if (narrower < next.first) {
        end = next.first - 1;
        break;
      }
      end = narrower;
      codes = count;
      seen.add(next.code);
      taken.push(next);
      at += 1;
    }
    work.steps += taken.length + 1;
    const last = lastDayOf(taken, start, end);
    calls += 1;
    rows += codes * (last - start + 1);
    into?.push({
      codes: distinct(taken.map((item) => item.code)),
      first: start,
      last,
      units: distinct(taken.map((item) => item.unit)),
    });
    const until = end;
    taken = taken.filter((item) => item.last > until);
    start = until + 1;
  }
  return { calls, rows };
}

function itemsOf(group: readonly CodeItems[]): readonly Item[] {
  const [only] = group;
  return only !== undefined && group.length === 1
    ? only.items
    : group.flatMap((code) => code.items).toSorted((left, right) => left.first - right.first);
}

function lastDayOf(items: readonly Item[], start: number, end: number): number {
  let last = start;
  for (const item of items) {
    last = Math.max(last, Math.min(item.last, end));
  }
  return last;
}

/** How many later calls each call is compared with when calls are joined. */
const NEIGHBOURS_MAX = 24;

/** Joins calls whose common rectangle still fits; half-empty calls at the ends of strips disappear that way. */
function tighten(calls: readonly DraftCall[], limits: PackLimits, work: Work): readonly DraftCall[] {
  const open: (DraftCall | undefined)[] = calls.toSorted(
    (left, right) => left.first - right.first || left.last - right.last,
  );
  for (let at = 0; at < open.length; at += 1) {
    let call = open[at];
    for (let other = at + 1; call !== undefined && other <= at + NEIGHBOURS_MAX && other < open.length; other += 1) {
      const joined = joinIfFits(call, open[other], limits);
      work.steps += 1;
      if (joined !== undefined) {
        call = joined;
        open[at] = joined;
        open[other] = undefined;
      }
    }
  }
  return open.filter((call) => call !== undefined);
}

function joinIfFits(
  left: DraftCall,
  right: DraftCall | undefined,
  { rowsMax, codesMax }: PackLimits,
): DraftCall | undefined {
  if (right === undefined) {
    return undefined;
  }
  const first = Math.min(left.first, right.first);
  const last = Math.max(left.last, right.last);
  const days = last - first + 1;
  if (Math.max(left.codes.length, right.codes.length) * days > rowsMax) {
    return undefined;
  }
  const codes = distinct([...left.codes, ...right.codes]);
  if (codes.length > codesMax || codes.length * days > rowsMax) {
    return undefined;
  }
  return { codes, first, last, units: distinct([...left.units, ...right.units]) };
}

function distinct(values: readonly number[]): readonly number[] {
  return [...new Set(values)];
}
