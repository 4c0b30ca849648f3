import { daysBetween, type Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Selection } from "../domain/unit.ts";

/** Days of one code, at least one, sorted. */
export interface CodeDays {
  readonly code: SecurityCode;
  readonly days: readonly Day[];
}

/** Suspensions of the whole market on a day, in an ordinary year; it was five times as many in the summer of 2015. */
const ROWS_BY_DAY = 300;

/** Calendar days between two days asked for, above which a range is cut: about what one more call would bring. */
const GAP_DAYS_MAX = 14;

/**
 * The fewest calls to the suspension list that say of every day of every code whether the list names it: the market on
 * the days that most codes ask about and each remaining code over its own days, or the market over runs of days. With as
 * many calls either way what tells most is taken, the market on a day.
 */
export function chooseSuspensionCalls(asked: readonly CodeDays[], rowsMax: number): readonly Selection[] {
  const byDayAndCode = chooseDaysAndCodes(asked);
  const runs = toRuns([...new Set(asked.flatMap(({ days }) => days))].toSorted());
  const pages = runs.reduce((sum, { from, to }) => sum + pagesOf(from, to, rowsMax), 0);
  return pages < byDayAndCode.length ? runs : byDayAndCode;
}

/** The k most asked days by day, each code that has another one by itself; k as it takes the fewest calls. */
function chooseDaysAndCodes(asked: readonly CodeDays[]): readonly Selection[] {
  const counts = new Map<Day, number>();
  for (const day of asked.flatMap(({ days }) => days)) {
    counts.set(day, (counts.get(day) ?? 0) + 1);
  }
  const days = [...counts]
    .toSorted(([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? 1 : -1))
    .map(([day]) => day);
  const ranks = new Map(days.map((day, rank) => [day, rank]));
  /** How many codes are done with once so many days are asked for. */
  const doneWith = new Map<number, number>();
  for (const { days: wanted } of asked) {
    const needed = 1 + wanted.reduce((most, day) => Math.max(most, ranks.get(day) ?? 0), 0);
    doneWith.set(needed, (doneWith.get(needed) ?? 0) + 1);
  }
  let [bestSize, bestCalls, codesLeft] = [0, asked.length, asked.length];
  for (let size = 1; size <= days.length; size += 1) {
    codesLeft -= doneWith.get(size) ?? 0;
    if (size + codesLeft <= bestCalls) {
      [bestSize, bestCalls] = [size, size + codesLeft];
    }
  }
  const byDay = new Set(days.slice(0, bestSize));
  const ofCodes = asked.flatMap(({ code, days: wanted }): readonly Selection[] => {
    const left = wanted.filter((day) => !byDay.has(day));
    const [from, to] = [left[0], left.at(-1)];
    return from === undefined || to === undefined ? [] : [{ by: "codes", codes: [code], from, to }];
  });
  return [...[...byDay].toSorted().map((day): Selection => ({ by: "day", day })), ...ofCodes];
}

function toRuns(days: readonly Day[]): readonly Extract<Selection, { readonly by: "range" }>[] {
  const runs: Extract<Selection, { readonly by: "range" }>[] = [];
  for (const day of days) {
    const last = runs.at(-1);
    if (last !== undefined && daysBetween(last.to, day) <= GAP_DAYS_MAX) {
      runs[runs.length - 1] = { ...last, to: day };
    } else {
      runs.push({ by: "range", from: day, to: day });
    }
  }
  return runs;
}

function pagesOf(from: Day, to: Day, rowsMax: number): number {
  const tradingDays = Math.ceil((daysBetween(from, to) * 5) / 7) + 1;
  return Math.ceil((tradingDays * ROWS_BY_DAY + 1) / rowsMax);
}
