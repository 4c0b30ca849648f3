/** `scaled` ÷ 10^`scale` with exactly so many decimals. */
export function fixedText(scaled: number | bigint, scale: number): string {
  const value = BigInt(scaled);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const point = digits.length - scale;
  const fraction = scale > 0 ? `.${digits.slice(point)}` : "";
  return `${value < 0n ? "-" : ""}${digits.slice(0, point)}${fraction}`;
}

/** To the nearest whole number, halves away from zero. */
export function divideRounded(dividend: bigint, divisor: bigint): bigint {
  const [over, under] = divisor < 0n ? [-dividend, -divisor] : [dividend, divisor];
  const half = over < 0n ? -under : under;
  return (2n * over + half) / (2n * under);
}

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
