import assert from "node:assert/strict";
import { test } from "node:test";

import { ScriptedTushare, tableBody } from "../../../test/support/scripted-tushare.ts";
import { PermanentError } from "../../base/errors.ts";
import { parseDay } from "../../domain/day.ts";
import type { Frequency } from "../../domain/frequency.ts";
import { BAR_FLAGS, type Bar, type DataSet } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Call, Selection } from "../../domain/unit.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { tushareCapabilities } from "./source.ts";

const never = new AbortController().signal;
const DAY = parseDay("2023-08-25");
const RANGE = { from: parseDay("2023-08-01"), to: DAY };

function toCall<D extends DataSet>(dataSet: D, selection: Selection, frequency: Frequency = "1d"): Call<D> {
  return { dataSet, frequency, selection };
}

const codes = (code: string, range: typeof RANGE = RANGE): Selection => ({
  by: "codes",
  codes: [parseSecurityCode(code)],
  ...range,
});

/** The rows of 600000.SH on 2023-08-25 that the provider's documentation shows (protocol page, section 9c). */
const MINUTE_FIELDS = "ts_code,trade_time,close,open,high,low,vol,amount";
const MINUTES = [
  ["15:00", "7.05,7.05,7.05,7.05,235500,1660275"],
  ["14:59", "7.05,7.05,7.05,7.05,0,0"],
  ["14:58", "7.05,7.05,7.05,7.05,0,0"],
  ["14:57", "7.05,7.06,7.06,7.05,51800,365491.0"],
  ["14:56", "7.05,7.05,7.06,7.04,92700,653831"],
  ["09:34", "7.01,7.02,7.02,7.00,120500,845311"],
  ["09:33", "7.01,7.01,7.02,7.00,126000,883188"],
  ["09:32", "7.01,7.02,7.02,6.99,236699,1659260"],
  ["09:31", "7.02,6.99,7.02,6.97,807500,5649956"],
  ["09:30", "6.99,6.99,6.99,6.99,103700,724863"],
].map(([minute, cells]) => `["600000.SH","2023-08-25 ${minute}:00",${cells}]`);

test("documented minutes become bars in shares and yuan at their intervals' ends, the opening auction flagged", async () => {
  await using rig = await ScriptedTushare.open(() => tableBody(MINUTE_FIELDS, MINUTES));
  const page = await rig.source.fetch(toCall("bars", codes("600000.SH"), "1m"), never);
  const common = { code: "600000.SH", frequency: "1m", tradingDay: "2023-08-25", zone: "Asia/Shanghai", source: 7 };
  assert.deepEqual(page.rejected, []);
  assert.deepEqual(page.rest, []);
  assert.equal(page.rows.length, 10);
  assert.deepEqual(page.rows[0], {
    ...common,
    time: "2023-08-25 15:00:00",
    open: "7.05",
    high: "7.05",
    low: "7.05",
    close: "7.05",
    preClose: undefined,
    volume: "235500",
    turnover: "1660275",
    flags: 0,
  });
  assert.deepEqual([page.rows[1]?.volume, page.rows[1]?.turnover], ["0", "0"]);
  assert.deepEqual([page.rows[3]?.open, page.rows[3]?.close, page.rows[3]?.turnover], ["7.06", "7.05", "365491"]);
  assert.deepEqual([page.rows[8]?.low, page.rows[8]?.open, page.rows[8]?.close], ["6.97", "6.99", "7.02"]);
  const flagged = page.rows.map(({ time, flags }) => [time.slice(11, 16), flags]).filter(([, flags]) => flags !== 0);
  assert.deepEqual(flagged, [["09:30", BAR_FLAGS.auction]]);
  const [asked] = rig.asked;
  assert.equal(asked?.api_name, "stk_mins");
  // Without its time the last day would end at midnight, before its first bar.
  assert.deepEqual(asked.params, {
    ts_code: "600000.SH",
    freq: "1min",
    start_date: "2023-08-01 00:00:00",
    end_date: "2023-08-25 23:59:59",
  });
  assert.deepEqual(asked.fields.split(",").toSorted(), MINUTE_FIELDS.split(",").toSorted());
});

test("each frequency is asked for by the provider's own letters, and minutes come of one share at a time", async () => {
  await using rig = await ScriptedTushare.open(() => tableBody(MINUTE_FIELDS, []));
  for (const [frequency, letters] of [
    ["1m", "1min"],
    ["5m", "5min"],
    ["15m", "15min"],
    ["30m", "30min"],
    ["60m", "60min"],
  ] as const) {
    await rig.source.fetch(toCall("bars", codes("600000.SH"), frequency), never);
    assert.equal(rig.asked.at(-1)?.params["freq"], letters);
  }
  const two = { by: "codes", codes: ["600000.SH", "600036.SH"].map((code) => parseSecurityCode(code)), ...RANGE };
  for (const call of [
    toCall("bars", { by: "day", day: DAY }, "1m"),
    toCall("bars", codes("000001.SH"), "1m"),
    toCall("bars", codes("510300.SH"), "5m"),
    { ...toCall("bars", codes("600000.SH"), "1m"), selection: two as Selection },
  ]) {
    await assert.rejects(rig.source.fetch(call, never), RangeError);
  }
  assert.equal(rig.asked.length, 5);
});

test("minutes that cannot be read are set aside with their day and their neighbours go on", async () => {
  const bad = [
    `["600000.SH","2023-08-25 24:31:00",1,1,1,1,100,100]`,
    `["600000.SH","2023-08-25",1,1,1,1,100,100]`,
    `["600000.SH","2023-02-30 09:31:00",1,1,1,1,100,100]`,
    `["600000.SH","2023-08-25 09:35:00",1,1,1,1,100.5,100]`,
    `["600000.SH","2023-08-25 09:36:00",1,1,1,1,-100,100]`,
    `["600000.SH",null,1,1,1,1,100,100]`,
  ];
  await using rig = await ScriptedTushare.open(() => tableBody(MINUTE_FIELDS, [...bad, ...MINUTES]));
  const { rows, rejected } = await rig.source.fetch(toCall("bars", codes("600000.SH"), "1m"), never);
  assert.equal(rows.length, MINUTES.length);
  assert.deepEqual(
    rejected.map(({ reason, day }) => [reason, day]),
    [
      ["not-parseable", "2023-08-25"],
      ["not-parseable", "2023-08-25"],
      ["not-parseable", undefined],
      ["volume-not-whole", "2023-08-25"],
      ["out-of-range", "2023-08-25"],
      ["not-parseable", undefined],
    ],
  );
  assert.equal(rejected[3]?.raw, bad[3]);
});

test("a call planned up to the bound of a capability stays below the server's cap with an auction's row a day", () => {
  for (const { api, frequency, rowsMax, rowsPerDay } of tushareCapabilities({})) {
    if (api === "stk_mins") {
      const days = Math.floor((rowsMax - 1) / rowsPerDay);
      assert.ok(days * (rowsPerDay + 1) < 8_000 && (days + 1) * (rowsPerDay + 1) >= 8_000 - rowsPerDay, frequency);
    }
  }
});

test("minutes that fill a page are asked for again by halves of the days, within a day by offset", async () => {
  const rows = Array.from({ length: 100 }, (_, index) => MINUTES[index % MINUTES.length] ?? "");
  await using rig = await ScriptedTushare.open(() => tableBody(MINUTE_FIELDS, rows), { rowCaps: { stk_mins: 100 } });
  const days = await rig.source.fetch(toCall("bars", codes("600000.SH"), "1m"), never);
  const spans = days.rest.map(({ selection }) => (selection.by === "codes" ? [selection.from, selection.to] : []));
  assert.deepEqual(spans, [
    ["2023-08-01", "2023-08-13"],
    ["2023-08-14", "2023-08-25"],
  ]);
  const [rest] = (await rig.source.fetch(toCall("bars", codes("600000.SH", { from: DAY, to: DAY }), "1m"), never)).rest;
  assert.ok(rest !== undefined);
  await rig.source.fetch(rest, never);
  assert.equal(rig.asked.at(-1)?.params["offset"], "100");
});

test("without has_more a round number of rows may be a lower cap's work, and is not believed to be all", async () => {
  const fields = "ts_code,trade_date,open,high,low,close,pre_close,vol,amount";
  const rowsOf = (count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => `["${600_000 + index}.SH","20230825",1,1,1,1,1,1,0.1]`);
  const day = toCall("bars", { by: "day", day: DAY });
  for (const [count, hasMore, isCut] of [
    [3_000, "untold", true],
    [3_000, false, false],
    [3_001, "untold", false],
    [400, "untold", false],
    [6_000, false, true],
    [2_000, true, true],
  ] as const) {
    await using rig = await ScriptedTushare.open(() => tableBody(fields, rowsOf(count), hasMore));
    const { rest } = await rig.source.fetch(day, never);
    assert.deepEqual(rest, isCut ? [{ ...day, offset: count }] : [], `${count} rows, has_more ${hasMore}`);
  }
});

test("a kind has an api of its own for daily bars, in lots and thousands of yuan", async () => {
  const fields = "ts_code,trade_date,close,open,high,low,pre_close,change,pct_chg,vol,amount";
  // An index has four decimals, a fund three.
  await using rig = await ScriptedTushare.open(({ params }) =>
    tableBody(fields, [
      params["ts_code"] === "000001.SH"
        ? `["000001.SH","20230825",3064.0747,3071.2504,3080.4416,3053.0406,3082.2437,-18.169,-0.5895,258769301.0,308193215.2]`
        : `["${params["ts_code"]}","20230825",3.788,3.791,3.813,3.772,3.8,-0.012,-0.3158,10526341.77,3995512.861]`,
    ]),
  );
  const fetchOne = async (code: string): Promise<Bar> => {
    const { rows, rejected } = await rig.source.fetch(toCall("bars", codes(code)), never);
    assert.deepEqual(rejected, []);
    return rows[0] ?? assert.fail("no row");
  };
  const index = await fetchOne("000001.SH");
  assert.deepEqual(
    [index.open, index.high, index.close, index.volume, index.turnover, index.flags],
    ["3071.2504", "3080.4416", "3064.0747", "25876930100", "308193215200", 0],
  );
  const fund = await fetchOne("510300.SH");
  assert.deepEqual([fund.open, fund.volume, fund.turnover], ["3.791", "1052634177", "3995512861"]);
  await fetchOne("160105.SZ");
  await fetchOne("600000.SH");
  assert.deepEqual(
    rig.asked.map(({ api_name: api }) => api),
    ["index_daily", "fund_daily", "fund_daily", "daily"],
  );
});

test("a call for what no api has, or for several kinds at once, is the caller's defect", async () => {
  await using rig = await ScriptedTushare.open(() => tableBody("ts_code", []));
  const mixed = ["600000.SH", "510300.SH"].map((code) => parseSecurityCode(code));
  for (const call of [
    toCall("bars", codes("113050.SH")),
    toCall("bars", codes("899050.BJ")),
    toCall("bars", codes("00700.HK")),
    toCall("adjustment-factors", codes("510300.SH")),
    toCall("bars", { by: "codes", codes: mixed, ...RANGE }),
    toCall("bars", { by: "codes", codes: [], ...RANGE }),
    toCall("ticks", codes("600000.SH")),
    toCall("bars", codes("600000.SH"), "1w"),
  ]) {
    await assert.rejects(rig.source.fetch(call, never), RangeError, JSON.stringify(call));
  }
  assert.equal(rig.asked.length, 0);
});

test("without a right to minutes that api is out and no other, and a limit of its own is told with its number", async () => {
  let msg = "抱歉，您没有接口(stk_mins)访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。";
  await using rig = await ScriptedTushare.open(() => JSON.stringify({ code: 40203, msg, data: null }));
  const call = toCall("bars", codes("600000.SH"), "1m");
  await assert.rejects(
    rig.source.fetch(call, never),
    (error) => error instanceof PermanentError && error.scope === "api" && !error.isCredentials,
  );
  msg = "抱歉，您访问接口(stk_mins)频率超限(2次/分钟)，具体频次详情：https://tushare.pro/document/1?doc_id=108。";
  await assert.rejects(rig.source.fetch(call, never), (error) => {
    assert.ok(error instanceof RateLimitError);
    assert.deepEqual(error.limit, { calls: 2, windowMs: 60_000 });
    return true;
  });
});
