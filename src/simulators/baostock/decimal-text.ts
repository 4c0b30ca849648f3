/** `scaled` ÷ 10^`scale` with exactly so many decimals, as the provider pads its numbers. */
export function fixedText(scaled: number | bigint, scale: number): string {
  const value = BigInt(scaled);
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const point = digits.length - scale;
  const fraction = scale > 0 ? `.${digits.slice(point)}` : "";
  return `${value < 0n ? "-" : ""}${digits.slice(0, point)}${fraction}`;
}

/** `dividend` ÷ `divisor` in units of 10^−`scale`, to the nearest, halves away from zero. */
export function ratioOf(dividend: number, divisor: number, scale: number): bigint {
  const [over, under] = [BigInt(dividend) * 10n ** BigInt(scale), BigInt(divisor)];
  const half = over < 0n ? -under : under;
  return (2n * over + half) / (2n * under);
}
