import { addDays, parseDay } from "../../src/domain/day.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { Call } from "../../src/domain/unit.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openAkshareSource } from "../../src/sources/akshare/source.ts";
import { ScriptedHttp, type HttpAsked, type HttpReply } from "../support/scripted-http.ts";
import { testSourceContract, type SourceFault, type SourceRig } from "./source-contract.ts";

/**
 * The smallest server that pages as the exchanges do: lists of shares in pages of two, and no bar of anything. It shares
 * nothing with the simulator.
 */
const DAY = parseDay("2026-03-13");
const CODE = parseSecurityCode("600000.SH");
const SHANGHAI = ["600000", "600001"];
const SHENZHEN = ["000001", "000002", "000004", "000005", "000006"];
const BEIJING = ["920000", "920001", "920002"];
const PAGE_ROWS = 2;

function answer({ url, body }: HttpAsked): string {
  const { pathname, searchParams } = new URL(url, "http://x");
  if (pathname.startsWith("/sseQuery")) {
    const rows = searchParams.get("STOCK_TYPE") === "1" ? SHANGHAI : [];
    const result = rows.map((code) => ({ A_STOCK_CODE: code, SEC_NAME_CN: "n", LIST_DATE: "19991110" }));
    return JSON.stringify({ pageHelp: { pageNo: 1, pageSize: 10_000, pageCount: 1, total: rows.length }, result });
  }
  if (pathname.startsWith("/api/report")) {
    const isShares = searchParams.get("TABKEY") === "tab1";
    const page = Number(searchParams.get("PAGENO"));
    const listed = isShares ? SHENZHEN : [];
    const data = pageOf(listed, page).map((code) => ({ agdm: code, agjc: "<u>n</u>", agssrq: "1991-04-03" }));
    const pagecount = Math.ceil(listed.length / PAGE_ROWS);
    const tab = { metadata: { pagesize: PAGE_ROWS, pageno: page, pagecount, recordcount: listed.length }, data };
    return JSON.stringify([tab, tab]);
  }
  if (pathname.startsWith("/nqxx")) {
    const number = Number(new URLSearchParams(body).get("page"));
    const content = pageOf(BEIJING, number + 1).map((code) => ({ xxzqdm: code, xxzqjc: "n", fxssrq: "20201223" }));
    const totalPages = Math.ceil(BEIJING.length / PAGE_ROWS);
    return `null(${JSON.stringify([{ totalPages, totalElements: BEIJING.length, size: PAGE_ROWS, number, content }])})`;
  }
  return pathname.startsWith("/cn/api") ? "null" : `{"rc":0,"data":{"code":"600000","market":1,"klines":[]}}`;
}

function pageOf(rows: readonly string[], page: number): readonly string[] {
  return rows.slice(PAGE_ROWS * (page - 1), PAGE_ROWS * page);
}

const FAULTS: { readonly [F in SourceFault]?: HttpReply } = {
  "rate-limit": { status: 456, body: "<html><body>拒绝访问</body></html>" },
  "bad-request": { status: 400, body: "" },
  "server-error": { status: 500, body: "" },
  "html-page": { status: 502, body: "<html><body>502 Bad Gateway</body></html>" },
  reset: (_response, socket) => socket.resetAndDestroy(),
  "no-answer": () => undefined,
};

/** Of bars at one upstream, since each says "too much" in its own way: Sina with a status, Eastmoney by dropping the connection. */
function barsCall(api: string): Call {
  const to = addDays(DAY, 9);
  return { dataSet: "bars", frequency: "1d", selection: { by: "codes", codes: [CODE], from: DAY, to }, api };
}

async function openRig(api: string, faults: typeof FAULTS): Promise<SourceRig> {
  let fault: SourceFault | undefined;
  const server = await ScriptedHttp.open((asked) => {
    const met = fault === undefined ? undefined : faults[fault];
    fault = undefined;
    return met ?? answer(asked);
  });
  const source = openAkshareSource({ clock: systemClock, baseUrl: server.url, pauseMs: 0, callMsMax: 500 });
  const codes = [...SHANGHAI.map(ofShanghai), ...SHENZHEN.map(ofShenzhen), ...BEIJING.map(ofBeijing)];
  return {
    source,
    secrets: [],
    emptyCall: barsCall(api),
    cutCalls: [
      {
        call: { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status: "listed" } },
        keys: new Set(codes.map((code) => `stock-list ${code}`)),
      },
    ],
    failNext: (next) => {
      if (faults[next] === undefined) {
        return false;
      }
      fault = next;
      return true;
    },
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const ofShanghai = (digits: string): string => `${digits}.SH`;
const ofShenzhen = (digits: string): string => `${digits}.SZ`;
const ofBeijing = (digits: string): string => `${digits}.BJ`;

testSourceContract("akshare, asking sina", () => openRig("sina", FAULTS));

const { reset: DROP, ...OTHERS } = FAULTS;
testSourceContract("akshare, asking eastmoney", () =>
  openRig("eastmoney", { ...OTHERS, ...(DROP === undefined ? {} : { "rate-limit": DROP }) }),
);
