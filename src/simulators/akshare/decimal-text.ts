import { divideRounded, fixedText } from "../decimal-text.ts";

/** `dividend` ÷ `divisor` with so many decimals; 0 where there is nothing to divide by. */
export function ratioText(dividend: bigint | number, divisor: bigint | number, scale: number): string {
  const under = BigInt(divisor);
  return fixedText(under === 0n ? 0n : divideRounded(BigInt(dividend) * 10n ** BigInt(scale), under), scale);
}

/**
 * A decimal text as Python prints a float of that value: no trailing zeros, but one digit behind the point, and below a
 * ten-thousandth with an exponent.
 */
export function floatText(fixed: string): string {
  const [whole = "0", fraction = ""] = fixed.split(".");
  const small = /^-?0$/.test(whole) ? /^(0{4,})([1-9])(\d*?)0*$/.exec(fraction) : null;
  if (small !== null) {
    const [, zeros = "", first = "", rest = ""] = small;
    const exponent = String(zeros.length + 1).padStart(2, "0");
    return `${whole.replace("0", "")}${first}${rest === "" ? "" : `.${rest}`}e-${exponent}`;
  }
  return `${whole}.${fraction.replace(/0+$/, "") || "0"}`;
}
