/**
 * The exchanges' arithmetic of prices, in whole cents and whole numbers throughout. Facts: protocols of Tushare's `daily`
 * and `adj_factor` (ex-right reference price, factor), trading rules of the exchanges (price limits).
 */

/** `dividend` ÷ `divisor` to the nearest whole number, halves up. Both are safe integers, `divisor` above 0. */
export function divideHalfUp(dividend: number, divisor: number): number {
  const product = 2 * dividend + divisor;
  if (!Number.isSafeInteger(product) || !Number.isSafeInteger(divisor) || divisor <= 0) {
    throw new RangeError(`dividing ${dividend} by ${divisor}: out of the range of exact whole numbers`);
  }
  const twice = 2 * divisor;
  return (product - (((product % twice) + twice) % twice)) / twice;
}

/** Lowest and highest price of a day, in cents. */
export interface PriceLimits {
  readonly downCents: number;
  readonly upCents: number;
}

/** Previous close ± `percent`, each rounded half up to the cent, at least one tick wide. */
export function limitsOf(preCloseCents: number, percent: number): PriceLimits {
  const downCents = Math.min(divideHalfUp(preCloseCents * (100 - percent), 100), preCloseCents - 1);
  const upCents = Math.max(divideHalfUp(preCloseCents * (100 + percent), 100), preCloseCents + 1);
  return { downCents: Math.max(downCents, 1), upCents };
}

/** What holders of ten shares get or may buy. Shares are in tenths of a share: `45` is 4.5 shares for ten. */
export interface ActionTerms {
  readonly cashCentsPer10: number;
  readonly bonusTenthsPer10: number;
  readonly rightsTenthsPer10: number;
  readonly rightsPriceCents: number;
}

/**
 * The reference price that takes the previous close's place on an ex-day:
 * (10 × close − cash per 10 + rights price × rights per 10) ÷ (10 + bonus per 10 + rights per 10), half up to the cent.
 */
export function exRightPrice(closeCents: number, terms: ActionTerms): number {
  const dividend = 100 * closeCents - 10 * terms.cashCentsPer10 + terms.rightsPriceCents * terms.rightsTenthsPer10;
  return divideHalfUp(dividend, 100 + terms.bonusTenthsPer10 + terms.rightsTenthsPer10);
}

/** The factor after an ex-day, in ten-thousandths: factor before × close before ÷ reference price, half up. */
export function nextFactorE4(factorE4: number, closeCents: number, referenceCents: number): number {
  return divideHalfUp(factorE4 * closeCents, referenceCents);
}
