import { maxDay, type Day } from "../domain/day.ts";
import type { RangeRequest } from "../domain/command.ts";
import { MessageError } from "../domain/message-error.ts";
import { lastFinalDay, todayAt, type Publication } from "./final-day.ts";
import type { TradingCalendar } from "./trading-calendar.ts";

/** JSON paths of the two days, for the dead letter; the short form has them elsewhere than the long one. */
export interface RangePaths {
  readonly start: string;
  readonly end: string;
}

export interface RangeInput {
  readonly range: RangeRequest;
  readonly listedOn: Day;
  /** The setting `history.start`; undefined starts at the listing day. */
  readonly historyStart: Day | undefined;
  readonly publication: Publication;
  readonly calendar: TradingCalendar;
  readonly nowMs: number;
  /** When it was asked, which for a message that waited or was redriven is long before now; undefined is now. */
  readonly askedAtMs: number | undefined;
  readonly paths: RangePaths;
}

/** The days a request is about, before they are clipped to the listing. Nothing is asked for when `from` lies after `to`. */
export interface RequestedRange {
  readonly from: Day;
  readonly to: Day;
  /** The request itself says which days; it did not only ask to be brought up to date. */
  readonly namesDays: boolean;
  /** It names its first day or how many there are, so that each of them is owed. */
  readonly isExact: boolean;
}

/** A message that the parser let pass because of a producer's fast clock is not refused here a moment later. */
export const CLOCK_SKEW_MS_MAX = 5 * 60_000;

/**
 * Contract section 1, "What a request asks for".
 *  - The end: the explicit one, which may be a day that is not final yet; else the last final day (or today, where the
 *    explicit start is today already).
 *  - The start: the explicit one; else, with `full`, the listing day; else the first of the last `days` trading days up
 *    to the explicit end, or up to the last day that was final when it was asked; else `history.start` or the listing
 *    day, whichever is later.
 * So of a message that comes late, `days` are those meant by whoever asked and all that came since: neither is a hole. A
 * time of asking that lies in the future, as of a fast clock, counts as now; days are those of the exchange's zone.
 * MessageError `start-after-end` or `future-day` when explicit days make no sense.
 */
export function toRequestedRange(input: RangeInput): RequestedRange {
  const { range, calendar, publication, nowMs } = input;
  refuseBadDays(input);
  const lastFinal = lastFinalDay(publication, nowMs);
  const to = range.end ?? maxDay(lastFinal, range.start ?? lastFinal);
  const namesDays = range.full || range.start !== undefined || range.end !== undefined || range.days !== undefined;
  const isExact = range.start !== undefined || (range.days !== undefined && !range.full);
  if (range.start !== undefined) {
    return { from: range.start, to, namesDays, isExact };
  }
  if (range.full) {
    return { from: input.listedOn, to, namesDays, isExact };
  }
  if (range.days !== undefined) {
    const last = calendar.clip(range.end ?? lastFinalWhenAsked(input));
    return { from: calendar.firstOfLast(range.days, last), to, namesDays, isExact };
  }
  return { from: maxDay(input.listedOn, input.historyStart ?? input.listedOn), to, namesDays, isExact };
}

/** Before 1970 there was no exchange, and a day that the calendar does not reach cannot be counted from. */
function lastFinalWhenAsked({ askedAtMs, nowMs, publication, calendar }: RangeInput): Day {
  const atMs = Math.max(0, Math.min(askedAtMs ?? nowMs, nowMs));
  return maxDay(lastFinalDay(publication, atMs), calendar.knownFrom);
}

function refuseBadDays({ range, publication, nowMs, paths }: RangeInput): void {
  const { start, end } = range;
  if (start !== undefined && end !== undefined && start > end) {
    throw new MessageError(
      "start-after-end",
      paths.start,
      `the first day asked for, ${start}, lies after the last, ${end}`,
    );
  }
  const today = todayAt(publication, nowMs + CLOCK_SKEW_MS_MAX);
  for (const [day, path] of [
    [start, paths.start],
    [end, paths.end],
  ] as const) {
    if (day !== undefined && day > today) {
      throw new MessageError("future-day", path, `the day asked for, ${day}, lies in the future: today is ${today}`);
    }
  }
}
