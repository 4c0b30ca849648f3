import { ZERO } from "../../base/decimal.ts";
import { addDays, type Day } from "../../domain/day.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import { MARKETS, type MarketName } from "../../domain/market.ts";
import type { Bar, RejectedRow } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { RowError, show } from "../read-cells.ts";
import { YAHOO_MARKETS } from "./capabilities.ts";
import type { Chart, Slot, Split } from "./chart.ts";
import { createLocalClock } from "./local-time.ts";
import type { Ratio } from "./ratio.ts";
import { createRatioAfter, isEmpty, readBar, rejectBar } from "./read-row.ts";

export interface Mapped {
  readonly rows: readonly Bar[];
  readonly rejected: readonly RejectedRow[];
}

export interface MapTarget {
  readonly code: SecurityCode;
  readonly market: MarketName;
  /** Rows of other days are left out, since answers go up to now. */
  readonly from: Day;
  readonly to: Day;
  /** The end that was asked for; a row after it is the live one. */
  readonly period2: number;
  /** The day it is at the exchange: a live row of an earlier one is none of its rows. Undefined lets every live row count. */
  readonly today?: Day;
  /** All splits after the first day. */
  readonly splits: readonly Split[];
}

/**
 * Daily bars of an answer; a place of nulls is no bar, nor is a row that repeats one price without any volume, as days of a
 * suspension may have it. A row that cannot be read becomes a RejectedRow.
 */
export function mapDailyBars(chart: Chart, target: MapTarget): Mapped {
  const { code, market, from, to, splits } = target;
  const { zone } = MARKETS[market];
  const dayOf = createDayClock(market);
  const ratioAfter = ratiosOf(splits, market);
  const rows: Bar[] = [];
  const rejected: RejectedRow[] = [];
  const secondOf = createLocalClock(zone);
  for (const slot of withoutLiveRow(chart.slots, target.period2, dayOf)) {
    const day = slot.stamp === undefined ? undefined : dayOf(slot.stamp);
    const isLast = slot === chart.slots.at(-1);
    if (isLast && isStaleLiveRow(slot, secondOf, target)) {
      continue;
    }
    if (isEmpty(slot) || (day !== undefined && (day < from || day > to))) {
      continue;
    }
    try {
      const tradingDay = day ?? missingStamp(slot);
      const place = { code, frequency: "1d", tradingDay, time: `${tradingDay} 00:00:00`, zone } as const;
      const bar = readBar(slot, place, ratioAfter(tradingDay));
      if (!isIdle(bar)) {
        rows.push(bar);
      }
    } catch (error) {
      rejected.push(rejectBar(error, slot, code, day));
    }
  }
  return { rows, rejected };
}

/** Behind the session's beginning a stamp is that of a trade, and of a slip of some zones on the evening before. */
const LIVE_AFTER_SECONDS = 60;

/**
 * A day that is over has the stamp of its session's beginning. A last row with the stamp of a trade on an earlier day than
 * today is what was left of a running day, which may not even be the code's own.
 */
function isStaleLiveRow(
  { stamp }: Slot,
  localOf: ReturnType<typeof createLocalClock>,
  { market, today }: MapTarget,
): boolean {
  if (stamp === undefined || today === undefined) {
    return false;
  }
  const { day, secondOfDay } = localOf(stamp);
  const start = (YAHOO_MARKETS[market].sessions[0]?.start ?? 0) * 60;
  return day < today && secondOfDay > start + LIVE_AFTER_SECONDS && secondOfDay < SLIP_SECONDS;
}

/** Of an index volume says nothing. */
function isIdle({ code, open, high, low, close, volume }: Bar): boolean {
  return volume === ZERO && [high, low, close].every((price) => price === open) && kindOf(code) !== "index";
}

/** From here on a stamp of the evening is the midnight after it: some zones' changes of the clocks are applied wrongly. */
const SLIP_SECONDS = 22 * 3_600;

/** The trading day of a stamp of a day, which is the session's beginning. */
export function createDayClock(market: MarketName): (stamp: number) => Day {
  const clock = createLocalClock(MARKETS[market].zone);
  return (stamp) => {
    const { day, secondOfDay } = clock(stamp);
    return secondOfDay >= SLIP_SECONDS ? addDays(day, 1) : day;
  };
}

/** Splits after a day, multiplied: what prices of that day are to be multiplied with. */
export function ratiosOf(splits: readonly Split[], market: MarketName): (day: Day) => Ratio {
  const dayOf = createDayClock(market);
  return createRatioAfter(splits.map(({ stamp, ratio }) => ({ day: dayOf(stamp), ratio })));
}

export function missingStamp({ stamp }: Slot): never {
  throw new RowError("not-parseable", `timestamp: expected seconds since 1970, got ${show(stamp)}`);
}

/**
 * While the market is open, and for a while after, a last row has the stamp of the last trade. One beyond the end that was
 * asked for is left out; of two rows of one day the last one has all of the day.
 */
export function withoutLiveRow(
  slots: readonly Slot[],
  period2: number,
  dayOf: (stamp: number) => Day,
): readonly Slot[] {
  const last = slots.at(-1);
  const before = slots.at(-2);
  if (last?.stamp === undefined) {
    return slots;
  }
  if (last.stamp >= period2) {
    return slots.slice(0, -1);
  }
  const isSameDay = before?.stamp !== undefined && dayOf(before.stamp) === dayOf(last.stamp);
  return isSameDay ? [...slots.slice(0, -2), last] : slots;
}
