import type { Clock } from "../../base/clock.ts";
import { fromScaled, shiftDecimal, ZERO, type DecimalText } from "../../base/decimal.ts";
import { DataError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { Inquiry, Question } from "../../ports/source.ts";
import { askForBars } from "./believe.ts";
import { todayOf } from "./calendar.ts";
import { START_MAX, toCodeText } from "./command.ts";
import { corporateActions } from "./corporate-actions.ts";
import type { KLine } from "./k-lines.ts";
import { LIST_ROWS_MAX, securityCount, securityList, type ListedMarket, type ListedSecurity } from "./lists.ts";
import { quotePlaces, sharesOfPeriod, tickPriceScale } from "./mapping.ts";
import { minuteLineOfDay, minuteLineOfToday } from "./minute-lines.ts";
import type { TdxPool } from "./pool.ts";
import { clockText, roundDecimal } from "./primitives.ts";
import { QUOTE_CODES_MAX, quotes, type Quote } from "./quotes.ts";

type Row = Readonly<Record<string, string>>;

/** The classic lists get no answer for Beijing. */
const LISTED_MARKETS: readonly ListedMarket[] = [1, 0];
const LONGEST_AGO = parseDay("1990-12-19");

/**
 * What a person may ask beside the data sets; volumes in shares, money in yuan. A volume whose unit nothing tells, as of
 * indices and bonds, is left out.
 */
export function createInquiries(pool: TdxPool, clock: Clock): readonly Inquiry[] {
  return [
    inquiry(
      "quotes",
      "the last price, the day so far and five levels of bids and asks",
      ["codes"],
      (question, signal) => askQuotes(pool, codesOf(question), signal),
    ),
    inquiry(
      "minute-line",
      "price and volume of every minute of a day, the newest one unless --day says",
      ["codes", "day"],
      (question, signal) => eachCode(question, (code) => askMinuteLine(pool, code, question.day, signal)),
    ),
    inquiry("corporate-actions", "dividends, rights and changes of the share capital", ["codes"], (question, signal) =>
      eachCode(question, (code) => askCorporateActions(pool, code, signal)),
    ),
    inquiry("weekly-bars", "bars of weeks as the server makes them", ["codes", "range"], (question, signal) =>
      eachCode(question, (code) => askPeriods(pool, { code, interval: "week", ...rangeOf(question, clock) }, signal)),
    ),
    inquiry("monthly-bars", "bars of months as the server makes them", ["codes", "range"], (question, signal) =>
      eachCode(question, (code) => askPeriods(pool, { code, interval: "month", ...rangeOf(question, clock) }, signal)),
    ),
    inquiry("security-list", "everything that Shanghai and Shenzhen list, with lot and decimals", [], (_, signal) =>
      askSecurityList(pool, signal),
    ),
    inquiry("security-count", "how many entries the lists of Shanghai and Shenzhen have", [], (_, signal) =>
      askSecurityCount(pool, todayOf(clock), signal),
    ),
  ];
}

function inquiry(name: string, help: string, wants: Inquiry["wants"], ask: Inquiry["ask"]): Inquiry {
  return { name, help, wants, ask };
}

function codesOf({ codes }: Question): readonly SecurityCode[] {
  if (codes.length === 0) {
    throw new DataError("asking tdx: expected at least one code", "codes");
  }
  return codes;
}

function rangeOf({ from, to }: Question, clock: Clock): { readonly from: Day; readonly to: Day; readonly today: Day } {
  const today = todayOf(clock);
  return { from: from ?? LONGEST_AGO, to: to ?? today, today };
}

async function eachCode(
  question: Question,
  ask: (code: SecurityCode) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const code of codesOf(question)) {
    rows.push(...(await ask(code)));
  }
  return rows;
}

async function askQuotes(pool: TdxPool, codes: readonly SecurityCode[], signal: AbortSignal): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let at = 0; at < codes.length; at += QUOTE_CODES_MAX) {
    const part = codes.slice(at, at + QUOTE_CODES_MAX);
    const { value } = await pool.run((connection) => connection.ask(quotes(part), signal), signal);
    rows.push(...value.flatMap((quote) => toQuoteRow(quote, part)));
  }
  return rows;
}

function toQuoteRow(quote: Quote, asked: readonly SecurityCode[]): readonly Row[] {
  const code = asked.find((one) => one === toCodeText(quote.market, quote.digits));
  // Of a code that it does not know the server says zeros.
  if (code === undefined || (quote.price === 0 && quote.preClose === 0)) {
    return [];
  }
  const scale = tickPriceScale(code);
  const price = (value: number): DecimalText => fromScaled(BigInt(value), scale);
  const places = quotePlaces(quote, code);
  const row: Record<string, string> = {
    code,
    price: price(quote.price),
    previousClose: price(quote.preClose),
    open: price(quote.open),
    high: price(quote.high),
    low: price(quote.low),
    ...volumeAs("volume", quote.lots, places),
    turnover: roundDecimal(quote.amount, 2),
    ...volumeAs("lastVolume", quote.lastLots, places),
    ...volumeAs("soldVolume", quote.sellLots, places),
    ...volumeAs("boughtVolume", quote.buyLots, places),
  };
  for (const [index, level] of quote.levels.entries()) {
    row[`bid${index + 1}`] = price(level.bid);
    Object.assign(row, volumeAs(`bidVolume${index + 1}`, level.bidLots, places));
    row[`ask${index + 1}`] = price(level.ask);
    Object.assign(row, volumeAs(`askVolume${index + 1}`, level.askLots, places));
  }
  return [row];
}

/** The line of today names no day, and between two sessions it is that of the session before: the server says which day it is. */
async function askMinuteLine(
  pool: TdxPool,
  code: SecurityCode,
  day: Day | undefined,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const scale = tickPriceScale(code);
  const { value } = await pool.run(async (connection) => {
    const newest = parseDay(await connection.currentDay(signal));
    const wanted = day ?? newest;
    const command = wanted === newest ? minuteLineOfToday(code) : minuteLineOfDay(code, wanted);
    const { points, snapshot } = await connection.ask(command, signal);
    return { wanted, points, snapshot };
  }, signal);
  // The line of a past day has no turnover, and so no unit of its own.
  const places = quotePlaces(value.snapshot ?? NOTHING_TRADED, code);
  return value.points.map(({ minutes, price, lots }) => ({
    code,
    time: `${value.wanted} ${clockText(minutes)}:00`,
    price: fromScaled(BigInt(price), scale),
    ...volumeAs("volume", lots, places),
  }));
}

const NOTHING_TRADED = { lots: 0, amount: ZERO, low: 0, high: 0 } as const;

/** Names of the fields that depend on the category. */
const ACTION_FIELDS = {
  exDay: ["cashPerTenShares", "rightsPrice", "newSharesPerTen", "rightsPerTen"],
  ratio: ["", "", "ratio", ""],
  warrant: ["strikePrice", "", "quantity", ""],
  capital: ["floatSharesBefore", "sharesBefore", "floatSharesAfter", "sharesAfter"],
} as const;

function actionFields(category: number): readonly [keyof typeof ACTION_FIELDS, number] {
  // Share counts come in units of 10,000.
  switch (category) {
    case 1:
      return ["exDay", 0];
    case 11:
    case 12:
      return ["ratio", 0];
    case 13:
    case 14:
      return ["warrant", 0];
    default:
      return ["capital", 4];
  }
}

async function askCorporateActions(pool: TdxPool, code: SecurityCode, signal: AbortSignal): Promise<readonly Row[]> {
  const { value } = await pool.run((connection) => connection.ask(corporateActions(code), signal), signal);
  return value.map(({ date, category, values }) => {
    const [fields, places] = actionFields(category);
    const row: Record<string, string> = { code, day: date, category: `${category}` };
    for (const [index, field] of ACTION_FIELDS[fields].entries()) {
      const text = values[index];
      if (field !== "" && text !== undefined) {
        row[field] = shiftDecimal(text, places);
      }
    }
    return row;
  });
}

interface Periods {
  readonly code: SecurityCode;
  readonly interval: "week" | "month";
  readonly from: Day;
  readonly to: Day;
  readonly today: Day;
}

async function askPeriods(
  pool: TdxPool,
  { code, interval, from, to, today }: Periods,
  signal: AbortSignal,
): Promise<readonly Row[]> {
  const isIndex = kindOf(code) === "index";
  const rowsPerDay = interval === "week" ? 0.2 : 0.05;
  const found = new Map<string, KLine>();
  let rest: { readonly to: Day; readonly offset: number | undefined } | undefined = { to, offset: undefined };
  while (rest !== undefined) {
    const question = { code, interval, isIndex, rowsPerDay, from, today, ...rest };
    const answer = await askForBars(pool, question, signal);
    for (const row of answer.rows) {
      found.set(row.date, row);
    }
    rest = answer.rest;
  }
  return [...found.values()]
    .toSorted((left, right) => (left.date < right.date ? -1 : 1))
    .map((row) => ({
      code,
      lastDay: row.date,
      open: fromScaled(BigInt(row.open), 3),
      high: fromScaled(BigInt(row.high), 3),
      low: fromScaled(BigInt(row.low), 3),
      close: fromScaled(BigInt(row.close), 3),
      ...withVolume(sharesOfPeriod(row, code)),
      turnover: roundDecimal(row.amount, 2),
    }));
}

async function askSecurityList(pool: TdxPool, signal: AbortSignal): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const market of LISTED_MARKETS) {
    const { value } = await pool.run(async (connection) => {
      const found: ListedSecurity[] = [];
      for (let page = LIST_ROWS_MAX; page === LIST_ROWS_MAX && found.length < START_MAX;) {
        const part = await connection.ask(securityList(market, found.length), signal);
        found.push(...part);
        page = part.length;
      }
      return found;
    }, signal);
    rows.push(
      ...value.map(({ digits, name, lotSize, decimals, preClose }) => ({
        code: toCodeText(market, digits) ?? digits,
        name,
        lotSize: `${lotSize}`,
        decimals: `${decimals}`,
        previousClose: roundDecimal(preClose, decimals),
      })),
    );
  }
  return rows;
}

async function askSecurityCount(pool: TdxPool, today: Day, signal: AbortSignal): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const market of LISTED_MARKETS) {
    const { value } = await pool.run((connection) => connection.ask(securityCount(market, today), signal), signal);
    rows.push({ exchange: market === 1 ? "SH" : "SZ", count: `${value}` });
  }
  return rows;
}

function volumeAs(name: string, lots: number, places: number | undefined): Row {
  return places === undefined ? {} : { [name]: shiftDecimal(fromScaled(BigInt(lots), 0), places) };
}

function withVolume(volume: DecimalText | undefined): Row {
  return volume === undefined ? {} : { volume };
}
