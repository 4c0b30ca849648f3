import type { Day } from "../../domain/day.ts";
import { adjustedPrice, adjustedVolume, type Adjuster } from "./adjust.ts";
import { nullRow, type ChartRow } from "./chart.ts";
import { closeOf, openOf, stampOf } from "./stamps.ts";
import type { RawBar, RawMinute, YahooListing } from "./yahoo-data.ts";

/** An instant, and what a listing looks like then. */
export interface View {
  readonly listing: YahooListing;
  readonly adjuster: Adjuster;
  readonly nowSeconds: number;
  /** For how many seconds after the close the day's row still stands at the last trade; undefined shows no live row at all. */
  readonly liveSeconds: number | undefined;
}

/** A row of a day and where its session lies. */
export interface DayRow extends ChartRow {
  readonly opensAt: number;
  readonly closesAt: number;
  /** Stamped with the last trade and not with the session's open. */
  readonly isLive: boolean;
}

/** The closing trade of the recorded answers is a few seconds late. */
export const CLOSING_SECONDS = 3;

/** Every day of the listing up to now, sorted; of a session that goes on the part that is over, as a live row. */
export function dayRows(view: View): readonly DayRow[] {
  return sessionsOf(view.listing)
    .filter(({ opensAt }) => opensAt <= view.nowSeconds)
    .flatMap((session) => rowOf(session, view) ?? []);
}

/** A day with a bar, or with nulls in its place. */
interface Session {
  readonly day: Day;
  readonly bar: RawBar | undefined;
  readonly opensAt: number;
  readonly closesAt: number;
}

function sessionsOf(listing: YahooListing): readonly Session[] {
  const known = sessions.get(listing);
  if (known !== undefined) {
    return known;
  }
  const { hours, bars, nullDays } = listing;
  const days = [...bars.map((bar) => ({ day: bar.day, bar })), ...nullDays.map((day) => ({ day, bar: undefined }))];
  const fresh = days
    .toSorted((left, right) => (left.day < right.day ? -1 : 1))
    .map(({ day, bar }) => ({ day, bar, opensAt: openOf(hours, day), closesAt: closeOf(hours, day) }));
  sessions.set(listing, fresh);
  return fresh;
}

/** A listing never changes, and every request for it asks for all of its days. */
const sessions = new WeakMap<YahooListing, readonly Session[]>();

/** The minutes of a day that are over. */
export function minutesUpTo({ listing, nowSeconds }: View, bar: RawBar): readonly RawMinute[] {
  const minutes = listing.minutesOf(bar.day);
  return closeOf(listing.hours, bar.day) <= nowSeconds
    ? minutes
    : minutes.filter(({ startsAt }) => stampOf(listing.hours, bar.day, startsAt + 1) <= nowSeconds);
}

function rowOf({ day, bar, opensAt, closesAt }: Session, view: View): DayRow | undefined {
  const { nowSeconds, liveSeconds } = view;
  const session = { opensAt, closesAt };
  if (bar === undefined) {
    return { ...nullRow(opensAt, day), ...session, isLive: false };
  }
  if (nowSeconds < closesAt) {
    const soFar = liveSeconds === undefined ? undefined : foldRaw(minutesUpTo(view, bar));
    return soFar === undefined
      ? undefined
      : { ...adjust({ ...soFar, day }, view), ...session, stamp: nowSeconds, isLive: true };
  }
  const isLive = liveSeconds !== undefined && nowSeconds < closesAt + liveSeconds;
  return { ...adjust(bar, view), ...session, stamp: isLive ? closesAt + CLOSING_SECONDS : opensAt, isLive };
}

function adjust(bar: RawBar, { listing, adjuster }: View): Omit<ChartRow, "stamp"> {
  const ratio = adjuster.ratioAfter(bar.day);
  const price = (units: number): number => adjustedPrice(units, listing.decimals, ratio);
  const close = price(bar.close);
  return {
    day: bar.day,
    open: price(bar.open),
    high: price(bar.high),
    low: price(bar.low),
    close,
    volume: adjustedVolume(bar.volume, ratio),
    adjclose: Math.fround(close * adjuster.payoutFactorAfter(bar.day)),
  };
}

/** One bar of several minutes; undefined for none. */
export function foldRaw(minutes: readonly RawMinute[]): Omit<RawBar, "day"> | undefined {
  const [first, last] = [minutes[0], minutes.at(-1)];
  if (first === undefined || last === undefined) {
    return undefined;
  }
  return {
    open: first.open,
    high: minutes.reduce((most, { high }) => Math.max(most, high), first.high),
    low: minutes.reduce((least, { low }) => Math.min(least, low), first.low),
    close: last.close,
    volume: minutes.reduce((sum, { volume }) => sum + volume, 0),
  };
}
