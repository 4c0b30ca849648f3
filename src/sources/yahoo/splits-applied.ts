import { DataError } from "../../base/errors.ts";
import type { Day } from "../../domain/day.ts";
import type { MarketName } from "../../domain/market.ts";
import type { Chart, Slot } from "./chart.ts";
import { createDayClock } from "./mapping.ts";
import { divide, multiply, ONE, toPositive, type Ratio } from "./ratio.ts";

/** Below it a split cannot be told from what a price does in a day. */
const TOLD_FROM: Ratio = { numerator: 2n, denominator: 1n };

/**
 * Throws DataError where the prices before a split are not known to have been divided by it: they would be multiplied all
 * the same, and every price before the split be wrong by its ratio. A split of the next session may be in an answer
 * already, without a bar of its day: whether the prices are divided then shows only when there is one. Of one with bars on
 * both sides the price tells: it goes on where it was divided, and falls by about the ratio where it was not, as happens
 * for days after a split; where it was divided twice it rises so.
 */
export function requireSplitsApplied(chart: Chart, market: MarketName, doing: string): void {
  const dayOf = createDayClock(market);
  const bars = chart.slots.flatMap((slot) =>
    slot.stamp === undefined || toPositive(slot.close) === undefined ? [] : [{ day: dayOf(slot.stamp), slot }],
  );
  for (const [day, splits] of Map.groupBy(chart.splits, ({ stamp }) => dayOf(stamp))) {
    const before = bars.findLast((bar) => bar.day < day);
    if (before !== undefined) {
      const ratio = splits.reduce((product, split) => multiply(product, split.ratio), ONE);
      const after = bars.find((bar) => bar.day >= day);
      requireApplied({ day, ratio, before: before.slot, after: after?.slot }, doing);
    }
  }
}

interface Around {
  readonly day: Day;
  readonly ratio: Ratio;
  readonly before: Slot;
  readonly after: Slot | undefined;
}

function requireApplied({ day, ratio, before, after }: Around, doing: string): void {
  const named = `a split of ${ratio.numerator} for ${ratio.denominator} on ${day}`;
  if (compare(ratio, ONE) === 0) {
    return;
  }
  if (after === undefined) {
    throw new DataError(`${doing}: ${named} has no bar yet, and whether prices were divided by it cannot be told`);
  }
  const left = toPositive(before.close);
  const right = toPositive(after.open) ?? toPositive(after.close);
  const isForward = compare(ratio, ONE) > 0;
  const size = isForward ? ratio : divide(ONE, ratio);
  if (left === undefined || right === undefined || compare(size, TOLD_FROM) < 0) {
    return;
  }
  const fall = isForward ? divide(left, right) : divide(right, left);
  // Nearer to the ratio, or to its inverse, than to a price that goes on, by three quarters of the way.
  const [way, end] = [power(fall, 4), power(size, 3)];
  if (compare(way, end) > 0 || compare(multiply(way, end), ONE) < 0) {
    const prices = `${JSON.stringify(before.close)} before it and ${JSON.stringify(after.open)} on it`;
    throw new DataError(`${doing}: prices were not divided once by ${named}: ${prices}`);
  }
}

function power(ratio: Ratio, exponent: number): Ratio {
  return { numerator: ratio.numerator ** BigInt(exponent), denominator: ratio.denominator ** BigInt(exponent) };
}

function compare(left: Ratio, right: Ratio): -1 | 0 | 1 {
  const [mine, theirs] = [left.numerator * right.denominator, right.numerator * left.denominator];
  return mine < theirs ? -1 : mine > theirs ? 1 : 0;
}
