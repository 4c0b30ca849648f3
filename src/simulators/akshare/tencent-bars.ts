import { compactDay, type Day } from "../../domain/day.ts";
import type { PriceLine } from "../../market/price-line.ts";
import { divideRounded, fixedText } from "../decimal-text.ts";
import { createAdjustment, type AdjustMode } from "./adjust-prices.ts";
import type { AkshareListing, ExEvent } from "./akshare-data.ts";
import { jsonAnswer, textAnswer, type Answer } from "./answer.ts";
import { floatText, ratioText } from "./decimal-text.ts";
import { lotsText } from "./eastmoney-bars.ts";
import { foldDays, foldMinutes } from "./fold-lines.ts";
import { codeOfPrefixed, findListing, numberOf, prefixedOf, type Inquiry } from "./inquiry.ts";
import { jsonText, type JsonValue } from "./json-text.ts";
import { spoilCells, spoilRows } from "./spoil.ts";

/** More are never answered at once. */
const ROWS_MAX = 2000;
const MINUTE_ROWS_MAX = 320;
const MINUTES = { m1: 1, m5: 5, m15: 15, m30: 30, m60: 60 } as const;
const MODES: ReadonlyMap<string, AdjustMode> = new Map([
  ["qfq", "forward"],
  ["hfq", "backward"],
]);

type Cells = readonly JsonValue[];

/** `…/newfqkline/get`: ten columns. */
export function dayAnswer(inquiry: Inquiry): Answer {
  return barsAnswer(inquiry, true);
}

/** `/appstock/app/fqkline/get` and `/appstock/app/kline/kline`: six columns, and a seventh on ex-days. */
export function oldDayAnswer(inquiry: Inquiry): Answer {
  return barsAnswer(inquiry, false);
}

function barsAnswer(inquiry: Inquiry, isNew: boolean): Answer {
  const { query, view, fault } = inquiry;
  const [symbol = "", period = "day", from = "", to = "", count = "", adjust = ""] = (query.get("param") ?? "").split(
    ",",
  );
  const listing = listingOf(inquiry, symbol);
  if (listing === undefined || (period !== "day" && period !== "week" && period !== "month")) {
    return wrapped(inquiry, {}, 0);
  }
  const events = view.eventsOf(listing);
  // Where there is nothing to adjust, the key is the one of prices as they were traded.
  const mode = events.length === 0 ? "none" : (MODES.get(adjust) ?? "none");
  const days = view.daysOf(listing);
  const lines = period === "day" ? days : foldDays(days, period);
  const asked = lines.filter(({ day }) => (from === "" || day >= from) && (to === "" || day <= to));
  const newest = asked.slice(-Math.min(numberOf(count, ROWS_MAX), ROWS_MAX));
  const price = createAdjustment(events, mode, listing.decimals);
  const exEvents = new Map<Day, ExEvent>(events.map((event) => [event.day, event]));
  const rows = spoilRows(newest, fault).map((line): Cells => {
    const cell = (milli: number): string =>
      fixedText(price(milli, line.day) * (listing.decimals === 2 ? 10n : 1n), PRICE_DECIMALS);
    const prices = [line.openMilli, line.closeMilli, line.highMilli, line.lowMilli].map(cell);
    const six = [line.day, ...prices, `${volumeText(listing, line)}.000`];
    const event = exEvents.get(line.day);
    if (!isNew) {
      return event === undefined ? six : [...six, exText(event)];
    }
    return [
      ...six,
      event === undefined ? {} : exText(event),
      ratioText(100 * line.volume, listing.figures.floatShares, 2),
      fixedText(divideRounded(BigInt(line.turnoverCents), 10_000n), 2),
      "",
    ];
  });
  const before = lines.findLast(({ day }) => newest[0] !== undefined && day < newest[0].day);
  const key = `${mode === "none" ? "" : adjust}${period}`;
  const name = prefixedOf(listing.code);
  return wrapped(
    inquiry,
    {
      [name]: {
        [key]: spoilCells(rows, fault),
        qt: { [name]: quoteCells(inquiry, listing) },
        prec: fixedText(before?.closeMilli ?? 0, PRICE_DECIMALS),
        version: "18",
      },
    },
    rows.length,
  );
}

const PRICE_DECIMALS = 3;

function listingOf(inquiry: Inquiry, symbol: string): AkshareListing | undefined {
  const code = codeOfPrefixed(symbol);
  return code === undefined ? undefined : findListing(inquiry, [code]);
}

/** Lots; shares for the codes of Shanghai that begin with 688. */
function volumeText({ code }: AkshareListing, line: Pick<PriceLine, "volume">): string {
  return /^688\d{3}\.SH$/.test(code) ? String(line.volume) : lotsText(line);
}

function exText({ day, terms }: ExEvent): JsonValue {
  const parts = [
    terms.bonusTenthsPer10 > 0 ? `送转${floatText(fixedText(terms.bonusTenthsPer10, 1))}股` : "",
    terms.cashCentsPer10 > 0 ? `派${fixedText(terms.cashCentsPer10, 2)}元` : "",
    terms.rightsTenthsPer10 > 0 ? `配${floatText(fixedText(terms.rightsTenthsPer10, 1))}股` : "",
  ];
  return { cqr: day, FHcontent: `10${parts.join("")}` };
}

/** The first cells of a quote: place, name, code, last, previous close, open, volume. */
function quoteCells({ view }: Inquiry, listing: AkshareListing): Cells {
  const days = view.daysOf(listing);
  const [last, before] = [days.at(-1), days.at(-2)];
  const price = (milli = 0): string => fixedText(listing.decimals === 2 ? milli / 10 : milli, listing.decimals);
  return [
    listing.code.endsWith(".SH") ? "1" : "51",
    listing.name,
    listing.code.slice(0, 6),
    price(last?.closeMilli),
    price(before?.closeMilli),
    price(last?.openMilli),
    last === undefined ? "0" : volumeText(listing, last),
  ];
}

/** `{json}`, or where a variable is asked for `name={json}`. */
function wrapped({ query, fault }: Inquiry, data: JsonValue, rows: number): Answer {
  const body: JsonValue = { code: 0, msg: "", data: fault?.kind === "null-data" ? {} : data };
  const name = query.get("_var");
  return name !== null && /^\w+$/.test(name)
    ? textAnswer(`${name}=${jsonText(body)}`, rows, "text/html; charset=UTF-8")
    : jsonAnswer(body, rows);
}

/** `/appstock/app/kline/mkline` */
export function minuteBarsAnswer(inquiry: Inquiry): Answer {
  const { query, view, fault, rules } = inquiry;
  const [symbol = "", period = "", , count = ""] = (query.get("param") ?? "").split(",");
  const listing = listingOf(inquiry, symbol);
  if (listing === undefined || !isMinutes(period)) {
    return wrapped(inquiry, {}, 0);
  }
  const length = MINUTES[period];
  const most = Math.min(numberOf(count, MINUTE_ROWS_MAX), MINUTE_ROWS_MAX);
  const days = view.daysOf(listing).slice(-Math.min(rules.minuteDays, Math.ceil((most * length) / 240) + 1));
  const lines = days.flatMap(({ day }) =>
    foldMinutes(listing.minutes(day), length).map((line) => ({ ...line, time: timeOf(day, line.endsAt) })),
  );
  const price = (milli: number): string => fixedText(listing.decimals === 2 ? milli / 10 : milli, listing.decimals);
  const rows = spoilRows(most === 0 ? [] : lines.slice(-most), fault).map((line): Cells => [
    line.time,
    ...[line.openMilli, line.closeMilli, line.highMilli, line.lowMilli].map(price),
    `${volumeText(listing, line)}.00`,
    {},
    ratioText(10_000 * line.volume, listing.figures.floatShares, 4),
  ]);
  const name = prefixedOf(listing.code);
  const data = {
    [name]: {
      qt: { [name]: quoteCells(inquiry, listing) },
      [period]: spoilCells(rows, fault),
      prec: price(view.daysOf(listing).at(-2)?.closeMilli ?? 0),
    },
  };
  return wrapped(inquiry, data, rows.length);
}

function isMinutes(text: string): text is keyof typeof MINUTES {
  return Object.hasOwn(MINUTES, text);
}

/** `202604231330` */
function timeOf(day: Day, endsAt: string): string {
  return `${compactDay(day)}${endsAt.replace(":", "")}`;
}

/** `/appstock/app/minute/query`: the latest day's line, volume and amount counted up. */
export function minuteLineAnswer(inquiry: Inquiry): Answer {
  const { query, view, fault } = inquiry;
  const listing = listingOf(inquiry, query.get("code") ?? "");
  const day = listing === undefined ? undefined : view.daysOf(listing).at(-1)?.day;
  if (listing === undefined || day === undefined) {
    return wrapped(inquiry, {}, 0);
  }
  const minutes = listing.minutes(day);
  let [volume, turnoverCents] = [0, 0];
  const rows = spoilRows(minutes, fault).map((line) => {
    volume += line.volume;
    turnoverCents += line.turnoverCents;
    const price = fixedText(listing.decimals === 2 ? line.closeMilli / 10 : line.closeMilli, listing.decimals);
    return `${line.endsAt.replace(":", "")} ${price} ${lotsText({ volume })} ${fixedText(turnoverCents, 2)}`;
  });
  const name = prefixedOf(listing.code);
  const data = {
    [name]: { data: { data: rows, date: compactDay(day) }, qt: { [name]: quoteCells(inquiry, listing) } },
  };
  return wrapped(inquiry, data, rows.length);
}

/** `/other/klineweb/klineWeb/weekTrends`: weeks since the listing, of which clients read the first day. */
export function weekTrendsAnswer(inquiry: Inquiry): Answer {
  const { query, view } = inquiry;
  const listing = listingOf(inquiry, query.get("code") ?? "");
  const weeks = listing === undefined ? [] : foldDays(view.daysOf(listing), "week");
  const text = jsonText({ data: weeks.map(({ day, closeMilli }) => [day, fixedText(closeMilli, PRICE_DECIMALS)]) });
  const name = query.get("_var");
  return textAnswer(name !== null && /^\w+$/.test(name) ? `${name}=${text}` : text, weeks.length);
}
