import { parseDecimal, shiftDecimal } from "../../base/decimal.ts";
import { DataError } from "../../base/errors.ts";
import { exchangeOf, type SecurityCode } from "../../domain/security-code.ts";
import type { Inquiry } from "../../ports/source.ts";
import { isRecord, parseBody } from "../http/json-text.ts";
import type { AkshareClient, UpstreamRequest } from "./client.ts";
import { codeOf, exchangeOfDigits, toEastmoneyId, toSecid } from "./codes.ts";
import { garbled } from "./errors.ts";

type Row = Readonly<Record<string, string>>;
type Cells = Readonly<Record<string, unknown>>;

/** The web page's own; one for everybody. */
const PAGE_TOKEN = "bd1d9ddb04089700cf9c27f6f7426281";
/** Every A share: the main boards, ChiNext, the board for science, Beijing. */
const A_SHARES = "m:0 t:6,m:0 t:80,m:1 t:2,m:1 t:23,m:0 t:81 s:2048";
/** So many rows are asked for; the service cuts pages shorter and says nothing of it. */
const PAGE_ROWS = 100;
const PAGES_MAX = 500;

/** What a person may ask beside the data sets. */
export function createInquiries(client: AkshareClient): readonly Inquiry[] {
  return [
    {
      name: "spot",
      help: "the newest price, volume and turnover of every A share",
      wants: [],
      ask: async (_question, signal) => await askSpot(client, signal),
    },
    {
      name: "quotes",
      help: "newest prices, volume and turnover of a code",
      wants: ["codes"],
      ask: async ({ codes }, signal) => {
        const rows: Row[] = [];
        for (const code of codes) {
          rows.push(...(await askQuote(client, code, signal)));
        }
        return rows;
      },
    },
  ];
}

function spotRequest(page: number): UpstreamRequest {
  return {
    upstream: "eastmoney",
    host: "82.push2.eastmoney.com",
    path: "/api/qt/clist/get",
    query: [
      ["pn", `${page}`],
      ["pz", `${PAGE_ROWS}`],
      ["po", "1"],
      ["np", "1"],
      ["ut", PAGE_TOKEN],
      ["fltt", "2"],
      ["invt", "2"],
      // By code, since prices move while pages are turned.
      ["fid", "f12"],
      ["fs", A_SHARES],
      ["fields", "f2,f5,f6,f12,f13,f14,f15,f16,f17,f18"],
    ],
    doing: `asking eastmoney for page ${page} of all prices`,
  };
}

/** How many pages there are shows in how many rows the first one has. */
async function askSpot(client: AkshareClient, signal: AbortSignal): Promise<readonly Row[]> {
  const rows = new Map<string, Row>();
  let pages = 1;
  for (let page = 1; page <= pages; page += 1) {
    const request = spotRequest(page);
    const { total, cells } = await client.ask(request, ({ text }) => readSpotPage(text, request.doing), signal);
    if (page === 1) {
      pages = cells.length === 0 ? 0 : Math.ceil(total / cells.length);
    }
    if (pages > PAGES_MAX) {
      throw new DataError(`row-cap paradox: more than ${PAGES_MAX} pages of prices`);
    }
    for (const one of cells) {
      const row = toSpotRow(one, request.doing);
      rows.set(row["code"] ?? "", row);
    }
  }
  return [...rows.values()];
}

interface SpotPage {
  readonly total: number;
  readonly cells: readonly Cells[];
}

export function readSpotPage(text: string, doing: string): SpotPage {
  const body = parseBody(text);
  const data = isRecord(body) ? body["data"] : undefined;
  const rows = isRecord(data) ? data["diff"] : undefined;
  const total = isRecord(data) ? data["total"] : undefined;
  if (!Array.isArray(rows) || !rows.every(isRecord) || typeof total !== "string" || !/^\d{1,6}$/.test(total)) {
    throw garbled(doing, "expected rows and their total", text);
  }
  return { total: Number.parseInt(total, 10), cells: rows };
}

function toSpotRow(cells: Cells, doing: string): Row {
  const digits = textOf(cells["f12"]);
  const code = codeOf(digits, exchangeOfDigits(textOf(cells["f13"]), digits));
  if (code === undefined) {
    throw garbled(doing, `expected six digits, got ${JSON.stringify(digits)}`);
  }
  return {
    code,
    name: textOf(cells["f14"]),
    price: numberOf(cells["f2"]),
    previousClose: numberOf(cells["f18"]),
    open: numberOf(cells["f17"]),
    high: numberOf(cells["f15"]),
    low: numberOf(cells["f16"]),
    volume: numberOf(cells["f5"], 2),
    turnover: numberOf(cells["f6"]),
  };
}

/** Prices of a quote are whole numbers, so many digits of which stand behind the point. */
async function askQuote(client: AkshareClient, code: SecurityCode, signal: AbortSignal): Promise<readonly Row[]> {
  const request: UpstreamRequest = {
    upstream: "eastmoney",
    host: "push2.eastmoney.com",
    path: "/api/qt/stock/get",
    query: [
      ["secid", toSecid(code)],
      ["fields", "f43,f44,f45,f46,f47,f48,f57,f58,f59,f60"],
      ["ut", PAGE_TOKEN],
    ],
    doing: `asking eastmoney for the price of ${code}`,
  };
  return await client.ask(request, ({ text }) => readQuote(text, code, request.doing), signal);
}

export function readQuote(text: string, code: SecurityCode, doing: string): readonly Row[] {
  const body = parseBody(text);
  if (!isRecord(body) || !("data" in body)) {
    throw garbled(doing, "expected an answer with data", text);
  }
  const { data } = body;
  if (data === null) {
    return [];
  }
  if (!isRecord(data) || data["f57"] !== toEastmoneyId(code).digits) {
    throw garbled(doing, `expected data of ${code}`, text);
  }
  const places = textOf(data["f59"]);
  if (!/^[0-6]$/.test(places)) {
    throw garbled(doing, `expected digits behind the point, got ${JSON.stringify(places)}`);
  }
  const price = (cell: unknown): string => numberOf(cell, -Number.parseInt(places, 10));
  return [
    {
      code,
      name: textOf(data["f58"]),
      price: price(data["f43"]),
      previousClose: price(data["f60"]),
      open: price(data["f46"]),
      high: price(data["f44"]),
      low: price(data["f45"]),
      volume: numberOf(data["f47"], exchangeOf(code) === "HK" ? 0 : 2),
      turnover: numberOf(data["f48"]),
    },
  ];
}

/** `-` is what stands for a price that there is not. */
function numberOf(cell: unknown, places = 0): string {
  return cell === "-" || cell === undefined || cell === null ? "" : shiftDecimal(parseDecimal(cell), places);
}

function textOf(cell: unknown): string {
  return typeof cell === "string" ? cell : "";
}
