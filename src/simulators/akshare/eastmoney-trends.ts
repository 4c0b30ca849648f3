import type { Day } from "../../domain/day.ts";
import type { PriceLine } from "../../market/price-line.ts";
import { fixedText } from "../decimal-text.ts";
import type { AkshareListing, MinuteLine } from "./akshare-data.ts";
import type { Answer } from "./answer.ts";
import { floatText, ratioText } from "./decimal-text.ts";
import { askedColumns, eastmoneyAnswer, listingOfSecid, secidOf } from "./eastmoney.ts";
import { lotsText } from "./eastmoney-bars.ts";
import { closeBefore } from "./eastmoney-ticks.ts";
import { foldLines } from "./fold-lines.ts";
import { numberOf, type Inquiry } from "./inquiry.ts";
import { NumberText } from "./json-text.ts";
import { spoilCells, spoilRows } from "./spoil.ts";
import { secondsAt } from "./view.ts";

const DAYS_MAX = 5;
const NORMAL_ROWS = 241;
const PRE_MARKET_ROWS = 15;
const COLUMNS = ["f51", "f52", "f53", "f54", "f55", "f56", "f57", "f58"] as const;

/** `/api/qt/stock/trends2/get`: the minutes of the last days, the auction's apart. */
export function trendsAnswer(inquiry: Inquiry): Answer {
  const { query, view, fault } = inquiry;
  const listing = listingOfSecid(inquiry);
  if (listing === undefined) {
    return eastmoneyAnswer(inquiry, { rt: 10, full: 0 }, null, 0);
  }
  const hasPreMarket = query.get("iscr") === "1";
  const count = Math.min(Math.max(numberOf(query.get("ndays"), 1), 1), DAYS_MAX);
  const days = view
    .daysOf(listing)
    .slice(-count)
    .map(({ day }) => day);
  const columns = askedColumns(query.get("fields2"), COLUMNS);
  const rows = days.flatMap((day, index) => trendsOf(listing, day, index === days.length - 1, hasPreMarket));
  const cells = spoilCells(
    spoilRows(rows, fault).map((row) => columns.map((column) => row[column])),
    fault,
  );
  const pre = (day: Day | undefined): NumberText =>
    new NumberText(floatText(fixedText(closeBefore(view, listing, day) ?? 0, 3)));
  const newest = days.at(-1);
  const { market, digits } = secidOf(listing);
  const data = {
    code: digits,
    market,
    type: listing.kind === "index" ? 5 : 2,
    status: 0,
    name: listing.name,
    decimal: listing.decimals,
    preSettlement: new NumberText("0.0"),
    preClose: pre(newest),
    beticks: newest === undefined ? "" : beticksOf(newest),
    trendsTotal: NORMAL_ROWS + (hasPreMarket ? PRE_MARKET_ROWS : 0),
    time: newest === undefined ? 0 : secondsAt(newest, "15:00"),
    kind: 1,
    prePrice: pre(newest),
    tradePeriods: newest === undefined ? null : periodsOf(newest),
    hisPrePrices: days.map((day) => ({ date: Number.parseInt(day.replaceAll("-", ""), 10), prePrice: pre(day) })),
    trends: cells.map((row) => row.join(",")),
  };
  return eastmoneyAnswer(inquiry, { rt: 10, full: 0 }, data, cells.length);
}

export type TrendCells = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** 241 rows, the first of which is the opening auction's; only the newest day has prices at which minutes open. */
export function trendsOf(
  listing: AkshareListing,
  day: Day,
  isNewest: boolean,
  hasPreMarket = false,
): readonly TrendCells[] {
  const minutes = withAuction(listing, day);
  const before = hasPreMarket ? preMarket(minutes[0]) : [];
  const scale = listing.decimals === 2 ? 10 : 1;
  const price = (milli: number): string => fixedText(milli / scale, listing.decimals);
  let [volume, cents] = [0, 0];
  return [...before, ...minutes].map((line) => {
    volume += line.volume;
    cents += line.turnoverCents;
    return {
      f51: `${day} ${line.endsAt}`,
      f52: price(isNewest ? line.openMilli : 0),
      f53: price(line.closeMilli),
      f54: price(line.highMilli),
      f55: price(line.lowMilli),
      f56: lotsText(line),
      f57: fixedText(line.turnoverCents, 2),
      f58: volume === 0 || listing.kind === "index" ? fixedText(line.closeMilli, 3) : ratioText(cents, 100 * volume, 3),
    };
  });
}

/** The day's minutes with what the opening auction brought taken out of the first one and put before it. */
function withAuction(listing: AkshareListing, day: Day): readonly MinuteLine[] {
  const [first, ...rest] = listing.minutes(day);
  if (first === undefined) {
    return [];
  }
  const ticks = listing.ticks(day);
  const auction = ticks.find(({ time }) => time < "09:30");
  const open: PriceLine = {
    openMilli: first.openMilli,
    highMilli: first.openMilli,
    lowMilli: first.openMilli,
    closeMilli: first.openMilli,
    volume: auction?.volume ?? 0,
    turnoverCents: Math.min(auction?.turnoverCents ?? 0, first.turnoverCents),
  };
  return [{ ...open, endsAt: "09:30" }, { ...afterAuction(first, open, pricesOf(listing, day)) }, ...rest];
}

/** Prices of the first minute without the auction's. */
function pricesOf(listing: AkshareListing, day: Day): readonly number[] {
  return listing
    .ticks(day)
    .filter(({ time }) => time >= "09:30" && time < "09:31")
    .map(({ priceMilli }) => priceMilli);
}

function afterAuction(first: MinuteLine, auction: PriceLine, prices: readonly number[]): MinuteLine {
  const [open, ...others] = prices.map((milli) => ({
    ...first,
    openMilli: milli,
    highMilli: milli,
    lowMilli: milli,
    closeMilli: milli,
  }));
  // An index has no prints: its first minute is as it was, and the auction's row has no volume.
  const line =
    open === undefined ? (auction.volume === 0 ? first : quiet(first, auction)) : foldLines([open, ...others]);
  return {
    ...line,
    volume: first.volume - auction.volume,
    turnoverCents: first.turnoverCents - auction.turnoverCents,
  };
}

function quiet(first: MinuteLine, { closeMilli }: PriceLine): MinuteLine {
  return { ...first, openMilli: closeMilli, highMilli: closeMilli, lowMilli: closeMilli, closeMilli };
}

/** From 09:15 to 09:29: what the auction would come to, without trade. */
function preMarket(auction: MinuteLine | undefined): readonly MinuteLine[] {
  return auction === undefined
    ? []
    : Array.from({ length: PRE_MARKET_ROWS }, (_, minute) => ({
        ...auction,
        endsAt: `09:${15 + minute}`,
        volume: 0,
        turnoverCents: 0,
      }));
}

function beticksOf(day: Day): string {
  return ["09:15", "15:00", "09:30", "11:30", "13:00", "15:00"].map((time) => secondsAt(day, time)).join("|");
}

function periodsOf(day: Day): {
  readonly [key: string]:
    | { readonly b: number; readonly e: number }
    | readonly { readonly b: number; readonly e: number }[];
} {
  const span = (from: string, to: string): { readonly b: number; readonly e: number } => ({
    b: minuteNumber(day, from),
    e: minuteNumber(day, to),
  });
  return {
    pre: span("09:15", "09:30"),
    after: span("15:00", "15:30"),
    periods: [span("09:30", "11:30"), span("13:00", "15:00")],
  };
}

/** `202603310930` */
function minuteNumber(day: Day, time: string): number {
  return Number.parseInt(`${day}${time}`.replaceAll(/\D/g, ""), 10);
}
