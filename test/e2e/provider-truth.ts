/** Texts of the market's own numbers as the store shows them, and what TongDaXin's wire makes of them. */

/** Whole cents as yuan, without zeros behind the last digit. */
export function centsText(cents: number): string {
  return scaledText(BigInt(cents), 2);
}

/** Thousandths. */
export function milliText(milli: number): string {
  return scaledText(BigInt(milli), 3);
}

/** Yuan as a float of 32 bits, to whole cents again, half up. */
export function float32Text(cents: number): string {
  // Exact: a float of 32 bits times 100 has fewer bits than one of 64.
  return scaledText(BigInt(Math.round(Math.fround(cents / 100) * 100)), 2);
}

export function asTdxSays<Bar extends { readonly volume: number; readonly amount: string }>(
  bar: Bar,
): Bar & { readonly preClose: string } {
  const cents = Math.round(Number.parseFloat(bar.amount) * 100);
  return { ...bar, preClose: "-", volume: Math.floor(bar.volume / 100) * 100, amount: float32Text(cents) };
}

function scaledText(value: bigint, scale: number): string {
  const digits = String(value).padStart(scale + 1, "0");
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, "");
  const whole = digits.slice(0, digits.length - scale);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}
