import { Temporal } from "temporal-polyfill";

import { CN_TRADING_DAYS_FROM, CN_TRADING_DAYS_TO, tradingDays } from "../../domain/cn-trading-days.ts";
import { addDays, compactDay, maxDay, minDay, parseDay, toDay, type Day, SHANGHAI } from "../../domain/day.ts";
import { APIS, columnAt, type Api, type DatedApiName } from "./apis.ts";
import { badParameter, RefusedCall, REFUSALS } from "./refused-call.ts";
import type { Query } from "./read-query.ts";
import type { BarMinutes, SimulatedData, SimulatedRow } from "./simulated-data.ts";

export interface SelectOptions {
  readonly now: Temporal.Instant;
  /** Codes in one `ts_code` list; a longer list fails with a server error (protocol page, section 4.1). */
  readonly codesMax: number;
}

/**
 * The rows that a query asks for, newest first (the stock list by code), as far as they are published at `now`; not yet
 * cut to a page. Lazy: only what the caller takes is made.
 */
export function selectRows(
  api: Api,
  query: Query,
  data: SimulatedData,
  options: SelectOptions,
): Iterable<SimulatedRow> {
  const today = toDay(options.now.toZonedDateTimeISO(SHANGHAI).toPlainDate());
  if (api.name === "stock_basic") {
    return selectInstruments(api, query, data.instruments(today));
  }
  if (api.name === "trade_cal") {
    return selectCalendar(query, today);
  }
  if (api.name === "dividend") {
    return selectDividends(api, query, data, today);
  }
  if (api.name === "stk_mins") {
    return selectMinutes(query, data, publishedTo(api, options.now));
  }
  return selectDated(api, api.name, query, data, { ...options, publishedTo: publishedTo(api, options.now) });
}

interface DatedOptions extends SelectOptions {
  readonly publishedTo: string;
}

function* selectDated(
  api: Api,
  name: DatedApiName,
  query: Query,
  data: SimulatedData,
  { codesMax, publishedTo }: DatedOptions,
): Generator<SimulatedRow, undefined, unknown> {
  const codes = codesOf(api, query);
  if (codes !== undefined && codes.size > codesMax) {
    throw new RefusedCall(REFUSALS.server);
  }
  const from = query.get("trade_date") ?? query.get("start_date") ?? "";
  const asked = query.get("trade_date") ?? query.get("end_date") ?? publishedTo;
  const to = asked < publishedTo ? asked : publishedTo;
  const type = query.get("suspend_type");
  const dayAt = columnAt(api, "trade_date");
  const typeAt = type === undefined ? -1 : columnAt(api, "suspend_type");
  for (const row of newestFirst(name, data, codes, from, to)) {
    const day = row[dayAt] ?? "";
    if (day >= from && day <= to && (type === undefined || row[typeAt] === type)) {
      yield row;
    }
  }
}

function* newestFirst(
  name: DatedApiName,
  data: SimulatedData,
  codes: ReadonlySet<string> | undefined,
  from: string,
  to: string,
): Generator<SimulatedRow, undefined, unknown> {
  const [only] = codes ?? [];
  if (codes?.size === 1 && only !== undefined && from !== to) {
    yield* data.rowsOf(name, only);
    return;
  }
  for (let index = data.days.length - 1; index >= 0; index -= 1) {
    const day = data.days[index] ?? "";
    if (day >= from && day <= to) {
      yield* data.rowsOn(name, day, codes);
    }
  }
}

const FREQUENCIES: ReadonlyMap<string, BarMinutes> = new Map([
  ["1min", 1],
  ["5min", 5],
  ["15min", 15],
  ["30min", 30],
  ["60min", 60],
]);
/** Without a range about so many days come. */
const MINUTE_DAYS_DEFAULT = 10;

/** Bars whose end lies between two times, both inclusive; an end without a time of day is the midnight that begins its day. */
function* selectMinutes(
  query: Query,
  data: SimulatedData,
  published: string,
): Generator<SimulatedRow, undefined, unknown> {
  const minutes = FREQUENCIES.get(query.get("freq") ?? "");
  if (minutes === undefined) {
    throw new RefusedCall(badParameter("freq"));
  }
  const code = query.get("ts_code") ?? "";
  const from = query.get("start_date") ?? addDays(parseDay(published), -MINUTE_DAYS_DEFAULT);
  const end = query.get("end_date") ?? `${parseDay(published)} 23:59:59`;
  const to = end.length === 10 ? `${end} 00:00:00` : end;
  const timeAt = columnAt(APIS.stk_mins, "trade_time");
  const [first, last] = [from, to].map((time) => compactDay(parseDay(time.slice(0, 10))));
  for (const day of data.days.toReversed()) {
    if (day >= (first ?? "") && day <= (last ?? "") && day <= published) {
      for (const row of data.minutesOf(code, minutes, day)) {
        const time = row[timeAt] ?? "";
        if (time >= from && time <= to) {
          yield row;
        }
      }
    }
  }
}

function codesOf(api: Api, query: Query): ReadonlySet<string> | undefined {
  const text = query.get("ts_code");
  if (text === undefined) {
    return undefined;
  }
  return new Set(api.hasCodeLists ? text.split(",").filter((code) => code !== "") : [text]);
}

/** The last day whose rows are there at `now`. */
function publishedTo(api: Api, now: Temporal.Instant): string {
  const local = now.toZonedDateTimeISO(SHANGHAI);
  const isOut = Temporal.PlainTime.compare(local.toPlainTime(), api.publishedFrom) >= 0;
  const today = toDay(local.toPlainDate());
  return compactDay(isOut ? today : addDays(today, -1));
}

/** Only listed ones unless a status is asked for; one status a call. */
function* selectInstruments(
  api: Api,
  query: Query,
  rows: Iterable<SimulatedRow>,
): Generator<SimulatedRow, undefined, unknown> {
  const wanted = new Map(query);
  if (!wanted.has("list_status")) {
    wanted.set("list_status", "L");
  }
  const cells = [...wanted].map(([name, value]) => [columnAt(api, name), value] as const);
  for (const row of rows) {
    if (cells.every(([at, value]) => row[at] === value)) {
      yield row;
    }
  }
}

const CALENDAR_AHEAD_DAYS = 365;

/** Every calendar day, newest first, from the exchange's first day to about a year ahead. */
function* selectCalendar(query: Query, today: Day): Generator<SimulatedRow, undefined, unknown> {
  const exchange = query.get("exchange") ?? "SSE";
  const end = minDay(addDays(today, CALENDAR_AHEAD_DAYS), CN_TRADING_DAYS_TO);
  const isOpenWanted = query.get("is_open");
  const from = maxDay(dayOf(query.get("start_date")) ?? CN_TRADING_DAYS_FROM, CN_TRADING_DAYS_FROM);
  const to = minDay(dayOf(query.get("end_date")) ?? end, end);
  for (const { text, isOpen, previous } of calendarBetween(from, to)) {
    if (isOpenWanted === undefined || isOpenWanted === isOpen) {
      yield [exchange, text, isOpen, previous];
    }
  }
}

function dayOf(text: string | undefined): Day | undefined {
  return text === undefined ? undefined : parseDay(text);
}

interface CalendarEntry {
  readonly text: string;
  readonly isOpen: "0" | "1";
  /** The trading day before; absent for the first. */
  readonly previous: string | undefined;
}

function* calendarBetween(from: Day, to: Day): Generator<CalendarEntry, undefined, unknown> {
  const open = tradingDays();
  let index = open.length - 1;
  for (let day = to; day >= from; day = addDays(day, -1)) {
    while ((open[index] ?? "") > day) {
      index -= 1;
    }
    const isOpen = open[index] === day;
    const previous = open[isOpen ? index - 1 : index];
    yield {
      text: compactDay(day),
      isOpen: isOpen ? "1" : "0",
      previous: previous === undefined ? undefined : compactDay(previous),
    };
  }
}

function* selectDividends(
  api: Api,
  query: Query,
  data: SimulatedData,
  today: Day,
): Generator<SimulatedRow, undefined, unknown> {
  const code = query.get("ts_code");
  const wanted = [...query]
    .filter(([name]) => name !== "ts_code")
    .map(([name, value]) => [columnAt(api, name), value] as const);
  const announcedAt = columnAt(api, "ann_date");
  for (const own of code === undefined ? data.codes : [code]) {
    for (const row of data.dividends(own)) {
      if ((row[announcedAt] ?? "") <= compactDay(today) && wanted.every(([at, value]) => row[at] === value)) {
        yield row;
      }
    }
  }
}
