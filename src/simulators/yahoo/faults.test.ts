import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { generateForeignMarkets } from "../../market/foreign.ts";
import { generateMarket } from "../../market/generate-market.ts";
import {
  createSetClock,
  getChart,
  getYahoo,
  parseChart,
  rowsOf,
  secondsOf,
  type YahooRow,
} from "../../../test/support/yahoo-charts.ts";
import type { Fault } from "./faults.ts";
import { yahooData } from "./market-data.ts";
import { startYahooSimulator, type YahooSimulator } from "./simulator.ts";

const data = yahooData(
  generateMarket({ seed: 7, codes: 4, tradingDays: 40 }),
  generateForeignMarkets({ seed: 7, tradingDays: 250 }),
);
const clock = createSetClock("2026-01-01T02:00:00Z");
const NOW = secondsOf("2026-01-01T02:00:00Z");
/** The last ten trading days of the year in New York. */
const TEN_DAYS = `interval=1d&period1=${secondsOf("2025-12-17T00:00:00Z")}&period2=${NOW}&events=div,splits`;
const WHOLE = `interval=1d&period1=0&period2=${NOW}&events=div,splits`;
const PATH = `/v8/finance/chart/AAPL?${TEN_DAYS}`;

let simulator: YahooSimulator;
let right: readonly YahooRow[];
before(async () => {
  simulator = await startYahooSimulator({ data, clock });
  right = rowsOf(await getChart(simulator, "AAPL", TEN_DAYS));
  assert.equal(right.length, 10);
});
after(async () => {
  await simulator[Symbol.asyncDispose]();
});
beforeEach(() => {
  simulator.clearFaults();
  simulator.clearRequests();
});

async function rowsWith(fault: Fault, query = TEN_DAYS): Promise<readonly YahooRow[]> {
  simulator.injectFault(fault);
  return rowsOf(await getChart(simulator, "AAPL", query));
}

test("days may be missing at the end, in the middle, or all of them", async () => {
  assert.deepEqual(await rowsWith({ kind: "stale", days: 2 }), right.slice(0, 8));
  assert.deepEqual(await rowsWith({ kind: "gaps", days: 2 }), [...right.slice(0, 4), ...right.slice(6)]);
  simulator.injectFault({ kind: "empty" });
  const empty = await getChart(simulator, "AAPL", TEN_DAYS);
  assert.equal(empty.timestamp, undefined);
  assert.deepEqual(empty.indicators, { quote: [{}], adjclose: [{}] });
  assert.deepEqual(rowsOf(await getChart(simulator, "AAPL", TEN_DAYS)), right);
});

test("rows of traded days may be nulls", async () => {
  const rows = await rowsWith({ kind: "null-rows", days: 1 });
  const nulls = rows.filter(({ close }) => close === null);
  assert.deepEqual(nulls, [
    { stamp: right[4]?.stamp, open: null, high: null, low: null, close: null, volume: null, adjclose: null },
  ]);
});

test("the last row may come again as a live one, of its day or of the next", async () => {
  const last = right.at(-1);
  assert.deepEqual(await rowsWith({ kind: "live-row" }), [
    ...right,
    { ...last, stamp: secondsOf("2025-12-31T21:00:03Z") },
  ]);
  assert.equal((await rowsWith({ kind: "beyond" })).at(-1)?.stamp, secondsOf("2026-01-02T21:00:03Z"));
  const query = `interval=5m&period1=${secondsOf("2025-12-24T00:00:00Z")}&period2=${secondsOf("2025-12-25T00:00:00Z")}`;
  const afterHours = await rowsWith({ kind: "after-hours" }, query);
  assert.equal(afterHours.at(-1)?.stamp, secondsOf("2025-12-24T18:30:00Z"));
});

test("splits and dividends may be missing, while prices are adjusted all the same", async () => {
  const whole = await getChart(simulator, "AAPL", WHOLE);
  assert.deepEqual(Object.keys(whole.events ?? {}).toSorted(), ["dividends", "splits"]);
  simulator.injectFault({ kind: "missing-events" });
  const without = await getChart(simulator, "AAPL", WHOLE);
  assert.equal(without.events, undefined);
  assert.deepEqual(rowsOf(without), rowsOf(whole));
});

test("the answer may be another symbol's, of one named or of the next", async () => {
  simulator.injectFault({ kind: "wrong-symbol" });
  assert.equal((await getChart(simulator, "AAPL", TEN_DAYS)).meta["symbol"], "BRK-B");
  simulator.injectFault({ kind: "wrong-symbol", symbol: "0700.HK" });
  const other = await getChart(simulator, "AAPL", TEN_DAYS);
  assert.deepEqual([other.meta["symbol"], other.meta["currency"]], ["0700.HK", "HKD"]);
});

test("bars may be longer than asked for, told or not", async () => {
  const query = `interval=30m&period1=${secondsOf("2025-12-30T00:00:00Z")}&period2=${secondsOf("2025-12-31T00:00:00Z")}`;
  const meta = async (): Promise<readonly unknown[]> => {
    const result = await getChart(simulator, "AAPL", query);
    return [result.meta["dataGranularity"], result.timestamp?.length];
  };
  assert.deepEqual(await meta(), ["30m", 13]);
  simulator.injectFault({ kind: "coarse" });
  assert.deepEqual(await meta(), ["1h", 7]);
  simulator.injectFault({ kind: "coarse", isTold: false });
  assert.deepEqual(await meta(), ["30m", 7]);
});

test("one array may be shorter than the others", async () => {
  simulator.injectFault({ kind: "half-arrays", key: "high", count: 3 });
  const { indicators } = await getChart(simulator, "AAPL", TEN_DAYS);
  assert.deepEqual(
    ["open", "high", "volume"].map((key) => indicators.quote[0][key]?.length),
    [10, 7, 10],
  );
});

test("a price may be text, or a number that no double holds", async () => {
  simulator.injectFault({ kind: "bad-number", key: "open" });
  const { body } = await getYahoo(simulator, PATH);
  assert.match(body, /"open":\[[^\]]*,1e400,/);
  assert.equal(rowsOf(parseChart(body.replace("1e400", "1")))[5]?.open, 1);
  assert.equal((await rowsWith({ kind: "bad-number", key: "adjclose", value: "Infinity" }))[5]?.adjclose, "Infinity");
});

test("the first of a day's bars may be without volume", async () => {
  const query = `interval=1h&period1=${secondsOf("2025-12-30T00:00:00Z")}&period2=${NOW}`;
  const rows = await rowsWith({ kind: "no-first-volume" }, query);
  assert.deepEqual(
    rows.flatMap(({ volume }, index) => (volume === 0 ? index : [])),
    [0, 7],
  );
  assert.deepEqual(await rowsWith({ kind: "no-first-volume" }), right);
});

test("another page, text or error may stand in place of the answer", async () => {
  const answer = async (fault: Fault): Promise<readonly [number, string]> => {
    simulator.injectFault(fault);
    const { status, body } = await getYahoo(simulator, PATH);
    return [status, body];
  };
  assert.deepEqual(await answer({ kind: "rate-limited" }), [429, "Edge: Too Many Requests"]);
  assert.deepEqual(await answer({ kind: "rate-limited", body: "Too Many Requests" }), [429, "Too Many Requests"]);
  assert.deepEqual(await answer({ kind: "garbage", body: "<html>" }), [200, "<html>"]);
  const [gateway, page] = await answer({ kind: "gateway" });
  assert.equal(gateway, 502);
  assert.match(page, /Will be right back/);
  const [consent, form] = await answer({ kind: "consent" });
  assert.equal(consent, 200);
  assert.match(form, /collectConsent/);
  const [redirect] = await answer({ kind: "consent", isRedirect: true });
  assert.equal(redirect, 307);
  const [status, body] = await answer({
    kind: "refused",
    status: 500,
    code: "Internal Server Error",
    description: "x",
  });
  assert.deepEqual(
    [status, body],
    [500, '{"chart":{"result":null,"error":{"code":"Internal Server Error","description":"x"}}}'],
  );
  assert.equal((await answer({ kind: "not-found" }))[0], 404);
});

test("a ban holds for what follows, until it is over or forgotten", async () => {
  simulator.injectFault({ kind: "ban", ms: 60_000 });
  const status = async (): Promise<number> => (await getYahoo(simulator, PATH)).status;
  assert.deepEqual([await status(), await status()], [429, 429]);
  clock.set("2026-01-01T02:01:00Z");
  assert.equal(await status(), 200);
  clock.set("2026-01-01T02:00:00Z");
  simulator.injectFault({ kind: "ban" });
  assert.deepEqual([await status(), await status()], [429, 429]);
  simulator.clearFaults();
  assert.equal(await status(), 200);
});

test("the body may end early, or the connection with it", async () => {
  simulator.injectFault({ kind: "truncated", bytes: 100 });
  const { status, body } = await getYahoo(simulator, PATH, { "accept-encoding": "identity" });
  assert.deepEqual([status, body.length], [200, 100]);
  assert.throws(() => JSON.parse(body), SyntaxError);
  simulator.injectFault({ kind: "reset" });
  await assert.rejects(getYahoo(simulator, PATH));
  simulator.injectFault({ kind: "reset", afterBytes: 100 });
  await assert.rejects(getYahoo(simulator, PATH));
  assert.deepEqual(
    simulator.requests.map(({ fault, status: own }) => [fault, own]),
    [
      ["truncated", 200],
      ["reset", undefined],
      ["reset", undefined],
    ],
  );
});

test("a slow answer is the right one, after as long as was ordered", async () => {
  const slept: number[] = [];
  const sleep = (ms: number): Promise<void> => {
    slept.push(ms);
    return Promise.resolve();
  };
  await using slow = await startYahooSimulator({ data, clock: { ...clock, sleep } });
  slow.injectFault({ kind: "slow", ms: 3_000 });
  assert.deepEqual(rowsOf(await getChart(slow, "AAPL", TEN_DAYS)), right);
  assert.deepEqual(slept, [3_000]);
});

test("a fault waits for its symbol or path, and is ordered over HTTP as well", async () => {
  const order = async (body: object): Promise<number> =>
    (await fetch(`${simulator.url}/_sim/faults`, { method: "POST", body: JSON.stringify(body) })).status;
  assert.equal(await order({ fault: { kind: "not-found" }, target: "0700.HK", times: 1, skip: 1 }), 200);
  assert.equal(await order({ fault: { kind: "rate-limited" }, target: "/v1/test/getcrumb" }), 200);
  assert.equal(await order({ fault: { kind: "no-such-fault" } }), 400);
  const status = async (path: string): Promise<number> => (await getYahoo(simulator, path)).status;
  assert.equal(await status(PATH), 200);
  const hongKong = "/v8/finance/chart/0700.HK?interval=1d&range=5d";
  assert.deepEqual([await status(hongKong), await status(hongKong), await status(hongKong)], [200, 404, 200]);
  assert.equal(await status("/v1/test/getcrumb"), 429);
});

test("chance stays under its bound for one and the same request", async () => {
  await using unlucky = await startYahooSimulator({
    data,
    clock,
    randomFaults: [{ fault: { kind: "garbage" }, perMille: 1_000, inARowMax: 2 }],
  });
  const isRight = async (): Promise<boolean> => (await getYahoo(unlucky, PATH)).body.startsWith("{");
  assert.deepEqual([await isRight(), await isRight(), await isRight(), await isRight()], [false, false, true, false]);
});
