import assert from "node:assert/strict";
import { test } from "node:test";

import {
  clockAt,
  dayLine,
  fetchText,
  minuteLines,
  quietDays,
  sampleData,
  sampleListing,
  scaled,
} from "../../../test/support/akshare-samples.ts";
import { parseDay } from "../../domain/day.ts";
import type { AkshareListing, TickLine } from "./akshare-data.ts";
import { startAkshareSimulator, type AkshareSimulatorOptions } from "./simulator.ts";

/** Answers as public projects recorded them; each test names its source. */
async function serve(
  listings: readonly AkshareListing[],
  at: string,
  path: string,
  options: Partial<AkshareSimulatorOptions> = {},
): Promise<string> {
  await using simulator = await startAkshareSimulator({ data: sampleData(listings), clock: clockAt(at), ...options });
  const text = await fetchText(simulator, path);
  return text;
}

/** Without amplitude, change and turnover rate, which are for the simulator to reckon. */
function linesOf(rows: readonly string[]): ReturnType<typeof dayLine>[] {
  return rows.map((row) => dayLine(row.split(",").slice(0, 7).join(",")));
}

test("Eastmoney's days of 601872, as the tests of a C++ client have them, byte by byte", async () => {
  const rows = [
    "2024-12-18,6.11,6.18,6.28,6.10,842743,542829495.00,2.96,1.64,0.10,1.03",
    "2024-12-19,6.15,6.09,6.16,6.03,528781,333859220.00,2.10,-1.46,-0.09,0.65",
    "2024-12-20,6.08,5.97,6.10,5.97,701931,437784952.00,2.13,-1.97,-0.12,0.86",
    "2024-12-23,5.95,6.06,6.08,5.95,675187,423018527.00,2.18,1.51,0.09,0.83",
    "2024-12-24,6.04,6.30,6.34,6.03,1129216,727525144.00,5.12,3.96,0.24,1.39",
    "2024-12-25,6.30,6.26,6.36,6.24,456611,296825401.00,1.90,-0.63,-0.04,0.56",
    "2024-12-26,6.26,6.19,6.26,6.15,374180,239964964.00,1.76,-1.12,-0.07,0.46",
    "2024-12-27,6.16,6.24,6.25,6.16,371161,239139229.00,1.45,0.81,0.05,0.46",
    "2024-12-30,6.24,6.29,6.31,6.23,377719,245904544.00,1.28,0.80,0.05,0.46",
    "2024-12-31,6.29,6.18,6.32,6.17,483794,313479921.00,2.38,-1.75,-0.11,0.59",
  ];
  const listing = sampleListing({
    code: "601872.SH",
    name: "招商轮船",
    figures: { floatShares: 8_143_806_353, earningsCents: 0, bookCents: 0 },
    days: () => [...quietDays(parseDay("2024-12-18"), 4_611, "6.08"), ...linesOf(rows)],
  });
  const path =
    "/api/qt/stock/kline/get?secid=1.601872&klt=101&fqt=1&beg=20241218&end=20500000" +
    "&fields1=f1,f2,f3,f4,f5,f6&fields2=f51,f52,f53,f54,f55,f56,f57,f58,f59,f60,f61,f116";
  assert.equal(
    await serve([listing], "2024-12-31T16:00:00+08:00", path),
    `{"rc":0,"rt":17,"svr":183641822,"lt":1,"full":0,"dlmkts":"","dsc":"0","data":{"code":"601872","market":1,"name":"招商轮船","decimal":2,"dktotal":4621,"preKPrice":6.08,"klines":${JSON.stringify(rows)}}}`,
  );
});

test("Eastmoney and Tencent on the same index, as a Kotlin app's tests have them", async () => {
  const rows = [
    "2026-09-28,4423.82,4340.76,4423.82,4323.57,171277373,428620471197.90,2.26",
    "2026-09-29,4335.81,4345.21,4359.30,4324.53,148129466,334950785525.60,0.80",
    "2026-09-30,4356.80,4357.62,4368.61,4341.88,162949626,356491548621.40,0.62",
  ];
  const listing = sampleListing({
    code: "000300.SH",
    kind: "index",
    name: "沪深300",
    days: () => [...quietDays(parseDay("2026-09-28"), 5_279, "4439.14"), ...linesOf(rows)],
  });
  const at = "2026-10-01T10:00:00+08:00";
  const fields = "fields2=f51,f52,f53,f54,f55,f56,f57,f58";
  assert.equal(
    await serve([listing], at, `/api/qt/stock/kline/get?secid=1.000300&klt=101&fqt=1&lmt=3&end=20500101&${fields}`),
    `{"rc":0,"rt":17,"svr":183641822,"lt":1,"full":0,"dlmkts":"","dsc":"0","data":{"code":"000300","market":1,"name":"沪深300","decimal":2,"dktotal":5282,"preKPrice":4439.14,"klines":${JSON.stringify(rows)}}}`,
  );
  const tencent = await serve([listing], at, "/appstock/app/fqkline/get?param=sh000300,day,,,3,qfq");
  assert.ok(
    tencent.startsWith(
      '{"code":0,"msg":"","data":{"sh000300":{"day":[["2026-09-28","4423.820","4340.760","4423.820","4323.570","171277373.000"],["2026-09-29","4335.810","4345.210","4359.300","4324.530","148129466.000"],["2026-09-30","4356.800","4357.620","4368.610","4341.880","162949626.000"]],"qt":{"sh000300":[',
    ),
    tencent,
  );
});

test("days and five minutes of 600519, as simplerjiang/baostock.NET (MIT) has them of both", async () => {
  const rows = [
    "2026-03-13,1392.48,1413.64,1417.62,1392.00,33608,4738808558.00,1.84,1.55,21.64,0.27",
    "2026-03-16,1420.00,1460.18,1466.00,1420.00,60086,8711525836.00,3.25,3.29,46.54,0.48",
    "2026-03-17,1468.00,1485.00,1498.07,1461.19,49454,7347310632.00,2.53,1.70,24.82,0.39",
  ];
  const day = parseDay("2026-04-23");
  const minute = (row: string): ReturnType<typeof dayLine> => dayLine(`2026-04-23,${row}`);
  const listing = sampleListing({
    code: "600519.SH",
    figures: { floatShares: 1_252_270_215, earningsCents: 0, bookCents: 0 },
    events: () => [
      {
        day: parseDay("2025-12-19"),
        terms: { cashCentsPer10: 23_957, bonusTenthsPer10: 0, rightsTenthsPer10: 0, rightsPriceCents: 0 },
      },
    ],
    days: () => [
      dayLine("2026-03-12,1392.00,1392.00,1392.00,1392.00,0,0"),
      ...linesOf(rows),
      dayLine(`${day},1415.68,1417.40,1418.43,1415.68,738,104559718.00`),
    ],
    minutes: () =>
      minuteLines(
        new Map([
          ["13:26", minute("1415.71,1416.41,1417.54,1415.70,279,39510718.00")],
          ["13:31", minute("1416.46,1417.40,1418.43,1416.41,459,65049000.00")],
        ]),
        scaled("1415.68", 3),
      ),
  });
  const at = "2026-04-23T16:00:00+08:00";
  const days = await serve([listing], at, "/api/qt/stock/kline/get?secid=1.600519&klt=101&fqt=0&end=20260317&lmt=3");
  assert.ok(days.includes(JSON.stringify(rows)), days);
  const five = await serve([listing], at, "/api/qt/stock/kline/get?secid=1.600519&klt=5&fqt=0&end=20500000");
  assert.match(five, /"2026-04-23 13:30,1415.71,1416.41,1417.54,1415.70,279,39510718.00,0.13,0.05,0.73,0.00"/);
  const tencent = await serve(
    [listing],
    at,
    "/appstock/app/fqkline/get?param=sh600519,day,2026-03-13,2026-03-13,640,qfq",
  );
  assert.match(tencent, /"qfqday":\[\["2026-03-13","1392.480","1413.640","1417.620","1392.000","33608.000"\]\]/);
  const m5 = await serve([listing], at, "/appstock/app/kline/mkline?param=sh600519,m5,,320");
  assert.ok(m5.includes('["202604231330","1415.71","1416.41","1417.54","1415.70","279.00",{},"0.2228"]'), m5);
  assert.ok(m5.includes('["202604231335","1416.46","1417.40","1418.43","1416.41","459.00",{},"0.3665"]'), m5);
  const missing = await serve([listing], at, "/api/qt/stock/kline/get?secid=1.600001&klt=101");
  assert.match(missing, /^\{"rc":102,.*"data":null\}$/);
});

test("rows of the spot list, as tests of Go clients have them", async () => {
  const traded = sampleListing({
    code: "600107.SH",
    name: "美尔雅",
    figures: { floatShares: 360_000_000, earningsCents: -15, bookCents: 152 },
    days: () => [
      dayLine("2024-08-07,3.35,3.35,3.35,3.35,0,0"),
      dayLine("2024-08-08,3.50,3.69,3.69,3.48,89585,32711449.00"),
    ],
  });
  const gone = sampleListing({
    code: "000003.SZ",
    board: "sz-main",
    name: "PT金田A",
    figures: { floatShares: 333_433_600, earningsCents: 0, bookCents: 0 },
    days: () => [dayLine("2001-04-20,2.71,2.71,2.71,2.71,1,271.00")],
  });
  const fields =
    "f1,f2,f3,f4,f5,f6,f7,f8,f9,f10,f12,f13,f14,f15,f16,f17,f18,f20,f21,f23,f24,f25,f22,f11,f62,f128,f136,f115,f152";
  const path = `/api/qt/clist/get?fs=m:1+t:2,m:0+t:6&fid=f12&po=1&pz=100&np=1&fltt=2&fields=${fields}`;
  const text = await serve([traded, gone], "2024-08-08T16:00:00+08:00", path);
  // Valuations, longer changes and the flow of money are reckoned otherwise; places and all other values are the recorded ones.
  const others = /"(f9|f10|f22|f23|f24|f25|f62|f115)":[^,}]+/g;
  const recorded =
    '{"f1":2,"f2":3.69,"f3":10.15,"f4":0.34,"f5":89585,"f6":32711449.0,"f7":6.27,"f8":2.49,"f9":-24.51,"f10":0.48,"f11":0.0,"f12":"600107","f13":1,"f14":"美尔雅","f15":3.69,"f16":3.48,"f17":3.5,"f18":3.35,"f20":1328400000,"f21":1328400000,"f22":0.0,"f23":2.43,"f24":-19.78,"f25":-39.71,"f62":20829178.0,"f115":-19.47,"f128":"-","f140":"-","f141":"-","f136":"-","f152":2}';
  const row = /"diff":\[(\{.*?\})/.exec(text)?.[1] ?? "";
  assert.equal(row.replaceAll(others, "$1"), recorded.replaceAll(others, "$1"));
  const short = await serve(
    [traded, gone],
    "2024-08-08T16:00:00+08:00",
    "/api/qt/clist/get?fs=m:0+t:6&fid=f12&np=1&fltt=2&fields=f2,f3,f5,f6,f8,f12,f14,f15,f16,f17,f18",
  );
  assert.ok(
    short.includes(
      '"diff":[{"f2":"-","f3":"-","f5":"-","f6":"-","f8":0.0,"f12":"000003","f14":"PT金田A","f15":"-","f16":"-","f17":"-","f18":2.71}]',
    ),
    short,
  );
});

function tick(row: string): TickLine {
  const [time = "", price = "", lots = "", amount = "", trades = "", side = "neutral"] = row.split(" ");
  return {
    time,
    priceMilli: scaled(price, 3),
    volume: scaled(lots, 2),
    turnoverCents: scaled(amount, 2),
    trades: Number(trades),
    side: side === "buy" || side === "sell" ? side : "neutral",
  };
}

test("ticks of one instrument from Tencent and from Eastmoney", async () => {
  const listing = sampleListing({
    code: "300351.SZ",
    board: "chinext",
    days: () => [
      dayLine("2026-08-14,10.29,10.29,10.29,10.29,1,1029.00"),
      dayLine("2026-08-17,9.87,9.84,9.87,9.84,9883,9743911.00"),
    ],
    ticks: () =>
      [
        "09:25:04 9.87 5415 5344605 2 sell",
        "09:30:04 9.85 1210 1193398 3 sell",
        "09:30:07 9.84 3258 3205853 9 sell",
      ].map(tick),
  });
  const at = "2026-08-17T16:00:00+08:00";
  assert.equal(
    await serve([listing], at, "/data/index.php?appn=detail&action=data&c=sz300351&p=0"),
    'v_detail_data_sz300351=[0,"0/09:25:04/9.87/-0.42/5415/5344605/S|1/09:30:04/9.85/-0.02/1210/1193398/S|2/09:30:07/9.84/-0.01/3258/3205853/S"]',
  );
  assert.equal(await serve([listing], at, "/data/index.php?appn=detail&action=data&c=sz300351&p=1"), "");
  assert.equal(
    await serve([listing], at, "/data/index.php?appn=detail&action=info&c=sz300351"),
    'v_detail_time_sz300351=[20260817,"09:25:04~09:30:07"]',
  );
  const details = sampleListing({
    ...listing,
    code: "000001.SZ",
    days: () => [
      dayLine("2026-08-14,11.11,11.11,11.11,11.11,1,1111.00"),
      dayLine("2026-08-17,11.20,11.10,11.20,11.10,29945,33500000.00"),
    ],
    ticks: () =>
      [
        "09:25:00 11.20 21048 23573760 607 buy",
        "09:30:03 11.19 8879 9942002 369 sell",
        "15:20:15 11.10 18 19980 2 buy",
      ].map(tick),
  });
  const text = await serve([details], at, "/api/qt/stock/details/get?secid=0.000001");
  assert.match(text, /"data":\{"code":"000001","market":0,"decimal":2,"prePrice":11.11,"details":\[/);
  assert.match(
    text,
    /"09:24:57,11.20,21048,0,4","09:25:00,11.20,21048,607,2","09:30:03,11.19,8879,369,1","15:20:15,11.10,18,2,2"/,
  );
});

test("minutes of 000001, as AKShare's documentation (MIT) has them: the auction's row stands apart", async () => {
  const listing = sampleListing({
    code: "000001.SZ",
    board: "sz-main",
    days: () => [dayLine("2024-03-20,10.38,10.45,10.45,10.38,30550,31742451.00")],
    minutes: () =>
      minuteLines(
        new Map([
          ["09:31", dayLine("2024-03-20,10.38,10.40,10.40,10.38,20141,20918098")],
          ["09:32", dayLine("2024-03-20,10.40,10.41,10.41,10.39,10409,10824353")],
        ]),
        10_380,
      ),
    ticks: () =>
      [
        "09:25:00 10.38 7174 7446612 300 neutral",
        "09:30:00 10.38 2967 3080000 4 sell",
        "09:30:57 10.40 10000 10391486 4 buy",
      ].map(tick),
  });
  const text = await serve([listing], "2024-03-20T16:00:00+08:00", "/api/qt/stock/trends2/get?secid=0.000001&ndays=1");
  assert.ok(
    text.includes(
      '"trends":["2024-03-20 09:30,10.38,10.38,10.38,10.38,7174,7446612.00,10.380","2024-03-20 09:31,10.38,10.40,10.40,10.38,12967,13471486.00,10.386","2024-03-20 09:32,10.40,10.41,10.41,10.39,10409,10824353.00,10.390"',
    ),
    text.slice(0, 800),
  );
});

test("AKTools' days of 000001, as its README (MIT) has them, byte by byte: volumes to the nearest lot", async () => {
  const listing = sampleListing({
    code: "000001.SZ",
    board: "sz-main",
    figures: { floatShares: 19_405_918_198, earningsCents: 0, bookCents: 0 },
    days: () => [
      dayLine("2024-01-24,9.33,9.33,9.33,9.33,1,933.00"),
      dayLine("2024-01-25,9.33,9.50,9.54,9.27,2162513.95,2037648413.07"),
      dayLine("2024-01-26,9.47,9.62,9.67,9.44,2272287.06,2172799799.01"),
    ],
  });
  const path = "/api/public/stock_zh_a_hist?symbol=000001&period=daily&start_date=20240125&end_date=20240127&adjust=";
  assert.equal(
    await serve([listing], "2024-02-01T16:00:00+08:00", path, { hasCodeColumn: false }),
    '[{"日期":"2024-01-25T00:00:00.000","开盘":9.33,"收盘":9.5,"最高":9.54,"最低":9.27,"成交量":2162514,"成交额":2037648413.07,"振幅":2.89,"涨跌幅":1.82,"涨跌额":0.17,"换手率":1.11},{"日期":"2024-01-26T00:00:00.000","开盘":9.47,"收盘":9.62,"最高":9.67,"最低":9.44,"成交量":2272287,"成交额":2172799799.01,"振幅":2.42,"涨跌幅":1.26,"涨跌额":0.12,"换手率":1.17}]',
  );
});
