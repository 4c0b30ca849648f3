import { TransientError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import type { AkshareClient, UpstreamRequest } from "./client.ts";
import { toPrefixedCode } from "./codes.ts";
import { garbled, SPOILT } from "./errors.ts";

/** A print as it came. */
export interface WireTick {
  /** `HH:MM:SS`; whatever stands there otherwise. */
  readonly time: string;
  readonly price: unknown;
  readonly volume: unknown;
  readonly amount: unknown;
  readonly side: unknown;
  readonly raw: string;
}

export interface TickPage {
  readonly number: number;
  /** The place in the day of each print, from 0. */
  readonly sequences: readonly number[];
  readonly ticks: readonly WireTick[];
}

export interface TickInfo {
  readonly day: Day;
  /** When each page begins. */
  readonly beginnings: readonly string[];
}

/** Rows of a page. */
export const TICK_PAGE_ROWS = 70;
/** More prints of three seconds than a day has. */
const PAGES_MAX = 200;
/** Several times a full page, or the spans of all pages. */
const TEXT_MAX = 65_536;
/** It has prints of every day there is. */
const REFERENCE = "sz000001";

function ticksRequest(symbol: string, action: "info" | "data", page?: number): UpstreamRequest {
  return {
    upstream: "tencent",
    host: "stock.gtimg.cn",
    path: "/data/index.php",
    query: [
      ["appn", "detail"],
      ["action", action],
      ["c", symbol],
      ...(page === undefined ? [] : [["p", `${page}`] as const]),
    ],
    charset: "gbk",
    doing: `asking tencent for ticks of ${symbol}`,
  };
}

/** Which day the prints are of, and where its pages begin; undefined of a body without anything in it. */
export function readTickInfo(text: string, symbol: string, doing: string): TickInfo | undefined {
  if (text.trim() === "") {
    return undefined;
  }
  const match = /^\s*v_detail_time_(\w+)\s*=\s*\[\s*(\d{8})\s*,\s*"([\d:~|]*)"\s*\];?\s*$/.exec(text);
  if (match === null || text.length > TEXT_MAX) {
    throw garbled(doing, "expected a day and its pages", text);
  }
  const [, name, day, spans = ""] = match;
  if (name !== symbol) {
    throw garbled(doing, `the answer is about ${name} and not about ${symbol}`);
  }
  return {
    day: readDay(day, doing),
    beginnings: spans === "" ? [] : spans.split("|").map((span) => span.split("~")[0] ?? ""),
  };
}

function readDay(text: unknown, doing: string): Day {
  try {
    return parseDay(text);
  } catch {
    throw garbled(doing, `the day of the prints is ${JSON.stringify(text)}`);
  }
}

/** Undefined behind the last page: nothing, or a page of nothing. */
export function readTickPage(text: string, symbol: string, doing: string): TickPage | undefined {
  if (text.trim() === "") {
    return undefined;
  }
  const match = /^\s*v_detail_data_(\w+)\s*=\s*\[\s*(\d{1,4})\s*,\s*"([^"]*)"\s*\];?\s*$/.exec(text);
  if (match === null || text.length > TEXT_MAX || text.includes(SPOILT)) {
    throw garbled(doing, "expected a page of prints", text);
  }
  const [, name, number = "", rows = ""] = match;
  if (name !== symbol) {
    throw garbled(doing, `the answer is about ${name} and not about ${symbol}`);
  }
  if (rows === "") {
    return undefined;
  }
  const cells = rows.split("|").map((row) => row.split("/"));
  return {
    number: Number.parseInt(number, 10),
    sequences: cells.map(([sequence = ""]) => (/^\d{1,6}$/.test(sequence) ? Number.parseInt(sequence, 10) : -1)),
    ticks: cells.map((row) => {
      const [, time = "", price, , volume, amount, side] = row;
      return { time, price, volume, amount, side, raw: JSON.stringify(row.join("/")) };
    }),
  };
}

export interface TicksQuestion {
  readonly code: SecurityCode;
  readonly day: Day;
}

/**
 * All prints of the day, in as many requests as it takes. None where the list is of another day, since only that of the
 * newest one is kept. The rows do not say their day: that the list still is the one of `info` shows in where its pages
 * begin, and that it is whole in places without a gap and in nothing behind the last page. A list that changed meanwhile
 * is read once more from the beginning.
 */
export async function askTicks(
  client: AkshareClient,
  { code, day }: TicksQuestion,
  signal: AbortSignal,
): Promise<readonly WireTick[]> {
  const symbol = toPrefixedCode(code);
  for (let tries = 0; ; tries += 1) {
    const info = await askInfo(client, symbol, signal);
    if (info === undefined || info.day !== day || info.beginnings.length === 0) {
      return [];
    }
    const { ticks, trouble } = await readPages(client, symbol, info, signal);
    if (trouble === undefined) {
      return ticks;
    }
    if (tries > 0) {
      throw new TransientError(`asking tencent for ticks of ${code} on ${day}: ${trouble}`, { isAnswered: true });
    }
  }
}

/** Silence is what an unknown code gets, and what an address gets that asked too much: a code that always has prints tells. */
async function askInfo(client: AkshareClient, symbol: string, signal: AbortSignal): Promise<TickInfo | undefined> {
  const ask = async (of: string): Promise<TickInfo | undefined> => {
    const asked = ticksRequest(of, "info");
    const isSilent = (info: TickInfo | undefined): boolean => info === undefined;
    return await client.ask(asked, ({ text }) => readTickInfo(text, of, asked.doing), signal, isSilent);
  };
  const info = await ask(symbol);
  if (info === undefined && (await ask(REFERENCE)) === undefined) {
    throw client.blocked(
      "tencent",
      `asking tencent for ticks of ${symbol}: it answers nothing, neither of the code nor of ${REFERENCE}`,
    );
  }
  return info;
}

interface ReadPages {
  readonly ticks: readonly WireTick[];
  /** Why they are not the whole of one list. */
  readonly trouble: string | undefined;
}

async function readPages(
  client: AkshareClient,
  symbol: string,
  { beginnings }: TickInfo,
  signal: AbortSignal,
): Promise<ReadPages> {
  const ticks: WireTick[] = [];
  for (let number = 0; number < PAGES_MAX; number += 1) {
    const asked = ticksRequest(symbol, "data", number);
    const page = await client.ask(
      asked,
      ({ text }) => readTickPage(text, symbol, asked.doing),
      signal,
      (found) => found === undefined,
    );
    if (page === undefined) {
      const isWhole = number >= beginnings.length;
      return { ticks, trouble: isWhole ? undefined : `page ${number} of ${beginnings.length} is empty` };
    }
    const trouble = findTrouble(page, number, ticks.length, beginnings[number]);
    if (trouble !== undefined) {
      return { ticks, trouble };
    }
    ticks.push(...page.ticks);
    if (page.ticks.length < TICK_PAGE_ROWS && number + 1 >= beginnings.length) {
      return { ticks, trouble: undefined };
    }
  }
  return { ticks, trouble: `it goes on after ${PAGES_MAX} pages` };
}

function findTrouble(page: TickPage, number: number, before: number, begins: string | undefined): string | undefined {
  if (page.number !== number) {
    return `page ${page.number} came in place of page ${number}`;
  }
  const gap = page.sequences.findIndex((sequence, index) => sequence !== before + index);
  if (gap !== -1) {
    return `print ${page.sequences[gap]} stands in the place of print ${before + gap}`;
  }
  const first = page.ticks[0]?.time;
  if (begins !== undefined && first !== begins) {
    return `page ${number} begins at ${first} and was to begin at ${begins}`;
  }
  return page.ticks.length > TICK_PAGE_ROWS ? `page ${number} has ${page.ticks.length} prints` : undefined;
}
