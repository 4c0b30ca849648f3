import assert from "node:assert/strict";
import { test } from "node:test";

import { compactDay, parseDay } from "../../domain/day.ts";
import { COMPOSITES, compositeHistory } from "../../market/composites.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { minuteBarsOf, ticksOf } from "../../market/intraday.ts";
import { marketData, type MarketDataOptions } from "./market-data.ts";
import { LIMIT_DEFAULT } from "./limit-gate.ts";
import { startTushareSimulator, type TushareSimulator, type TushareSimulatorOptions } from "./simulator.ts";

const market = generateMarket({ seed: 11, codes: 40, tradingDays: 40 });
const LAST = market.days.at(-1) ?? parseDay("2025-12-31");
const CODE = "600000.SH";

interface Reply {
  readonly code: number;
  readonly msg: string;
  readonly data: {
    readonly fields: string[];
    readonly items: (string | number)[][];
    readonly has_more?: boolean;
  } | null;
}

async function call(simulator: TushareSimulator, api: string, params: object, fields = ""): Promise<Reply> {
  const body = JSON.stringify({ api_name: api, token: simulator.token, params, fields });
  const response = await fetch(simulator.url, { method: "POST", body });
  const reply: Reply = JSON.parse(await response.text());
  return reply;
}

function start(
  options: Partial<TushareSimulatorOptions> = {},
  data: MarketDataOptions = {},
): Promise<TushareSimulator> {
  return startTushareSimulator({ data: marketData(market, data), limits: [], ...options });
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Of a whole day, newest first. */
async function dayOf(simulator: TushareSimulator, freq: string, code = CODE): Promise<readonly (string | number)[][]> {
  const range = { start_date: `${LAST} 09:00:00`, end_date: `${LAST} 19:00:00` };
  const { data } = await call(simulator, "stk_mins", { ts_code: code, freq, ...range });
  assert.deepEqual(data?.fields, "ts_code trade_time open close high low vol amount".split(" "));
  return data.items;
}

test("a day of minutes has 241 rows, in shares and yuan, that come to the day's bar", async () => {
  await using simulator = await start();
  let split = 0;
  for (const bar of market.barsOn(LAST)) {
    const rows = (await dayOf(simulator, "1min", bar.code)).toReversed();
    assert.equal(rows.length, 241);
    assert.deepEqual(
      [rows[0]?.[1], rows[1]?.[1], rows[240]?.[1]],
      ["09:30", "09:31", "15:00"].map((time) => `${LAST} ${time}:00`),
    );
    const numbersOf = (column: number): number[] => rows.map((row) => Number(row[column]));
    assert.equal(rows[0]?.[2], bar.openCents / 100);
    assert.equal(rows[240]?.[3], bar.closeCents / 100);
    assert.equal(Math.max(...numbersOf(4)), bar.highCents / 100);
    assert.equal(Math.min(...numbersOf(5)), bar.lowCents / 100);
    assert.equal(sum(numbersOf(6)), bar.volume);
    assert.equal(Math.round(sum(numbersOf(7)) * 100), bar.turnoverCents);
    const [auction] = ticksOf(market, bar.code, LAST);
    if (auction?.minute === "09:25") {
      assert.deepEqual(rows[0]?.slice(2, 7), [...Array(4).fill(auction.priceCents / 100), auction.volume]);
      split += 1;
    }
    for (const row of rows.slice(1)) {
      const [open, close, high, low, volume, amount] = row.slice(2).map(Number);
      assert.ok((low ?? 0) <= Math.min(open ?? 0, close ?? 0) && Math.max(open ?? 0, close ?? 0) <= (high ?? 0));
      const isWithin =
        (amount ?? 0) >= (low ?? 0) * (volume ?? 0) - 0.01 && (amount ?? 0) <= (high ?? 0) * (volume ?? 0) + 0.01;
      assert.ok(isWithin, JSON.stringify(row));
    }
  }
  assert.ok(split > 20);
});

test("with the auction within its minute the rows are the market's minutes, and longer bars always are", async () => {
  await using simulator = await start({}, { auctionRow: "within" });
  await using apart = await start();
  const minutes = minuteBarsOf(market, CODE, LAST);
  const one = (await dayOf(simulator, "1min")).toReversed();
  assert.deepEqual(
    one.map((row) => [row[1], row[3], row[6]]),
    minutes.map(({ endsAt, closeCents, volume }) => [`${LAST} ${endsAt}:00`, closeCents / 100, volume]),
  );
  for (const [freq, count, first] of [
    ["5min", 48, "09:35"],
    ["15min", 16, "09:45"],
    ["30min", 8, "10:00"],
    ["60min", 4, "10:30"],
  ] as const) {
    const rows = (await dayOf(apart, freq)).toReversed();
    assert.equal(rows.length, count);
    assert.equal(rows[0]?.[1], `${LAST} ${first}:00`);
    assert.equal(sum(rows.map((row) => Number(row[6]))), sum(minutes.map(({ volume }) => volume)));
    assert.deepEqual(rows, (await dayOf(simulator, freq)).toReversed());
  }
});

test("an end without a time leaves its day out; pages go newest first up to the cap; frequency and code must be given", async () => {
  await using simulator = await start({ rowsMax: { stk_mins: 300 } });
  const [day = LAST] = market.days.slice(-3);
  const range = { ts_code: CODE, freq: "1min", start_date: day };
  const { data } = await call(simulator, "stk_mins", { ...range, end_date: LAST }, "trade_time");
  assert.equal(data?.items.length, 300);
  assert.equal(data.has_more, true);
  assert.ok(String(data.items[0]?.[0]) < LAST && String(data.items[0]?.[0]).endsWith("15:00:00"));
  const rest = await call(simulator, "stk_mins", { ...range, end_date: LAST, offset: 300 }, "trade_time");
  assert.deepEqual([rest.data?.items.length, rest.data?.has_more], [182, false]);
  const one = await call(simulator, "stk_mins", {
    ...range,
    start_date: `${LAST} 09:31:00`,
    end_date: `${LAST} 09:31:00`,
  });
  assert.equal(one.data?.items.length, 1);
  for (const [params, msg] of [
    [{ freq: "1min" }, "ts_code required"],
    [{ ts_code: CODE }, "必填参数 freq"],
    [{ ts_code: CODE, freq: "1MIN" }, "参数freq格式不正确"],
    [{ ts_code: CODE, freq: "1min", start_date: "20251231" }, "参数start_date格式不正确"],
    [{ ts_code: CODE, freq: "1min", start_date: "2025-02-30" }, "参数start_date格式不正确"],
  ] as const) {
    const { code, msg: said } = await call(simulator, "stk_mins", params);
    assert.deepEqual([code, said], [40101, msg]);
  }
  assert.deepEqual((await call(simulator, "stk_mins", { ts_code: `${CODE},000001.SZ`, freq: "1min" })).data?.items, []);
});

test("indices and funds have daily bars of their own apis, in lots and thousands of yuan", async () => {
  await using simulator = await start();
  for (const { code, kind } of COMPOSITES) {
    const [api, other] = kind === "index" ? ["index_daily", "fund_daily"] : ["fund_daily", "index_daily"];
    const bars = compositeHistory(market, code);
    const { data } = await call(
      simulator,
      api ?? "",
      { ts_code: code },
      "ts_code,trade_date,close,pre_close,vol,amount",
    );
    const last = bars.at(-1);
    assert.ok(last !== undefined);
    assert.equal(data?.items.length, bars.length);
    assert.deepEqual(data.items[0], [
      code,
      compactDay(last.day),
      last.closeMilli / 1_000,
      last.preCloseMilli / 1_000,
      last.volume / 100,
      last.turnoverCents / 100_000,
    ]);
    assert.deepEqual((await call(simulator, other ?? "", { ts_code: code })).data?.items, []);
    assert.deepEqual((await call(simulator, "daily", { ts_code: code })).data?.items, []);
  }
  const day = { trade_date: compactDay(LAST) };
  assert.equal((await call(simulator, "fund_daily", day)).data?.items.length, 2);
  assert.equal((await call(simulator, "index_daily", day)).msg, "ts_code required");
});

test("an account may ask for what its points and rights allow, and minutes have a limit of their own", async () => {
  const mayAsk = async (options: Partial<TushareSimulatorOptions>): Promise<readonly number[]> => {
    await using simulator = await start(options);
    const codes: number[] = [];
    for (const api of ["daily", "adj_factor", "index_daily", "stk_mins"]) {
      codes.push((await call(simulator, api, { ts_code: CODE, freq: "60min" })).code);
    }
    return codes;
  };
  assert.deepEqual(await mayAsk({}), [0, 0, 0, 0]);
  assert.deepEqual(await mayAsk({ account: { points: 120 } }), [0, 40203, 40203, 40203]);
  assert.deepEqual(await mayAsk({ account: { points: 5_000 } }), [0, 0, 0, 40203]);
  assert.deepEqual(await mayAsk({ account: { points: 120, rights: ["stk_mins"] } }), [0, 40203, 40203, 0]);
  await using simulator = await start({
    limits: [{ ...LIMIT_DEFAULT, calls: 2, api: "stk_mins", wording: "frequency" }],
  });
  const ask = (api: string): Promise<Reply> => call(simulator, api, { ts_code: CODE, freq: "60min" });
  await ask("stk_mins");
  await ask("stk_mins");
  assert.match((await ask("stk_mins")).msg, /接口\(stk_mins\)频率超限\(2次\/分钟\)/);
  assert.equal((await ask("daily")).code, 0);
});

test("a short page has the first rows only and does not say that there are more", async () => {
  await using simulator = await start();
  simulator.injectFault({ kind: "short", rows: 7 }, { api: "daily" });
  const { data } = await call(simulator, "daily", { ts_code: CODE });
  assert.equal(data?.items.length, 7);
  assert.equal(data.has_more, undefined);
});
