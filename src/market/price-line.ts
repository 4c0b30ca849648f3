/** Prices in thousandths of a yuan (of an index: of a point), volume in shares, turnover in cents. */
export interface PriceLine {
  readonly openMilli: number;
  readonly highMilli: number;
  readonly lowMilli: number;
  readonly closeMilli: number;
  readonly volume: number;
  readonly turnoverCents: number;
}

/** A stock's bar, whose prices are in cents. */
export interface CentBar {
  readonly openCents: number;
  readonly highCents: number;
  readonly lowCents: number;
  readonly closeCents: number;
  readonly volume: number;
  readonly turnoverCents: number;
}

export const MILLIS_A_CENT = 10;

/** The same bar in the unit in which funds and indices have theirs. */
export function priceLineOf(bar: CentBar): PriceLine {
  return {
    openMilli: MILLIS_A_CENT * bar.openCents,
    highMilli: MILLIS_A_CENT * bar.highCents,
    lowMilli: MILLIS_A_CENT * bar.lowCents,
    closeMilli: MILLIS_A_CENT * bar.closeCents,
    volume: bar.volume,
    turnoverCents: bar.turnoverCents,
  };
}
