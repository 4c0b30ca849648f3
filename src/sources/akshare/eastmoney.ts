import type { Frequency } from "../../domain/frequency.ts";
import { compactDay, type Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { isRecord, parseBody } from "../http/json-text.ts";
import type { AkshareClient, UpstreamRequest } from "./client.ts";
import { toEastmoneyId, toSecid, type EastmoneyId } from "./codes.ts";
import { garbled } from "./errors.ts";
import { splitStamp, type WireBar } from "./wire-bar.ts";

/** The provider's numbers of its intervals. */
const INTERVALS = { "1m": "1", "5m": "5", "15m": "15", "30m": "30", "60m": "60", "1d": "101" } as const;
type EastmoneyFrequency = keyof typeof INTERVALS;

/** The web page's own; one for everybody. */
const PAGE_TOKEN = "7eea3edcaed734bea9cbfc24409ed989";
/** Date, open, close, high, low, volume, amount, and four columns of change that the page shows. */
const COLUMNS = "f51,f52,f53,f54,f55,f56,f57,f58,f59,f60,f61";
const COLUMNS_MIN = 7;
/** The composite index of Shanghai: there is no service without it. */
const REFERENCE: EastmoneyId = { market: "1", digits: "000001" };

export interface KlineQuestion {
  readonly code: SecurityCode;
  readonly frequency: Frequency;
  readonly from: Day;
  readonly to: Day;
}

/** Minutes come from the newest one back, whatever the days: then everything is asked for, as the page itself does. */
export function klineRequest({ code, frequency, from, to }: KlineQuestion): UpstreamRequest {
  const isDaily = frequency === "1d";
  const days = isDaily ? { beg: compactDay(from), end: compactDay(to) } : { beg: "0", end: "20500000" };
  return request(toSecid(code), intervalOf(frequency), days, `asking eastmoney for bars of ${code}`);
}

function request(
  secid: string,
  klt: string,
  { beg, end, lmt }: { readonly beg: string; readonly end: string; readonly lmt?: string },
  doing: string,
): UpstreamRequest {
  return {
    upstream: "eastmoney",
    host: "push2his.eastmoney.com",
    path: "/api/qt/stock/kline/get",
    query: [
      ["secid", secid],
      ["klt", klt],
      // Never adjusted: its adjusted prices are no multiples of the raw ones.
      ["fqt", "0"],
      ["fields1", "f1,f2,f3,f4,f5,f6"],
      ["fields2", COLUMNS],
      ["beg", beg],
      ["end", end],
      ...(lmt === undefined ? [] : [["lmt", lmt] as const]),
      ["ut", PAGE_TOKEN],
    ],
    doing,
  };
}

function intervalOf(frequency: Frequency): string {
  if (!isServed(frequency)) {
    throw new RangeError(`calling akshare: eastmoney has no bars at ${frequency}`);
  }
  return INTERVALS[frequency];
}

function isServed(frequency: Frequency): frequency is EastmoneyFrequency {
  return Object.hasOwn(INTERVALS, frequency);
}

/**
 * The bars of an answer, oldest first. Undefined where it has none of the code at all, `data: null`: so the service says
 * that it does not know the code, and so it says nothing to an address that asks too much. TransientError on an answer
 * about another security and on any other form.
 */
export function readKlines(text: string, id: EastmoneyId, doing: string): readonly WireBar[] | undefined {
  const body = parseBody(unwrapCallback(text));
  if (!isRecord(body) || !("data" in body)) {
    throw garbled(doing, "expected an answer with data", text);
  }
  const { data } = body;
  if (data === null) {
    return undefined;
  }
  if (!isRecord(data) || !Array.isArray(data["klines"])) {
    throw garbled(doing, "expected data with klines", text);
  }
  if (data["code"] !== id.digits || data["market"] !== id.market) {
    const got = JSON.stringify([data["market"], data["code"]]);
    throw garbled(doing, `the answer is about ${got} and not about ${id.market}.${id.digits}`);
  }
  const lines: readonly unknown[] = data["klines"];
  return lines.map((line) => toWireBar(line, doing));
}

function toWireBar(line: unknown, doing: string): WireBar {
  const cells = typeof line === "string" ? line.split(",") : [];
  if (cells.length < COLUMNS_MIN) {
    throw garbled(doing, `a bar has ${cells.length} columns, ${JSON.stringify(line)?.slice(0, 60)}`);
  }
  const [stamp, open, close, high, low, volume, amount] = cells;
  return { ...splitStamp(stamp), open, high, low, close, volume, amount, raw: JSON.stringify(line) };
}

/** `name({…});`, where somebody between asks so. */
function unwrapCallback(text: string): string {
  const match = /^\s*[\w.$]{1,80}\(([\s\S]*)\);?\s*$/.exec(text);
  return match?.[1] ?? text;
}

/**
 * All bars of the answer, none for a code that the service does not know. It says that with the same silence with which
 * it shuts out an address: so after a silence the newest day of the composite index is asked for in the same call, and
 * silence of that as well is a RateLimitError.
 */
export async function askKlines(
  client: AkshareClient,
  question: KlineQuestion,
  signal: AbortSignal,
): Promise<readonly WireBar[]> {
  const asked = klineRequest(question);
  const { doing } = asked;
  const id = toEastmoneyId(question.code);
  const bars = await client.ask(asked, ({ text }) => readKlines(text, id, doing), signal, isSilent);
  if (bars !== undefined) {
    return bars;
  }
  const newest = { beg: "0", end: "20500101", lmt: "1" };
  const known = request(
    `${REFERENCE.market}.${REFERENCE.digits}`,
    INTERVALS["1d"],
    newest,
    `${doing}, and for its index`,
  );
  const reference = await client.ask(known, ({ text }) => readKlines(text, REFERENCE, known.doing), signal, isSilent);
  if (reference === undefined) {
    const says =
      "it says nothing of the code and nothing of the composite index, as it does to an address that asked too much";
    throw client.blocked("eastmoney", `${doing}: ${says}`);
  }
  return [];
}

function isSilent(bars: readonly WireBar[] | undefined): boolean {
  return bars === undefined;
}
