import type { Day } from "../../domain/day.ts";
import { MARKETS } from "../../domain/market.ts";
import { BAR_FLAGS, type Bar, type RejectedRow } from "../../domain/rows.ts";
import { RowError } from "../read-cells.ts";
import { YAHOO_MARKETS, type Session, type YahooFrequency } from "./capabilities.ts";
import type { Chart, Period, Slot } from "./chart.ts";
import { clockText, createLocalClock } from "./local-time.ts";
import { missingStamp, ratiosOf, type Mapped, type MapTarget } from "./mapping.ts";
import { isEmpty, joinBars, readBar, rejectBar } from "./read-row.ts";

export interface IntradayTarget extends MapTarget {
  readonly frequency: Exclude<YahooFrequency, "1d">;
  /** Minutes of the bars of the answer, and of those wanted. */
  readonly wireMinutes: number;
  readonly minutes: number;
  /** A bar that ends later is not over. */
  readonly nowSeconds: number;
}

/**
 * Bars within the day, by the grid of the market's own sessions; their time is the interval's end. What lies off the grid
 * (the live row) or outside the answer's own hours of trade is left out. At the end of a morning the provider has a bar
 * for the last print alone: it goes into the bar that ends there. A longer bar is built of those that the answer has,
 * when it has a place for each of them, be it an empty one, and each could be read.
 */
export function mapIntradayBars(chart: Chart, target: IntradayTarget): Mapped {
  const rejected: RejectedRow[] = [];
  const buckets = new Map<string, Bucket>();
  const place = createPlacer(chart, target);
  for (const slot of withoutRepeat(chart.slots)) {
    if (slot.stamp === undefined) {
      rejected.push(...rejectUnplaced(slot, target));
      continue;
    }
    const found = slot.stamp < target.period2 ? place(slot.stamp) : undefined;
    if (found === undefined) {
      continue;
    }
    const { key } = found;
    const bucket = buckets.get(key) ?? { ...found, slots: [] };
    bucket.slots.push({ slot, isPrint: found.isPrint });
    buckets.set(key, bucket);
  }
  const ratioAfter = ratiosOf(target.splits, target.market);
  const rows = [...buckets.values()].flatMap((bucket) => {
    const { bar, faults } = toBar(bucket, target, ratioAfter);
    rejected.push(...faults);
    return bar ?? [];
  });
  return { rows, rejected };
}

/** The live row may have the very stamp of the bar that it belongs to. */
function withoutRepeat(slots: readonly Slot[]): readonly Slot[] {
  const last = slots.at(-1);
  return last?.stamp !== undefined && slots.at(-2)?.stamp === last.stamp ? slots.slice(0, -1) : slots;
}

interface Placed {
  readonly key: string;
  readonly day: Day;
  /** Minute of the day at which the wanted bar ends. */
  readonly end: number;
  /** Places that the answer has for it. */
  readonly wanted: number;
  /** The last print of a morning, which has a place beyond those. */
  readonly isPrint: boolean;
}

interface Bucket extends Omit<Placed, "isPrint"> {
  readonly slots: { readonly slot: Slot; readonly isPrint: boolean }[];
}

function createPlacer(chart: Chart, target: IntradayTarget): (stamp: number) => Placed | undefined {
  const { market, from, to, wireMinutes, minutes, nowSeconds } = target;
  const { sessions } = YAHOO_MARKETS[market];
  const clock = createLocalClock(MARKETS[market].zone);
  const periodOf = createPeriodFinder(chart.tradingPeriods);
  return (stamp) => {
    const { day, secondOfDay } = clock(stamp);
    const at = secondOfDay / 60;
    const found = findSession(sessions, at, wireMinutes);
    if (found === undefined || day < from || day > to) {
      return undefined;
    }
    const { session, start, isPrint } = found;
    const period = periodOf(stamp);
    if (!isPrint && period === undefined) {
      return undefined;
    }
    const first = session.start + Math.floor((start - session.start) / minutes) * minutes;
    const end = Math.min(first + minutes, session.end, closeOf(session, period, at, stamp));
    const isOver = stamp + (end - at) * 60 <= nowSeconds;
    const wanted = Math.ceil((end - first) / wireMinutes);
    return isOver ? { key: `${day} ${end}`, day, end, wanted, isPrint } : undefined;
  };
}

/** A half day closes after whole half hours, so that only its last hour is cut short. */
function closeOf({ start, end }: Session, period: Period | undefined, at: number, stamp: number): number {
  if (period === undefined) {
    return end;
  }
  const minutesOpen = at - start + (period.end - stamp) / 60;
  return start + Math.ceil(minutesOpen / 30) * 30;
}

/** The session and the interval that a minute begins; the end of a morning belongs to the interval before it. */
function findSession(
  sessions: readonly Session[],
  at: number,
  wireMinutes: number,
): { readonly session: Session; readonly start: number; readonly isPrint: boolean } | undefined {
  const session = sessions.find(({ start, end }) => at >= start && at < end);
  if (session !== undefined) {
    return (at - session.start) % wireMinutes === 0 ? { session, start: at, isPrint: false } : undefined;
  }
  const morning = sessions.slice(0, -1).find(({ end }) => at === end);
  return morning === undefined ? undefined : { session: morning, start: at - wireMinutes, isPrint: true };
}

const ALWAYS: Period = { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY };

/** The hours of trade that a stamp lies in, of as many as there are days; where the answer has none every stamp counts. */
function createPeriodFinder(periods: readonly Period[] | undefined): (stamp: number) => Period | undefined {
  if (periods === undefined) {
    return () => ALWAYS;
  }
  const sorted = periods.toSorted((left, right) => left.start - right.start);
  let at = 0;
  return (stamp) => {
    if ((sorted[at]?.start ?? 0) > stamp) {
      at = 0;
    }
    while ((sorted[at]?.end ?? Number.POSITIVE_INFINITY) <= stamp) {
      at += 1;
    }
    const period = sorted[at];
    return period !== undefined && period.start <= stamp ? period : undefined;
  };
}

function toBar(
  { day, end, wanted, slots }: Bucket,
  { code, market, frequency, wireMinutes, minutes }: IntradayTarget,
  ratioAfter: ReturnType<typeof ratiosOf>,
): { readonly bar: Bar | undefined; readonly faults: readonly RejectedRow[] } {
  const faults: RejectedRow[] = [];
  const time = `${day} ${clockText(end)}`;
  const place = { code, frequency, tradingDay: day, time, zone: MARKETS[market].zone };
  const stamps = new Set<number | undefined>();
  const bars = slots
    .toSorted((left, right) => (left.slot.stamp ?? 0) - (right.slot.stamp ?? 0))
    .filter(({ slot }) => !isEmpty(slot))
    .flatMap(({ slot }) => {
      try {
        if (stamps.has(slot.stamp)) {
          throw new RowError("conflicting-rows", `two bars begin at ${slot.stamp}`);
        }
        stamps.add(slot.stamp);
        return [readBar(slot, place, ratioAfter(day))];
      } catch (error) {
        faults.push(rejectBar(error, slot, code, day));
        return [];
      }
    });
  const isWhole = new Set(slots.flatMap(({ slot, isPrint }) => (isPrint ? [] : [slot.stamp]))).size >= wanted;
  const [first, ...others] = bars;
  if (faults.length > 0 || first === undefined || (!isWhole && minutes !== wireMinutes)) {
    return { bar: undefined, faults };
  }
  const joined = others.reduce(joinBars, first);
  return {
    bar: minutes === wireMinutes ? joined : { ...joined, flags: joined.flags | BAR_FLAGS.built },
    faults,
  };
}

function rejectUnplaced(slot: Slot, { code }: IntradayTarget): readonly RejectedRow[] {
  if (isEmpty(slot)) {
    return [];
  }
  try {
    return missingStamp(slot);
  } catch (error) {
    return [rejectBar(error, slot, code, undefined)];
  }
}
