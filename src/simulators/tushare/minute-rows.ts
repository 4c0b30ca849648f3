import type { Day } from "../../domain/day.ts";
import type { Market } from "../../market/generate-market.ts";
import { foldMinutes, minuteBarsOf, ticksOf, type MarketTick, type MinuteBar } from "../../market/intraday.ts";
import { decimalOf } from "../../market/truth-rows.ts";
import type { BarMinutes, SimulatedRow } from "./simulated-data.ts";

/**
 * Where the trade of the opening auction stands: `apart`, in the row of 09:30 that minutes begin with, so that the one of
 * 09:31 has what came after it; or `within` the row of 09:31, and there is none of 09:30. The page shows the first for
 * bars of one minute and nothing of longer ones, which have it within their first bar in any case.
 */
export type AuctionRow = "apart" | "within";

/** A day's rows of `stk_mins`, newest first, in shares and yuan. */
export function minuteRows(
  market: Market,
  code: string,
  minutes: BarMinutes,
  day: Day,
  auctionRow: AuctionRow,
): readonly SimulatedRow[] {
  const bars = minuteBarsOf(market, code, day);
  const [first, ...others] = bars;
  if (first === undefined) {
    return [];
  }
  if (minutes !== 1) {
    return toRows(foldMinutes(bars, minutes));
  }
  return toRows(auctionRow === "within" ? bars : [...splitOff(first, ticksOf(market, code, day)), ...others]);
}

/** The auction's row and what is left of the first minute; together they have its volume and its turnover. */
function splitOff(first: MinuteBar, ticks: readonly MarketTick[]): readonly [MinuteBar, MinuteBar] {
  const [auction] = ticks;
  const price = auction?.minute === "09:25" ? auction.priceCents : first.openCents;
  const volume = auction?.minute === "09:25" ? auction.volume : 0;
  const after = ticks.filter(({ minute }) => minute === "09:30").map(({ priceCents }) => priceCents);
  const prices = after.length === 0 ? [price] : after;
  const [open, close] = [prices[0] ?? price, prices.at(-1) ?? price];
  const [high, low] = [Math.max(...prices), Math.min(...prices)];
  const volumeLeft = first.volume - volume;
  const turnoverLeft = Math.min(
    Math.max(first.turnoverCents - price * volume, low * volumeLeft),
    Math.min(high * volumeLeft, first.turnoverCents),
  );
  return [
    {
      ...first,
      endsAt: "09:30",
      openCents: price,
      highCents: price,
      lowCents: price,
      closeCents: price,
      volume,
      turnoverCents: first.turnoverCents - turnoverLeft,
    },
    {
      ...first,
      openCents: open,
      highCents: high,
      lowCents: low,
      closeCents: close,
      volume: volumeLeft,
      turnoverCents: turnoverLeft,
    },
  ];
}

function toRows(bars: readonly MinuteBar[]): readonly SimulatedRow[] {
  return bars
    .toReversed()
    .map((bar): SimulatedRow => [
      bar.code,
      `${bar.day} ${bar.endsAt}:00`,
      decimalOf(bar.openCents, 2),
      decimalOf(bar.closeCents, 2),
      decimalOf(bar.highCents, 2),
      decimalOf(bar.lowCents, 2),
      decimalOf(bar.volume, 0),
      decimalOf(bar.turnoverCents, 2),
    ]);
}
