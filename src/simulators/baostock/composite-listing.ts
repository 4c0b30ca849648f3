import { compositeHistory, compositeMinutes, type Composite } from "../../market/composites.ts";
import type { Market } from "../../market/generate-market.ts";
import type { DayLine, Listing } from "./listing.ts";
import { drawFigures, providerCodeOf } from "./stock-listing.ts";

/** An index or a fund of the generated market. It is listed from the market's first day on and never suspended. */
export function compositeListing(market: Market, composite: Composite): Listing {
  const { code, kind, name } = composite;
  const [firstDay] = market.days;
  if (firstDay === undefined) {
    throw new RangeError(`serving ${code}: the market has no day`);
  }
  let days: readonly DayLine[] | undefined;
  return {
    code: providerCodeOf(code),
    kind,
    name,
    industry: "",
    isSpecialTreatment: false,
    listedOn: firstDay,
    delistedOn: undefined,
    days: () => (days ??= compositeHistory(market, code).map((bar) => ({ ...bar, isTrading: true }))),
    factors: () => [],
    dividends: () => [],
    minutes: (day) => compositeMinutes(market, code, day),
    figures: drawFigures(market.seed, code),
  };
}
