import assert from "node:assert/strict";
import { test } from "node:test";

import {
  AKTOOLS_000001,
  CALENDAR_TEXT,
  DAYS_600519,
  eastmoneyAnswer,
  EASTMONEY_UNKNOWN,
  HFQ_000002,
  MINUTES_000001,
  SINA_BARS,
} from "../../../test/fixtures/akshare/golden-samples.ts";
import { ManualClock } from "../../../test/support/manual-clock.ts";
import { ScriptedHttp, type HttpAsked, type HttpReply } from "../../../test/support/scripted-http.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";
import { TICK_FLAGS, type DataSet } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call } from "../../domain/unit.ts";
import { RateLimitError } from "../../ports/budget.ts";
import type { Page, Source } from "../../ports/source.ts";
import { openAkshareSource, type AkshareSourceOptions } from "./source.ts";

const never = new AbortController().signal;

interface Rig extends AsyncDisposable {
  readonly source: Source;
  readonly server: ScriptedHttp;
}

async function openRig(
  reply: (asked: HttpAsked, count: number) => HttpReply,
  options: Partial<AkshareSourceOptions> & { readonly isBehindAktools?: true } = {},
): Promise<Rig> {
  const server = await ScriptedHttp.open(reply);
  const place = options.isBehindAktools === true ? { aktoolsUrl: server.url } : { baseUrl: server.url };
  const clock = new ManualClock("2026-03-18T02:00:00Z");
  const source = openAkshareSource({ clock, pauseMs: 0, callMsMax: 2_000, ...place, ...options });
  return {
    source,
    server,
    [Symbol.asyncDispose]: async () => {
      await source[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function codesCall<D extends DataSet>(
  dataSet: D,
  code: string,
  days: readonly [string, string?],
  more: Partial<Call<D>> = {},
): Call<D> {
  const [from, to = from] = days;
  const selection = { by: "codes", codes: [parseSecurityCode(code)], from: parseDay(from), to: parseDay(to) } as const;
  return { dataSet, frequency: "1d", selection, ...more };
}

test("a day's bars are asked for by exchange number and days, raw, in the order of the web page", async () => {
  await using rig = await openRig(() => eastmoneyAnswer(1, "600519", DAYS_600519));
  const page = await rig.source.fetch(codesCall("bars", "600519.SH", ["2026-03-13", "2026-03-17"]), never);
  assert.deepEqual(
    page.rows.map(({ tradingDay }) => tradingDay),
    ["2026-03-13", "2026-03-16", "2026-03-17"],
  );
  assert.deepEqual([page.received, page.rest, page.rejected, page.suspensions], [3, [], [], undefined]);
  const [asked] = rig.server.asked;
  assert.equal(
    asked?.url,
    "/api/qt/stock/kline/get?secid=1.600519&klt=101&fqt=0&fields1=f1,f2,f3,f4,f5,f6" +
      "&fields2=f51,f52,f53,f54,f55,f56,f57,f58,f59,f60,f61&beg=20260313&end=20260317" +
      "&ut=7eea3edcaed734bea9cbfc24409ed989",
  );
  assert.match(asked.headers["user-agent"] ?? "", /^Mozilla/);
  assert.equal(asked.headers.connection, "close", "a connection that is used again may look like a ban");
});

test("every kind and exchange has its number: Shanghai 1, Shenzhen and Beijing 0, Hong Kong 116", async () => {
  await using rig = await openRig(({ url }) => {
    const [market = "", code = ""] = (new URL(url, "http://x").searchParams.get("secid") ?? "").split(".");
    return eastmoneyAnswer(Number(market), code, []);
  });
  for (const code of ["510300.SH", "000001.SH", "900901.SH", "159915.SZ", "399001.SZ", "920002.BJ", "00700.HK"]) {
    const page = await rig.source.fetch(codesCall("bars", code, ["2026-03-13"]), never);
    assert.deepEqual(page, { dataSet: "bars", rows: [], rejected: [], received: 0, rest: [] });
  }
  const ids = rig.server.asked.map(({ url }) => new URL(url, "http://x").searchParams.get("secid"));
  const wanted = ["1.510300", "1.000001", "1.900901", "0.159915", "0.399001", "0.920002", "116.00700"];
  assert.deepEqual(ids, wanted);
});

test("a share of Hong Kong is in shares and in its own zone", async () => {
  const row = "2026-03-13,480.200,479.000,483.400,478.000,15321234,7365123456.000,1,1,1,1";
  await using rig = await openRig(() => eastmoneyAnswer(116, "00700", [row]));
  const { rows } = await rig.source.fetch(codesCall("bars", "00700.HK", ["2026-03-13"]), never);
  const [bar] = rows;
  assert.deepEqual([bar?.volume, bar?.zone, bar?.close], ["15321234", "Asia/Hong_Kong", "479"]);
});

test("minutes are cut to the days that were asked for, whatever came", async () => {
  const rows = ["2026-03-12 15:00", "2026-03-13 09:35", "2026-03-13 15:00", "2026-03-16 09:35"].map(
    (at) => `${at},10,10,10,10,5,5000.00`,
  );
  await using rig = await openRig(() => eastmoneyAnswer(0, "000001", rows));
  const page = await rig.source.fetch(codesCall("bars", "000001.SZ", ["2026-03-13"], { frequency: "5m" }), never);
  assert.deepEqual(
    page.rows.map(({ time }) => time),
    ["2026-03-13 09:35:00", "2026-03-13 15:00:00"],
  );
  assert.equal(page.received, 2);
  assert.match(rig.server.asked[0]?.url ?? "", /&klt=5&.*&beg=0&end=20500000&/);
});

test("a bar whose bounds are not ours is rejected, and so is one without a number", async () => {
  const rows = [
    "2026-03-13 10:00,10,10,10,10,5,5000.00",
    "2026-03-13 10:30,-,10,10,10,5,5000.00",
    "2026-03-13 11:30,10,10,10,10,5,-",
    "2026-03-13 13:00,10,10,10,10,5,5000.00",
    "tomorrow,10,10,10,10,5,5000.00",
  ];
  await using rig = await openRig(() => eastmoneyAnswer(0, "000001", rows));
  const page = await rig.source.fetch(codesCall("bars", "000001.SZ", ["2026-03-13"], { frequency: "60m" }), never);
  assert.deepEqual(
    page.rows.map(({ time, turnover, flags }) => [time, turnover, flags]),
    [["2026-03-13 11:30:00", undefined, 32]],
  );
  assert.deepEqual(
    page.rejected.map(({ reason, day }) => [reason, day]),
    [
      ["not-parseable", "2026-03-13"],
      ["not-parseable", "2026-03-13"],
      ["not-parseable", "2026-03-13"],
      ["not-parseable", undefined],
    ],
  );
});

test("silence about a code is an empty answer where the service answers for its index", async () => {
  await using rig = await openRig(({ url }) =>
    url.includes("secid=1.000001") ? eastmoneyAnswer(1, "000001", []) : EASTMONEY_UNKNOWN,
  );
  const page = await rig.source.fetch(codesCall("bars", "600001.SH", ["2026-03-13"]), never);
  assert.deepEqual([page.received, page.rows], [0, []]);
  assert.equal(rig.server.asked.length, 2);
  assert.match(rig.server.asked[1]?.url ?? "", /secid=1\.000001&.*&lmt=1&/);
});

test("silence about everything is a ban, and its waits grow until an answer comes", async () => {
  let isSilent = true;
  await using rig = await openRig(() => (isSilent ? EASTMONEY_UNKNOWN : eastmoneyAnswer(1, "600519", [])), {
    banWaitMs: 100,
    banWaitMsMax: 350,
  });
  const call = codesCall("bars", "600519.SH", ["2026-03-13"]);
  const waits: number[] = [];
  for (let tries = 0; tries < 4; tries += 1) {
    waits.push(await waitOf(rig.source.fetch(call, never)));
  }
  assert.deepEqual(waits, [100, 200, 350, 350]);
  isSilent = false;
  await rig.source.fetch(call, never);
  isSilent = true;
  assert.equal(await waitOf(rig.source.fetch(call, never)), 100);
});

async function waitOf(page: Promise<Page>): Promise<number> {
  const error = await page.then(
    () => assert.fail("it was answered"),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof RateLimitError, String(error));
  return error.retryAfterMs ?? 0;
}

test("Eastmoney's dropped connection is a ban; a broken answer and another's dropped connection pass by themselves", async () => {
  const drop: HttpReply = (_response, socket) => socket.resetAndDestroy();
  await using rig = await openRig(({ url }) =>
    url.includes("secid=1.600000")
      ? (response, socket) => {
          response.writeHead(200, { "content-length": "1000" });
          response.write(`{"rc":0`, () => socket.destroy());
        }
      : drop,
  );
  await waitOf(rig.source.fetch(codesCall("bars", "600519.SH", ["2026-03-13"]), never));
  for (const call of [
    codesCall("bars", "600000.SH", ["2026-03-13"]),
    codesCall("bars", "600519.SH", ["2026-03-13"], { api: "sina" }),
  ]) {
    await assert.rejects(
      rig.source.fetch(call, never),
      (error) => error instanceof TransientError && !(error instanceof RateLimitError),
    );
  }
});

test("a call names its api: Sina's bars are in shares, and the newest rows reach back to the first day", async () => {
  await using rig = await openRig(() => SINA_BARS);
  const call = codesCall("bars", "688001.SH", ["2026-02-25"], { frequency: "5m", api: "sina" });
  const { rows } = await rig.source.fetch(call, never);
  assert.deepEqual([rows[0]?.volume, rows[0]?.turnover], ["367300", "1545926.9902"]);
  const [asked] = rig.server.asked;
  assert.equal(
    asked?.url,
    // 16 trading days from 2026-02-25 to 2026-03-18, and one to spare.
    "/cn/api/json_v2.php/CN_MarketDataService.getKLineData?symbol=sh688001&scale=5&ma=no&datalen=816",
  );
  assert.equal(asked.headers.referer, "https://finance.sina.com.cn/");
});

test("factors are events up to the end of the call, and a code without a file has none", async () => {
  await using rig = await openRig(({ url }) =>
    url.includes("sz000002") ? HFQ_000002 : { status: 404, body: "<html>404</html>" },
  );
  const page = await rig.source.fetch(codesCall("adjustment-factors", "000002.SZ", ["2022-08-25"]), never);
  assert.deepEqual(
    page.rows.map(({ tradingDay }) => tradingDay),
    ["2022-08-25", "2021-08-25"],
  );
  assert.equal(rig.server.asked[0]?.url, "/realstock/company/sz000002/hfq.js");
  const none = await rig.source.fetch(codesCall("adjustment-factors", "920002.BJ", ["2022-08-25"]), never);
  assert.deepEqual(none, { dataSet: "adjustment-factors", rows: [], rejected: [], received: 0, rest: [] });
});

test("the calendar has every day of the range that was published, and is China's only", async () => {
  await using rig = await openRig(() => CALENDAR_TEXT);
  const call: Call<"trading-calendar"> = {
    dataSet: "trading-calendar",
    frequency: "1d",
    selection: { by: "range", from: parseDay("2026-12-28"), to: parseDay("2027-01-10") },
  };
  const { rows } = await rig.source.fetch(call, never);
  assert.deepEqual(
    rows.map(({ day }) => day),
    ["2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31"],
  );
  const abroad = { ...call, selection: { ...call.selection, market: "HK" } } as Call<"trading-calendar">;
  await assert.rejects(rig.source.fetch(abroad, never), RangeError);
});

/** A day's prints in pages as Tencent has them. */
function ticksOf(
  count: number,
  day = "20260317",
): { readonly info: string; readonly page: (number: number) => string } {
  const timeOf = (index: number): string => {
    const second = 34_200 + 3 * index;
    return [second / 3_600, (second / 60) % 60, second % 60]
      .map((part) => `${Math.floor(part)}`.padStart(2, "0"))
      .join(":");
  };
  const pageOf = (number: number): readonly string[] =>
    Array.from({ length: Math.max(Math.min(count - 70 * number, 70), 0) }, (_, at) => {
      const index = 70 * number + at;
      return `${index}/${timeOf(index)}/11.20/0.01/3/3360/${"BSM".charAt(index % 3)}`;
    });
  const pages = Math.ceil(count / 70);
  const spans = Array.from(
    { length: pages },
    (_, number) => `${timeOf(70 * number)}~${timeOf(Math.min(70 * number + 69, count - 1))}`,
  );
  return {
    info: `v_detail_time_sz000001=[${day},"${spans.join("|")}"]`,
    page: (number) => {
      const rows = pageOf(number);
      return rows.length === 0 ? "" : `v_detail_data_sz000001=[${number},"${rows.join("|")}"]`;
    },
  };
}

function answerTicks({ url }: HttpAsked, { info, page }: ReturnType<typeof ticksOf>): string {
  const query = new URL(url, "http://x").searchParams;
  return query.get("action") === "info" ? info : page(Number(query.get("p")));
}

const TICKS = codesCall("ticks", "000001.SZ", ["2026-03-17"]);

test("a day's prints are all of its pages, each with its second and its place in it", async () => {
  for (const count of [1, 69, 70, 71, 140, 200]) {
    const day = ticksOf(count);
    await using rig = await openRig((asked) => answerTicks(asked, day));
    const page = await rig.source.fetch(TICKS, never);
    assert.deepEqual([page.received, page.rows.length, page.rejected], [count, count, []]);
    assert.ok(page.rows.every(({ sequence, volume }) => sequence === 0 && volume === "300"));
  }
});

test("prints are asked for as the web page does: the day first, then page by page", async () => {
  const day = ticksOf(75);
  await using rig = await openRig((asked) => answerTicks(asked, day));
  const { rows } = await rig.source.fetch(TICKS, never);
  assert.deepEqual(
    rig.server.asked.map(({ url }) => url),
    [
      "/data/index.php?appn=detail&action=info&c=sz000001",
      "/data/index.php?appn=detail&action=data&c=sz000001&p=0",
      "/data/index.php?appn=detail&action=data&c=sz000001&p=1",
    ],
  );
  assert.deepEqual(
    rows.slice(0, 3).map(({ direction }) => direction),
    [TICK_DIRECTION.ACTIVEBUY, TICK_DIRECTION.ACTIVESELL, TICK_DIRECTION.NEUTRAL],
  );
});

test("prints of another day are none of the day that was asked for", async () => {
  const day = ticksOf(75, "20260316");
  await using rig = await openRig((asked) => answerTicks(asked, day));
  assert.deepEqual(await rig.source.fetch(TICKS, never), {
    dataSet: "ticks",
    rows: [],
    rejected: [],
    received: 0,
    rest: [],
  });
  assert.equal(rig.server.asked.length, 1);
});

test("a list that changed while it was read is read once more, and is no answer the second time", async () => {
  const day = ticksOf(150);
  const skipped = day.page(1).replace("[1,", "[1,").replace('"70/', '"71/');
  const torn: readonly ((number: number) => string)[] = [
    (number) => (number === 1 ? day.page(0) : day.page(number)),
    (number) => (number === 1 ? skipped : day.page(number)),
    (number) => (number === 1 ? "" : day.page(number)),
    (number) => (number === 1 ? day.page(1).replace("09:33:30", "09:33:27") : day.page(number)),
  ];
  for (const page of torn) {
    let times = 1;
    await using rig = await openRig((asked) => {
      times -= asked.url.includes("action=info") && rig.server.asked.length > 1 ? 1 : 0;
      return answerTicks(asked, { ...day, page: times > 0 ? page : day.page });
    });
    assert.equal((await rig.source.fetch(TICKS, never)).rows.length, 150);
    times = 99;
    await assert.rejects(rig.source.fetch(TICKS, never), TransientError);
  }
});

test("Tencent's silence about a code is empty, its silence about everything a ban", async () => {
  let isSilent = false;
  const known = ticksOf(3).info;
  await using rig = await openRig(({ url }) => (isSilent || url.includes("sh600001") ? "" : known));
  const call = codesCall("ticks", "600001.SH", ["2026-03-17"]);
  assert.equal((await rig.source.fetch(call, never)).received, 0);
  isSilent = true;
  await waitOf(rig.source.fetch(call, never));
});

test("prints of the auctions and after the close say so, and the board for science has its unit told", async () => {
  const rows = [
    "0/09:25:00/50.00/0/2/10000.00/B",
    "1/10:00:00/50.00/0/250/12500/B",
    "2/15:00:02/50.00/0/3/15000/S",
    "3/15:20:15/50.00/0/4/20000/M",
    "4/15:20:15/50.00/0/4/20000/M",
    "5/15:20:15/50.00/0/4/777/M",
    "6/15:20:15/50.00/0/4/20000/X",
  ];
  await using rig = await openRig(({ url }) =>
    url.includes("action=info")
      ? `v_detail_time_sh688001=[20260317,"09:25:00~15:20:15"]`
      : `v_detail_data_sh688001=[0,"${rows.join("|")}"]`,
  );
  const page = await rig.source.fetch(codesCall("ticks", "688001.SH", ["2026-03-17"]), never);
  assert.deepEqual(
    page.rows.map(({ volume, flags, sequence }) => [volume, flags, sequence]),
    [
      ["200", TICK_FLAGS.auction, 0],
      ["250", 0, 0],
      ["300", TICK_FLAGS.auction, 0],
      ["400", TICK_FLAGS.afterHours, 0],
      ["400", TICK_FLAGS.afterHours, 1],
    ],
  );
  assert.deepEqual(
    page.rejected.map(({ reason }) => reason),
    ["out-of-range", "not-parseable"],
  );
});

test("a wall's page, a block and a server's own failure are told apart", async () => {
  const wall = `<html><head><title>405</title></head><body>访问被拦截！</body></html>`;
  const bars = codesCall("bars", "600519.SH", ["2026-03-13"]);
  const sina = { ...bars, api: "sina" };
  const list: Call<"stock-list"> = {
    dataSet: "stock-list",
    frequency: "1d",
    selection: { by: "status", status: "listed" },
  };
  const cases: readonly (readonly [Call, HttpReply, "ban" | "passes" | "permanent"])[] = [
    [bars, wall, "ban"],
    [bars, { status: 405, body: wall }, "ban"],
    [bars, { status: 429, body: "" }, "ban"],
    [bars, { status: 502, body: "<html>502</html>" }, "passes"],
    [bars, { status: 302, body: "" }, "passes"],
    [bars, "{}", "passes"],
    [bars, `{"rc":0,"data":{"klines"`, "passes"],
    [bars, { status: 404, body: "no" }, "permanent"],
    [sina, { status: 456, body: "拒绝访问" }, "ban"],
    [sina, { status: 403, body: "Forbidden" }, "ban"],
    [sina, { status: 502, body: "" }, "passes"],
    [TICKS, { status: 501, body: "" }, "ban"],
    [list, { status: 403, body: "<html></html>" }, "passes"],
  ];
  for (const [call, reply, kind] of cases) {
    await using rig = await openRig(() => reply);
    const error = await rig.source.fetch(call, never).then(
      () => assert.fail("it was answered"),
      (thrown: unknown) => thrown,
    );
    const of = error instanceof PermanentError ? "permanent" : error instanceof RateLimitError ? "ban" : "passes";
    assert.ok(error instanceof TransientError || error instanceof PermanentError);
    assert.equal(of, kind, String(error));
    assert.ok(rig.server.asked.length >= 1);
  }
});

test("a call that was never offered is the caller's defect", async () => {
  await using rig = await openRig(() => "");
  const calls: readonly Call[] = [
    codesCall("bars", "AAPL.US", ["2026-03-13"]),
    codesCall("bars", "00700.HK", ["2026-03-13"], { frequency: "5m" }),
    codesCall("bars", "113050.SH", ["2026-03-13"]),
    codesCall("bars", "000001.SH", ["2026-03-13"], { api: "sina" }),
    codesCall("bars", "600000.SH", ["2026-03-13"], { frequency: "1M" }),
    codesCall("ticks", "000001.SH", ["2026-03-13"]),
    codesCall("ticks", "000001.SZ", ["2026-03-13", "2026-03-14"]),
    { dataSet: "bars", frequency: "1d", selection: { by: "day", day: parseDay("2026-03-13") } },
  ];
  for (const call of calls) {
    await assert.rejects(rig.source.fetch(call, never), RangeError, JSON.stringify(call));
  }
  assert.equal(rig.server.asked.length, 0);
});

test("AKTools is asked for functions with text parameters, and its records are Eastmoney's bars", async () => {
  await using rig = await openRig(() => AKTOOLS_000001, { isBehindAktools: true });
  const { rows } = await rig.source.fetch(codesCall("bars", "000001.SZ", ["2024-01-25", "2024-01-27"]), never);
  assert.equal(
    rig.server.asked[0]?.url,
    "/api/public/stock_zh_a_hist?symbol=000001&period=daily&start_date=20240125&end_date=20240127&adjust=",
  );
  assert.deepEqual(
    rows.map(({ tradingDay, close, volume, turnover }) => [tradingDay, close, volume, turnover]),
    [
      ["2024-01-25", "9.5", "216251400", "2037648413.07"],
      ["2024-01-26", "9.62", "227228700", "2172799799.01"],
    ],
  );
  assert.equal(rig.source.inquiries, undefined);
  assert.ok(rig.source.capabilities.every(({ api, dataSet }) => api === "aktools" && dataSet !== "stock-list"));
});

test("AKTools' codes of Shanghai that do not begin with 6 cannot be asked for, and are not", async () => {
  await using rig = await openRig(() => AKTOOLS_000001, { isBehindAktools: true });
  assert.equal((await rig.source.fetch(codesCall("bars", "900901.SH", ["2024-01-25"]), never)).received, 0);
  assert.equal(rig.server.asked.length, 0);
});

test("AKTools' single minutes are those of the newest day only: older ones have no opening price", async () => {
  const minute = (day: string, [at, open, close, high, low, volume, amount]: readonly string[]): string =>
    `{"时间":"${day} ${at}:00","开盘":${day === "2024-03-20" ? open : "0.0"},"收盘":${close},"最高":${high},"最低":${low},"成交量":${volume},"成交额":${amount},"均价":1.5}`;
  const records = ["2024-03-19", "2024-03-20"].flatMap((day) => MINUTES_000001.map((row) => minute(day, row)));
  await using rig = await openRig(() => `[${records.join(",")}]`, { isBehindAktools: true });
  const call = codesCall("bars", "000001.SZ", ["2024-03-19", "2024-03-20"], { frequency: "1m" });
  const { rows, rejected } = await rig.source.fetch(call, never);
  assert.deepEqual([rows.length, rejected], [6, []]);
  assert.ok(rows.every(({ tradingDay }) => tradingDay === "2024-03-20"));
  assert.match(
    rig.server.asked[0]?.url ?? "",
    /\?symbol=000001&start_date=2024-03-19\+09:00:00&end_date=2024-03-20\+16/,
  );
});

test("AKTools' prints are believed when they are those of the day's bar", async () => {
  const bar = (volume: number, low: number): string =>
    `[{"日期":"2026-03-17T00:00:00.000","股票代码":"000001","开盘":11.2,"收盘":11.2,"最高":11.3,"最低":${low},"成交量":${volume},"成交额":1}]`;
  const ticks = `[{"成交时间":"09:25:00","成交价格":11.2,"价格变动":0.0,"成交量":100,"成交金额":112000,"性质":"中性盘"},{"成交时间":"09:30:03","成交价格":11.1,"价格变动":-0.1,"成交量":101,"成交金额":112110,"性质":"卖盘"}]`;
  for (const [day, count] of [
    [bar(201, 11.1), 2],
    [bar(202, 11.1), 2],
    [bar(220, 11.1), 0],
    [bar(201, 11.15), 0],
    ["[]", 0],
  ] as const) {
    await using rig = await openRig(({ url }) => (url.includes("stock_zh_a_hist") ? day : ticks), {
      isBehindAktools: true,
    });
    const { rows } = await rig.source.fetch(TICKS, never);
    assert.equal(rows.length, count, day);
    assert.equal(rows[1]?.direction, count === 0 ? undefined : TICK_DIRECTION.ACTIVESELL);
  }
});

test("AKTools' calendar and factors are those of Sina", async () => {
  await using rig = await openRig(
    ({ url }) =>
      url.includes("tool_trade_date")
        ? `[{"trade_date":"2026-03-13"},{"trade_date":"2026-03-16T00:00:00.000"}]`
        : `[{"date":"2023-08-25T00:00:00.000","hfq_factor":"169.1453113717332"},{"date":"1900-01-01T00:00:00.000","hfq_factor":"1.0"}]`,
    { isBehindAktools: true },
  );
  const range = { by: "range", from: parseDay("2026-03-01"), to: parseDay("2026-03-31") } as const;
  const calendar = await rig.source.fetch({ dataSet: "trading-calendar", frequency: "1d", selection: range }, never);
  assert.deepEqual(
    calendar.rows.map(({ day, isOpen }) => `${day} ${isOpen}`),
    ["2026-03-13 true", "2026-03-14 false", "2026-03-15 false", "2026-03-16 true"],
  );
  const factors = await rig.source.fetch(codesCall("adjustment-factors", "000002.SZ", ["2024-01-02"]), never);
  assert.deepEqual(
    factors.rows.map(({ tradingDay, factor }) => [tradingDay, factor]),
    [["2023-08-25", "169.14531137"]],
  );
});

test("AKTools' failures: a function that failed inside passes, one that is missing needs a person, nothing is empty", async () => {
  const call = codesCall("bars", "000001.SZ", ["2024-01-25"]);
  const cases: readonly (readonly [HttpReply, string])[] = [
    [{ status: 500, body: "Internal Server Error" }, "TransientError"],
    [{ status: 404, body: `{"error":"未找到该接口，请升级 AKShare 到最新版本"}` }, "PermanentError"],
    [{ status: 404, body: `{"error":"请输入正确的参数错误 'xyz'，请升级 AKShare"}` }, "DataError"],
    [{ status: 404, body: "Not Found" }, "PermanentError"],
    ["{}", "TransientError"],
  ];
  for (const [reply, name] of cases) {
    await using rig = await openRig(() => reply, { isBehindAktools: true });
    await assert.rejects(rig.source.fetch(call, never), { name });
  }
  for (const reply of ["[]", { status: 404, body: `{"error":"该接口返回数据为空，请确认参数是否正确"}` }]) {
    await using rig = await openRig(() => reply, { isBehindAktools: true });
    assert.equal((await rig.source.fetch(call, never)).received, 0);
  }
});
