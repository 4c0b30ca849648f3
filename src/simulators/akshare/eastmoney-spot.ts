import { divideRounded, fixedText } from "../decimal-text.ts";
import type { AkshareBoard, AkshareListing, DayLine } from "./akshare-data.ts";
import type { Answer } from "./answer.ts";
import { floatText, ratioText } from "./decimal-text.ts";
import { askedColumns, eastmoneyAnswer, listingOfSecid, secidOf } from "./eastmoney.ts";
import { lotsText } from "./eastmoney-bars.ts";
import { numberOf, type Inquiry } from "./inquiry.ts";
import { NumberText, type JsonValue } from "./json-text.ts";
import { spoilRows } from "./spoil.ts";
import { secondsAt, type View } from "./view.ts";

/** As the upstream orders them, whatever order was asked for. */
const COLUMNS: readonly string[] = (
  "f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f20 f21 f22 f23 f24 f25 " +
  "f62 f115 f124 f128 f140 f141 f136 f152"
).split(" ");

/** `/api/qt/clist/get`: the newest quote of everything that a filter lets through, page by page. */
export function spotAnswer(inquiry: Inquiry): Answer {
  const { query, view, fault, rules } = inquiry;
  const terms = (query.get("fs") ?? "").split(",").map((term) => term.trim());
  const found = spoilRows(
    view.listings.filter((listing) => terms.some((term) => isIn(term, listing))),
    fault,
  );
  const pageRows = Math.max(1, Math.min(numberOf(query.get("pz"), PAGE_ROWS_DEFAULT), rules.spotRowsMax));
  const from = (Math.max(1, numberOf(query.get("pn"), 1)) - 1) * pageRows;
  const page = sorted(view, found, query).slice(from, from + pageRows);
  const envelope = { rt: 6, full: 1, dlmkts: "8,10,128" } as const;
  if (page.length === 0) {
    return eastmoneyAnswer(inquiry, envelope, null, 0);
  }
  const columns = askedSpotColumns(query.get("fields"));
  const isFloat = query.get("fltt") === "2";
  const rows = page.map((listing) => spotRow(quoteOf(view, listing), columns, isFloat));
  const diff: JsonValue =
    query.get("np") === "1" ? rows : Object.fromEntries(rows.map((row, index) => [String(index), row]));
  return eastmoneyAnswer(inquiry, envelope, { total: found.length, diff }, rows.length);
}

const PAGE_ROWS_DEFAULT = 20;

/** Numbers of a market and of a kind within it. */
const TERMS: Readonly<Record<AkshareBoard, string>> = {
  "sh-main": "m:1 t:2",
  star: "m:1 t:23",
  "sz-main": "m:0 t:6",
  chinext: "m:0 t:80",
  bj: "m:0 t:81 s:2048",
};

function isIn(term: string, { board }: AkshareListing): boolean {
  return board !== undefined && TERMS[board] === term;
}

/** Asking f128 brings the other columns of a board's leader. */
function askedSpotColumns(text: string | null): readonly string[] {
  return askedColumns(text?.split(",").includes("f128") === true ? `${text},f140,f141` : text, COLUMNS);
}

/** What is known of a listing at the end of the market's last day. */
export interface Quote {
  readonly listing: AkshareListing;
  /** Undefined where it did not trade on that day. */
  readonly line: DayLine | undefined;
  /** The newest close before that day, in thousandths; 0 where there is none. */
  readonly preCloseMilli: number;
  /** Its days up to that day, oldest first. */
  readonly days: readonly DayLine[];
  readonly atSeconds: number;
}

export function quoteOf(view: View, listing: AkshareListing): Quote {
  const days = view.daysOf(listing);
  const newest = days.at(-1);
  const line = newest !== undefined && newest.day === view.lastDay ? newest : undefined;
  const before = line === undefined ? newest : days.at(-2);
  return {
    listing,
    line,
    preCloseMilli: before?.closeMilli ?? 0,
    days,
    atSeconds: view.lastDay === undefined ? 0 : secondsAt(view.lastDay, "15:00"),
  };
}

/** A number with so many digits behind the point, or none where the listing did not trade. */
interface Figure {
  readonly scaled: bigint | undefined;
  readonly scale: number;
}

function spotRow(quote: Quote, columns: readonly string[], isFloat: boolean): JsonValue {
  const figures = figuresOf(quote);
  const others = othersOf(quote);
  return Object.fromEntries(
    columns.map((column) => {
      const figure = figures[column];
      return [column, figure === undefined ? (others[column] ?? "-") : figureValue(figure, isFloat)];
    }),
  );
}

function figureValue({ scaled, scale }: Figure, isFloat: boolean): JsonValue {
  if (scaled === undefined) {
    return "-";
  }
  return new NumberText(isFloat ? floatText(fixedText(scaled, scale)) : String(scaled));
}

/** Parts of the whole times `factor`, 100 for percent, with two decimals. */
function ratio(over: number | undefined, under: number, factor = 100n): Figure {
  const isKnown = over !== undefined && under !== 0;
  return { scaled: isKnown ? divideRounded(100n * factor * BigInt(over), BigInt(under)) : undefined, scale: 2 };
}

/** The columns that are decimal numbers, whose point is moved where whole numbers are asked for. */
export function figuresOf({ listing, line, preCloseMilli, days }: Quote): Readonly<Record<string, Figure>> {
  const { decimals, figures } = listing;
  const milliPerUnit = decimals === 2 ? 10n : 1n;
  const price = (milli: number | undefined): Figure => ({
    scaled: milli === undefined ? undefined : BigInt(milli) / milliPerUnit,
    scale: decimals,
  });
  const last = line?.closeMilli;
  const change = last === undefined ? undefined : last - preCloseMilli;
  const since = (from: DayLine | undefined): Figure =>
    ratio(last === undefined || from === undefined ? undefined : last - from.closeMilli, from?.closeMilli ?? 0);
  const fiveBefore = days.slice(-6, -1).reduce((sum, { volume }) => sum + volume, 0);
  const inYear = days.findLast(({ day }) => line !== undefined && day.slice(0, 4) < line.day.slice(0, 4));
  return {
    f2: price(last),
    f3: ratio(change, preCloseMilli),
    f4: price(change),
    f7: ratio(line === undefined ? undefined : line.highMilli - line.lowMilli, preCloseMilli),
    // Of a suspended one it is 0 and no dash.
    f8: ratio(line?.volume ?? 0, figures.floatShares),
    f9: ratio(last, 10 * figures.earningsCents, 1n),
    f10: ratio(line === undefined ? undefined : 5 * line.volume, fiveBefore, 1n),
    f11: { scaled: line === undefined ? undefined : 0n, scale: 2 },
    f15: price(line?.highMilli),
    f16: price(line?.lowMilli),
    f17: price(line?.openMilli),
    f18: price(preCloseMilli),
    f22: { scaled: line === undefined ? undefined : 0n, scale: 2 },
    f23: ratio(last, 10 * figures.bookCents, 1n),
    f24: since(days.at(-61) ?? days[0]),
    f25: since(inYear ?? days[0]),
    f115: ratio(last, 10 * figures.earningsCents, 1n),
  };
}

/** The columns that are whole numbers, texts or amounts. */
function othersOf({ listing, line, preCloseMilli, atSeconds }: Quote): Readonly<Record<string, JsonValue>> {
  const { market, digits } = secidOf(listing);
  const capital = new NumberText(
    ratioText(BigInt(line?.closeMilli ?? preCloseMilli) * BigInt(listing.figures.floatShares), 1000, 0),
  );
  return {
    f1: listing.decimals,
    f5: line === undefined ? "-" : new NumberText(lotsText(line)),
    f6: line === undefined ? "-" : new NumberText(floatText(fixedText(line.turnoverCents, 2))),
    f12: digits,
    f13: market,
    f14: listing.name,
    f20: capital,
    f21: capital,
    f62: line === undefined ? "-" : new NumberText("0.0"),
    f124: atSeconds,
    f152: 2,
  };
}

function sorted(view: View, listings: readonly AkshareListing[], query: URLSearchParams): readonly AkshareListing[] {
  const isDescending = query.get("po") !== "0";
  const field = query.get("fid") ?? "f12";
  if (field === "f12") {
    const byCode = listings.toSorted((left, right) => (left.code < right.code ? -1 : 1));
    return isDescending ? byCode.toReversed() : byCode;
  }
  const keyed = listings.map((listing) => ({ listing, key: figuresOf(quoteOf(view, listing))[field]?.scaled }));
  const direction = isDescending ? -1 : 1;
  // What has no number comes last in either direction.
  return keyed
    .toSorted((left, right) => {
      if (left.key === undefined || right.key === undefined) {
        return left.key === right.key ? 0 : left.key === undefined ? 1 : -1;
      }
      return left.key === right.key ? 0 : left.key < right.key ? -direction : direction;
    })
    .map(({ listing }) => listing);
}

/** `/api/qt/stock/get`: one quote, prices as whole numbers. */
export function quoteAnswer(inquiry: Inquiry): Answer {
  const { query, view } = inquiry;
  const listing = listingOfSecid(inquiry);
  const envelope = { rt: 4, full: 1 } as const;
  if (listing === undefined) {
    return eastmoneyAnswer(inquiry, envelope, null, 0);
  }
  const quote = quoteOf(view, listing);
  const figures = figuresOf(quote);
  const others = othersOf(quote);
  const fields = askedColumns(query.get("fields"), QUOTE_FIELDS);
  const data = Object.fromEntries(
    fields.map((field) => {
      const figure = figures[QUOTE_FIGURES[field] ?? ""];
      const other = field === "f59" ? listing.decimals : others[QUOTE_OTHERS[field] ?? ""];
      return [field, figure === undefined ? (other ?? "-") : figureValue(figure, false)];
    }),
  );
  return eastmoneyAnswer(inquiry, envelope, data, 1);
}

const QUOTE_FIELDS: readonly string[] = "f43 f44 f45 f46 f47 f48 f57 f58 f59 f60 f116 f117 f168 f169 f170".split(" ");
/** The columns of the list that say the same. */
const QUOTE_FIGURES: Readonly<Record<string, string>> = {
  f43: "f2",
  f44: "f15",
  f45: "f16",
  f46: "f17",
  f60: "f18",
  f168: "f8",
  f169: "f4",
  f170: "f3",
};
const QUOTE_OTHERS: Readonly<Record<string, string>> = {
  f47: "f5",
  f48: "f6",
  f57: "f12",
  f58: "f14",
  f116: "f20",
  f117: "f21",
};
