import assert from "node:assert/strict";
import { test } from "node:test";

import { generateMarket } from "../../market/generate-market.ts";
import { createRandom } from "../../market/random.ts";
import { FaultPlan } from "./faults.ts";
import { marketData } from "./market-data.ts";
import { REFUSALS } from "./refused-call.ts";
import { parseDay } from "../../domain/day.ts";
import { runTushareSimulator } from "./run-tushare-simulator.ts";
import { startTushareSimulator, SIMULATOR_TOKEN, type TushareSimulator } from "./simulator.ts";

const data = marketData(generateMarket({ seed: 2, codes: 3, tradingDays: 30 }));
const BODY = JSON.stringify({ api_name: "daily", token: SIMULATOR_TOKEN, params: { ts_code: "600000.SH" } });

function post(simulator: TushareSimulator, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(simulator.url, { method: "POST", body: BODY, signal });
}

async function postJson(simulator: TushareSimulator): Promise<unknown> {
  return (await post(simulator)).json();
}

interface Reply {
  readonly code: number;
  readonly data: { readonly items: unknown[]; readonly has_more?: boolean } | null;
}

/** Code, number of rows and `has_more` of an answer. */
async function postForShape(simulator: TushareSimulator): Promise<unknown> {
  const { code, data }: Reply = JSON.parse(await (await post(simulator)).text());
  return data === null ? [code, null] : [code, data.items.length, data.has_more];
}

/** Which of 2,000 calls meet a fault that befalls one in ten. */
function faultsOf(seed: number): readonly number[] {
  const plan = new FaultPlan([{ fault: { kind: "empty" }, perMille: 100 }], createRandom(seed, ""));
  const met = Array.from({ length: 2_000 }, (_, index) => (plan.take("daily") === undefined ? -1 : index));
  return met.filter((at) => at >= 0);
}

test("a reset before the answer and one within it fail the call, the next call is served", async () => {
  await using simulator = await startTushareSimulator({ data });
  simulator.injectFault({ kind: "reset" });
  simulator.injectFault({ kind: "reset", afterBytes: 100 });
  await assert.rejects(post(simulator));
  await assert.rejects(postJson(simulator));
  assert.partialDeepStrictEqual(await postJson(simulator), { code: 0 });
  assert.deepEqual(
    simulator.requests.map(({ fault, code }) => [fault, code]),
    [
      ["reset", undefined],
      ["reset", undefined],
      [undefined, 0],
    ],
  );
});

test("a gateway error has its HTTP status and a body of HTML", async () => {
  await using simulator = await startTushareSimulator({ data });
  simulator.injectFault({ kind: "gateway" });
  const response = await post(simulator);
  assert.equal(response.status, 502);
  assert.match(await response.text(), /^<html>/);
});

test("a slow answer lasts longer than the client waits, and does not hold up closing", async () => {
  await using simulator = await startTushareSimulator({ data });
  simulator.injectFault({ kind: "slow", ms: 60_000 });
  await assert.rejects(post(simulator, AbortSignal.timeout(30)), { name: "TimeoutError" });
});

test("wrong pages: cut off, empty, without has_more, without data, with an error text, no JSON", async () => {
  await using simulator = await startTushareSimulator({ data });
  simulator.injectFault({ kind: "truncated", rows: 7 });
  simulator.injectFault({ kind: "empty" });
  simulator.injectFault({ kind: "no-has-more" });
  simulator.injectFault({ kind: "null-data" });
  simulator.injectFault({ kind: "refused", ...REFUSALS.addressLimit });
  simulator.injectFault({ kind: "garbage", body: "busy" });
  const shapes: unknown[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    shapes.push(await postForShape(simulator));
  }
  assert.deepEqual(shapes, [
    [0, 7, true],
    [0, 0, false],
    [0, 30, undefined],
    [0, null],
    [40204, null],
  ]);
  assert.equal(await (await post(simulator)).text(), "busy");
});

test("an ordered fault befalls the calls it names, in their number, after those it skips", () => {
  const plan = new FaultPlan([], createRandom(1, ""));
  plan.order({ kind: "empty" }, { api: "daily", times: 2, skip: 1 });
  const met = ["daily", "adj_factor", "daily", "daily", "daily"] as const;
  assert.deepEqual(
    met.map((api) => plan.take(api)?.kind),
    [undefined, undefined, "empty", "empty", undefined],
  );
});

test("random faults come by the seed, about as often as asked for", () => {
  assert.deepEqual(faultsOf(1), faultsOf(1));
  assert.notDeepEqual(faultsOf(1), faultsOf(2));
  assert.ok(faultsOf(1).length > 150 && faultsOf(1).length < 250, String(faultsOf(1).length));
});

test("faults can be ordered over HTTP, and a bad order is refused with the reason", async () => {
  await using simulator = await startTushareSimulator({ data });
  const order = (body: unknown): Promise<Response> =>
    fetch(`${simulator.url}/_sim/faults`, { method: "POST", body: JSON.stringify(body) });
  assert.equal((await order({ fault: { kind: "empty" }, api: "daily", times: 1 })).status, 200);
  assert.partialDeepStrictEqual(await postJson(simulator), { data: { items: [] } });
  const bad = await order({ fault: { kind: "flood" } });
  assert.equal(bad.status, 400);
  assert.equal((await order({ fault: { kind: "empty" }, api: "nothing" })).status, 400);
  const summary: unknown = await (await fetch(`${simulator.url}/_sim/summary?windowMs=1000`)).json();
  assert.deepEqual(summary, {
    calls: 1,
    callsByApi: { daily: 1 },
    rateLimited: 0,
    windowMs: 1000,
    maxCallsInAnyWindow: 1,
  });
});

test("run alone it serves until its signal aborts", async () => {
  const stop = new AbortController();
  const options = { port: 0, seed: 1, codes: 2, days: 5, dataFolder: undefined, callsMax: 1, windowMs: 60_000 };
  const { promise: listening, resolve } = Promise.withResolvers<TushareSimulator>();
  const running = runTushareSimulator(
    { ...options, to: parseDay("2025-12-31"), latency: { fromMs: 1, toMs: 3 }, token: "abc", onListening: resolve },
    stop.signal,
  );
  const simulator = await listening;
  const { url } = simulator;
  const body = JSON.stringify({ api_name: "daily", token: "abc", params: { ts_code: "600000.SH" } });
  assert.partialDeepStrictEqual(await (await fetch(url, { method: "POST", body })).json(), { code: 0 });
  assert.partialDeepStrictEqual(await (await fetch(url, { method: "POST", body })).json(), { code: 40203 });
  stop.abort();
  await running;
  await assert.rejects(fetch(url, { method: "POST", body }));
});
