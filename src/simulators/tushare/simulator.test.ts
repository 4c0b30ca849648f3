import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { generateMarket } from "../../market/generate-market.ts";
import type { ApiName } from "./apis.ts";
import { edgeCaseRecording } from "./edge-cases.ts";
import { LIMIT_DEFAULT } from "./limit-gate.ts";
import { marketData } from "./market-data.ts";
import { REFUSALS } from "./refused-call.ts";
import { startTushareSimulator, SIMULATOR_TOKEN, type TushareSimulator } from "./simulator.ts";

const market = generateMarket({ seed: 11, codes: 40, tradingDays: 40 });
const data = marketData(market);
const FIRST = "20251106";
const LAST = "20251231";

interface Reply {
  readonly code: number;
  readonly msg: string;
  readonly data: { readonly fields: string[]; readonly items: unknown[][]; readonly has_more?: boolean } | null;
}

async function post(simulator: TushareSimulator, body: string, path = "/"): Promise<string> {
  const response = await fetch(simulator.url + path, { method: "POST", body });
  assert.equal(response.status, 200);
  return response.text();
}

async function call(
  simulator: TushareSimulator,
  api: ApiName | (string & {}),
  params: unknown,
  fields: unknown = "",
): Promise<Reply> {
  const body = JSON.stringify({ api_name: api, token: simulator.token, params, fields });
  const reply: Reply = JSON.parse(await post(simulator, body));
  return reply;
}

function withoutRequestId(text = ""): string {
  return text.replace(/"request_id":"[^"]*"/, "");
}

/** The newest day an api has at an instant. */
async function newestDay(at: string, api: ApiName): Promise<unknown> {
  await using simulator = await startTushareSimulator({ data, clock: clockAt(at) });
  return (await call(simulator, api, { ts_code: "600000.SH", limit: 1 }, "trade_date")).data?.items[0]?.[0];
}

function clockAt(text: string): Clock {
  const now = Temporal.Instant.from(text);
  return { ...systemClock, now: () => now, nowMs: () => now.epochMilliseconds };
}

test("daily of one code: default columns, newest first, Tushare's units", async () => {
  await using simulator = await startTushareSimulator({ data });
  const reply = await call(simulator, "daily", {
    ts_code: "600000.SH",
    start_date: FIRST,
    end_date: LAST,
    offset: null,
  });
  assert.deepEqual(
    reply.data?.fields,
    "ts_code trade_date open high low close pre_close change pct_chg vol amount".split(" "),
  );
  assert.equal(reply.data.items.length, 40);
  assert.equal(reply.data.has_more, false);
  const newest = reply.data.items[0];
  const bar = market.history("600000.SH")?.bars.at(-1);
  assert.ok(bar !== undefined && newest !== undefined);
  assert.deepEqual(newest.slice(0, 2), ["600000.SH", "20251231"]);
  assert.equal(newest[5], bar.closeCents / 100);
  assert.equal(newest[9], bar.volume / 100);
  assert.equal(newest[10], bar.turnoverCents / 100_000);
});

test("a day of the whole market has every code that traded, a list of codes only those", async () => {
  await using simulator = await startTushareSimulator({ data });
  const whole = await call(simulator, "daily", { trade_date: LAST });
  assert.equal(whole.data?.items.length, market.barsOn(market.days.at(-1) ?? market.days[0] ?? never()).length);
  const two = await call(
    simulator,
    "daily",
    { ts_code: "600000.SH,000001.SZ", start_date: "20251230" },
    "trade_date,ts_code",
  );
  assert.deepEqual(two.data?.fields, ["trade_date", "ts_code"]);
  assert.deepEqual(two.data.items, [
    ["20251231", "000001.SZ"],
    ["20251231", "600000.SH"],
    ["20251230", "000001.SZ"],
    ["20251230", "600000.SH"],
  ]);
});

test("a page is silently cut at the cap; offset goes on; a limit above the cap is the cap", async () => {
  await using simulator = await startTushareSimulator({ data, rowsMax: { daily: 15 } });
  const days: unknown[] = [];
  for (const [offset, length, more] of [
    [0, 15, true],
    ["15", 15, true],
    [30, 10, false],
    [45, 0, false],
  ] as const) {
    const reply = await call(simulator, "daily", { ts_code: "600000.SH", offset, limit: "9999" }, "trade_date");
    assert.deepEqual([reply.data?.items.length, reply.data?.has_more], [length, more]);
    days.push(...(reply.data?.items.flat() ?? []));
  }
  assert.equal(new Set(days).size, 40);
  const exact = await call(simulator, "daily", { ts_code: "600000.SH", limit: 15, offset: 25 });
  assert.deepEqual([exact.data?.items.length, exact.data?.has_more], [15, false]);
});

test("a request that matches nothing is a success with columns and no rows", async () => {
  await using simulator = await startTushareSimulator({ data });
  for (const params of [
    { trade_date: "20251109" },
    { ts_code: "999999.SH" },
    { ts_code: "600000.SH", start_date: "20990101" },
  ]) {
    const reply = await call(simulator, "daily", params, "ts_code,vol");
    assert.deepEqual([reply.code, reply.msg, reply.data?.fields, reply.data?.items], [0, "", ["ts_code", "vol"], []]);
  }
});

test("requests that the server refuses get its codes and texts with HTTP 200", async () => {
  await using simulator = await startTushareSimulator({ data, codesMax: 5, forbiddenApis: ["dividend"] });
  const many = Array.from({ length: 6 }, (_, index) => `60000${index}.SH`).join(",");
  const replies = [
    [await call(simulator, "daily", {}), 40101, "ts_code required"],
    [await call(simulator, "daily", ""), 50101, REFUSALS.paramsNotAnObject.msg],
    [await call(simulator, "pro_bar", {}), -2001, "抱歉，没有pro_bar接口"],
    [await call(simulator, "trade_cal", {}, "exchange_id"), -2001, "接口trade_cal不包含字段exchange_id"],
    [await call(simulator, "daily", { ts_code: "600000.SH" }, ["close"]), 40101, "参数fields格式不正确"],
    [await call(simulator, "daily", { start_date: "2025-11-06" }), 40101, "参数start_date格式不正确"],
    [await call(simulator, "daily", { ts_code: many }), 50101, REFUSALS.server.msg],
    [
      await call(simulator, "dividend", { ts_code: "600000.SH" }),
      40203,
      "抱歉，您没有接口(dividend)访问权限，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
    ],
    [JSON.parse(await post(simulator, "{")), -1000, "系统内部错误"],
    [
      JSON.parse(await post(simulator, '{"api_name":"daily","token":"no","params":{}}')),
      40101,
      "您的token不对，请确认。",
    ],
  ] as const;
  for (const [reply, code, msg] of replies) {
    assert.deepEqual({ code: reply.code, msg: reply.msg, data: reply.data }, { code, msg, data: null });
  }
});

test("all forms of the address answer, another method is refused with HTTP 405", async () => {
  await using simulator = await startTushareSimulator({ data });
  const body = JSON.stringify({ api_name: "daily", token: SIMULATOR_TOKEN, params: { trade_date: LAST } });
  const [plain, ...others] = await Promise.all(
    ["/", "/dataapi", "/dataapi/daily", "/dataapi/adj_factor"].map((path) => post(simulator, body, path)),
  );
  assert.ok(others.every((text) => withoutRequestId(text) === withoutRequestId(plain)));
  const refused = await fetch(simulator.url);
  assert.equal(refused.status, 405);
  assert.match(await refused.text(), /不合法的请求/);
});

test("digits reach the wire as they are, exponents too", async () => {
  await using simulator = await startTushareSimulator({ data: edgeCaseRecording(), numbers: "shortest" });
  const text = await post(
    simulator,
    JSON.stringify({
      api_name: "daily",
      token: SIMULATOR_TOKEN,
      params: { ts_code: "600000.SH" },
      fields: "trade_date,open,vol,amount",
    }),
  );
  assert.ok(
    text.includes(
      '[["20240105",1e1,1e3,1.0250e3],["20240104",100.5,12345678.9,123456789.0123456],["20240103",0.1234,1000.01,12.3457],["20240102",10,90071992547409.93,900719925474099.3]]',
    ),
    text,
  );
});

test("factors stand on suspended days too, unless told otherwise; suspensions name whole days without timing", async () => {
  await using simulator = await startTushareSimulator({ data });
  await using sparse = await startTushareSimulator({ data: marketData(market, { hasFactorsOnSuspendedDays: false }) });
  const history = [...market.histories()].find(
    ({ suspensions, security }) => suspensions.length > 0 && !security.delistedOn,
  );
  assert.ok(history !== undefined);
  const code = history.security.code;
  const suspended = history.suspensions.filter(({ timing }) => timing === undefined).length;
  assert.equal((await call(simulator, "adj_factor", { ts_code: code })).data?.items.length, history.factors.length);
  assert.equal((await call(sparse, "adj_factor", { ts_code: code })).data?.items.length, history.bars.length);
  const rows = (await call(simulator, "suspend_d", { ts_code: code, suspend_type: "S" })).data?.items ?? [];
  assert.equal(rows.filter(([, , timing]) => timing === null).length, suspended);
  assert.equal((await call(simulator, "adj_factor", { ts_code: "600000.SH,000001.SZ" })).data?.items.length, 0);
});

test("the stock list has listed ones by default, others when asked for by one status", async () => {
  await using simulator = await startTushareSimulator({ data });
  const codesOf = async (params: object): Promise<unknown[]> =>
    (await call(simulator, "stock_basic", params, "ts_code")).data?.items.flat() ?? [];
  const [listed, same, delisted, paused, list] = await Promise.all(
    [{}, { list_status: "L" }, { list_status: "D" }, { list_status: "P" }, { list_status: "L,D,P" }].map(codesOf),
  );
  assert.deepEqual(listed, same);
  assert.deepEqual(
    delisted,
    market.securities.filter((one) => one.delistedOn !== undefined).map(({ code }) => code),
  );
  assert.deepEqual(
    paused,
    market.securities.filter((one) => one.pausedOn !== undefined).map(({ code }) => code),
  );
  assert.equal((listed?.length ?? 0) + (delisted?.length ?? 0) + (paused?.length ?? 0), 40);
  assert.deepEqual(list, []);
  const one = await call(simulator, "stock_basic", { ts_code: "600000.SH" }, "symbol,exchange,list_status,delist_date");
  assert.deepEqual(one.data?.items, [["600000", "SSE", "L", null]]);
});

test("the calendar has every day, newest first, with is_open as a whole number", async () => {
  await using simulator = await startTushareSimulator({ data, clock: clockAt("2025-03-01T04:00:00Z") });
  const reply = await call(simulator, "trade_cal", { start_date: "20250102", end_date: "20250105" });
  assert.deepEqual(reply.data?.items, [
    ["SSE", "20250105", 0, "20250103"],
    ["SSE", "20250104", 0, "20250103"],
    ["SSE", "20250103", 1, "20250102"],
    ["SSE", "20250102", 1, "20241231"],
  ]);
  const open = await call(simulator, "trade_cal", { start_date: "20250101", is_open: "1", exchange: "SZSE", limit: 1 });
  assert.deepEqual(open.data?.items, [["SZSE", "20260227", 1, "20260226"]]);
  const first = await call(simulator, "trade_cal", { end_date: "19901220" });
  assert.deepEqual(first.data?.items, [
    ["SSE", "19901220", 1, "19901219"],
    ["SSE", "19901219", 1, null],
  ]);
});

test("a day's bars are there from 17:00 in Beijing on, its factors in the morning", async () => {
  assert.equal(await newestDay("2025-12-30T08:59:59Z", "daily"), "20251229");
  assert.equal(await newestDay("2025-12-30T09:00:00Z", "daily"), "20251230");
  assert.equal(await newestDay("2025-12-30T01:00:00Z", "adj_factor"), "20251229");
  assert.equal(await newestDay("2025-12-30T01:20:00Z", "adj_factor"), "20251230");
});

test("price limits and dividends follow the market", async () => {
  await using simulator = await startTushareSimulator({ data });
  const history = [...market.histories()].find(({ actions }) => actions.some(({ terms }) => terms.cashCentsPer10 > 0));
  const action = history?.actions.findLast(({ terms }) => terms.cashCentsPer10 > 0);
  assert.ok(history !== undefined && action !== undefined);
  const dividends = await call(simulator, "dividend", { ts_code: action.code }, "ex_date,cash_div_tax");
  assert.deepEqual(dividends.data?.items[0], [action.exDay.replaceAll("-", ""), action.terms.cashCentsPer10 / 1000]);
  const limits = await call(
    simulator,
    "stk_limit",
    { ts_code: "600000.SH", trade_date: LAST },
    "pre_close,up_limit,down_limit",
  );
  const bar = market.history("600000.SH")?.bars.at(-1);
  assert.deepEqual(limits.data?.items, [
    [bar?.preCloseCents, bar?.limits?.upCents, bar?.limits?.downCents].map((cents) => (cents ?? 0) / 100),
  ]);
});

test("a passed limit is refused in each of its wordings, for each api alone", async () => {
  const limit = { ...LIMIT_DEFAULT, calls: 2 };
  const expected = [
    [limit, "抱歉，您每分钟最多访问该接口2次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。"],
    [
      { ...limit, unit: "hour" },
      "抱歉，您每小时最多访问该接口2次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
    ],
    [
      { ...limit, unit: "day" },
      "抱歉，您每天最多访问该接口2次，权限的具体详情访问：https://tushare.pro/document/1?doc_id=108。",
    ],
    [
      { ...limit, wording: "frequency" },
      "抱歉，您访问接口(daily)频率超限(2次/分钟)，具体频次详情：https://tushare.pro/document/1?doc_id=108。",
    ],
    [{ ...limit, wording: "no-number" }, "请求过于频繁"],
  ] as const;
  for (const [rule, msg] of expected) {
    await using simulator = await startTushareSimulator({
      data,
      limits: [rule],
      clock: clockAt("2026-01-05T02:00:00Z"),
    });
    const replies = [];
    for (const api of ["daily", "daily", "daily", "adj_factor"] as const) {
      replies.push(await call(simulator, api, { trade_date: LAST }));
    }
    assert.deepEqual(
      replies.map((reply) => reply.code === 0),
      [true, true, false, true],
    );
    assert.equal(replies[2]?.msg, msg);
    assert.equal(simulator.maxCallsInAnyWindow(60_000), 3);
    assert.equal(simulator.requests.filter(({ isRateLimited }) => isRateLimited).length, 1);
  }
});

test("the log never holds the token, wherever it was put", async () => {
  await using simulator = await startTushareSimulator({ data });
  await call(simulator, "daily", { trade_date: LAST, token: SIMULATOR_TOKEN });
  const overHttp = await (await fetch(`${simulator.url}/_sim/requests`)).text();
  assert.ok(!overHttp.includes(SIMULATOR_TOKEN) && !JSON.stringify(simulator.requests).includes(SIMULATOR_TOKEN));
  assert.partialDeepStrictEqual(JSON.parse(overHttp), {
    requests: [{ api: "daily", params: { trade_date: LAST }, rows: simulator.requests[0]?.rows, code: 0 }],
  });
});

function never(): never {
  throw new Error("the market has no days");
}
