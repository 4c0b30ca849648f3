import { Temporal } from "temporal-polyfill";

import { TransientError } from "../../base/errors.ts";
import { addDays, type Day } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import { MARKETS, type MarketName } from "../../domain/market.ts";
import type { CalendarDay } from "../../domain/rows.ts";
import type { Chart } from "./chart.ts";
import { createDayClock } from "./mapping.ts";
import { isEmpty } from "./read-row.ts";

/** Longer than any closure since the index began: so many weekdays without a bar are a hole in the answer. */
const CLOSED_WEEKDAYS_MAX = 8;

/**
 * The days of a market by the bars of its index: open where there is one, closed where there is none before a later one.
 * Behind the last bar nothing is said, since it may be late; nor of a day whose place in the answer is empty, nor of one
 * after `lastFinal`. Before the first bar there was no index: nobody knows those days, and they count as closed.
 * TransientError on a hole behind it that no closure explains.
 */
export function mapCalendar(
  chart: Chart,
  { market, from, lastFinal }: { readonly market: MarketName; readonly from: Day; readonly lastFinal: Day },
  doing: string,
): readonly CalendarDay[] {
  const dayOf = createDayClock(market);
  const open = new Set<Day>();
  const unknown = new Set<Day>();
  for (const slot of chart.slots) {
    if (slot.stamp !== undefined) {
      (isEmpty(slot) ? unknown : open).add(dayOf(slot.stamp));
    }
  }
  const known = [...open].filter((day) => day <= lastFinal).toSorted();
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) {
    return [];
  }
  const rows: CalendarDay[] = [];
  let closedWeekdays = 0;
  for (let day = from; day <= last; day = addDays(day, 1)) {
    const isOpen = open.has(day);
    closedWeekdays = isOpen || day < first ? 0 : closedWeekdays + (isWeekend(day) ? 0 : 1);
    if (closedWeekdays > CLOSED_WEEKDAYS_MAX) {
      throw new TransientError(`${doing}: no bar on ${CLOSED_WEEKDAYS_MAX} weekdays and more up to ${day}`);
    }
    if (isOpen || !unknown.has(day)) {
      rows.push({ market: MARKETS[market].number, day, isOpen, source: SOURCE.YAHOO });
    }
  }
  return rows;
}

function isWeekend(day: Day): boolean {
  return Temporal.PlainDate.from(day).dayOfWeek > 5;
}
