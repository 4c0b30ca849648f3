import type { Day } from "../../domain/day.ts";
import { divideRounded, fixedText } from "../decimal-text.ts";
import type { AdjustMode } from "./adjust-prices.ts";
import type { AkshareListing } from "./akshare-data.ts";
import { floatText } from "./decimal-text.ts";
import { klinesOf, lotsText, type Kline, type KlinePeriod } from "./eastmoney-bars.ts";
import { figuresOf, quoteOf } from "./eastmoney-spot.ts";
import { detailsOf } from "./eastmoney-ticks.ts";
import { trendsOf } from "./eastmoney-trends.ts";
import { codeOfPrefixed, findListing, type Inquiry } from "./inquiry.ts";
import { NumberText, type JsonValue } from "./json-text.ts";
import { spoilRows } from "./spoil.ts";
import { tickRows } from "./tencent-ticks.ts";

export type Frame = readonly { readonly [column: string]: JsonValue }[];

/** A table that a function of the library gives for its parameters; undefined where it gives none at all. */
export interface FrameFunction {
  readonly parameters: readonly string[];
  readonly make: (inquiry: Inquiry, parameters: Readonly<Record<string, string>>) => Frame;
}

/** The library failed, and the server behind which it works says no more than that. */
export class LibraryError extends Error {
  override readonly name = "LibraryError";
}

/** The library did not find a key, which the server tells. */
export class MissingKeyError extends Error {
  override readonly name = "MissingKeyError";
  readonly key: string;

  constructor(key: string) {
    super(`no such key: ${key}`);
    this.key = key;
  }
}

export const FUNCTIONS: Readonly<Record<string, FrameFunction>> = {
  stock_zh_a_hist: {
    parameters: ["symbol", "period", "start_date", "end_date", "adjust", "timeout"],
    make: dailyFrame,
  },
  stock_zh_a_hist_min_em: {
    parameters: ["symbol", "start_date", "end_date", "period", "adjust"],
    make: minuteFrame,
  },
  stock_intraday_em: { parameters: ["symbol"], make: intradayFrame },
  stock_zh_a_tick_tx_js: { parameters: ["symbol"], make: tickFrame },
  tool_trade_date_hist_sina: {
    parameters: [],
    make: ({ view }) =>
      view.calendar
        .filter((day) => day <= `${view.today.slice(0, 4)}-12-31`)
        .map((day) => ({ trade_date: midnight(day) })),
  },
  stock_info_a_code_name: {
    parameters: [],
    make: (inquiry) =>
      spoilRows(listed(inquiry), inquiry.fault).map(({ code, name }) => ({ code: code.slice(0, 6), name })),
  },
  stock_zh_a_spot_em: { parameters: [], make: spotFrame },
  stock_zh_a_daily: { parameters: ["symbol", "start_date", "end_date", "adjust"], make: sinaDailyFrame },
};

const DAY_PERIODS: Readonly<Record<string, KlinePeriod>> = { daily: "101", weekly: "102", monthly: "103" };
const MINUTE_PERIODS: readonly KlinePeriod[] = ["5", "15", "30", "60"];
const MODES: Readonly<Record<string, AdjustMode>> = { "": "none", qfq: "forward", hfq: "backward" };

function pick<Value>(table: Readonly<Record<string, Value>>, key: string): Value {
  const found = Object.hasOwn(table, key) ? table[key] : undefined;
  if (found === undefined) {
    throw new MissingKeyError(key);
  }
  return found;
}

/** The library's rule, which takes every fund and index for one of Shenzhen. */
function listingOfDigits(inquiry: Inquiry, digits: string): AkshareListing | undefined {
  return findListing(inquiry, digits.startsWith("6") ? [`${digits}.SH`] : [`${digits}.SZ`, `${digits}.BJ`]);
}

function dailyFrame(inquiry: Inquiry, given: Readonly<Record<string, string>>): Frame {
  const { symbol = "000001", period = "daily", adjust = "" } = given;
  const { start_date: from = "19700101", end_date: to = "20500101" } = given;
  const [klt, mode] = [pick(DAY_PERIODS, period), pick(MODES, adjust)];
  const listing = listingOfDigits(inquiry, symbol);
  const rows = listing === undefined ? [] : klinesOf(inquiry, listing, klt, mode);
  const [first, last] = [dayNumber(from), dayNumber(to)];
  const asked = rows.filter(({ day }) => dayNumber(day) >= first && dayNumber(day) <= last);
  return spoilRows(asked, inquiry.fault).map(({ day, cells }) => ({
    日期: midnight(day),
    ...(inquiry.rules.hasCodeColumn ? { 股票代码: symbol } : {}),
    开盘: float(cells.f52),
    收盘: float(cells.f53),
    最高: float(cells.f54),
    最低: float(cells.f55),
    成交量: new NumberText(cells.f56),
    成交额: float(cells.f57),
    振幅: float(cells.f58),
    涨跌幅: float(cells.f59),
    涨跌额: float(cells.f60),
    换手率: float(cells.f61),
  }));
}

function minuteFrame(inquiry: Inquiry, given: Readonly<Record<string, string>>): Frame {
  const { symbol = "000001", period = "5", adjust = "" } = given;
  const { start_date: from = "1979-09-01 09:32:00", end_date: to = "2222-01-01 09:32:00" } = given;
  const listing = listingOfDigits(inquiry, symbol);
  if (listing === undefined) {
    throw new LibraryError(`${symbol}: 'NoneType' object is not subscriptable`);
  }
  if (period === "1") {
    return spoilRows(trendRows(inquiry, listing), inquiry.fault)
      .map((cells) => ({ ...cells, f51: `${cells.f51}:00` }))
      .filter(({ f51 }) => f51 >= from && f51 <= to)
      .map((cells) => ({
        时间: cells.f51,
        开盘: float(cells.f52),
        收盘: float(cells.f53),
        最高: float(cells.f54),
        最低: float(cells.f55),
        成交量: new NumberText(cells.f56),
        成交额: float(cells.f57),
        均价: float(cells.f58),
      }));
  }
  const [klt, mode] = [MINUTE_PERIODS.find((known) => known === period), pick(MODES, adjust)];
  if (klt === undefined) {
    // The library passes it on, and finds that the answer has no data.
    throw new LibraryError(`${period}: 'NoneType' object is not subscriptable`);
  }
  const rows = klinesOf(inquiry, listing, klt, mode);
  return spoilRows(rows, inquiry.fault).flatMap((row) => minuteRecord(row, from, to));
}

function minuteRecord({ cells }: Kline, from: string, to: string): Frame {
  const time = `${cells.f51}:00`;
  if (time < from || time > to) {
    return [];
  }
  return [
    {
      时间: time,
      开盘: float(cells.f52),
      收盘: float(cells.f53),
      最高: float(cells.f54),
      最低: float(cells.f55),
      涨跌幅: float(cells.f59),
      涨跌额: float(cells.f60),
      成交量: new NumberText(cells.f56),
      成交额: float(cells.f57),
      振幅: float(cells.f58),
      换手率: float(cells.f61),
    },
  ];
}

const TREND_DAYS = 5;

function trendRows({ view }: Inquiry, listing: AkshareListing): ReturnType<typeof trendsOf> {
  const days = view.daysOf(listing).slice(-TREND_DAYS);
  return days.flatMap(({ day }, index) => trendsOf(listing, day, index === days.length - 1));
}

const INTRADAY_SIDES: Readonly<Record<string, string>> = { "1": "卖盘", "2": "买盘", "4": "中性盘" };

function intradayFrame(inquiry: Inquiry, { symbol = "000001" }: Readonly<Record<string, string>>): Frame {
  const { view, fault } = inquiry;
  const listing = listingOfDigits(inquiry, symbol);
  const rows = listing === undefined || view.lastDay === undefined ? [] : detailsOf(listing, view.lastDay);
  if (rows.length === 0) {
    throw new LibraryError(`${symbol}: Length mismatch`);
  }
  return spoilRows(rows, fault).map(({ f51, f52, f53, f55 }) => ({
    时间: f51,
    成交价: float(f52),
    手数: new NumberText(f53),
    买卖盘性质: INTRADAY_SIDES[f55] ?? null,
  }));
}

const TICK_SIDES: Readonly<Record<string, string>> = { S: "卖盘", B: "买盘", M: "中性盘" };

function tickFrame(inquiry: Inquiry, { symbol = "sz000001" }: Readonly<Record<string, string>>): Frame {
  const { view, fault } = inquiry;
  const code = codeOfPrefixed(symbol);
  const listing = code === undefined ? undefined : findListing(inquiry, [code]);
  const day = listing === undefined ? undefined : view.daysOf(listing).at(-1)?.day;
  const rows = listing === undefined || day === undefined ? [] : tickRows(view, listing, day);
  return spoilRows(rows, fault).map((row) => {
    const [, time = "", price = "", change = "", volume = "", amount = "", side = ""] = row.split("/");
    return {
      成交时间: time,
      成交价格: float(price),
      价格变动: float(change),
      成交量: new NumberText(volume),
      成交金额: new NumberText(amount),
      性质: TICK_SIDES[side] ?? null,
    };
  });
}

const SPOT_COLUMNS: Readonly<Record<string, string>> = {
  最新价: "f2",
  涨跌幅: "f3",
  涨跌额: "f4",
  成交量: "f5",
  成交额: "f6",
  振幅: "f7",
  最高: "f15",
  最低: "f16",
  今开: "f17",
  昨收: "f18",
  量比: "f10",
  换手率: "f8",
  "市盈率-动态": "f9",
  市净率: "f23",
  总市值: "f20",
  流通市值: "f21",
  涨速: "f22",
  "5分钟涨跌": "f11",
  "60日涨跌幅": "f24",
  年初至今涨跌幅: "f25",
};

/** By the day's change, the greatest first; what did not trade comes last. Volumes are floats as soon as one is null. */
function spotFrame(inquiry: Inquiry): Frame {
  const { view, fault } = inquiry;
  const stocks = spoilRows(
    view.listings.filter(({ board }) => board !== undefined),
    fault,
  );
  const quotes = stocks.map((listing) => quoteOf(view, listing)).map((quote) => ({ quote, figures: figuresOf(quote) }));
  const lowest = -(10n ** 9n);
  const ordered = quotes.toSorted((left, right) => {
    const [one, other] = [left.figures["f3"]?.scaled ?? lowest, right.figures["f3"]?.scaled ?? lowest];
    return one === other ? 0 : one > other ? -1 : 1;
  });
  const isFloat = quotes.some(({ quote }) => quote.line === undefined);
  return ordered.map(({ quote, figures }, index) => {
    const { listing, line, preCloseMilli } = quote;
    const capital = BigInt(line?.closeMilli ?? preCloseMilli) * BigInt(listing.figures.floatShares);
    const capitalText = new NumberText(fixedText(divideRounded(capital, 1000n), 0));
    const others: Readonly<Record<string, JsonValue>> = {
      f5: line === undefined ? null : isFloat ? float(lotsText(line)) : new NumberText(lotsText(line)),
      f6: line === undefined ? null : float(fixedText(line.turnoverCents, 2)),
      f20: capitalText,
      f21: capitalText,
    };
    const value = (column: string): JsonValue => {
      const figure = figures[column];
      return figure?.scaled === undefined ? (others[column] ?? null) : float(fixedText(figure.scaled, figure.scale));
    };
    return {
      序号: index + 1,
      代码: listing.code.slice(0, 6),
      名称: listing.name,
      ...Object.fromEntries(Object.entries(SPOT_COLUMNS).map(([title, column]) => [title, value(column)])),
    };
  });
}

function listed({ view }: Inquiry): readonly AkshareListing[] {
  return view.listings.filter(
    ({ board, delistedOn }) => board !== undefined && (delistedOn === undefined || delistedOn > view.today),
  );
}

/** Prices are rounded to cents; factors come as the texts that they are upstream. */
function sinaDailyFrame(inquiry: Inquiry, given: Readonly<Record<string, string>>): Frame {
  const { symbol = "sh603843", start_date: from = "19900101", end_date: to = "21000118", adjust = "" } = given;
  const { view, fault } = inquiry;
  const code = codeOfPrefixed(symbol);
  const listing = code === undefined ? undefined : findListing(inquiry, [code]);
  if (listing === undefined || listing.kind === "index") {
    throw new LibraryError(`${symbol}: list index out of range`);
  }
  const events = view.factorsOf(listing).toReversed();
  const newest = BigInt(events[0]?.factorE4 ?? ONE_E4);
  if (adjust === "hfq-factor" || adjust === "qfq-factor") {
    const method = adjust.slice(0, 3);
    const known = fault?.kind === "factor-missing" ? events.filter((_, place) => place !== fault.place) : events;
    return [...known, { day: SENTINEL, factorE4: ONE_E4 }].map(({ day, factorE4 }) => {
      const [over, under] = method === "hfq" ? [BigInt(factorE4), BigInt(ONE_E4)] : [newest, BigInt(factorE4)];
      return {
        date: `${day}T00:00:00.000`,
        [`${method}_factor`]: `${fixedText(divideRounded(over * 10n ** 13n, under), 13)}000`,
      };
    });
  }
  const mode = pick(MODES, adjust);
  const factorOf = (day: Day): readonly [bigint, bigint] => {
    const own = BigInt(events.find((event) => event.day <= day)?.factorE4 ?? ONE_E4);
    return mode === "none" ? [1n, 1n] : [own, mode === "backward" ? BigInt(ONE_E4) : newest];
  };
  const { floatShares } = listing.figures;
  const [first, last] = [dayNumber(from), dayNumber(to)];
  const days = view.daysOf(listing).filter(({ day }) => dayNumber(day) >= first && dayNumber(day) <= last);
  return spoilRows(days, fault).map((line) => {
    const [over, under] = factorOf(line.day);
    const price = (milli: number): NumberText => float(fixedText(divideRounded(BigInt(milli) * over, 10n * under), 2));
    return {
      date: midnight(line.day),
      open: price(line.openMilli),
      high: price(line.highMilli),
      low: price(line.lowMilli),
      close: price(line.closeMilli),
      volume: float(fixedText(line.volume, 0)),
      amount: float(fixedText(line.turnoverCents, 2)),
      outstanding_share: float(fixedText(floatShares, 0)),
      turnover: float(fixedText(divideRounded(BigInt(line.volume) * 10n ** 10n, BigInt(Math.max(floatShares, 1))), 10)),
    };
  });
}

const SENTINEL = "1900-01-01";
const ONE_E4 = 10_000;

function float(text: string): NumberText {
  return new NumberText(floatText(text));
}

/** A day as the server writes it. */
function midnight(day: Day): string {
  return `${day}T00:00:00.000`;
}

function dayNumber(day: string): number {
  return Number.parseInt(day.replaceAll("-", ""), 10);
}
