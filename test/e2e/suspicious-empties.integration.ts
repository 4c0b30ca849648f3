import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import type { CoverageReport } from "../../src/app/app-api.ts";
import { systemClock } from "../../src/base/clock.ts";
import { addDays, dayAt, SHANGHAI, type Day } from "../../src/domain/day.ts";
import { exchangeOf } from "../../src/domain/security-code.ts";
import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { akshareData } from "../../src/simulators/akshare/market-data.ts";
import { marketData as baostockData } from "../../src/simulators/baostock/market-data.ts";
import { marketData as tdxData } from "../../src/simulators/tdx/market-data.ts";
import { sizes } from "../support/sizes.ts";
import { run } from "../support/run-cli.ts";
import { openProvidersRig, type ProvidersRig } from "./providers-rig.ts";

const MARKET = {
  seed: sizes.seed,
  codes: 12,
  tradingDays: 20,
  to: addDays(dayAt(systemClock.now(), SHANGHAI), -2),
};
const CHAIN = "baostock,tdx,akshare";

test("a traded day that a provider has nothing of is asked of the next one, until somebody has it", async (t) => {
  const truth = generateMarket(MARKET);
  const { code, day } = pick(truth);
  const lacking = without(truth, code, day);
  await using rigs = await openProvidersRig(t, {
    market: MARKET,
    chain: CHAIN,
    baostock: { data: baostockData(lacking) },
    tdx: { data: tdxData(lacking) },
  });
  if (rigs === undefined) {
    return;
  }
  const { rig, market } = rigs;
  const worker = rig.start();
  await askForAll(rig, market, code);
  await rig.untilSettled(1);
  const rows = await rig.select<{ readonly day: string; readonly source: number }>(
    "SELECT toString(trading_day) AS day, toInt32(source) AS source FROM @bar WHERE code = {code:String} ORDER BY day",
    { code },
  );
  assert.deepEqual(
    rows.map((row) => row.day),
    truth.history(code)?.bars.map((bar) => bar.day),
    "no day is missing",
  );
  assert.deepEqual(
    rows.filter(({ source }) => source !== 4),
    [{ day, source: 5 }],
    "only that day is not the first provider's, and who had it says the row",
  );
  assert.deepEqual(await rig.select("SELECT outcome, unexplained_days AS days FROM @outcome_row FINAL"), [
    { outcome: "stored", days: 0 },
  ]);
  const report = await coverage(rig.env, code);
  assert.deepEqual([report.counts["unexplained-empty"], report.isExplained], [0, true]);
  await worker.stop();
});

test("a traded day that nobody has is unexplained, counted as missing, and coverage says who was asked", async (t) => {
  const truth = generateMarket(MARKET);
  const { code, day } = pick(truth);
  const lacking = without(truth, code, day);
  await using rigs = await openProvidersRig(t, {
    market: MARKET,
    chain: CHAIN,
    baostock: { data: baostockData(lacking) },
    tdx: { data: tdxData(lacking) },
    akshare: { data: akshareData(lacking) },
  });
  if (rigs === undefined) {
    return;
  }
  const { rig, market } = rigs;
  const worker = rig.start();
  await askForAll(rig, market, code);
  await rig.untilSettled(1);
  assert.deepEqual(await rig.select("SELECT outcome, unexplained_days AS days FROM @outcome_row FINAL"), [
    { outcome: "unexplained", days: 1 },
  ]);
  const report = await coverage(rig.env, code);
  assert.deepEqual(
    [report.counts["unexplained-empty"], report.counts.present, report.isExplained],
    [1, (truth.history(code)?.bars.length ?? 0) - 1, false],
  );
  const [said] = report.codes[0]?.spans.filter(({ state }) => state === "unexplained-empty") ?? [];
  assert.deepEqual([said?.from, said?.to], [day, day]);
  assert.match(said?.reason ?? "", /baostock, tdx had none either/);
  assert.deepEqual([await exitOf(rig.env, code)], [1]);

  // Asked again by name it is asked for again, and when somebody has it it is there.
  const before = rigs.baostock.requests.length;
  await askForAll(rig, market, code);
  await rig.untilSettled(2);
  assert.ok(rigs.baostock.requests.length > before);
  await worker.stop();
});

/** Every day of the market, of one code. */
async function askForAll(rig: ProvidersRig["rig"], market: Market, code: string): Promise<void> {
  const range = { start_date: market.days[0], end_date: market.days.at(-1) };
  await rig.publish([{ key: code, value: { command: "bar_snapshot", params: { code, ...range } } }]);
}

/** A security that traded every day, and the last of the days: nothing behind it shows that it is missing. */
function pick(market: Market): { readonly code: string; readonly day: Day } {
  const found = market.securities.find(
    ({ code, delistedOn }) =>
      exchangeOf(code) !== "BJ" && delistedOn === undefined && market.history(code)?.bars.length === market.days.length,
  );
  const day = market.days.at(-1);
  assert.ok(found !== undefined && day !== undefined, "the market has a security that traded every day");
  return { code: found.code, day };
}

/** The market as a provider has it that lost a day of a code. */
function without(market: Market, code: string, day: Day): Market {
  const history: Market["history"] = (wanted) => {
    const whole = market.history(wanted);
    return whole === undefined || wanted !== code
      ? whole
      : { ...whole, bars: whole.bars.filter((bar) => bar.day !== day) };
  };
  return {
    ...market,
    history,
    histories: function* () {
      for (const { code: one } of market.securities) {
        const found = history(one);
        if (found !== undefined) {
          yield found;
        }
      }
    },
    barsOn: (wanted) => market.barsOn(wanted).filter((bar) => bar.code !== code || bar.day !== day),
  };
}

async function coverage(env: Readonly<Record<string, string>>, code: string): Promise<CoverageReport> {
  const { out } = await run(["coverage", "--code", code, "--json"], { app, env });
  return JSON.parse(out) as CoverageReport;
}

async function exitOf(env: Readonly<Record<string, string>>, code: string): Promise<number> {
  return (await run(["coverage", "--code", code], { app, env })).code;
}
