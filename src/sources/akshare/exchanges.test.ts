import assert from "node:assert/strict";
import { test } from "node:test";

import { StillClock } from "../../../test/support/still-clock.ts";
import { ScriptedHttp, type HttpAsked, type HttpReply } from "../../../test/support/scripted-http.ts";
import { TransientError } from "../../base/errors.ts";
import { CURRENCY } from "../../domain/enums.ts";
import type { Instrument, RejectedRow } from "../../domain/rows.ts";
import type { Call } from "../../domain/unit.ts";
import { openAkshareSource } from "./source.ts";

const never = new AbortController().signal;

function listCall(status: "listed" | "delisted" | "paused"): Call<"stock-list"> {
  return { dataSet: "stock-list", frequency: "1d", selection: { by: "status", status } };
}

interface Read {
  readonly rows: readonly Instrument[];
  readonly rejected: readonly RejectedRow[];
  readonly asked: readonly HttpAsked[];
  readonly calls: number;
}

async function readAll(
  status: "listed" | "delisted" | "paused",
  reply: (asked: HttpAsked) => HttpReply,
): Promise<Read> {
  await using server = await ScriptedHttp.open(reply);
  await using source = openAkshareSource({ clock: new StillClock(), baseUrl: server.url, pauseMs: 0 });
  const rows: Instrument[] = [];
  const rejected: RejectedRow[] = [];
  const open: Call<"stock-list">[] = [listCall(status)];
  let calls = 0;
  for (let next = open.shift(); next !== undefined && calls < 50; next = open.shift()) {
    const page = await source.fetch(next, never);
    calls += 1;
    rows.push(...page.rows);
    rejected.push(...page.rejected);
    open.unshift(...page.rest);
  }
  return { rows, rejected, asked: server.asked, calls };
}

const SSE_ROWS: Readonly<Record<string, object>> = {
  "1": {
    A_STOCK_CODE: "600000",
    B_STOCK_CODE: "-",
    COMPANY_CODE: "600000",
    SEC_NAME_CN: "浦发银行",
    LIST_DATE: "19991110",
    DELIST_DATE: "-",
    CSRC_CODE_DESC: "金融业",
  },
  "2": { A_STOCK_CODE: "600054", B_STOCK_CODE: "900942", SEC_NAME_CN: "黄山B股", LIST_DATE: "19961122" },
  "8": { A_STOCK_CODE: "688001", SEC_NAME_CN: "华兴源创", LIST_DATE: "20190722" },
};

function sseAnswer(rows: readonly object[], page = 1, pages = 1, total = rows.length): string {
  return JSON.stringify({ pageHelp: { pageNo: page, pageSize: 10_000, pageCount: pages, total }, result: rows });
}

function szseAnswer(
  tab: number,
  page: number,
  rows: readonly object[],
  pages = 1,
  total = rows.length,
  pagesize = 20,
): string {
  const empty = { metadata: { pagesize: 20, pageno: 1, pagecount: 0, recordcount: 0 }, data: [] };
  const tabs = [empty, empty, empty, empty].map((one, index) =>
    index + 1 === tab
      ? {
          metadata: { tabkey: `tab${tab}`, pagesize, pageno: page, pagecount: pages, recordcount: total },
          data: rows,
        }
      : one,
  );
  return JSON.stringify(tabs);
}

/** Two pages of one row. */
function bseAnswer(page: number, rows: readonly object[]): string {
  const body = { totalPages: 2, totalElements: 2, number: page, size: 1, content: rows };
  return `null([${JSON.stringify(body)}])`;
}

function answerListed({ url, body, headers }: HttpAsked): HttpReply {
  const { pathname, searchParams } = new URL(url, "http://x");
  if (pathname === "/sseQuery/commonQuery.do") {
    return headers.referer?.startsWith("https://www.sse.com.cn/") === true
      ? sseAnswer([SSE_ROWS[searchParams.get("STOCK_TYPE") ?? ""] ?? {}])
      : { status: 403, body: "" };
  }
  if (pathname === "/api/report/ShowReport/data") {
    const page = Number(searchParams.get("PAGENO"));
    if (searchParams.get("TABKEY") === "tab2") {
      return szseAnswer(2, page, [{ bgdm: "200429", bgjc: "<a><u>粤高速Ｂ</u></a>", bgssrq: "1996-08-15" }]);
    }
    const first = { agdm: "1", agjc: "<a href='x'><u>平安银行</u></a>", agssrq: "1991-04-03", sshymc: "J 金融业" };
    const second = { agdm: "000002", agjc: "<a><u>万  科Ａ</u></a>", agssrq: "1991-01-29", sshymc: "K 房地产" };
    return szseAnswer(1, page, [page === 1 ? first : second], 2, 2, 1);
  }
  const page = Number(new URLSearchParams(body).get("page"));
  const row = {
    xxzqdm: `92000${page}`,
    xxzqjc: "安徽凤凰",
    fxssrq: "20201223",
    xxhyzl: "汽车制造业",
    xxzgb: 91_680_000,
  };
  return bseAnswer(page, [row]);
}

test("the stock list is that of the three exchanges, one page behind the other", async () => {
  const { rows, rejected, asked, calls } = await readAll("listed", answerListed);
  assert.deepEqual(rejected, []);
  assert.deepEqual(
    rows.map(({ code }) => code),
    ["600000.SH", "900942.SH", "688001.SH", "000001.SZ", "000002.SZ", "200429.SZ", "920000.BJ", "920001.BJ"],
  );
  assert.equal(calls, 8);
  assert.deepEqual(rows[0], {
    code: "600000.SH",
    name: "浦发银行",
    industry: "金融业",
    market: 1,
    currency: CURRENCY.CNY,
    status: "listed",
    listedOn: "1999-11-10",
    delistedOn: undefined,
    source: 5,
  });
  assert.deepEqual([rows[3]?.name, rows[3]?.listedOn, rows[3]?.industry], ["平安银行", "1991-04-03", "J 金融业"]);
  assert.equal(rows[4]?.name, "万  科Ａ");
  assert.deepEqual([rows[1]?.currency, rows[5]?.currency], [CURRENCY.USD, CURRENCY.OTHER]);
  assert.equal(
    asked[0]?.url,
    "/sseQuery/commonQuery.do?sqlId=COMMON_SSE_CP_GPJCTPZ_GPLB_GP_L&STOCK_TYPE=1&REG_PROVINCE=&CSRC_CODE=&STOCK_CODE=" +
      "&COMPANY_STATUS=2,4,5,7,8&type=inParams&isPagination=true&pageHelp.cacheSize=1&pageHelp.beginPage=1" +
      "&pageHelp.pageSize=10000&pageHelp.pageNo=1&pageHelp.endPage=1",
  );
  const last = asked.at(-1);
  assert.deepEqual([last?.method, last?.url], ["POST", "/nqxxController/nqxxCnzq.do"]);
  assert.equal(last?.body, "page=1&typejb=T&xxfcbj%5B%5D=2&xxzqdm=&sortfield=xxzqdm&sorttype=asc");
});

test("delisted shares have their last day, and a company's B shares a code of their own", async () => {
  const { rows } = await readAll("delisted", ({ url }) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    if (pathname === "/commonQuery.do") {
      assert.deepEqual([searchParams.get("COMPANY_STATUS"), searchParams.get("STOCK_TYPE")], ["3", "1,2,8"]);
      const days = { LIST_DATE: "19901219", DELIST_DATE: "20091229", COMPANY_CODE: "600001" };
      return sseAnswer([
        { ...days, A_STOCK_CODE: "600001", COMPANY_ABBR: "邯郸钢铁", STOCK_TYPE: "1" },
        { ...days, A_STOCK_CODE: "600057", B_STOCK_CODE: "900935", COMPANY_ABBR: "阳晨B股", STOCK_TYPE: "2" },
        { ...days, A_STOCK_CODE: "-", B_STOCK_CODE: "-", COMPANY_CODE: "600002", COMPANY_ABBR: "齐鲁石化" },
      ]);
    }
    assert.equal(searchParams.get("CATALOGID"), "1793_ssgs");
    return szseAnswer(2, 1, [{ zqdm: "000003", zqjc: "PT金田A", ssrq: "1991-07-03", zzrq: "2002-06-14" }]);
  });
  assert.deepEqual(
    rows.map(({ code, status, delistedOn }) => [code, status, delistedOn]),
    [
      ["600001.SH", "delisted", "2009-12-29"],
      ["900935.SH", "delisted", "2009-12-29"],
      ["600002.SH", "delisted", "2009-12-29"],
      ["000003.SZ", "delisted", "2002-06-14"],
    ],
  );
});

test("no exchange is asked for paused shares", async () => {
  const { rows, asked } = await readAll("paused", () => "");
  assert.deepEqual([rows, asked], [[], []]);
});

test("a row without a code or a day is rejected and its neighbours go on", async () => {
  const { rows, rejected } = await readAll("delisted", ({ url }) =>
    url.startsWith("/commonQuery.do")
      ? sseAnswer([
          { COMPANY_CODE: "-", LIST_DATE: "19901219", DELIST_DATE: "20091229" },
          { COMPANY_CODE: "600001", LIST_DATE: "-", DELIST_DATE: "20091229" },
          { COMPANY_CODE: "600002", LIST_DATE: "19901219", DELIST_DATE: "-" },
          { COMPANY_CODE: "600003", LIST_DATE: "19901219", DELIST_DATE: "20091229" },
        ])
      : szseAnswer(2, 1, [], 0),
  );
  assert.deepEqual([rows.length, rejected.length], [1, 3]);
});

test("a list that is not the page that was asked for, or lacks rows that it counts, is no answer", async () => {
  const wrong: readonly string[] = [
    sseAnswer([SSE_ROWS["1"] ?? {}], 2, 2),
    sseAnswer([SSE_ROWS["1"] ?? {}], 1, 1, 1_702),
    sseAnswer([{ ...SSE_ROWS["1"], SEC_NAME_CN: "\uFFFD" }]),
    sseAnswer([SSE_ROWS["1"] ?? {}, []]),
    "{}",
    "[]",
  ];
  for (const body of wrong) {
    await assert.rejects(
      readAll("listed", () => body),
      TransientError,
      body,
    );
  }
});

test("Beijing's cookie is taken and shown on the way back", async () => {
  const again = await readAll("listed", (request) =>
    !request.url.startsWith("/nqxx") || request.headers.cookie === "C3VK=abc"
      ? answerListed(request)
      : { status: 302, body: "", headers: { location: request.url, "set-cookie": "C3VK=abc; path=/" } },
  );
  assert.equal(again.rows.filter(({ code }) => code.endsWith(".BJ")).length, 2);
  const redirecting = readAll("listed", (request) =>
    request.url.startsWith("/nqxx") ? { status: 302, body: "" } : answerListed(request),
  );
  await assert.rejects(redirecting, TransientError, "a second redirection is no answer");
});
