import type { Day } from "../../domain/day.ts";
import { openOf } from "./stamps.ts";
import type { Payout, Split, YahooListing } from "./yahoo-data.ts";

/** New shares for old ones over several splits; both are exact whole numbers. */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** How the provider sees a listing at an instant: splits whose ex-day has come, and no later one, adjust all that is before. */
export interface Adjuster {
  readonly splits: readonly Split[];
  readonly payouts: readonly Payout[];
  /** Of the splits after a day. */
  ratioAfter(day: Day): Ratio;
  /** What the payouts after a day leave of its close: the product of 1 − cash ÷ close before the ex-day. */
  payoutFactorAfter(day: Day): number;
  /** Of one share as it is now, to six decimals. */
  amountOf(payout: Payout): number;
}

export function createAdjuster(listing: YahooListing, nowSeconds: number): Adjuster {
  const hasCome = ({ exDay }: { readonly exDay: Day }): boolean => openOf(listing.hours, exDay) <= nowSeconds;
  const splits = listing.splits.filter(hasCome);
  const payouts = listing.payouts.filter(hasCome);
  const one: Ratio = { numerator: 1n, denominator: 1n };
  const ratioFrom = productsFrom(splits, one, (product, { numerator, denominator }) => ({
    numerator: product.numerator * BigInt(numerator),
    denominator: product.denominator * BigInt(denominator),
  }));
  const keptFrom = productsFrom(payouts, 1, (product, payout) => product * keptOf(payout, listing));
  return {
    splits,
    payouts,
    ratioAfter: (day) => ratioFrom((exDay) => exDay > day),
    payoutFactorAfter: (day) => keptFrom((exDay) => exDay > day),
    amountOf: ({ exDay, amountE4 }) => {
      const { numerator, denominator } = ratioFrom((own) => own >= exDay);
      return Math.round(((amountE4 * 100) / Number(numerator)) * Number(denominator)) / 1_000_000;
    },
  };
}

/** The product of the events from the first later one on, made once and looked up for every row. */
function productsFrom<Event extends { readonly exDay: Day }, Product>(
  events: readonly Event[],
  one: Product,
  multiply: (product: Product, event: Event) => Product,
): (isLater: (exDay: Day) => boolean) => Product {
  const products = [one];
  for (const event of events.toReversed()) {
    products.unshift(multiply(products[0] ?? one, event));
  }
  return (isLater) => {
    const first = events.findIndex(({ exDay }) => isLater(exDay));
    return first === -1 ? one : (products[first] ?? one);
  };
}

/** `units` of 10^−`decimals` ÷ the ratio, as the float32 that the provider keeps, widened. */
export function adjustedPrice(units: number, decimals: number, { numerator, denominator }: Ratio): number {
  return Math.fround((units / 10 ** decimals / Number(numerator)) * Number(denominator));
}

/** Shares × the ratio, to the whole share, halves up. */
export function adjustedVolume(shares: number, { numerator, denominator }: Ratio): number {
  return Number((2n * BigInt(shares) * numerator + denominator) / (2n * denominator));
}

function keptOf({ exDay, amountE4 }: Payout, { bars, decimals }: YahooListing): number {
  const before = bars.findLast(({ day }) => day < exDay);
  return before === undefined ? 1 : 1 - amountE4 / 10_000 / (before.close / 10 ** decimals);
}
