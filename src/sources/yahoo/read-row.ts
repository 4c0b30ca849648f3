import { compareDecimal, parseDecimal, scaleOf, ZERO, type DecimalText } from "../../base/decimal.ts";
import type { Day, ZoneName } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { BAR_FLAGS, type Bar, type RejectedRow } from "../../domain/rows.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { fit, PRICE, rejectRow, RowError, VOLUME_MAX } from "../read-cells.ts";
import type { Cell, Slot } from "./chart.ts";
import { divide, multiply, roundTo, toRatio, type Ratio } from "./ratio.ts";
import { recoverPrice } from "./recover.ts";

/** What a bar is beside its numbers. */
export interface BarPlace {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  readonly tradingDay: Day;
  readonly time: string;
  readonly zone: ZoneName;
}

const PRICES = ["open", "high", "low", "close"] as const;

/** All five null: a place without a bar. */
export function isEmpty(slot: Slot): boolean {
  return [...PRICES, "volume" as const].every((name) => slot[name] === null || slot[name] === undefined);
}

/**
 * A bar as it was traded: prices times the ratio of all later splits, volume divided by it. The provider rounds the volume
 * that it multiplied to a whole number, so a volume that is none after the division is rounded too: off by less than a
 * share after a split, by less than the ratio after a consolidation. RowError and DataError where a number is missing or
 * cannot be read.
 */
export function readBar(slot: Slot, place: BarPlace, ratio: Ratio): Bar {
  const price = (name: (typeof PRICES)[number]): DecimalText => fit(recoverPrice(slot[name], ratio, name), name, PRICE);
  return {
    ...place,
    open: price("open"),
    high: price("high"),
    low: price("low"),
    close: price("close"),
    preClose: undefined,
    volume: readVolume(slot.volume, ratio),
    turnover: undefined,
    source: SOURCE.YAHOO,
    flags: BAR_FLAGS.noTurnover,
  };
}

function readVolume(cell: Cell, ratio: Ratio): DecimalText {
  const adjusted = parseDecimal(cell, "volume");
  if (scaleOf(adjusted) > 0) {
    throw new RowError("volume-not-whole", `volume: ${adjusted} shares`);
  }
  const shares = roundTo(divide(toRatio(adjusted), ratio), 0);
  if (compareDecimal(shares, ZERO) < 0 || compareDecimal(shares, VOLUME_MAX) > 0) {
    throw new RowError("out-of-range", `volume: ${shares} shares is no volume`);
  }
  return shares;
}

export function rejectBar(error: unknown, slot: Slot, code: SecurityCode, day: Day | undefined): RejectedRow {
  return rejectRow(error, { dataSet: "bars", code, date: day, raw: JSON.stringify(slot) });
}

/** Bars that follow each other, as one. Flags of both stay. */
export function joinBars(first: Bar, second: Bar): Bar {
  return {
    ...first,
    high: compareDecimal(second.high, first.high) > 0 ? second.high : first.high,
    low: compareDecimal(second.low, first.low) < 0 ? second.low : first.low,
    close: second.close,
    volume: parseDecimal(`${BigInt(first.volume) + BigInt(second.volume)}`),
    flags: first.flags | second.flags,
  };
}

/** Splits after each day, multiplied, for days in any order. */
export function createRatioAfter(splits: readonly { readonly day: Day; readonly ratio: Ratio }[]): (day: Day) => Ratio {
  // The newest first; each step has the product of all splits from its day on.
  const steps: { readonly day: Day; readonly product: Ratio }[] = [];
  for (const { day, ratio } of splits.toSorted((left, right) => (left.day > right.day ? -1 : 1))) {
    steps.push({ day, product: multiply(steps.at(-1)?.product ?? { numerator: 1n, denominator: 1n }, ratio) });
  }
  return (day) => steps.findLast((step) => step.day > day)?.product ?? { numerator: 1n, denominator: 1n };
}
