import type { SecurityCode } from "../../domain/security-code.ts";
import { factorEventsOf, type FactorEvent } from "../../market/factor-events.ts";
import type { Market } from "../../market/generate-market.ts";
import { minuteBarsOf } from "../../market/intraday.ts";
import { MILLIS_A_CENT, priceLineOf } from "../../market/price-line.ts";
import { createRandom } from "../../market/random.ts";
import type { MarketSecurity, SecurityHistory } from "../../market/security.ts";
import type { DayLine, Figures, Listing, PaidDividend } from "./listing.ts";

/** A stock of the generated market; its days are drawn and put together when first asked for. */
export function stockListing(market: Market, security: MarketSecurity): Listing {
  const { code } = security;
  let days: readonly DayLine[] | undefined;
  let factors: readonly FactorEvent[] | undefined;
  const history = (): SecurityHistory => {
    const found = market.history(code);
    if (found === undefined) {
      throw new RangeError(`serving ${code}: the market does not have it`);
    }
    return found;
  };
  return {
    code: providerCodeOf(code),
    kind: "stock",
    name: security.name,
    industry: security.industry,
    isSpecialTreatment: security.isSpecialTreatment,
    listedOn: security.listedOn,
    delistedOn: security.delistedOn,
    days: () => (days ??= dayLines(history())),
    factors: () => (factors ??= factorEventsOf(history(), market.days[0])),
    dividends: () => paidDividends(history()),
    minutes: (day) => minuteBarsOf(market, code, day).map((bar) => ({ ...priceLineOf(bar), endsAt: bar.endsAt })),
    figures: drawFigures(market.seed, code),
  };
}

/** `sh.600000` for `600000.SH`. */
export function providerCodeOf(code: SecurityCode): string {
  return `${code.slice(7).toLowerCase()}.${code.slice(0, 6)}`;
}

/** Bars and whole suspended days, which have the close before them four times. */
function dayLines({ bars, suspensions }: SecurityHistory): readonly DayLine[] {
  const suspended = suspensions
    .filter(({ timing }) => timing === undefined)
    .map(({ day }) => ({ day, bar: undefined }));
  const inOrder = [...bars.map((bar) => ({ day: bar.day, bar })), ...suspended].toSorted((left, right) =>
    left.day < right.day ? -1 : 1,
  );
  let closeMilli = MILLIS_A_CENT * (bars[0]?.preCloseCents ?? 0);
  return inOrder.map(({ day, bar }) => {
    if (bar === undefined) {
      return {
        day,
        openMilli: closeMilli,
        highMilli: closeMilli,
        lowMilli: closeMilli,
        closeMilli,
        preCloseMilli: closeMilli,
        volume: 0,
        turnoverCents: 0,
        isTrading: false,
      };
    }
    const line = { ...priceLineOf(bar), day, preCloseMilli: MILLIS_A_CENT * bar.preCloseCents, isTrading: true };
    ({ closeMilli } = line);
    return line;
  });
}

/** Rights issues are no dividends. */
function paidDividends({ actions }: SecurityHistory): readonly PaidDividend[] {
  return actions
    .filter(({ terms }) => terms.rightsTenthsPer10 === 0)
    .map(({ announcedOn, recordedOn, exDay, terms }) => ({ announcedOn, recordedOn, exDay, ...terms }));
}

export function drawFigures(seed: number, code: string): Figures {
  const random = createRandom(seed, `figures ${code}`);
  return {
    floatShares: 10_000 * random.between(200_000, 4_000_000),
    earningsCents: random.between(-20, 200),
    bookCents: random.between(100, 2_000),
    salesCents: random.between(100, 4_000),
    cashFlowCents: random.between(-100, 400),
  };
}
