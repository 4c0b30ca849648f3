import { divideRounded } from "../decimal-text.ts";

/** `dividend` ÷ `divisor` in units of 10^−`scale`, to the nearest, halves away from zero. */
export function ratioOf(dividend: number, divisor: number, scale: number): bigint {
  return divideRounded(BigInt(dividend) * 10n ** BigInt(scale), BigInt(divisor));
}
