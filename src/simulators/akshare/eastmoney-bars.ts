import { compactDay, type Day } from "../../domain/day.ts";
import { divideHalfUp } from "../../market/price-rules.ts";
import type { PriceLine } from "../../market/price-line.ts";
import { fixedText } from "../decimal-text.ts";
import { createAdjustment, type AdjustMode } from "./adjust-prices.ts";
import type { AkshareListing } from "./akshare-data.ts";
import type { Answer } from "./answer.ts";
import { floatText, ratioText } from "./decimal-text.ts";
import { askedColumns, eastmoneyAnswer, listingOfSecid, secidOf } from "./eastmoney.ts";
import { foldDays, foldMinutes } from "./fold-lines.ts";
import { numberOf, type Inquiry } from "./inquiry.ts";
import { NumberText } from "./json-text.ts";
import { spoilCells, spoilRows } from "./spoil.ts";

/** `/api/qt/stock/kline/get` */
export function klineAnswer(inquiry: Inquiry): Answer {
  const { query, view, fault } = inquiry;
  const listing = listingOfSecid(inquiry);
  const envelope = { rt: 17, full: 0 } as const;
  const period = query.get("klt") ?? "101";
  if (listing === undefined || !isPeriod(period)) {
    return eastmoneyAnswer(inquiry, envelope, null, 0);
  }
  const all = klinesOf(inquiry, listing, period, MODES.get(query.get("fqt") ?? "") ?? "none");
  const asked = period in MINUTES ? all : between(all, query);
  const newest = newestRows(asked, numberOf(query.get("lmt"), Infinity));
  const rows = spoilRows(newest, fault);
  const columns = askedColumns(query.get("fields2"), COLUMNS);
  const cells = spoilCells(
    rows.map((row) => columns.map((column) => row.cells[column])),
    fault,
  );
  const { market, digits } = secidOf(listing);
  const head = {
    f1: ["code", digits],
    f2: ["market", market],
    f3: ["name", listing.name],
    f4: ["decimal", listing.decimals],
    f5: ["dktotal", view.daysOf(listing).length],
    f6: ["preKPrice", new NumberText(floatText(rows[0]?.preClose ?? "0.0"))],
  } as const;
  const members = askedColumns(query.get("fields1"), HEAD).map((field) => head[field]);
  const data = { ...Object.fromEntries(members), klines: cells.map((row) => row.join(",")) };
  return eastmoneyAnswer(inquiry, envelope, data, cells.length);
}

const HEAD = ["f1", "f2", "f3", "f4", "f5", "f6"] as const;
const COLUMNS = ["f51", "f52", "f53", "f54", "f55", "f56", "f57", "f58", "f59", "f60", "f61"] as const;
type Column = (typeof COLUMNS)[number];

const MINUTES = { "1": 1, "5": 5, "15": 15, "30": 30, "60": 60 } as const;
const DAYS = { "101": "day", "102": "week", "103": "month" } as const;
export type KlinePeriod = keyof typeof MINUTES | keyof typeof DAYS;

const MODES: ReadonlyMap<string, AdjustMode> = new Map([
  ["1", "forward"],
  ["2", "backward"],
]);

function isPeriod(text: string): text is KlinePeriod {
  return Object.hasOwn(MINUTES, text) || Object.hasOwn(DAYS, text);
}

export interface Kline {
  readonly day: Day;
  readonly cells: Readonly<Record<Column, string>>;
  /** The close before it; undefined for the first row of all. */
  readonly preClose: string | undefined;
}

/** All rows that are kept of one period, oldest first. */
export function klinesOf(
  { view, rules }: Inquiry,
  listing: AkshareListing,
  period: KlinePeriod,
  mode: AdjustMode,
): readonly Kline[] {
  const { decimals, figures } = listing;
  const price = createAdjustment(view.eventsOf(listing), mode, decimals);
  let preClose: bigint | undefined;
  return linesOf().map(({ day, time, line }) => {
    const [open, close, high, low] = [line.openMilli, line.closeMilli, line.highMilli, line.lowMilli].map((milli) =>
      price(milli, day),
    );
    if (open === undefined || close === undefined || high === undefined || low === undefined) {
      throw new RangeError(`writing a row of ${listing.code}: a price is missing`);
    }
    const before = preClose;
    preClose = close;
    const change = before === undefined ? 0n : close - before;
    const percent = (part: bigint): string => (before === undefined ? "0.00" : ratioText(100n * part, before, 2));
    return {
      day,
      preClose: before === undefined ? undefined : fixedText(before, decimals),
      cells: {
        f51: time,
        f52: fixedText(open, decimals),
        f53: fixedText(close, decimals),
        f54: fixedText(high, decimals),
        f55: fixedText(low, decimals),
        f56: lotsText(line),
        f57: fixedText(line.turnoverCents, 2),
        f58: percent(high - low),
        f59: percent(change),
        f60: fixedText(change, decimals),
        f61: ratioText(100 * line.volume, figures.floatShares, 2),
      },
    };
  });

  function linesOf(): readonly { readonly day: Day; readonly time: string; readonly line: PriceLine }[] {
    const days = view.daysOf(listing);
    if (isLong(period)) {
      const length = DAYS[period];
      const long = length === "day" ? days : foldDays(days, length);
      return long.map((line) => ({ day: line.day, time: line.day, line }));
    }
    const length = MINUTES[period];
    return days.slice(length === 1 ? -1 : -rules.minuteDays).flatMap(({ day }) => {
      const minutes = listing.minutes(day);
      return (length === 1 ? minutes : foldMinutes(minutes, length)).map((line) => ({
        day,
        time: `${day} ${line.endsAt}`,
        line,
      }));
    });
  }
}

function isLong(period: KlinePeriod): period is keyof typeof DAYS {
  return Object.hasOwn(DAYS, period);
}

/** Whole lots, to the nearest one. */
export function lotsText({ volume }: Pick<PriceLine, "volume">): string {
  return String(divideHalfUp(volume, 100));
}

/** Days are compared as numbers: an end such as 20500000 is none and serves all the same. */
function between(rows: readonly Kline[], query: URLSearchParams): readonly Kline[] {
  const [from, to] = [numberOf(query.get("beg"), 0), numberOf(query.get("end"), Infinity)];
  return rows.filter(({ day }) => {
    const number = Number.parseInt(compactDay(day), 10);
    return number >= from && number <= to;
  });
}

function newestRows<Row>(rows: readonly Row[], most: number): readonly Row[] {
  return most < rows.length ? rows.slice(rows.length - most) : rows;
}
