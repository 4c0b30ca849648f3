import { compareDecimal, parseDecimal, scaleOf, toScaled, type DecimalText } from "../../base/decimal.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { addDays, compactDay, daysBetween, parseDay, type Day } from "../../domain/day.ts";
import { MARKET, SOURCE } from "../../domain/enums.ts";
import type { Frequency } from "../../domain/frequency.ts";
import type { CalendarDay } from "../../domain/rows.ts";
import { digitsOf, exchangeOf, type SecurityCode } from "../../domain/security-code.ts";
import { excerptOf, isRecord, parseBody } from "../http/json-text.ts";
import type { AkshareClient, UpstreamAnswer, UpstreamRequest } from "./client.ts";
import { toPrefixedCode } from "./codes.ts";
import { garbled } from "./errors.ts";
import { expectSameEvents, type WireFactor } from "./factors.ts";
import type { TicksQuestion, WireTick } from "./tencent.ts";
import { splitStamp, type WireBar } from "./wire-bar.ts";

type Cells = Readonly<Record<string, unknown>>;

/** A function of AKShare behind the server's one route; every parameter travels as text. */
function functionRequest(name: string, query: UpstreamRequest["query"] = []): UpstreamRequest {
  return {
    upstream: "aktools",
    path: `/api/public/${name}`,
    query,
    statuses: [404, 500],
    doing: `asking aktools for ${name}`,
  };
}

/** AKShare says with these words that it has nothing to give. */
const NOTHING = /返回数据为空/;
const UNKNOWN_FUNCTION = /未找到该接口/;

/**
 * The records of an answer, numbers as they were written. A failure inside the server is status 500 with a fixed text,
 * whatever it was: so an upstream shows that has shut the server out.
 */
export function readRecords(
  { status, text }: Pick<UpstreamAnswer, "status" | "text">,
  doing: string,
): readonly Cells[] {
  const body = parseBody(text);
  if (status === 404) {
    const said = isRecord(body) && typeof body["error"] === "string" ? body["error"] : "";
    if (NOTHING.test(said)) {
      return [];
    }
    const sentence = `${doing}: the server says ${excerptOf(said === "" ? text : said)}`;
    throw said === "" || UNKNOWN_FUNCTION.test(said) ? new PermanentError(sentence, "api") : new DataError(sentence);
  }
  if (status === 500) {
    const meaning = "the function failed in the server, as it does when an upstream does not answer it";
    throw new TransientError(`${doing}: ${meaning}: ${excerptOf(text)}`, { isAnswered: true });
  }
  if (!Array.isArray(body) || !body.every(isRecord)) {
    throw garbled(doing, "expected a list of records", text);
  }
  return body;
}

async function askRecords(
  client: AkshareClient,
  request: UpstreamRequest,
  signal: AbortSignal,
): Promise<readonly Cells[]> {
  return await client.ask(request, (answer) => readRecords(answer, request.doing), signal);
}

export interface AktoolsBarsQuestion {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  readonly from: Day;
  readonly to: Day;
}

export function aktoolsBarsRequest({ code, frequency, from, to }: AktoolsBarsQuestion): UpstreamRequest {
  const symbol = digitsOf(code);
  if (frequency === "1d") {
    return functionRequest("stock_zh_a_hist", [
      ["symbol", symbol],
      ["period", "daily"],
      ["start_date", compactDay(from)],
      ["end_date", compactDay(to)],
      ["adjust", ""],
    ]);
  }
  return functionRequest("stock_zh_a_hist_min_em", [
    ["symbol", symbol],
    ["start_date", `${from} 09:00:00`],
    ["end_date", `${to} 16:00:00`],
    ["period", frequency.replace("m", "")],
    ["adjust", ""],
  ]);
}

/**
 * The functions take six digits and send those that begin with 6 to Shanghai and all others to Shenzhen. What that rule
 * would send to the wrong exchange cannot be asked for.
 */
export function hasAktoolsSymbol(code: SecurityCode): boolean {
  return (exchangeOf(code) === "SH") === digitsOf(code).startsWith("6");
}

export async function askAktoolsBars(
  client: AkshareClient,
  question: AktoolsBarsQuestion,
  signal: AbortSignal,
): Promise<readonly WireBar[]> {
  const { code, frequency } = question;
  if (!hasAktoolsSymbol(code)) {
    return [];
  }
  const request = aktoolsBarsRequest(question);
  const bars = (await askRecords(client, request, signal)).map((record) => toWireBar(record, code, request.doing));
  // Of days before the newest one the line of minutes has no opening price.
  const newest = bars.map(({ day }) => day).reduce((last, day) => (day > last ? day : last), "");
  return frequency === "1m" ? bars.filter(({ day }) => day === newest) : bars;
}

function toWireBar(record: Cells, code: SecurityCode, doing: string): WireBar {
  const told = record["股票代码"];
  if (told !== undefined && told !== digitsOf(code)) {
    throw garbled(doing, `a record is about ${JSON.stringify(told)} and not about ${digitsOf(code)}`);
  }
  const { 开盘: open, 收盘: close, 最高: high, 最低: low, 成交量: volume, 成交额: amount } = record;
  const { day, endsAt } = splitStamp(record["时间"] ?? record["日期"]);
  const isDaily = record["时间"] === undefined;
  return {
    day,
    endsAt: isDaily ? undefined : endsAt,
    open,
    high,
    low,
    close,
    volume,
    amount,
    raw: JSON.stringify(record),
  };
}

/**
 * The prints of the newest day there is. They do not say which day that is, so they are held against the bar of the day
 * that is asked for: its volume and its prices. None where they are of another one.
 */
export async function askAktoolsTicks(
  client: AkshareClient,
  { code, day }: TicksQuestion,
  signal: AbortSignal,
): Promise<readonly WireTick[]> {
  if (!hasAktoolsSymbol(code)) {
    return [];
  }
  const bars = await askAktoolsBars(client, { code, frequency: "1d", from: day, to: day }, signal);
  const bar = bars.find((one) => one.day === day);
  if (bar === undefined) {
    return [];
  }
  const request = functionRequest("stock_zh_a_tick_tx_js", [["symbol", toPrefixedCode(code)]]);
  const records = await askRecords(client, request, signal);
  const ticks = records.map((record) => ({
    time: typeof record["成交时间"] === "string" ? record["成交时间"] : "",
    price: record["成交价格"],
    volume: record["成交量"],
    amount: record["成交金额"],
    side: record["性质"],
    raw: JSON.stringify(record),
  }));
  return isOfDay(ticks, bar) ? ticks : [];
}

/** A hundredth of a day's lots may be missing in its list, or in its bar. */
const LOTS_OFF_SHARE = 100n;
const SCALE = 4;

function isOfDay(ticks: readonly WireTick[], bar: WireBar): boolean {
  const [low, high, lots] = [bar.low, bar.high, bar.volume].map((cell) => decimalOf(cell));
  if (low === undefined || high === undefined || lots === undefined || scaleOf(lots) > 0) {
    return false;
  }
  let sum = 0n;
  for (const tick of ticks) {
    const price = decimalOf(tick.price);
    const volume = decimalOf(tick.volume);
    if (price === undefined || volume === undefined || scaleOf(volume) > SCALE) {
      return false;
    }
    if (compareDecimal(price, low) < 0 || compareDecimal(price, high) > 0) {
      return false;
    }
    sum += toScaled(volume, SCALE);
  }
  const off = sum - toScaled(lots, SCALE);
  return (off < 0n ? -off : off) * LOTS_OFF_SHARE <= sum;
}

function decimalOf(cell: unknown): DecimalText | undefined {
  try {
    return parseDecimal(cell);
  } catch (error) {
    if (error instanceof DataError) {
      return undefined;
    }
    throw error;
  }
}

/** A code without any event is a failure inside the server. */
export async function askAktoolsFactors(
  client: AkshareClient,
  code: SecurityCode,
  signal: AbortSignal,
): Promise<readonly WireFactor[]> {
  const ask = async (file: "hfq" | "qfq"): Promise<readonly WireFactor[]> => {
    const request = functionRequest("stock_zh_a_daily", [
      ["symbol", toPrefixedCode(code)],
      ["adjust", `${file}-factor`],
    ]);
    return (await askRecords(client, request, signal)).map((record) => ({
      day: dayText(record["date"]),
      factor: record[`${file}_factor`],
      raw: JSON.stringify(record),
    }));
  };
  const backward = await ask("hfq");
  expectSameEvents(backward, await ask("qfq"), `asking aktools for factors of ${code}`);
  return backward;
}

/** Over a hundred years. */
const CALENDAR_DAYS_MAX = 50_000;

/** Every day between two that the list of trading days has. */
export async function askAktoolsCalendar(
  client: AkshareClient,
  from: Day,
  to: Day,
  signal: AbortSignal,
): Promise<readonly CalendarDay[]> {
  const request = functionRequest("tool_trade_date_hist_sina");
  const records = await askRecords(client, request, signal);
  const open = new Set(records.map((record) => readDay(record["trade_date"], request.doing)));
  const days = [...open].toSorted();
  const first = days[0];
  const last = days.at(-1);
  if (first === undefined || last === undefined || daysBetween(first, last) > CALENDAR_DAYS_MAX) {
    throw garbled(request.doing, `the list has ${days.length} days from ${first} to ${last}`);
  }
  const rows: CalendarDay[] = [];
  for (let day = from > first ? from : first; day <= to && day <= last; day = addDays(day, 1)) {
    rows.push({ market: MARKET.CHINA, day, isOpen: open.has(day), source: SOURCE.AKSHARE });
  }
  return rows;
}

function readDay(cell: unknown, doing: string): Day {
  try {
    return parseDay(dayText(cell));
  } catch {
    throw garbled(doing, `expected a day, got ${JSON.stringify(cell)?.slice(0, 60)}`);
  }
}

/** `2024-01-25T00:00:00.000`, or the day alone. */
function dayText(cell: unknown): unknown {
  return typeof cell === "string" ? cell.replace(/T00:00:00(?:\.0+)?$/, "") : cell;
}
