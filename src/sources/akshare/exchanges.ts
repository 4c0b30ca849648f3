import { DataError, TransientError } from "../../base/errors.ts";
import type { MainlandExchange } from "../../domain/security-code.ts";
import { isRecord, parseBody } from "../http/json-text.ts";
import { show } from "../read-cells.ts";
import type { AkshareClient, UpstreamRequest } from "./client.ts";
import { garbled, SPOILT } from "./errors.ts";
import { mapInstruments, type MappedInstruments, type WireInstrument } from "./instruments.ts";

/** One list of one exchange, in pages. */
export interface Section {
  readonly exchange: MainlandExchange;
  readonly name: string;
  /** Pages from 1, whatever the exchange counts from. */
  readonly request: (page: number) => UpstreamRequest;
  readonly read: (text: string, page: number, doing: string) => ListPage;
  readonly row: (cells: Cells) => Omit<WireInstrument, "raw">;
  /** The exchange may first hand out a cookie, with a redirection back to the same page. */
  readonly hasCookie?: true;
}

type Cells = Readonly<Record<string, unknown>>;

interface ListPage {
  readonly rows: readonly Cells[];
  readonly pages: number;
  /** Rows of all its pages. */
  readonly total: number;
}

const SSE_HOST = "query.sse.com.cn";
const SSE_REFERER = "https://www.sse.com.cn/assortment/stock/list/share/";
const SSE_PAGE_ROWS = "10000";

/** `stockType`: 1 the main board's A shares, 2 B shares, 8 the board for science. */
function sseSection(name: string, stockType: string, codeField: string): Section {
  return {
    exchange: "SH",
    name,
    request: (page) => sseRequest("/sseQuery/commonQuery.do", stockType, "2,4,5,7,8", page, name),
    read: readSse,
    row: (cells) => ({
      digits: cells[codeField],
      name: firstText(cells["SEC_NAME_CN"], cells["COMPANY_ABBR"]),
      industry: cells["CSRC_CODE_DESC"],
      listedOn: cells["LIST_DATE"],
    }),
  };
}

function sseRequest(path: string, stockType: string, status: string, page: number, name: string): UpstreamRequest {
  return {
    upstream: "sse",
    host: SSE_HOST,
    path,
    query: [
      ["sqlId", "COMMON_SSE_CP_GPJCTPZ_GPLB_GP_L"],
      ["STOCK_TYPE", stockType],
      ["REG_PROVINCE", ""],
      ["CSRC_CODE", ""],
      ["STOCK_CODE", ""],
      ["COMPANY_STATUS", status],
      ["type", "inParams"],
      ["isPagination", "true"],
      ["pageHelp.cacheSize", "1"],
      ["pageHelp.beginPage", `${page}`],
      ["pageHelp.pageSize", SSE_PAGE_ROWS],
      ["pageHelp.pageNo", `${page}`],
      ["pageHelp.endPage", `${page}`],
    ],
    referer: SSE_REFERER,
    doing: `asking sse for ${name}`,
  };
}

const SSE_DELISTED: Section = {
  exchange: "SH",
  name: "delisted shares",
  request: (page) => sseRequest("/commonQuery.do", "1,2,8", "3", page, "delisted shares"),
  read: readSse,
  row: (cells) => ({
    // A company's B shares have a row of their own, which names its A shares as well.
    digits:
      cells["STOCK_TYPE"] === "2"
        ? firstDigits(cells["B_STOCK_CODE"])
        : firstDigits(cells["A_STOCK_CODE"], cells["B_STOCK_CODE"], cells["COMPANY_CODE"]),
    name: firstText(cells["SEC_NAME_CN"], cells["COMPANY_ABBR"]),
    industry: cells["CSRC_CODE_DESC"],
    listedOn: cells["LIST_DATE"],
    delistedOn: cells["DELIST_DATE"],
  }),
};

function readSse(text: string, page: number, doing: string): ListPage {
  const body = parseBody(text.trim().replace(/^[\w$]{1,80}\(([\s\S]*)\);?$/, "$1"));
  const help = isRecord(body) ? body["pageHelp"] : undefined;
  const rows = isRecord(body) ? body["result"] : undefined;
  if (!isRecord(help) || !isListOfRecords(rows)) {
    throw garbled(doing, "expected pageHelp and result", text);
  }
  const pages = readCount(help["pageCount"], doing);
  if (rows.length > 0) {
    expectPage(help["pageNo"], page, doing);
  }
  const total = expectRows(rows.length, { page, size: help["pageSize"], total: help["total"] }, doing);
  return { rows, pages, total };
}

/** `tab`: 1 A shares, 2 B shares; of the catalogue of delistings 2 those that ended. */
function szseSection(name: string, catalog: string, tab: 1 | 2, row: Section["row"]): Section {
  return {
    exchange: "SZ",
    name,
    request: (page) => ({
      upstream: "szse",
      host: "www.szse.cn",
      path: "/api/report/ShowReport/data",
      query: [
        ["SHOWTYPE", "JSON"],
        ["CATALOGID", catalog],
        ["TABKEY", `tab${tab}`],
        ["PAGENO", `${page}`],
        ["random", "0.6935816432433362"],
      ],
      referer: "https://www.szse.cn/market/product/stock/list/index.html",
      doing: `asking szse for ${name}`,
    }),
    read: (text, page, doing) => readSzse(text, { tab, page }, doing),
    row,
  };
}

function readSzse(
  text: string,
  { tab, page }: { readonly tab: number; readonly page: number },
  doing: string,
): ListPage {
  const body = parseBody(text);
  const tabs: readonly unknown[] = Array.isArray(body) ? body : [];
  const named = tabs.find(
    (one) => isRecord(one) && isRecord(one["metadata"]) && one["metadata"]["tabkey"] === `tab${tab}`,
  );
  const found = named ?? tabs[tab - 1];
  const metadata = isRecord(found) ? found["metadata"] : undefined;
  const rows = isRecord(found) ? found["data"] : undefined;
  if (!isRecord(metadata) || !isListOfRecords(rows)) {
    throw garbled(doing, `expected metadata and data of tab ${tab}`, text);
  }
  const pages = readCount(metadata["pagecount"], doing);
  if (rows.length > 0) {
    expectPage(metadata["pageno"], page, doing);
  }
  const counts = { page, size: metadata["pagesize"], total: metadata["recordcount"] };
  return { rows, pages, total: expectRows(rows.length, counts, doing) };
}

const BSE: Section = {
  exchange: "BJ",
  name: "shares of Beijing",
  request: (page) => ({
    upstream: "bse",
    host: "www.bse.cn",
    path: "/nqxxController/nqxxCnzq.do",
    form: [
      ["page", `${page - 1}`],
      ["typejb", "T"],
      ["xxfcbj[]", "2"],
      ["xxzqdm", ""],
      ["sortfield", "xxzqdm"],
      ["sorttype", "asc"],
    ],
    referer: "https://www.bse.cn/nq/listedcompany.html",
    statuses: [302, 307],
    doing: "asking bse for shares of Beijing",
  }),
  read: (text, page, doing) => {
    const body = parseBody(text.trim().replace(/^[\w$]{1,80}\(([\s\S]*)\);?$/, "$1"));
    const found: unknown = Array.isArray(body) ? body[0] : undefined;
    const rows = isRecord(found) ? found["content"] : undefined;
    if (!isRecord(found) || !isListOfRecords(rows)) {
      throw garbled(doing, "expected a page with content", text);
    }
    expectPage(found["number"], page - 1, doing);
    const pages = readCount(found["totalPages"], doing);
    const total = expectRows(rows.length, { page, size: found["size"], total: found["totalElements"] }, doing);
    return { rows, pages, total };
  },
  row: (cells) => ({
    digits: cells["xxzqdm"],
    name: cells["xxzqjc"],
    industry: cells["xxhyzl"],
    listedOn: cells["fxssrq"],
  }),
  hasCookie: true,
};

const SECTIONS: { readonly [S in "listed" | "delisted"]: readonly Section[] } = {
  listed: [
    sseSection("A shares", "1", "A_STOCK_CODE"),
    sseSection("B shares", "2", "B_STOCK_CODE"),
    sseSection("shares of the board for science", "8", "A_STOCK_CODE"),
    szseSection("A shares", "1110", 1, ({ agdm, agjc, sshymc, agssrq }) => ({
      digits: agdm,
      name: agjc,
      industry: sshymc,
      listedOn: agssrq,
    })),
    szseSection("B shares", "1110", 2, ({ bgdm, bgjc, sshymc, bgssrq }) => ({
      digits: bgdm,
      name: bgjc,
      industry: sshymc,
      listedOn: bgssrq,
    })),
    BSE,
  ],
  // Beijing publishes no list of what it delisted.
  delisted: [
    SSE_DELISTED,
    szseSection("delisted shares", "1793_ssgs", 2, ({ zqdm, zqjc, ssrq, zzrq }) => ({
      digits: zqdm,
      name: zqjc,
      industry: "",
      listedOn: ssrq,
      delistedOn: zzrq,
    })),
  ],
};

export interface ListAnswer extends MappedInstruments {
  readonly received: number;
  /** The place behind it; undefined behind the last page of the last exchange. */
  readonly next: number | undefined;
}

/** A place in the lists of a status is the section and the page in it, as one number. */
const PAGES_MAX = 10_000;

/**
 * One page of the lists of all three exchanges, one behind the other. RangeError on a place that no page leads to,
 * TransientError on a page that is not the one that was asked for.
 */
export async function askList(
  client: AkshareClient,
  status: "listed" | "delisted",
  place: number,
  totals: ListTotals,
  signal: AbortSignal,
): Promise<ListAnswer> {
  const at = Math.floor(place / PAGES_MAX);
  const page = (place % PAGES_MAX) + 1;
  const section = SECTIONS[status][at];
  if (section === undefined) {
    throw new RangeError(`calling akshare: no list of ${status} shares has the place ${place}`);
  }
  const request = section.request(page);
  const { rows, pages } = await (page === 1 ? askFirst : askOther)({ client, section, request, page, totals }, signal);
  if (pages >= PAGES_MAX) {
    throw new DataError(`${request.doing}: the list has ${pages} pages`);
  }
  const isLast = page >= pages;
  const next = isLast ? (at + 1) * PAGES_MAX : place + 1;
  const list = rows.map((cells) => ({ ...section.row(cells), raw: JSON.stringify(cells) }));
  return {
    ...mapInstruments(list, section.exchange, status),
    received: rows.length,
    next: isLast && at + 1 >= SECTIONS[status].length ? undefined : next,
  };
}

/** How long each list is by its first page, for its other pages. Of one source. */
export type ListTotals = Map<Section, number>;

/** So often the first page of a list is asked for: it may be stale or empty twice running. */
const LOOKS_MIN = 3;
/** And so often at most, as any page is that is not of a list as long as the first one says. */
const LOOKS_MAX = 5;

interface PageRequest {
  readonly client: AkshareClient;
  readonly section: Section;
  readonly request: UpstreamRequest;
  readonly page: number;
  readonly totals: ListTotals;
}

/**
 * A list that lost a row counts without it, and nothing in one answer shows that. So the first page is asked for three times
 * at least, and until the longest list came twice.
 */
async function askFirst({ totals, ...asked }: PageRequest, signal: AbortSignal): Promise<ListPage> {
  let longest = await askPage(asked, signal);
  let cameSoLong = 1;
  for (let looks = 2; looks <= LOOKS_MAX && (looks <= LOOKS_MIN || cameSoLong < 2); looks += 1) {
    const again = await askPage(asked, signal);
    cameSoLong = again.total > longest.total ? 1 : cameSoLong + (again.total === longest.total ? 1 : 0);
    longest = again.total > longest.total ? again : longest;
  }
  totals.set(asked.section, longest.total);
  return longest;
}

/** Every other page has to be of a list that is as long as the first one says. */
async function askOther({ totals, ...asked }: PageRequest, signal: AbortSignal): Promise<ListPage> {
  const total = totals.get(asked.section);
  for (let looks = 1; ; looks += 1) {
    const answer = await askPage(asked, signal);
    if (total === undefined || answer.total === total || looks >= LOOKS_MAX) {
      return answer;
    }
  }
}

/** A name that the wire spoilt would be stored as it came. */
function readPage(section: Section, text: string, page: number, doing: string): ListPage {
  if (text.includes(SPOILT)) {
    throw garbled(doing, "the answer is not in the character set that it has", text);
  }
  return section.read(text, page, doing);
}

async function askPage(
  { client, section, request, page }: Omit<PageRequest, "totals">,
  signal: AbortSignal,
): Promise<ListPage> {
  const answer = await client.ask(request, (got) => got, signal);
  if (section.hasCookie === undefined || (answer.status !== 302 && answer.status !== 307)) {
    return readPage(section, answer.text, page, request.doing);
  }
  // The redirection is to the same page, which then wants to see the cookie.
  const cookie = answer
    .header("set-cookie")
    .map((value) => value.split(";")[0] ?? "")
    .join("; ");
  const again = { ...request, headers: { cookie }, statuses: [] };
  return await client.ask(again, ({ text }) => readPage(section, text, page, request.doing), signal);
}

function firstText(...cells: readonly unknown[]): unknown {
  return cells.find((cell) => typeof cell === "string" && cell !== "" && cell !== "-");
}

function firstDigits(...cells: readonly unknown[]): unknown {
  return cells.find((cell) => typeof cell === "string" && /^\d{6}$/.test(cell));
}

/** A page of another number was answered from somebody's memory. */
function expectPage(got: unknown, wanted: number, doing: string): void {
  if (got !== `${wanted}`) {
    throw new TransientError(`${doing}: expected page ${wanted}, got ${show(got)}`, { isAnswered: true });
  }
}

function isListOfRecords(input: unknown): input is readonly Cells[] {
  return Array.isArray(input) && input.every(isRecord);
}

interface PageTotals {
  readonly page: number;
  readonly size: unknown;
  readonly total: unknown;
}

/** A page has as many rows as are left of the list's total, and all of its size before the last one. Returns the total. */
function expectRows(rows: number, { page, size, total }: PageTotals, doing: string): number {
  const pageRows = readCount(size, doing);
  const all = readCount(total, doing);
  const wanted = Math.min(pageRows, Math.max(all - pageRows * (page - 1), 0));
  if (rows !== wanted) {
    throw new TransientError(`${doing}: expected ${wanted} rows on page ${page}, got ${rows}`, { isAnswered: true });
  }
  return all;
}

function readCount(cell: unknown, doing: string): number {
  if (typeof cell !== "string" || !/^\d{1,6}$/.test(cell)) {
    throw garbled(doing, `expected a count, got ${show(cell)}`);
  }
  return Number.parseInt(cell, 10);
}
