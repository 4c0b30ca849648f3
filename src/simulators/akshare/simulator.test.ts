import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import { BROWSER, clockAt, fetchText } from "../../../test/support/akshare-samples.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { akshareData } from "./market-data.ts";
import { startAkshareSimulator, type AkshareSimulator, type AkshareSimulatorOptions } from "./simulator.ts";

const market = generateMarket({ seed: 11, codes: 260, tradingDays: 30 });
const data = akshareData(market);
const KLINE = "/api/qt/stock/kline/get?secid=1.600000&klt=101&fqt=0&beg=0&end=20500101";

async function withSimulator(
  options: Partial<AkshareSimulatorOptions>,
  use: (simulator: AkshareSimulator) => Promise<void>,
): Promise<void> {
  await using simulator = await startAkshareSimulator({ data, ...options });
  await use(simulator);
}

async function klines(simulator: AkshareSimulator, path = KLINE): Promise<string[]> {
  const answer: { data: { klines: string[] } } = JSON.parse(await fetchText(simulator, path));
  return answer.data.klines;
}

/** Bytes and headers as they came, without what `fetch` undoes. */
async function raw(
  simulator: AkshareSimulator,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; bytes: Buffer }> {
  const sent = request(`${simulator.url}${path}`, { headers, agent: false }).end();
  const [response] = await once(sent, "response");
  const parts: Buffer[] = await Array.fromAsync(response);
  return { status: response.statusCode, headers: response.headers, bytes: Buffer.concat(parts) };
}

test("days are bounded as numbers, the newest rows can be asked for, and the columns", async () => {
  await withSimulator({}, async (simulator) => {
    const all = await klines(simulator);
    assert.equal(all.length, 30);
    const span = KLINE.replace("beg=0&end=20500101", "beg=20251229&end=20251230");
    assert.deepEqual(await klines(simulator, span), all.slice(-3, -1));
    assert.deepEqual(await klines(simulator, `${KLINE.replace("20500101", "20500000")}&lmt=2`), all.slice(-2));
    assert.deepEqual(
      await klines(simulator, `${KLINE}&lmt=1&fields2=f51,f53,f116`),
      all.slice(-1).map((row) => [row.split(",")[0], row.split(",")[2]].join(",")),
    );
    assert.deepEqual(await klines(simulator, KLINE.replace("beg=0", "beg=20260101")), []);
    const script = await fetchText(simulator, `${KLINE}&cb=jQuery1_2`);
    assert.ok(script.startsWith('jQuery1_2({"rc":0,') && script.endsWith("});"));
    assert.match(await fetchText(simulator, KLINE.replace("1.600000", "0.600000")), /^\{"rc":102.*"data":null\}$/);
  });
});

test("minutes are kept for a while only, single ones for the latest day, whatever days are asked for", async () => {
  await withSimulator({ minuteDays: 3 }, async (simulator) => {
    const minutes = KLINE.replace("klt=101", "klt=60").replace("beg=0", "beg=20251231");
    assert.equal((await klines(simulator, minutes)).length, 12);
    const single = await klines(simulator, KLINE.replace("klt=101", "klt=1"));
    assert.equal(single.length, 240);
    assert.ok(single.every((row) => row.startsWith("2025-12-31 ")));
  });
});

test("nothing of a day is served before it is over, and no code before it is listed", async () => {
  const fresh = market.securities.find(({ listedOn }) => listedOn > (market.days[5] ?? ""));
  assert.ok(fresh !== undefined);
  await withSimulator({ clock: clockAt("2025-12-31T15:29:59+08:00") }, async (simulator) => {
    assert.match((await klines(simulator)).at(-1) ?? "", /^2025-12-30,/);
    assert.match(await fetchText(simulator, "/data/index.php?appn=detail&action=info&c=sh600000"), /=\[20251230,/);
    assert.match(await fetchText(simulator, "/appstock/app/minute/query?code=sh600000"), /"date":"20251230"/);
  });
  await withSimulator({ clock: clockAt("2025-12-31T15:30:00+08:00") }, async (simulator) => {
    assert.match((await klines(simulator)).at(-1) ?? "", /^2025-12-31,/);
  });
  const code = fresh.code;
  await withSimulator({ clock: clockAt(`${market.days[4]}T20:00:00+08:00`) }, async (simulator) => {
    const path = KLINE.replace("1.600000", `${code.endsWith(".SH") ? 1 : 0}.${code.slice(0, 6)}`);
    assert.match(await fetchText(simulator, path), /"data":null\}$/);
  });
});

interface SpotPage {
  readonly data: { readonly total: number; readonly diff: Record<string, Record<string, unknown>> } | null;
}

async function spotPage(simulator: AkshareSimulator, rest: string): Promise<SpotPage> {
  return JSON.parse(await fetchText(simulator, `/api/qt/clist/get?${rest}`));
}

const ALL = "fs=m:0+t:6,m:0+t:80,m:1+t:2,m:1+t:23,m:0+t:81+s:2048";

test("pages of the spot list are cut to 100 rows without a word, and beyond the last there is nothing", async () => {
  await withSimulator({}, async (simulator) => {
    const codes: unknown[] = [];
    const counts: number[] = [];
    for (const page of [1, 2, 3]) {
      const answer = await spotPage(simulator, `${ALL}&fid=f12&po=0&pz=5000&np=1&fltt=2&fields=f12,f13&pn=${page}`);
      assert.equal(answer.data?.total, 260);
      const rows = Object.values(answer.data.diff);
      counts.push(rows.length);
      codes.push(...rows.map(({ f12 }) => f12));
    }
    assert.deepEqual(counts, [100, 100, 60]);
    assert.deepEqual(
      codes,
      market.securities.map(({ code }) => code.slice(0, 6)),
    );
    assert.equal((await spotPage(simulator, `${ALL}&fid=f12&pz=100&pn=4`)).data, null);
    const keyed = await spotPage(simulator, `${ALL}&fid=f12&po=1&pz=2&fields=f2,f12`);
    assert.deepEqual(Object.keys(keyed.data?.diff ?? {}), ["0", "1"]);
    assert.ok(Number.isInteger(keyed.data?.diff["0"]?.["f2"]));
  });
});

test("a row of the spot list has its 31 columns in the upstream's order, whatever order was asked for", async () => {
  await withSimulator({}, async (simulator) => {
    const fields =
      "f152,f136,f128,f115,f62,f25,f24,f23,f22,f21,f20,f18,f17,f16,f15,f14,f13,f12,f11,f10,f9,f8,f7,f6,f5,f4,f3,f2,f1";
    const answer = await spotPage(simulator, `${ALL}&fid=f3&po=1&pz=100&np=1&fltt=2&fields=${fields}`);
    const rows = Object.values(answer.data?.diff ?? {});
    const order =
      "f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f20 f21 f22 f23 f24 f25 f62 f115 f128 f140 f141 f136 f152";
    assert.ok(rows.every((row) => Object.keys(row).join(" ") === order));
    const changes = rows.map(({ f3 }) => Number(f3));
    assert.deepEqual(
      changes,
      changes.toSorted((left, right) => right - left),
    );
    const last = Object.values(
      (await spotPage(simulator, `${ALL}&fid=f3&po=0&pz=100&np=1&fltt=2&pn=3`)).data?.diff ?? {},
    );
    assert.ok(last.some(({ f2, f5, f18 }) => f2 === "-" && f5 === "-" && typeof f18 === "number"));
  });
});

test("a single quote has whole numbers", async () => {
  await withSimulator({}, async (simulator) => {
    const bar = market.history("600000.SH")?.bars.at(-1);
    const answer = JSON.parse(
      await fetchText(simulator, "/api/qt/stock/get?secid=1.600000&fields=f43,f46,f57,f59,f60"),
    );
    assert.deepEqual(answer.data, {
      f43: bar?.closeCents,
      f46: bar?.openCents,
      f57: "600000",
      f59: 2,
      f60: market.history("600000.SH")?.bars.at(-2)?.closeCents,
    });
  });
});

test("the stream of ticks begins with all of them, then says that it stands, and ends with the simulator", async () => {
  await withSimulator({ heartbeatMs: 1 }, async (simulator) => {
    const sent = request(`${simulator.url}/api/qt/stock/details/sse?secid=1.600000`, { headers: BROWSER }).end();
    const [response] = await once(sent, "response");
    assert.equal(response.headers["content-type"], "text/event-stream; charset=UTF-8");
    let text = "";
    for await (const part of response) {
      text += String(part);
      if (text.split("\n\n").length > 3) {
        break;
      }
    }
    const events = text.split("\n\n");
    assert.ok(JSON.parse(events[0]?.slice("data: ".length) ?? "").data.details.length > 1000);
    assert.equal(JSON.parse(events[1]?.slice("data: ".length) ?? "").data, null);
    sent.destroy();
  });
});

test("clients that do not look like browsers are turned away, each upstream in its own way", async () => {
  await withSimulator({}, async (simulator) => {
    const program = { headers: { "user-agent": "python-requests/2.32.3" } };
    await assert.rejects(fetchText(simulator, KLINE, program), TypeError);
    assert.match(await fetchText(simulator, "/appstock/app/kline/mkline?param=sh600000,m5,,2", program), /访问被拦截/);
    const browserOnly = { headers: { "user-agent": BROWSER["user-agent"] } };
    for (const path of [
      "/realstock/company/klc_td_sh.txt",
      "/sseQuery/commonQuery.do?STOCK_TYPE=1",
      "/api/report/ShowReport/data?CATALOGID=1110&TABKEY=tab1",
    ]) {
      const response = await fetch(`${simulator.url}${path}`, browserOnly);
      assert.equal(response.status, 403, path);
      await response.text();
    }
    assert.ok((await fetchText(simulator, KLINE, browserOnly)).startsWith('{"rc":0,'));
  });
  await withSimulator({ checksHeaders: false }, async (simulator) => {
    const bare = { headers: { "user-agent": "python-requests/2.32.3" } };
    assert.ok((await fetchText(simulator, KLINE, bare)).startsWith('{"rc":0,'));
    assert.match(await fetchText(simulator, "/realstock/company/klc_td_sh.txt", bare), /^var datelist=/);
    const response = await fetch(`${simulator.url}/sseQuery/commonQuery.do?STOCK_TYPE=1`, bare);
    assert.equal(response.status, 403);
    await response.text();
  });
});

test("answers are compressed for who takes that", async () => {
  await withSimulator({}, async (simulator) => {
    const plain = await raw(simulator, KLINE, BROWSER);
    const packed = await raw(simulator, KLINE, { ...BROWSER, "accept-encoding": "gzip, deflate" });
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.equal(packed.headers["content-encoding"], "gzip");
    assert.deepEqual(gunzipSync(packed.bytes), plain.bytes);
  });
});

test("the exchanges' lists have what is listed, and those that have left apart", async () => {
  const listed = (start: RegExp): readonly string[] =>
    market.securities
      .filter(({ code, delistedOn }) => start.test(code) && delistedOn === undefined)
      .map(({ code }) => code.slice(0, 6));
  await withSimulator({}, async (simulator) => {
    const sse = async (rest: string): Promise<readonly Record<string, string>[]> =>
      JSON.parse(await fetchText(simulator, `/sseQuery/commonQuery.do?${rest}&pageHelp.pageSize=10000`)).result;
    const main = await sse("STOCK_TYPE=1&COMPANY_STATUS=2,4,5,7,8");
    assert.deepEqual(
      main.map((row) => row["A_STOCK_CODE"]),
      listed(/^60/),
    );
    assert.deepEqual(
      (await sse("STOCK_TYPE=8&COMPANY_STATUS=2,4,5,7,8")).map((row) => row["A_STOCK_CODE"]),
      listed(/^688/),
    );
    const left = await sse("STOCK_TYPE=1,2,8&COMPANY_STATUS=3");
    assert.ok(left.length > 0 && left.every((row) => /^\d{8}$/.test(row["DELIST_DATE"] ?? "")));

    const codes: string[] = [];
    let pages = 1;
    for (let page = 1; page <= pages; page += 1) {
      const tabs = JSON.parse(
        await fetchText(
          simulator,
          `/api/report/ShowReport/data?SHOWTYPE=JSON&CATALOGID=1110&TABKEY=tab1&PAGENO=${page}`,
        ),
      );
      assert.equal(tabs.length, 4);
      pages = tabs[0].metadata.pagecount;
      assert.ok(tabs[0].data.length <= 20);
      for (const row of tabs[0].data) {
        assert.match(row.agjc, /<u>[^<]+<\/u><\/a>$/);
        codes.push(row.agdm);
      }
    }
    assert.deepEqual(codes, listed(/^[03].*SZ$/));
  });
  await withSimulator({ redirectsFirst: true }, async (simulator) => {
    const post = async (headers: Record<string, string>): Promise<Response> =>
      fetch(`${simulator.url}/nqxxController/nqxxCnzq.do`, {
        method: "POST",
        body: "page=0&typejb=T",
        headers: { ...BROWSER, "content-type": "application/x-www-form-urlencoded", ...headers },
        redirect: "manual",
      });
    const first = await post({});
    assert.equal(first.status, 302);
    await first.text();
    const text = await (await post({ cookie: first.headers.get("set-cookie")?.split(";")[0] ?? "" })).text();
    const [page] = JSON.parse(/^null\((.*)\)$/.exec(text)?.[1] ?? "");
    assert.deepEqual(
      page.content.map((row: Record<string, string>) => row["xxzqdm"]),
      listed(/BJ$/).slice(0, 20),
    );
    const keys = Object.keys(page.content[0]);
    assert.equal(keys.length, 48);
    assert.deepEqual(keys, keys.toSorted());
    assert.deepEqual(
      [0, 11, 17, 22, 29, 35, 36, 38, 40].map((place) => keys[place]),
      ["fxssrq", "xxfxsgb", "xxhyzl", "xxjsrq", "xxssdq", "xxzbqs", "xxzgb", "xxzqdm", "xxzqjc"],
    );
  });
});

test("AKTools: unknown functions, wrong keywords and empty tables", async () => {
  await withSimulator({}, async (simulator) => {
    const get = async (path: string): Promise<readonly [number, string]> => {
      const response = await fetch(`${simulator.url}${path}`);
      return [response.status, await response.text()];
    };
    const [status, text] = await get("/api/public/stock_zh_b_hist");
    assert.equal(status, 404);
    assert.match(text, /^\{"error":"未找到该接口/);
    assert.deepEqual(await get("/api/public/stock_zh_a_hist?code=600000"), [500, "Internal Server Error"]);
    assert.match((await get("/api/public/stock_zh_a_hist?symbol=600000&adjust=x"))[1], /请输入正确的参数错误 'x'/);
    assert.equal((await get("/api/public/stock_zh_a_hist_min_em?symbol=600000&period=constructor"))[0], 500);
    assert.equal((await get("/api/public/stock_zh_a_hist?symbol=600000&period=constructor"))[0], 404);
    assert.deepEqual(await get("/api/public/stock_zh_a_hist?symbol=999999"), [200, "[]"]);
    assert.deepEqual(await get("/api/public/stock_intraday_em?symbol=999999"), [500, "Internal Server Error"]);
    const [, days] = await get("/api/public/tool_trade_date_hist_sina");
    assert.match(days, /^\[\{"trade_date":"1990-12-19T00:00:00.000"\},/);
    const [, minutes] = await get(
      "/api/public/stock_zh_a_hist_min_em?symbol=600000&period=5&start_date=2025-12-31+14:55:00&end_date=2025-12-31+15:00:00",
    );
    assert.deepEqual(
      JSON.parse(minutes).map((row: Record<string, unknown>) => row["时间"]),
      ["2025-12-31 14:55:00", "2025-12-31 15:00:00"],
    );
    assert.match((await get("/version"))[1], /"at_current_version":/);
  });
});

test("requests are kept, paths that there are not too, and who watches can order faults", async () => {
  await withSimulator({ requestsMax: 2 }, async (simulator) => {
    await fetchText(simulator, "/nowhere");
    await fetchText(simulator, KLINE);
    const ordered = await fetch(`${simulator.url}/_sim/faults`, {
      method: "POST",
      body: JSON.stringify({ fault: { kind: "empty" }, upstream: "eastmoney" }),
    });
    assert.equal(ordered.status, 200);
    await ordered.text();
    assert.deepEqual(await klines(simulator), []);
    assert.deepEqual(
      simulator.requests.map(({ upstream, path, status, rows, fault }) => [upstream, path, status, rows, fault]),
      [
        ["eastmoney", "/api/qt/stock/kline/get", 200, 30, undefined],
        ["eastmoney", "/api/qt/stock/kline/get", 200, 0, "empty"],
      ],
    );
    const listed = await fetch(`${simulator.url}/_sim/requests`);
    assert.equal(JSON.parse(await listed.text()).requests.length, 2);
    const refused = await fetch(`${simulator.url}/_sim/faults`, { method: "POST", body: '{"fault":{"kind":"nix"}}' });
    assert.equal(refused.status, 400);
    await refused.text();
  });
});

test("whatever is asked, no endpoint breaks", async () => {
  const paths = [
    "/api/qt/stock/kline/get",
    "/api/qt/stock/trends2/get",
    "/api/qt/clist/get",
    "/api/qt/stock/get",
    "/api/qt/stock/details/get",
    "/ifzqgtimg/appstock/app/newfqkline/get",
    "/appstock/app/fqkline/get",
    "/appstock/app/kline/mkline",
    "/appstock/app/minute/query",
    "/other/klineweb/klineWeb/weekTrends",
    "/data/index.php",
    "/realstock/company/sh000001/hfq.js",
    "/realstock/company/nix/qfq.js",
    "/cn/api/json_v2.php/CN_MarketDataService.getKLineData",
    "/cn/api/jsonp_v2.php/=/CN_MarketDataService.getKLineData",
    "/sseQuery/commonQuery.do",
    "/api/report/ShowReport/data",
  ];
  const queries = [
    "",
    "secid=1.600000&klt=7&fqt=9&lmt=x&beg=-&end=&fields2=f99&pz=0&pn=-1&fs=m:9&fid=f99&code=sh600000&c=sh600000&symbol=sh600000",
    "secid=0.&klt=101&lmt=0&ndays=99&fs=m:1+t:2&pz=0&param=sh600000,day,x,,0,qfq&appn=detail&action=data&p=x&scale=1&datalen=0",
    "secid=1.000001&klt=1&ndays=0&iscr=1&fs=m:1+t:2&fid=f115&pn=2&param=sh600000,m1,,&appn=detail&action=info&c=sh000001&scale=240&symbol=sh000001&code=sh000001",
    "secid=constructor.1&klt=constructor&fqt=constructor&param=sh600000,constructor&scale=constructor&STOCK_TYPE=constructor&TABKEY=constructor",
  ];
  for (const options of [{}, { clock: clockAt("1990-01-01T00:00:00+08:00") }]) {
    await withSimulator(options, async (simulator) => {
      for (const path of paths) {
        for (const query of queries) {
          const response = await fetch(`${simulator.url}${path}?${query}`, { headers: BROWSER });
          const text = await response.text();
          assert.ok(response.status < 500, `${path}?${query}: ${text}`);
        }
      }
    });
  }
});

test("what the auction would come to stands before its row where that is asked for", async () => {
  await withSimulator({}, async (simulator) => {
    const answer: { data: { trends: string[]; trendsTotal: number } } = JSON.parse(
      await fetchText(simulator, "/api/qt/stock/trends2/get?secid=1.600000&ndays=1&iscr=1"),
    );
    assert.equal(answer.data.trends.length, 256);
    assert.equal(answer.data.trendsTotal, 256);
    assert.deepEqual(
      [0, 14, 15, 16].map((place) => answer.data.trends[place]?.slice(11, 16)),
      ["09:15", "09:29", "09:30", "09:31"],
    );
  });
});
