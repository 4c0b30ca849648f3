import { tradingDays } from "../../domain/cn-trading-days.ts";
import {
  compositeHistory,
  compositeMinutes,
  compositeTicks,
  COMPOSITES,
  type Composite,
} from "../../market/composites.ts";
import { factorEventsOf } from "../../market/factor-events.ts";
import type { Market } from "../../market/generate-market.ts";
import { minuteBarsOf, ticksOf } from "../../market/intraday.ts";
import { divideHalfUp } from "../../market/price-rules.ts";
import { MILLIS_A_CENT, priceLineOf } from "../../market/price-line.ts";
import { createRandom } from "../../market/random.ts";
import type { MarketSecurity, SecurityHistory } from "../../market/security.ts";
import type { AkshareBoard, AkshareData, AkshareListing, Figures, TickLine } from "./akshare-data.ts";

/** Serves a generated market, its indices and its funds. */
export function akshareData(market: Market): AkshareData {
  const listings = [
    ...market.securities.map((security) => stockListing(market, security)),
    ...COMPOSITES.map((composite) => compositeListing(market, composite)),
  ].toSorted((left, right) => (left.code < right.code ? -1 : 1));
  const byCode = new Map(listings.map((listing) => [listing.code, listing]));
  return { days: market.days, calendar: tradingDays(), listings, listing: (code) => byCode.get(code) };
}

/** A stock; its days are drawn when first asked for. */
function stockListing(market: Market, security: MarketSecurity): AkshareListing {
  const { code } = security;
  const history = (): SecurityHistory => {
    const found = market.history(code);
    if (found === undefined) {
      throw new RangeError(`serving ${code}: the market does not have it`);
    }
    return found;
  };
  return {
    code,
    kind: "stock",
    board: boardOf(security),
    name: security.name,
    industry: security.industry,
    area: security.area,
    decimals: 2,
    listedOn: security.listedOn,
    delistedOn: security.delistedOn,
    figures: drawFigures(market.seed, code),
    days: once(() => history().bars.map((bar) => ({ ...priceLineOf(bar), day: bar.day }))),
    factors: once(() => factorEventsOf(history(), market.days[0])),
    events: once(() => history().actions.map(({ exDay, terms }) => ({ day: exDay, terms }))),
    minutes: (day) => minuteBarsOf(market, code, day).map((bar) => ({ ...priceLineOf(bar), endsAt: bar.endsAt })),
    ticks: (day) =>
      timed(
        ticksOf(market, code, day).map(({ priceCents, ...tick }) => ({
          ...tick,
          priceMilli: MILLIS_A_CENT * priceCents,
        })),
      ),
  };
}

function compositeListing(market: Market, { code, name, kind, decimals }: Composite): AkshareListing {
  return {
    code,
    kind,
    board: undefined,
    name,
    industry: "",
    area: "",
    decimals,
    listedOn: market.days[0] ?? tradingDays()[0] ?? missingDays(),
    delistedOn: undefined,
    figures: kind === "etf" ? drawFigures(market.seed, code) : { floatShares: 0, earningsCents: 0, bookCents: 0 },
    days: () => compositeHistory(market, code),
    factors: () => [],
    events: () => [],
    minutes: (day) => compositeMinutes(market, code, day),
    ticks: (day) => timed(compositeTicks(market, code, day)),
  };
}

function missingDays(): never {
  throw new RangeError("serving a market: neither it nor the calendar has a day");
}

function boardOf({ board }: MarketSecurity): AkshareBoard {
  switch (board.name) {
    case "科创板":
      return "star";
    case "创业板":
      return "chinext";
    case "北交所":
      return "bj";
    case "主板":
      return board.suffix === "SH" ? "sh-main" : "sz-main";
  }
}

interface Print extends Pick<TickLine, "priceMilli" | "volume" | "trades" | "side"> {
  /** `HH:MM` */
  readonly minute: string;
}

const SECONDS_A_SLICE = 3;

/** The market knows minutes; the prints of one are at most twenty, and each gets a slice of three seconds. */
function timed(prints: readonly Print[]): readonly TickLine[] {
  let minute = "";
  let slice = 0;
  return prints.map(({ priceMilli, volume, trades, side, ...print }) => {
    slice = print.minute === minute ? slice + 1 : 0;
    ({ minute } = print);
    return {
      time: `${minute}:${String(slice * SECONDS_A_SLICE).padStart(2, "0")}`,
      priceMilli,
      volume,
      turnoverCents: divideHalfUp(priceMilli * volume, MILLIS_A_CENT),
      trades,
      side,
    };
  });
}

function drawFigures(seed: number, code: string): Figures {
  const random = createRandom(seed, `akshare figures ${code}`);
  return {
    floatShares: 10_000 * random.between(200_000, 4_000_000),
    earningsCents: random.between(-20, 200),
    bookCents: random.between(100, 2_000),
  };
}

function once<Value>(make: () => Value): () => Value {
  let known: { readonly value: Value } | undefined;
  return () => (known ??= { value: make() }).value;
}
