import { shareOut } from "./draw-minutes.ts";
import { divideHalfUp } from "./price-rules.ts";
import type { Random } from "./random.ts";

/** Prices in any whole unit, volume in whole shares. */
export interface SessionBar {
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/**
 * A day spread over so many minutes, which together have exactly its open, high, low, close and volume. A minute without
 * trade has the volume 0 and repeats the close before it; the first and the last minute always trade.
 */
export function drawSession(day: SessionBar, minutes: number, random: Random): readonly SessionBar[] {
  const traded = Array.from({ length: minutes }, (_, minute) => minute).filter(
    (minute) => minute === 0 || minute === minutes - 1 || random.chance(TRADED_IN_TEN, 10),
  );
  const weights = traded.map(() => random.between(20, 200));
  const volumes = shareOut(day.volume - traded.length, weights).map((volume) => volume + 1);
  const bars = new Map(
    drawPath(day, traded.length, random).map((prices, index) => [
      traded[index] ?? 0,
      { ...prices, volume: volumes[index] ?? 0 },
    ]),
  );
  let last = day.open;
  return Array.from({ length: minutes }, (_, minute) => {
    const bar = bars.get(minute) ?? { open: last, high: last, low: last, close: last, volume: 0 };
    last = bar.close;
    return bar;
  });
}

/** The least volume of a day: every minute that trades has at least one share. */
export const SESSION_VOLUME_MIN = 1_000;
const TRADED_IN_TEN = 8;

type Prices = Omit<SessionBar, "volume">;

/** From the open by way of the high and the low, in either order, to the close. */
function drawPath({ open, high, low, close }: SessionBar, count: number, random: Random): readonly Prices[] {
  const highAt = random.below(count);
  const lowAt = random.below(count);
  const step = Math.max(1, Math.floor((high - low) / 30));
  const clamp = (price: number): number => Math.min(Math.max(price, low), high);
  const anchors = [
    { at: highAt, price: high },
    { at: lowAt, price: low },
    { at: count - 1, price: close },
  ].toSorted((left, right) => left.at - right.at);

  const path: Prices[] = [];
  let last = open;
  for (let index = 0; index < count; index += 1) {
    const next = anchors.find(({ at }) => at >= index) ?? { at: index, price: close };
    const towards = divideHalfUp(next.price - last, next.at - index + 1);
    const to = index === count - 1 ? close : clamp(last + towards + random.between(-step, step));
    path.push({
      open: last,
      high: index === highAt ? high : clamp(Math.max(last, to) + random.below(step + 1)),
      low: index === lowAt ? low : clamp(Math.min(last, to) - random.below(step + 1)),
      close: to,
    });
    last = to;
  }
  return path;
}
