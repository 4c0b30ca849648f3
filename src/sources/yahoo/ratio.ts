import { fromScaled, parseDecimal, scaleOf, toScaled, ZERO, type DecimalText } from "../../base/decimal.ts";
import { DataError } from "../../base/errors.ts";

/** A fraction of whole numbers above 0 (or a numerator of 0), so that nothing is rounded before the end. */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export const ONE: Ratio = { numerator: 1n, denominator: 1n };

export function toRatio(text: DecimalText): Ratio {
  const scale = scaleOf(text);
  return { numerator: toScaled(text, scale), denominator: 10n ** BigInt(scale) };
}

/** Undefined of a cell that is no number above 0; whoever reads its row says so. */
export function toPositive(cell: unknown): Ratio | undefined {
  try {
    const text = parseDecimal(cell);
    return text === ZERO || text.startsWith("-") ? undefined : toRatio(text);
  } catch (error) {
    if (error instanceof DataError) {
      return undefined;
    }
    throw error;
  }
}

export function multiply(left: Ratio, right: Ratio): Ratio {
  return reduce({
    numerator: left.numerator * right.numerator,
    denominator: left.denominator * right.denominator,
  });
}

export function divide(left: Ratio, right: Ratio): Ratio {
  return multiply(left, { numerator: right.denominator, denominator: right.numerator });
}

/** `left` − `right`. */
export function subtract(left: Ratio, right: Ratio): Ratio {
  return reduce({
    numerator: left.numerator * right.denominator - right.numerator * left.denominator,
    denominator: left.denominator * right.denominator,
  });
}

export function add(left: Ratio, right: Ratio): Ratio {
  return subtract(left, { ...right, numerator: -right.numerator });
}

/** To the nearest decimal with `scale` digits behind the point; halves go away from zero. */
export function roundTo(ratio: Ratio, scale: number): DecimalText {
  return fromScaled(roundScaled(ratio, scale), scale);
}

/** The nearest whole number of 1/10^`scale`; halves go away from zero. */
export function roundScaled({ numerator, denominator }: Ratio, scale: number): bigint {
  const scaled = numerator * 10n ** BigInt(scale);
  const isNegative = scaled < 0n;
  const rounded = (2n * (isNegative ? -scaled : scaled) + denominator) / (2n * denominator);
  return isNegative ? -rounded : rounded;
}

function reduce({ numerator, denominator }: Ratio): Ratio {
  let [left, right] = [numerator < 0n ? -numerator : numerator, denominator];
  while (right !== 0n) {
    [left, right] = [right, left % right];
  }
  return left <= 1n ? { numerator, denominator } : { numerator: numerator / left, denominator: denominator / left };
}
