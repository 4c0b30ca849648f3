import { compactDay, type Day } from "../../domain/day.ts";
import { fixedText } from "../decimal-text.ts";
import type { AkshareBoard, AkshareListing } from "./akshare-data.ts";
import { jsonAnswer, textAnswer, type Answer } from "./answer.ts";
import { numberOf, type Inquiry } from "./inquiry.ts";
import { jsonText, type JsonValue } from "./json-text.ts";
import { spoilRows } from "./spoil.ts";

/** Stocks of some boards that are listed, or have left, sorted by code. */
function stocksOf(
  { view, fault }: Inquiry,
  boards: readonly AkshareBoard[],
  isDelisted: boolean,
): readonly AkshareListing[] {
  const { today } = view;
  return spoilRows(
    view.listings.filter(
      ({ board, delistedOn }) =>
        board !== undefined &&
        boards.includes(board) &&
        (delistedOn !== undefined && delistedOn <= today) === isDelisted,
    ),
    fault,
  );
}

const SSE_TYPES: Readonly<Record<string, AkshareBoard>> = { "1": "sh-main", "8": "star" };
const PAGE_ROWS_DEFAULT = 25;

/** Shanghai: `/sseQuery/commonQuery.do`, and `/commonQuery.do` for those that have left. */
export function sseAnswer(inquiry: Inquiry): Answer {
  const { query } = inquiry;
  const boards = (query.get("STOCK_TYPE") ?? "1").split(",").flatMap((type) => SSE_TYPES[type] ?? []);
  const isDelisted = (query.get("COMPANY_STATUS") ?? "").split(",").includes("3");
  const all = stocksOf(inquiry, boards, isDelisted);
  const pageSize = Math.max(1, numberOf(query.get("pageHelp.pageSize"), PAGE_ROWS_DEFAULT));
  const pageNo = Math.max(1, numberOf(query.get("pageHelp.pageNo"), 1));
  const result = all.slice((pageNo - 1) * pageSize, pageNo * pageSize).map(sseRow);
  const pageHelp = { pageNo, pageSize, pageCount: Math.ceil(all.length / pageSize), total: all.length };
  return jsonAnswer({ actionErrors: [], pageHelp, result }, result.length);
}

function sseRow({ code, name, industry, listedOn, delistedOn }: AkshareListing): JsonValue {
  const digits = code.slice(0, 6);
  return {
    A_STOCK_CODE: digits,
    B_STOCK_CODE: "-",
    COMPANY_CODE: digits,
    COMPANY_ABBR: name,
    SEC_NAME_CN: name,
    SEC_NAME_FULL: name,
    FULL_NAME: `${name}股份有限公司`,
    LIST_DATE: compactDay(listedOn),
    DELIST_DATE: delistedOn === undefined ? "-" : compactDay(delistedOn),
    CSRC_CODE_DESC: industry,
  };
}

const SZSE_ROWS = 20;
const SZSE_BOARDS = ["sz-main", "chinext"] as const;

/** Shenzhen: `/api/report/ShowReport/data`, four tabs of which one has rows. */
export function szseAnswer(inquiry: Inquiry): Answer {
  const { query, view } = inquiry;
  const isDelisted = query.get("CATALOGID") === "1793_ssgs";
  const wanted = isDelisted ? "tab2" : "tab1";
  const all = query.get("TABKEY") === wanted ? stocksOf(inquiry, SZSE_BOARDS, isDelisted) : [];
  const pageno = Math.max(1, numberOf(query.get("PAGENO"), 1));
  const rows = all.slice((pageno - 1) * SZSE_ROWS, pageno * SZSE_ROWS).map(isDelisted ? szseDelistedRow : szseRow);
  const tabs = ["tab1", "tab2", "tab3", "tab4"].map((tabkey) => ({
    metadata: {
      catalogid: query.get("CATALOGID") ?? "",
      tabkey,
      pagesize: SZSE_ROWS,
      pageno: tabkey === wanted ? pageno : 1,
      pagecount: tabkey === wanted ? Math.ceil(all.length / SZSE_ROWS) : 0,
      recordcount: tabkey === wanted ? all.length : 0,
      subname: `${view.today} `,
    },
    data: tabkey === wanted ? rows : [],
    error: null,
  }));
  return jsonAnswer(tabs, rows.length);
}

function szseRow({ board, code, name, industry, listedOn, figures }: AkshareListing): JsonValue {
  const digits = code.slice(0, 6);
  const hundredMillions = fixedText(BigInt(figures.floatShares) / 1_000_000n, 2);
  return {
    bk: board === "chinext" ? "创业板" : "主板",
    gsjc: "",
    agdm: digits,
    agjc: `<a href='http://www.szse.cn/certificate/individual/index.html?code=${digits}' target='_blank'><u>${name}</u></a>`,
    agssrq: listedOn,
    agzgb: hundredMillions,
    agltgb: hundredMillions,
    sshymc: industry,
  };
}

function szseDelistedRow({ code, name, listedOn, delistedOn }: AkshareListing): JsonValue {
  return { zqdm: code.slice(0, 6), zqjc: name, ssrq: listedOn, zzrq: delistedOn ?? "" };
}

const BSE_ROWS = 20;

/** Beijing: `/nqxxController/nqxxCnzq.do`, a form that is posted; pages from 0. */
export function bseAnswer(inquiry: Inquiry): Answer {
  const { form, view, rules, hasCookie } = inquiry;
  if (rules.redirectsFirst && !hasCookie) {
    return {
      status: 302,
      contentType: "text/html",
      body: "",
      headers: { location: "/nqxxController/nqxxCnzq.do", "set-cookie": "C3VK=simulated; path=/" },
      rows: 0,
    };
  }
  const all = stocksOf(inquiry, ["bj"], false);
  const number = numberOf(form.get("page"), 0);
  const content = all
    .slice(number * BSE_ROWS, (number + 1) * BSE_ROWS)
    .map((listing) => bseRow(listing, view.lastDay ?? view.today));
  const totalPages = Math.ceil(all.length / BSE_ROWS);
  const page = {
    content,
    firstPage: number === 0,
    lastPage: number >= totalPages - 1,
    number,
    numberOfElements: content.length,
    size: BSE_ROWS,
    totalElements: all.length,
    totalPages,
  };
  return textAnswer(`null(${jsonText([page])})`, content.length, "text/html; charset=UTF-8");
}

/** Columns whose names are not known are empty: clients tell all 48 by their place. */
const BSE_COLUMNS: readonly string[] = [
  "fxssrq",
  ...numbered("xxf", 10),
  "xxfxsgb",
  ...numbered("xxh", 5),
  "xxhyzl",
  ...numbered("xxj", 4),
  "xxjsrq",
  ...numbered("xxs", 6),
  "xxssdq",
  ...numbered("xxz", 5),
  "xxzbqs",
  "xxzgb",
  ...numbered("xxzh", 1),
  "xxzqdm",
  ...numbered("xxzqh", 1),
  "xxzqjc",
  ...numbered("xxzr", 7),
];

function numbered(start: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${start}${String(index + 1).padStart(2, "0")}`);
}

function bseRow({ code, name, industry, area, listedOn, figures }: AkshareListing, reportedOn: Day): JsonValue {
  const known: Readonly<Record<string, JsonValue>> = {
    fxssrq: compactDay(listedOn),
    xxfxsgb: figures.floatShares,
    xxhyzl: industry,
    xxjsrq: compactDay(reportedOn),
    xxssdq: area,
    xxzbqs: "",
    xxzgb: figures.floatShares,
    xxzqdm: code.slice(0, 6),
    xxzqjc: name,
  };
  return Object.fromEntries(BSE_COLUMNS.map((column) => [column, known[column] ?? null]));
}
