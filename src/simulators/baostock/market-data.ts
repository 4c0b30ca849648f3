import { Temporal } from "temporal-polyfill";

import { CN_TRADING_DAYS_FROM, CN_TRADING_DAYS_TO, tradingDays } from "../../domain/cn-trading-days.ts";
import { addDays, maxDay, minDay, toDay, type Day } from "../../domain/day.ts";
import { exchangeOf } from "../../domain/security-code.ts";
import { COMPOSITES } from "../../market/composites.ts";
import type { Market } from "../../market/generate-market.ts";
import { fixedText } from "../decimal-text.ts";
import type { BaostockData, BaostockKind, BaostockQuery, BaostockRow } from "./baostock-data.ts";
import { compositeListing } from "./composite-listing.ts";
import { dividendRow } from "./dividend-row.ts";
import { createAdjustment, dailyRow, forwardFactorE6, kLines, type KLineOptions } from "./k-lines.ts";
import { lineOn, type Listing } from "./listing.ts";
import { stockListing } from "./stock-listing.ts";

export type MarketDataOptions = Partial<KLineOptions>;

/** Serves a generated market as the provider would: everything of Shanghai and Shenzhen, nothing of Beijing. */
export function marketData(market: Market, options: MarketDataOptions = {}): BaostockData {
  const kLineOptions: KLineOptions = { suspendedVolume: options.suspendedVolume ?? "0" };
  const stocks = market.securities.filter(({ code }) => exchangeOf(code) !== "BJ");
  const listings = [
    ...stocks.map((security) => stockListing(market, security)),
    ...COMPOSITES.map((composite) => compositeListing(market, composite)),
  ].toSorted((left, right) => (left.code < right.code ? -1 : 1));
  const byCode = new Map(listings.map((listing) => [listing.code, listing]));
  const days = new Set(market.days);
  const asked = ({ code }: BaostockQuery): readonly Listing[] => {
    const one = byCode.get(code);
    return code === "" ? listings : one === undefined ? [] : [one];
  };

  return {
    codes: listings.map(({ code }) => code),
    firstDay: market.days[0],
    lastDay: market.days.at(-1),
    kindOf: (code) => byCode.get(code)?.kind,
    rowsOf: (query, published) => {
      switch (query.method) {
        case "query_history_k_data_plus":
          return asked(query).flatMap((listing) => [...kLines(listing, query, published.factors, kLineOptions)]);
        case "query_daily_history_k_AStock":
          return dayBatch(listings, "stock", query.start, kLineOptions);
        case "query_daily_history_k_ETF":
          return dayBatch(listings, "etf", query.start, kLineOptions);
        case "query_adjust_factor":
        case "query_daily_adjust_factor":
          return asked(query).flatMap((listing) => factorRows(listing, query.start, query.end, published.factors));
        case "query_trade_dates":
          return tradeDates(query.start, query.end);
        case "query_all_stock":
          return days.has(query.start) && query.start <= published.daily ? allStock(listings, query.start) : [];
        case "query_stock_basic":
          return stockBasics(asked(query), query.codeName, published.today);
        case "query_dividend_data":
          return dividends(asked(query), query);
        case "query_stock_industry":
          return industries(asked(query), minDay(query.start, published.today));
        case "query_terminated_stocks":
        case "query_suspended_stocks":
        case "query_st_stocks":
        case "query_starst_stocks":
          return days.has(query.start) ? members(listings, query.method, query.start) : [];
      }
    },
  };
}

function dayBatch(
  listings: readonly Listing[],
  kind: BaostockKind,
  day: Day,
  options: KLineOptions,
): readonly BaostockRow[] {
  const asTraded = createAdjustment([], "3", day);
  return listings.flatMap((listing) => {
    const line = listing.kind === kind ? lineOn(listing.days(), day) : undefined;
    return line === undefined ? [] : [dailyRow(listing, line, asTraded, options)];
  });
}

/** Events between two days; forward factors are relative to the newest event that is known. */
function factorRows(listing: Listing, start: Day, end: Day, knownUntil: Day): readonly BaostockRow[] {
  const known = listing.factors().filter(({ day }) => day <= knownUntil);
  const newestE4 = known.at(-1)?.factorE4 ?? 0;
  return known
    .filter(({ day }) => day >= start && day <= end)
    .map(({ day, factorE4 }) => {
      const back = fixedText(factorE4 * 100, 6);
      return {
        code: listing.code,
        dividOperateDate: day,
        foreAdjustFactor: fixedText(forwardFactorE6(factorE4, newestE4), 6),
        backAdjustFactor: back,
        adjustFactor: back,
        adjustFacto: back,
      };
    });
}

/** Every day between two, as far as the calendar goes. */
function tradeDates(start: Day, end: Day): readonly BaostockRow[] {
  const rows: BaostockRow[] = [];
  const trading = new Set(tradingDays());
  const last = minDay(end, CN_TRADING_DAYS_TO);
  for (let day = maxDay(start, CN_TRADING_DAYS_FROM); day <= last; day = addDays(day, 1)) {
    rows.push({ calendar_date: day, is_trading_day: trading.has(day) ? "1" : "0" });
  }
  return rows;
}

function allStock(listings: readonly Listing[], day: Day): readonly BaostockRow[] {
  return listings.flatMap(({ code, name, ...listing }) => {
    const line = lineOn(listing.days(), day);
    return line === undefined ? [] : [{ code, tradeStatus: line.isTrading ? "1" : "0", code_name: name }];
  });
}

const TYPES: Readonly<Record<BaostockKind, string>> = { stock: "1", index: "2", etf: "5" };

function stockBasics(listings: readonly Listing[], codeName: string, today: Day): readonly BaostockRow[] {
  return listings
    .filter(({ name, listedOn }) => name.includes(codeName) && listedOn <= today)
    .map(({ code, name, kind, listedOn, delistedOn }) => {
      const isDelisted = delistedOn !== undefined && delistedOn <= today;
      return {
        code,
        code_name: name,
        ipoDate: listedOn,
        outDate: isDelisted ? delistedOn : "",
        type: TYPES[kind],
        status: isDelisted ? "0" : "1",
      };
    });
}

function dividends(listings: readonly Listing[], { year, yearType }: BaostockQuery): readonly BaostockRow[] {
  return listings.flatMap((listing) =>
    listing
      .dividends()
      .filter(({ announcedOn, exDay }) => (yearType === "report" ? announcedOn : exDay).startsWith(year))
      .map((dividend) => dividendRow(listing.code, dividend)),
  );
}

/** The list is renewed on Mondays. */
function industries(listings: readonly Listing[], day: Day): readonly BaostockRow[] {
  const date = Temporal.PlainDate.from(day);
  const updateDate = toDay(date.subtract({ days: date.dayOfWeek - 1 }));
  return listings
    .filter(({ kind, listedOn }) => kind === "stock" && listedOn <= day)
    .map(({ code, name, industry }) => ({
      updateDate,
      code,
      code_name: name,
      industry,
      industryClassification: "证监会行业分类",
    }));
}

type MemberMethod = "query_terminated_stocks" | "query_suspended_stocks" | "query_st_stocks" | "query_starst_stocks";

/** Stocks of which something holds on a day. */
function members(listings: readonly Listing[], method: MemberMethod, day: Day): readonly BaostockRow[] {
  const holds: Readonly<Record<MemberMethod, (listing: Listing) => boolean>> = {
    query_terminated_stocks: ({ delistedOn }) => delistedOn !== undefined && delistedOn <= day,
    query_suspended_stocks: (listing) => lineOn(listing.days(), day)?.isTrading === false,
    query_st_stocks: ({ name, ...listing }) => name.startsWith("ST") && lineOn(listing.days(), day) !== undefined,
    query_starst_stocks: ({ name, ...listing }) => name.startsWith("*ST") && lineOn(listing.days(), day) !== undefined,
  };
  return listings
    .filter((listing) => listing.kind === "stock" && holds[method](listing))
    .map(({ code, name }) => ({ updateDate: day, code, code_name: name }));
}
