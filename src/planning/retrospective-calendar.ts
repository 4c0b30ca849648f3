import { type Day, parseDay } from "../domain/day.ts";
import type { CalendarDay } from "../domain/rows.ts";
import { TradingCalendar } from "./trading-calendar.ts";

const BEGINNING = parseDay("0000-01-01");

/** Before anything was fetched: nothing is known of any day but that there is nothing to ask for. */
const UNKNOWN = TradingCalendar.fromDays([], BEGINNING, BEGINNING, true);

/**
 * A calendar of days that are over: known up to its last row, or to `lookedTo` where that lies behind it, as when a holiday
 * ends it. Of days behind its end nothing is known yet, and nothing is to be asked for. Before its first row it is closed.
 */
export function retrospectiveCalendar(days: readonly CalendarDay[], lookedTo?: Day): TradingCalendar {
  const [first] = days;
  if (first === undefined) {
    return UNKNOWN;
  }
  const last = days.reduce((latest, { day }) => (day > latest ? day : latest), first.day);
  const knownTo = lookedTo !== undefined && lookedTo > last ? lookedTo : last;
  const open = days.flatMap(({ day, isOpen }) => (isOpen ? [day] : []));
  return TradingCalendar.fromDays(open, BEGINNING, knownTo, true);
}
