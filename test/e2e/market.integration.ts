import assert from "node:assert/strict";
import test from "node:test";

import { countBars, generateMarket } from "../../src/market/generate-market.ts";
import { LIMIT_DEFAULT } from "../../src/simulators/tushare/limit-gate.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { sizes } from "../support/sizes.ts";
import { compareWithTruth } from "./market-truth.ts";
import { openWorkerRig } from "./worker-rig.ts";

const WINDOW_MS = 60_000;
const CALLS_MAX = 200;

test("a market, one message a code, under an enforced budget: few calls, every cell equal to the truth", async (t) => {
  const market = generateMarket({ seed: sizes.seed, codes: sizes.codes, tradingDays: sizes.days });
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    limits: [{ ...LIMIT_DEFAULT, calls: CALLS_MAX, windowMs: WINDOW_MS }],
  });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  await rig.publish(
    market.securities.map(({ code }) => ({
      key: code,
      value: { command: "bar_snapshot", params: { code, ...range } },
    })),
  );
  await rig.untilSettled(market.securities.length, 120_000);

  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.deepEqual(await rig.select("SELECT toString(count()) AS bars FROM @bar"), [
    { bars: String(countBars(market)) },
  ]);
  assert.ok(rig.callsOf() <= 40, `${rig.callsOf()} calls in all`);
  assert.ok(rig.simulator.maxCallsInAnyWindow(WINDOW_MS) <= CALLS_MAX);
  assert.deepEqual(await rig.select("SELECT DISTINCT outcome FROM @outcome_row FINAL"), [{ outcome: "stored" }]);
  t.diagnostic(
    `codes=${market.securities.length} days=${market.days.length} bars=${countBars(market)} calls=${rig.callsOf()}`,
  );
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
});
