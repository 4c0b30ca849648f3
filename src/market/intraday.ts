import type { Day } from "../domain/day.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import { drawMinutes, endMinuteOf, spreadTurnover, type DrawnMinute } from "./draw-minutes.ts";
import { drawTicks, type DrawnTick } from "./draw-ticks.ts";
import type { Market } from "./generate-market.ts";
import { createRandom } from "./random.ts";
import type { MarketBar } from "./security.ts";

/** A minute's bar, or one of several minutes, in whole cents and whole shares. */
export interface MinuteBar {
  readonly code: SecurityCode;
  readonly day: Day;
  /** Beijing time at which it ends, `HH:MM`: 09:31 … 11:30, 13:01 … 15:00. */
  readonly endsAt: string;
  readonly openCents: number;
  readonly highCents: number;
  readonly lowCents: number;
  readonly closeCents: number;
  /** 0 where nothing was traded; the prices are then the close before. */
  readonly volume: number;
  readonly turnoverCents: number;
}

/** One print of a trade. Equal ones are several prints, not one. */
export interface MarketTick {
  readonly code: SecurityCode;
  readonly day: Day;
  /** Beijing time, `HH:MM`, of the minute that had begun: 09:25 (auction), 09:30 … 11:29, 13:00 … 14:59, 15:00 (auction). */
  readonly minute: string;
  readonly priceCents: number;
  /** Shares: whole lots, save that the day's last print also has what is no lot. */
  readonly volume: number;
  readonly trades: number;
  readonly side: "buy" | "sell" | "neutral";
}

export type MinutesFolded = 5 | 15 | 30 | 60;

/**
 * The 240 minutes of a day with a bar, none for another day. First open, highest high, lowest low, last close and the
 * sums of volume and turnover are the day's. Drawn from the market's seed when asked for, and the same each time.
 */
export function minuteBarsOf(market: Market, code: string, day: Day): readonly MinuteBar[] {
  const bar = barOf(market, code, day);
  if (bar === undefined) {
    return [];
  }
  const minutes = minutesOf(market, bar);
  const turnovers = spreadTurnover(minutes, bar.turnoverCents, 1);
  return minutes.map(({ open, high, low, close, volume }, position) => ({
    code: bar.code,
    day,
    endsAt: clockText(endMinuteOf(position)),
    openCents: open,
    highCents: high,
    lowCents: low,
    closeCents: close,
    volume,
    turnoverCents: turnovers[position] ?? 0,
  }));
}

/** Bars of so many minutes from those of one minute of one day; each ends where its last minute does. */
export function foldMinutes(bars: readonly MinuteBar[], minutes: MinutesFolded): readonly MinuteBar[] {
  const folded: MinuteBar[] = [];
  for (let from = 0; from < bars.length; from += minutes) {
    const group = bars.slice(from, from + minutes);
    const [first, last] = [group[0], group.at(-1)];
    if (first !== undefined && last !== undefined) {
      folded.push({
        ...last,
        openCents: first.openCents,
        highCents: Math.max(...group.map(({ highCents }) => highCents)),
        lowCents: Math.min(...group.map(({ lowCents }) => lowCents)),
        volume: group.reduce((sum, { volume }) => sum + volume, 0),
        turnoverCents: group.reduce((sum, { turnoverCents }) => sum + turnoverCents, 0),
      });
    }
  }
  return folded;
}

/**
 * The trades behind the minutes, in their order. The prints of a minute have its open first, its close last, its high, its
 * low and its volume; 09:25 belongs to the minute that ends at 09:31, 15:00 to the one that ends then.
 */
export function ticksOf(market: Market, code: string, day: Day): readonly MarketTick[] {
  const bar = barOf(market, code, day);
  if (bar === undefined) {
    return [];
  }
  const drawn = drawTicks(minutesOf(market, bar), bar.preCloseCents, streamOf(market, "ticks", bar));
  return drawn.map((tick) => toMarketTick(bar, tick));
}

/** The `HH:MM` of so many minutes since midnight. */
export function clockText(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;
}

function toMarketTick({ code, day }: MarketBar, { minute, price, volume, trades, side }: DrawnTick): MarketTick {
  return { code, day, minute: clockText(minute), priceCents: price, volume, trades, side };
}

function minutesOf(market: Market, bar: MarketBar): readonly DrawnMinute[] {
  const stopped = market
    .history(bar.code)
    ?.suspensions.find(({ day, timing }) => day === bar.day && timing !== undefined)?.timing;
  return drawMinutes(
    {
      open: bar.openCents,
      high: bar.highCents,
      low: bar.lowCents,
      close: bar.closeCents,
      volume: bar.volume,
      turnover: bar.turnoverCents,
      stopped,
    },
    streamOf(market, "minutes", bar),
  );
}

/** A stream of its own for every code and day, so that no bar that is drawn elsewhere changes. */
function streamOf(market: Market, purpose: string, bar: MarketBar): ReturnType<typeof createRandom> {
  return createRandom(market.seed, `${purpose} ${bar.code} ${bar.day}`);
}

function barOf(market: Market, code: string, day: Day): MarketBar | undefined {
  const bars = market.history(code)?.bars ?? [];
  let [from, to] = [0, bars.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((bars[middle]?.day ?? day) < day) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  const found = bars[from];
  return found?.day === day ? found : undefined;
}
