import { parseDecimal, shiftDecimal, type DecimalText } from "../../base/decimal.ts";
import type { RoundingStep } from "../../ports/provider-facts.ts";
import { toGrains, unround, type Range } from "./rounding.ts";

/** Ratios are held against each other to so many digits. */
export const RATIO_DIGITS = 6;

/** The factors of two providers on the first day that both have one: each level is its provider's own. */
export interface FactorBase {
  readonly left: DecimalText;
  readonly right: DecimalText;
}

export interface FactorComparison {
  readonly verdict: "equal" | "rounded" | "different";
  /** Factor ÷ the factor of the first common day, to six digits. */
  readonly ratios: readonly [left: string, right: string];
  /** The roundings that were taken back. */
  readonly steps: readonly [readonly RoundingStep[], readonly RoundingStep[]];
}

/**
 * Compares what happened since the first common day: equal as fractions, or equal to six significant digits, or one ratio
 * may stand behind both of them, given the digits that each provider writes.
 */
export function compareFactors(
  [left, right]: readonly [string, string],
  base: FactorBase,
  [leftSteps, rightSteps]: readonly [readonly RoundingStep[], readonly RoundingStep[]],
): FactorComparison {
  const [one, other] = [parseDecimal(left, "factor"), parseDecimal(right, "factor")];
  const ratios = [
    toSignificant(toGrains(one), toGrains(base.left), RATIO_DIGITS),
    toSignificant(toGrains(other), toGrains(base.right), RATIO_DIGITS),
  ] as const;
  if (toGrains(one) * toGrains(base.right) === toGrains(other) * toGrains(base.left)) {
    return { verdict: "equal", ratios, steps: [[], []] };
  }
  const mine = ratioRange(one, base.left, leftSteps);
  const theirs = ratioRange(other, base.right, rightSteps);
  const isRounded = ratios[0] === ratios[1] || (isAtMost(mine.low, theirs.high) && isAtMost(theirs.low, mine.high));
  return { verdict: isRounded ? "rounded" : "different", ratios, steps: [mine.steps, theirs.steps] };
}

interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

function ratioRange(
  factor: DecimalText,
  base: DecimalText,
  steps: readonly RoundingStep[],
): { readonly low: Fraction; readonly high: Fraction; readonly steps: readonly RoundingStep[] } {
  const { range, steps: taken } = unround(factor, steps);
  const above = positive(range);
  const below = positive(unround(base, steps).range);
  return {
    steps: taken,
    low: { numerator: above.low, denominator: below.high },
    high: { numerator: above.high, denominator: below.low },
  };
}

/** Factors are above 0, however coarse their digits. */
function positive({ low, high }: Range): Range {
  return { low: low > 0n ? low : 1n, high };
}

function isAtMost(left: Fraction, right: Fraction): boolean {
  return left.numerator * right.denominator <= right.numerator * left.denominator;
}

/** numerator ÷ denominator, both above 0, rounded half up to so many significant digits. */
export function toSignificant(numerator: bigint, denominator: bigint, digits: number): string {
  const most = 10n ** BigInt(digits);
  // The place of the last digit kept, behind the point.
  let scale = digits - 1;
  while (scale > -30 && numerator * pow(scale) >= denominator * pow(-scale) * most) {
    scale -= 1;
  }
  while (scale < 30 && numerator * pow(scale + 1) < denominator * pow(-scale - 1) * most) {
    scale += 1;
  }
  const [above, below] = [numerator * pow(scale), denominator * pow(-scale)];
  return shiftDecimal(parseDecimal(((2n * above + below) / (2n * below)).toString()), -scale);
}

/** 1 for a negative exponent: that one multiplies the other side. */
function pow(exponent: number): bigint {
  return exponent > 0 ? 10n ** BigInt(exponent) : 1n;
}
