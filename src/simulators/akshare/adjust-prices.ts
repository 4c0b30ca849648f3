import type { Day } from "../../domain/day.ts";
import { divideRounded } from "../decimal-text.ts";
import type { ExEvent } from "./akshare-data.ts";

export type AdjustMode = "none" | "forward" | "backward";

/** A price of a day, from thousandths as traded to whole units of its last digit. */
export type PriceOn = (milli: number, day: Day) => bigint;

interface Affine {
  readonly factor: bigint;
  readonly constant: bigint;
  readonly divisor: bigint;
}

const AS_TRADED: Affine = { factor: 1n, constant: 0n, divisor: 1n };

/**
 * Adjusted prices are affine in the price as traded: forward each later event maps p to
 * (10 p − cash + rights price × rights) ÷ (10 + bonus + rights), backward its inverse is applied for the earlier events.
 */
export function createAdjustment(events: readonly ExEvent[], mode: AdjustMode, decimals: 2 | 3): PriceOn {
  const milliPerUnit = decimals === 2 ? 10n : 1n;
  const known = new Map<number, Affine>();
  const mapFor = (day: Day): Affine => {
    // Days between the same two events share one map.
    const later = events.findIndex((event) => event.day > day);
    const place = later < 0 ? events.length : later;
    const found = known.get(place);
    const map = found ?? compose(events, mode, place);
    known.set(place, map);
    return map;
  };
  return (milli, day) => {
    const { factor, constant, divisor } = mode === "none" || events.length === 0 ? AS_TRADED : mapFor(day);
    return divideRounded(factor * BigInt(milli) + constant, divisor * milliPerUnit);
  };
}

/** `place` is the index of the first event after the day. */
function compose(events: readonly ExEvent[], mode: AdjustMode, place: number): Affine {
  if (mode === "none") {
    return AS_TRADED;
  }
  return mode === "forward"
    ? events.slice(place).map(forward).reduce(then, AS_TRADED)
    : events.slice(0, place).toReversed().map(backward).reduce(then, AS_TRADED);
}

/** In thousandths: cash and rights price are given in cents, shares in tenths for ten. */
function forward({ terms }: ExEvent): Affine {
  return {
    factor: 100n,
    constant: 10n * BigInt(terms.rightsPriceCents * terms.rightsTenthsPer10) - 100n * BigInt(terms.cashCentsPer10),
    divisor: 100n + BigInt(terms.bonusTenthsPer10 + terms.rightsTenthsPer10),
  };
}

function backward(event: ExEvent): Affine {
  const { factor, constant, divisor } = forward(event);
  return { factor: divisor, constant: -constant, divisor: factor };
}

function then(first: Affine, second: Affine): Affine {
  return {
    factor: second.factor * first.factor,
    constant: second.factor * first.constant + second.constant * first.divisor,
    divisor: second.divisor * first.divisor,
  };
}
