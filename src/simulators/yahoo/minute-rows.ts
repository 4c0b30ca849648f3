import { adjustedPrice, adjustedVolume } from "./adjust.ts";
import type { ChartRow } from "./chart.ts";
import { foldRaw, minutesUpTo, type View } from "./daily-rows.ts";
import type { Span } from "./period-rows.ts";
import { closeOf, openOf, stampOf } from "./stamps.ts";
import type { RawBar, RawMinute, TradingHours } from "./yahoo-data.ts";

/**
 * Bars of so many minutes on the grid that begins at the session's open and knows no lunch break; a slot in which nothing
 * is open has no row. While a session goes on its last bar is a part of one, and behind it stands a live row off the grid.
 */
export function minuteRows(view: View, minutes: number, span: Span, includesExtended: boolean): readonly ChartRow[] {
  const { hours } = view.listing;
  return view.listing.bars
    .filter(({ day }) => isWithin(hours, day, span, view.nowSeconds, includesExtended))
    .flatMap((bar) => {
      const own = rowsOfDay(view, bar, minutes);
      const rows = includesExtended ? withExtended(own, hours, bar, minutes) : own;
      const wanted = rows.filter(({ stamp }) => stamp + minutes * 60 > span.from && stamp < span.to);
      return [...wanted, ...liveRow(view, bar, wanted.at(-1))];
    });
}

function isWithin(
  hours: TradingHours,
  day: RawBar["day"],
  { from, to }: Span,
  nowSeconds: number,
  includesExtended: boolean,
): boolean {
  const { extended } = hours;
  const [begin, end] =
    includesExtended && extended !== undefined
      ? [stampOf(hours, day, extended.from), stampOf(hours, day, extended.to)]
      : [openOf(hours, day), closeOf(hours, day)];
  return end > from && begin < to && openOf(hours, day) <= nowSeconds;
}

function rowsOfDay(view: View, bar: RawBar, minutes: number): readonly ChartRow[] {
  const { listing, adjuster } = view;
  const { hours } = listing;
  const ratio = adjuster.ratioAfter(bar.day);
  const price = (units: number): number => adjustedPrice(units, listing.decimals, ratio);
  const over = withNoonPrint(minutesUpTo(view, bar), hours.noonPrintAt, minutes);
  const slots = Map.groupBy(over, ({ startsAt }) => Math.floor((startsAt - hours.opensAt) / minutes));
  return [...slots].flatMap(([slot, group]) => {
    const folded = foldRaw(group);
    return folded === undefined
      ? []
      : {
          stamp: stampOf(hours, bar.day, hours.opensAt + slot * minutes),
          day: bar.day,
          open: price(folded.open),
          high: price(folded.high),
          low: price(folded.low),
          close: price(folded.close),
          volume: adjustedVolume(folded.volume, ratio),
          adjclose: null,
        };
  });
}

const HOUR = 60;
const LOT = 100;
/** A minute with so many shares has four trades, of which the last may stand in a slot of its own. */
const PRINT_FROM = 4 * LOT;

/**
 * In hours the last trade before the lunch break is counted at its very end, so that a slot in which nothing is open has a
 * row of it alone. Of finer bars no such row is known.
 */
function withNoonPrint(
  minutes: readonly RawMinute[],
  noonPrintAt: number | undefined,
  length: number,
): readonly RawMinute[] {
  if (noonPrintAt === undefined || length !== HOUR) {
    return minutes;
  }
  return minutes.flatMap((minute) => {
    if (minute.startsAt !== noonPrintAt - 1) {
      return [minute];
    }
    const { close } = minute;
    const volume = minute.volume >= PRINT_FROM ? LOT : 0;
    return [
      { ...minute, volume: minute.volume - volume },
      { startsAt: noonPrintAt, open: close, high: close, low: close, close, volume },
    ];
  });
}

/** Quotes without a trade before and after the session. */
function withExtended(
  rows: readonly ChartRow[],
  hours: TradingHours,
  { day }: RawBar,
  minutes: number,
): readonly ChartRow[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (hours.extended === undefined || first === undefined || last === undefined) {
    return rows;
  }
  const quote = (at: number, price: ChartRow["open"]): ChartRow => ({
    stamp: stampOf(hours, day, at),
    day,
    open: price,
    high: price,
    low: price,
    close: price,
    volume: 0,
    adjclose: null,
  });
  const before = quote(hours.opensAt - minutes, first.open);
  const after = quote(hours.opensAt + Math.ceil((hours.closesAt(day) - hours.opensAt) / minutes) * minutes, last.close);
  return [before, ...rows, after];
}

function liveRow(
  { listing, nowSeconds, liveSeconds }: View,
  { day }: RawBar,
  last: ChartRow | undefined,
): readonly ChartRow[] {
  const isOpen = nowSeconds >= openOf(listing.hours, day) && nowSeconds < closeOf(listing.hours, day);
  if (liveSeconds === undefined || !isOpen || last === undefined || last.stamp >= nowSeconds) {
    return [];
  }
  const price = last.close;
  return [{ ...last, stamp: nowSeconds, open: price, high: price, low: price, close: price, volume: 0 }];
}
