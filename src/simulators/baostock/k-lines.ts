import { Temporal } from "temporal-polyfill";

import { tradingDays } from "../../domain/cn-trading-days.ts";
import { compactDay, type Day } from "../../domain/day.ts";
import type { FactorEvent } from "../../market/factor-events.ts";
import { divideHalfUp } from "../../market/price-rules.ts";
import { fixedText } from "../decimal-text.ts";
import type { AdjustFlag, BaostockQuery, BaostockRow } from "./baostock-data.ts";
import { firstFrom, foldMinutes, type DayLine, type Listing, type MinuteLine } from "./listing.ts";
import { ratioOf } from "./ratio-of.ts";

export interface KLineOptions {
  /** What stands for the volume of a suspended day; the page leaves it open. */
  readonly suspendedVolume: "0" | "";
}

/** Rows of one listing between the query's days, oldest first, with factors as they were known on `factorsUntil`. */
export function* kLines(
  listing: Listing,
  query: Pick<BaostockQuery, "start" | "end" | "frequency" | "adjustFlag">,
  factorsUntil: Day,
  options: KLineOptions,
): Generator<BaostockRow, undefined, undefined> {
  const { start, end, frequency, adjustFlag } = query;
  const adjust = createAdjustment(listing.factors(), adjustFlag, factorsUntil);
  if (frequency === "w" || frequency === "m") {
    yield* longRows(listing, query, adjust);
    return;
  }
  for (const line of linesBetween(listing.days(), start, end)) {
    if (frequency === "d") {
      yield dailyRow(listing, line, adjust, options);
    } else {
      const minutes = line.isTrading ? listing.minutes(line.day) : [];
      for (const minute of foldMinutes(minutes, Number.parseInt(frequency, 10))) {
        yield minuteRow(listing, line.day, minute, adjust);
      }
    }
  }
}

/** Prices of a day as the adjustment has them. */
export interface Adjustment {
  readonly flag: AdjustFlag;
  /** In millionths; 1,000,000 leaves a price as it was traded. */
  readonly factorE6: (day: Day) => number;
}

const ONE_E6 = 1_000_000;

/**
 * The method by returns: a price times the factor of the newest event on or before its day, with the factor's six
 * decimals. Forward factors are relative to the newest event that was known.
 */
export function createAdjustment(events: readonly FactorEvent[], flag: AdjustFlag, knownUntil: Day): Adjustment {
  const known = events.filter(({ day }) => day <= knownUntil);
  const back = (day: Day): number => known.findLast((event) => event.day <= day)?.factorE4 ?? 10_000;
  const last = known.at(-1)?.factorE4 ?? 10_000;
  const factors: Readonly<Record<AdjustFlag, (day: Day) => number>> = {
    "1": (day) => back(day) * 100,
    "2": (day) => forwardFactorE6(back(day), last),
    "3": () => ONE_E6,
  };
  return { flag, factorE6: factors[flag] };
}

export function forwardFactorE6(factorE4: number, newestE4: number): number {
  return divideHalfUp(factorE4 * ONE_E6, newestE4);
}

/** 4 decimals as traded, 10 adjusted. */
export function priceText(milli: number, factorE6: number, flag: AdjustFlag): string {
  return priceTextE9(milli * factorE6, flag);
}

function priceTextE9(priceE9: number, flag: AdjustFlag): string {
  return flag === "3" ? `${fixedText(priceE9 / ONE_E6, 3)}0` : `${fixedText(priceE9, 9)}0`;
}

/** Turnover in yuan with 4 decimals. */
function amountText(turnoverCents: number): string {
  return `${fixedText(turnoverCents, 2)}00`;
}

/** Percent, reckoned to 4 decimals and written with 6. */
export function percentText(dividend: number, divisor: number): string {
  return divisor === 0 ? "" : `${fixedText(ratioOf(dividend, divisor, 6), 4)}00`;
}

function linesBetween(lines: readonly DayLine[], start: Day, end: Day): readonly DayLine[] {
  const from = firstFrom(lines, start);
  const to = lines.findIndex(({ day }, at) => at >= from && day > end);
  return lines.slice(from, to < 0 ? undefined : to);
}

/** A row with every daily column; those that the kind does not have are empty. */
export function dailyRow(
  { code, kind, isSpecialTreatment, figures }: Listing,
  line: DayLine,
  { flag, factorE6 }: Adjustment,
  { suspendedVolume }: KLineOptions,
): BaostockRow {
  const factor = factorE6(line.day);
  const price = (milli: number): string => priceText(milli, factor, flag);
  const multiple = (cents: number): string =>
    kind !== "stock" || cents === 0
      ? ""
      : fixedText(ratioOf(Math.sign(cents) * line.closeMilli, 10 * Math.abs(cents), 6), 6);
  return {
    date: line.day,
    code,
    open: price(line.openMilli),
    high: price(line.highMilli),
    low: price(line.lowMilli),
    close: price(line.closeMilli),
    preclose: price(line.preCloseMilli),
    volume: line.isTrading ? String(line.volume) : suspendedVolume,
    amount: amountText(line.turnoverCents),
    adjustflag: flag,
    turn: line.isTrading && kind !== "index" ? percentText(line.volume, figures.floatShares) : "",
    tradestatus: line.isTrading ? "1" : "0",
    pctChg: percentText(line.closeMilli - line.preCloseMilli, line.preCloseMilli),
    peTTM: multiple(figures.earningsCents),
    pbMRQ: multiple(figures.bookCents),
    psTTM: multiple(figures.salesCents),
    pcfNcfTTM: multiple(figures.cashFlowCents),
    // Of ETFs the provider says 1, which means nothing.
    isST: isSpecialTreatment || kind === "etf" ? "1" : "0",
  };
}

function minuteRow({ code }: Listing, day: Day, minute: MinuteLine, { flag, factorE6 }: Adjustment): BaostockRow {
  const factor = factorE6(day);
  return {
    date: day,
    time: `${compactDay(day)}${minute.endsAt.replace(":", "")}00000`,
    code,
    open: priceText(minute.openMilli, factor, flag),
    high: priceText(minute.highMilli, factor, flag),
    low: priceText(minute.lowMilli, factor, flag),
    close: priceText(minute.closeMilli, factor, flag),
    volume: String(minute.volume),
    amount: amountText(minute.turnoverCents),
    adjustflag: flag,
  };
}

/**
 * Weeks or months, each dated by its last trading day. One that is not over within the market, and one without any trade,
 * has no row; what the provider does with the latter is not known.
 */
function* longRows(
  listing: Listing,
  { start, end, frequency }: Pick<BaostockQuery, "start" | "end" | "frequency">,
  adjust: Adjustment,
): Generator<BaostockRow, undefined, undefined> {
  const periodOf = frequency === "w" ? weekOf : monthOf;
  for (const [period, lines] of Map.groupBy(listing.days(), ({ day }) => periodOf(day))) {
    const last = lines.at(-1)?.day;
    const traded = lines.filter(({ isTrading }) => isTrading);
    if (
      last !== undefined &&
      last >= start &&
      last <= end &&
      traded.length > 0 &&
      isOver(listing, last, period, periodOf)
    ) {
      yield longRow(listing, last, traded, adjust);
    }
  }
}

/** Whether no later trading day of its period lies before a delisting. */
function isOver({ delistedOn }: Listing, last: Day, period: string, periodOf: (day: Day) => string): boolean {
  const next = tradingDays()[firstFrom(CALENDAR, last) + 1];
  return next === undefined || periodOf(next) !== period || next === delistedOn;
}

const CALENDAR = tradingDays().map((day) => ({ day }));

function longRow(
  { code, kind, figures }: Listing,
  date: Day,
  traded: readonly DayLine[],
  { flag, factorE6 }: Adjustment,
): BaostockRow {
  const [first, last] = [traded[0], traded.at(-1)];
  const pricesE9 = (
    member: "openMilli" | "highMilli" | "lowMilli" | "closeMilli" | "preCloseMilli",
  ): readonly number[] => traded.map((line) => line[member] * factorE6(line.day));
  const [openE9 = 0] = first === undefined ? [] : pricesE9("openMilli");
  const [beforeE9 = 0] = pricesE9("preCloseMilli");
  const closeE9 = last === undefined ? 0 : last.closeMilli * factorE6(last.day);
  const volume = traded.reduce((sum, line) => sum + line.volume, 0);
  return {
    date,
    code,
    open: priceTextE9(openE9, flag),
    high: priceTextE9(Math.max(...pricesE9("highMilli")), flag),
    low: priceTextE9(Math.min(...pricesE9("lowMilli")), flag),
    close: priceTextE9(closeE9, flag),
    volume: String(volume),
    amount: amountText(traded.reduce((sum, line) => sum + line.turnoverCents, 0)),
    adjustflag: flag,
    turn: kind === "index" ? "" : percentText(volume, figures.floatShares),
    pctChg: percentText(closeE9 - beforeE9, beforeE9),
  };
}

function weekOf(day: Day): string {
  const date = Temporal.PlainDate.from(day);
  return date.subtract({ days: date.dayOfWeek - 1 }).toString();
}

function monthOf(day: Day): string {
  return day.slice(0, 7);
}
