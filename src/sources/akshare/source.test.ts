import assert from "node:assert/strict";
import { test } from "node:test";

import {
  CALENDAR_TEXT,
  DAYS_600519,
  eastmoneyAnswer,
  EASTMONEY_UNKNOWN,
  HFQ_000002,
  SINA_BARS,
} from "../../../test/fixtures/akshare/golden-samples.ts";
import { codesCall, openAkshareRig as openRig, waitOf } from "../../../test/support/akshare-rig.ts";
import type { HttpReply } from "../../../test/support/scripted-http.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import type { Call } from "../../domain/unit.ts";
import { RateLimitError } from "../../ports/budget.ts";

const never = new AbortController().signal;

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
  await using rig = await openRig(({ url }) => {
    if (!url.includes("sz000002")) {
      return { status: 404, body: "<html>404</html>" };
    }
    return url.endsWith("/qfq.js") ? HFQ_000002.replace("hfq", "qfq") : HFQ_000002;
  });
  const page = await rig.source.fetch(codesCall("adjustment-factors", "000002.SZ", ["2022-08-25"]), never);
  assert.deepEqual(
    page.rows.map(({ tradingDay }) => tradingDay),
    ["2022-08-25", "2021-08-25"],
  );
  assert.deepEqual(
    rig.server.asked.map(({ url }) => url),
    ["/realstock/company/sz000002/hfq.js", "/realstock/company/sz000002/qfq.js"],
  );
  const none = await rig.source.fetch(codesCall("adjustment-factors", "920002.BJ", ["2022-08-25"]), never);
  assert.deepEqual(none, { dataSet: "adjustment-factors", rows: [], rejected: [], received: 0, rest: [] });
});

test("a list of factors that lacks an event, or all of them, is no answer", async () => {
  const short = HFQ_000002.replace(/\{"d":"2022[^}]*\},/, "").replace(`"total":4`, `"total":3`);
  for (const reply of [short, `var sz000002hfq={"total":0,"data":[]}`, { status: 404, body: "" }]) {
    await using rig = await openRig(({ url }) => (url.endsWith("/hfq.js") ? reply : HFQ_000002.replace("hfq", "qfq")));
    const call = codesCall("adjustment-factors", "000002.SZ", ["2022-08-25"]);
    await assert.rejects(rig.source.fetch(call, never), TransientError);
  }
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
    [codesCall("ticks", "000001.SZ", ["2026-03-17"]), { status: 501, body: "" }, "ban"],
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
