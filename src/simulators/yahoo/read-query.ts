import { Temporal } from "temporal-polyfill";

import { addDays, dayAt, toDay } from "../../domain/day.ts";
import { depthDaysOf, intervalOf, isIntervalName, spanDaysOf, type Interval, type IntervalName } from "./intervals.ts";
import type { Span } from "./period-rows.ts";
import { badRequest, noDataBetween, tooFarBack, tooWide, unknownInterval, type Refusal } from "./refusal.ts";
import { midnightOf, openOf } from "./stamps.ts";
import type { YahooListing } from "./yahoo-data.ts";

/** A request whose parameters were found good. */
export interface ChartQuery extends Span {
  readonly name: IntervalName;
  readonly interval: Interval;
  /** As it was asked for; `""` where the request named seconds. */
  readonly range: string;
  readonly events: ReadonlySet<EventKind>;
  readonly includesExtended: boolean;
}

export type EventKind = "dividends" | "splits" | "capitalGains";

const EVENT_NAMES: Readonly<Record<string, EventKind>> = {
  div: "dividends",
  dividends: "dividends",
  split: "splits",
  splits: "splits",
  capitalGains: "capitalGains",
};

const DAY_SECONDS = 86_400;

/** The query of a request for a listing, or why it is refused, in the provider's order: form, limits, listing. */
export function readQuery(
  parameters: URLSearchParams,
  listing: YahooListing,
  nowSeconds: number,
): ChartQuery | Refusal {
  const name = parameters.get("interval") ?? (parameters.has("range") || parameters.has("period1") ? "1d" : "1m");
  if (!isIntervalName(name)) {
    return unknownInterval(name);
  }
  const span = readSpan(parameters, listing, nowSeconds);
  if ("status" in span) {
    return span;
  }
  return (
    refuseSpan(name, span, listing, nowSeconds) ?? {
      ...span,
      name,
      interval: intervalOf(name),
      events: readEvents(parameters.get("events") ?? ""),
      includesExtended: parameters.get("includePrePost") === "true",
    }
  );
}

function readEvents(text: string): ReadonlySet<EventKind> {
  return new Set(
    text.split(/[,|]/).flatMap((event) => (Object.hasOwn(EVENT_NAMES, event) ? (EVENT_NAMES[event] ?? []) : [])),
  );
}

function refuseSpan(
  name: IntervalName,
  { from, to, range }: Span & { readonly range: string },
  { hours, listedOn }: YahooListing,
  nowSeconds: number,
): Refusal | undefined {
  const depthDays = depthDaysOf(name);
  if (depthDays !== undefined && from < nowSeconds - depthDays * DAY_SECONDS) {
    return tooFarBack(name, from, to, depthDays);
  }
  const spanDays = spanDaysOf(name);
  if (spanDays !== undefined && to - from > spanDays * DAY_SECONDS) {
    return tooWide(name, from, to, spanDays);
  }
  const isOutside = to <= midnightOf(hours.zone, listedOn) || from > nowSeconds;
  return range === "" && from !== to && isOutside ? noDataBetween(from, to) : undefined;
}

function readSpan(
  parameters: URLSearchParams,
  listing: YahooListing,
  nowSeconds: number,
): (Span & { readonly range: string }) | Refusal {
  const [first, last] = [parameters.get("period1"), parameters.get("period2")];
  if (first !== null || last !== null) {
    const [from, to] = [readSeconds(first, 0), readSeconds(last, nowSeconds)];
    if (from === undefined || to === undefined) {
      return badRequest(`Invalid input - period1=${first ?? ""}, period2=${last ?? ""}`);
    }
    return from > to
      ? badRequest(`Invalid input - start date cannot be after end date. startDate = ${from}, endDate = ${to}`)
      : { from, to, range: "" };
  }
  const range = parameters.get("range") ?? "1d";
  const from = beginOf(range, listing, nowSeconds);
  return from === undefined
    ? badRequest(`Invalid input - range=${range} is not supported.`)
    : { from, to: Math.floor(nowSeconds) + 1, range };
}

function readSeconds(text: string | null, other: number): number | undefined {
  if (text === null) {
    return other;
  }
  return /^-?\d{1,12}$/.test(text) ? Number.parseInt(text, 10) : undefined;
}

const RANGE = /^([1-9]\d{0,3})(d|wk|mo|y)$/;
const DAYS_BACK_MAX = 20_000;

/** Where a range begins: days are trading days with today among them, longer ones go by the calendar. */
function beginOf(range: string, { hours, listedOn }: YahooListing, nowSeconds: number): number | undefined {
  const today = dayAt(Temporal.Instant.fromEpochMilliseconds(Math.floor(nowSeconds) * 1_000), hours.zone);
  if (range === "max") {
    return openOf(hours, listedOn);
  }
  if (range === "ytd") {
    return midnightOf(hours.zone, toDay(Temporal.PlainDate.from(today).with({ month: 1, day: 1 })));
  }
  const [, digits = "", unit = ""] = RANGE.exec(range) ?? [];
  const count = Number.parseInt(digits, 10);
  if (Number.isNaN(count)) {
    return undefined;
  }
  if (unit === "d") {
    let day = today;
    let left = count;
    for (let back = 0; back < DAYS_BACK_MAX && day >= listedOn; back += 1) {
      left -= hours.isOpenOn(day) ? 1 : 0;
      if (left === 0) {
        break;
      }
      day = addDays(day, -1);
    }
    return midnightOf(hours.zone, day);
  }
  const back = unit === "wk" ? { weeks: count } : unit === "mo" ? { months: count } : { years: count };
  const begin = Temporal.PlainDate.from(today).subtract(back);
  const first = Temporal.PlainDate.from(listedOn);
  return midnightOf(hours.zone, toDay(Temporal.PlainDate.compare(begin, first) < 0 ? first : begin));
}
