import { readFile } from "node:fs/promises";
import path from "node:path";

import { CALENDAR_TEXT } from "../../../test/fixtures/akshare/golden-samples.ts";
import { addDays, parseDay } from "../../../src/domain/day.ts";
import { askList } from "../../../src/sources/akshare/exchanges.ts";
import { mapCalendar, readCalendar } from "../../../src/sources/akshare/sina-calendar.ts";
import { dayNumber, refuseRejected, type DecodeCase } from "./decode-case.ts";
import { scriptedUpstream } from "./scripted-upstream.ts";

/** What Shanghai answers at once, and what a page of Shenzhen has. */
const SSE_ROWS = 1_700;
const SZSE_PAGE_ROWS = 20;
/** The places of Shanghai's A shares and of Shenzhen's in the lists of what is listed. */
const SSE_PLACE = 0;
const SZSE_PLACE = 30_000;

/** Lists of the exchanges with recorded names, and Sina's recorded calendar. */
export async function akshareListCases(data: string): Promise<readonly DecodeCase[]> {
  const shares = await readShares(data);
  return [sseCase(shares), szseCase(shares), await calendarCase(data)];
}

interface Share {
  readonly digits: string;
  readonly name: string;
  readonly industry: string;
  /** `19910403` */
  readonly listedOn: string;
}

/** A hundred of Shenzhen. */
async function readShares(data: string): Promise<readonly Share[]> {
  const text = await readFile(path.join(data, "tushare/stock_basic.csv"), "utf8");
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const fields = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    const cell = (name: string): string => cells[fields.indexOf(name)] ?? "";
    return { digits: cell("symbol"), name: cell("name"), industry: cell("industry"), listedOn: cell("list_date") };
  });
}

/** The recorded names in turn, under digits of Shanghai. */
function sseCase(recorded: readonly Share[]): DecodeCase {
  const shares = Array.from({ length: SSE_ROWS }, (_, index): Share => {
    const share = recorded[index % recorded.length];
    if (share === undefined) {
      throw new RangeError("no share is recorded");
    }
    return { ...share, digits: (600_000 + index).toString() };
  });
  const result = shares.map(({ digits, name, industry, listedOn }) => ({
    A_STOCK_CODE: digits,
    B_STOCK_CODE: "-",
    COMPANY_CODE: digits,
    SEC_NAME_CN: name,
    SEC_NAME_FULL: name,
    COMPANY_ABBR: name,
    FULL_NAME: `${name}股份有限公司`,
    LIST_DATE: listedOn,
    DELIST_DATE: "-",
    CSRC_CODE_DESC: industry,
    STOCK_TYPE: "1",
  }));
  const pageHelp = { pageNo: 1, pageSize: 10_000, pageCount: 1, total: result.length };
  return listCase("Shanghai's list", shares, [SSE_PLACE], [Buffer.from(JSON.stringify({ pageHelp, result }))]);
}

function szseCase(shares: readonly Share[]): DecodeCase {
  const pages = Array.from({ length: Math.ceil(shares.length / SZSE_PAGE_ROWS) }, (_, page) =>
    shares.slice(page * SZSE_PAGE_ROWS, (page + 1) * SZSE_PAGE_ROWS),
  );
  const bodies = pages.map((page, index) => {
    const rows = page.map(({ digits, name, industry, listedOn }) => ({
      bk: "主板",
      agdm: digits,
      agjc: `<a href='/certificate/individual/index.html?code=${digits}' target='_blank'><u>${name}</u></a>`,
      agssrq: listedOn.replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3"),
      agzgb: "194.06",
      agltgb: "194.06",
      sshymc: industry,
    }));
    const counts = { pageno: index + 1, pagecount: pages.length, recordcount: shares.length };
    const tabs = [1, 2, 3, 4].map((tab) => ({
      metadata: { tabkey: `tab${tab}`, pagesize: SZSE_PAGE_ROWS, subname: "2023-08-07 ", ...counts },
      data: tab === 1 ? rows : [],
      error: null,
    }));
    return Buffer.from(JSON.stringify(tabs));
  });
  const places = pages.map((_, page) => SZSE_PLACE + page);
  return listCase("Shenzhen's pages of 20", shares, places, bodies);
}

/** Each body is the answer to the place beside it. */
function listCase(
  form: string,
  shares: readonly Share[],
  places: readonly number[],
  bodies: readonly Buffer[],
): DecodeCase {
  const never = new AbortController().signal;
  const clients = bodies.map((body) => scriptedUpstream(() => body));
  return {
    provider: "akshare",
    dataSet: "stock-list",
    frequency: "1d",
    form,
    bytes: bodies.reduce((sum, { length }) => sum + length, 0),
    expected: {
      rows: shares.length,
      values: shares.reduce((sum, { digits }) => sum + BigInt(digits), 0n),
      counts: shares.reduce((sum, { listedOn }) => sum + BigInt(listedOn), 0n),
    },
    decode: async () => {
      const answers = await Promise.all(
        clients.map((client, index) => askList(client, "listed", places[index] ?? 0, new Map(), never)),
      );
      refuseRejected(answers.flatMap(({ rejected }) => rejected));
      return answers.flatMap(({ rows }) => rows);
    },
  };
}

/** All days between the first and the last trading day of the list. */
async function calendarCase(data: string): Promise<DecodeCase> {
  const recorded: unknown = JSON.parse(await readFile(path.join(data, "calendar/cn-trading-days.json"), "utf8"));
  const open = (Array.isArray(recorded) ? recorded : []).map((day: unknown) => parseDay(day));
  const [from = parseDay("1990-12-19"), to = from] = [open[0], open.at(-1)];
  let [rows, values] = [0, 0n];
  for (let day = from; day <= to; day = addDays(day, 1)) {
    rows += 1;
    values += dayNumber(day);
  }
  const body = Buffer.from(CALENDAR_TEXT);
  return {
    provider: "akshare",
    dataSet: "trading-calendar",
    frequency: "1d",
    form: "Sina's packed list",
    bytes: body.length,
    expected: { rows, values, counts: BigInt(open.length) },
    decode: () => mapCalendar(readCalendar(body.toString("utf8"), "reading"), from, to),
  };
}
