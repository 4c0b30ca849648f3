import assert from "node:assert/strict";
import test from "node:test";

import { PermanentError } from "../../src/base/errors.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { LIMIT_DEFAULT } from "../../src/simulators/tushare/limit-gate.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { compareWithTruth } from "./market-truth.ts";
import { openWorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: 21, codes: 3, tradingDays: 20 });
const range = { start_date: market.days[0], end_date: market.days.at(-1) };
const codes = market.securities.map(({ code }) => code);
const askForBars = codes.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } }));

test("a refused token stops the worker with a clear error, and no message is used up", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market), env: { TUSHARE_TOKEN: "f".repeat(56) } });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await rig.publish(askForBars);
  await assert.rejects(worker.ended, (error: unknown) => {
    assert.ok(error instanceof PermanentError && error.isCredentials, String(error));
    assert.doesNotMatch(error.message, /f{20}/);
    return true;
  });
  assert.equal(await rig.lag(), BigInt(codes.length));
});

test("an api that the account may not use costs only the messages that need it", async (t) => {
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    forbiddenApis: ["adj_factor", "trade_cal", "suspend_d"],
  });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  await rig.publish([
    { key: codes[0] ?? "", value: { command: "adjustfactor", params: { code: codes[0], ...range } } },
    ...askForBars,
  ]);
  await rig.untilSettled(1 + codes.length);
  await worker.stop();
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.deepEqual(await rig.select("SELECT command, reason FROM @outcome_row FINAL WHERE outcome = 'dead-letter'"), [
    { command: "sync-adjustment-factors", reason: "provider-refused" },
  ]);
});

test("a provider that resets, errs and cuts pages is waited out, and every cell is right in the end", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market), limits: [{ ...LIMIT_DEFAULT, calls: 1_000 }] });
  if (rig === undefined) {
    return;
  }
  rig.simulator.injectFault({ kind: "reset", afterBytes: 0 }, { api: "daily", times: 1 });
  rig.simulator.injectFault({ kind: "gateway" }, { api: "daily", times: 1 });
  rig.simulator.injectFault({ kind: "truncated", rows: 10 }, { api: "daily", times: 1 });
  const worker = rig.start();
  await rig.publish(askForBars);
  await rig.untilSettled(codes.length);
  await worker.stop();
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.deepEqual(await rig.select("SELECT DISTINCT reason FROM @outcome_row FINAL"), [{ reason: "" }]);
  assert.ok(rig.callsOf("daily") >= 4);
});
