/** `scaled` ÷ 10^`scale` with exactly so many decimals, as providers pad their numbers. */
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
