import assert from "node:assert/strict";
import { test } from "node:test";

import { AKTOOLS_000001, MINUTES_000001 } from "../../../test/fixtures/akshare/golden-samples.ts";
import { codesCall, openAkshareRig as openRig } from "../../../test/support/akshare-rig.ts";
import type { HttpReply } from "../../../test/support/scripted-http.ts";
import { parseDay } from "../../domain/day.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";

const never = new AbortController().signal;
const TICKS = codesCall("ticks", "000001.SZ", ["2026-03-17"]);

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
        : `[{"date":"2023-08-25T00:00:00.000","hfq_factor":"169.1453113717332","qfq_factor":"1.0"},{"date":"1900-01-01T00:00:00.000","hfq_factor":"1.0","qfq_factor":"169.1453113717332"}]`,
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
