import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { addDays, type Day } from "../../domain/day.ts";
import { compositeHistory } from "../../market/composites.ts";
import { generateForeignMarkets } from "../../market/foreign.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { minuteBarsOf } from "../../market/intraday.ts";
import {
  createSetClock,
  getChart,
  getRefusal,
  rowsOf,
  secondsOf,
  type ChartResult,
} from "../../../test/support/yahoo-charts.ts";
import { yahooData } from "./market-data.ts";
import { startYahooSimulator, type YahooSimulator } from "./simulator.ts";
import { symbolOf } from "./symbols.ts";

const market = generateMarket({ seed: 7, codes: 60, tradingDays: 300 });
const foreign = generateForeignMarkets({ seed: 7, tradingDays: 300 });
const clock = createSetClock("2026-01-04T00:00:00Z");
const WHOLE = `interval=1d&period1=0&period2=${secondsOf("2026-01-04T00:00:00Z")}&events=div%2Csplits`;

let simulator: YahooSimulator;
before(async () => {
  simulator = await startYahooSimulator({ data: yahooData(market, foreign), clock });
});
after(async () => {
  await simulator[Symbol.asyncDispose]();
});

/** New shares for one old one by all splits after a stamp. */
function ratioAfter(result: ChartResult, stamp: number): number {
  return Object.values(result.events?.["splits"] ?? {})
    .filter(({ date }) => Number(date) > stamp)
    .reduce((product, { numerator, denominator }) => (product * Number(numerator)) / Number(denominator), 1);
}

interface Traded {
  readonly day: Day;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
}

/** Undoes splits and widening with floats, which is near enough to find the whole units again. */
function tradedRows(result: ChartResult, zoneHours: number, decimals: number): readonly Traded[] {
  return rowsOf(result)
    .filter(({ close }) => close !== null)
    .map((row) => {
      const ratio = ratioAfter(result, row.stamp);
      const units = (cell: unknown): number => Math.round(Number(cell) * ratio * 10 ** decimals);
      return {
        day: new Date((row.stamp + zoneHours * 3_600) * 1_000).toISOString().slice(0, 10) as Day,
        open: units(row.open),
        high: units(row.high),
        low: units(row.low),
        close: units(row.close),
        volume: Math.round(Number(row.volume) / ratio),
      };
    });
}

test("every bar of Shanghai and Shenzhen can be had back from its adjusted, widened form", async () => {
  let splits = 0;
  let bars = 0;
  for (const history of market.histories()) {
    const { code, delistedOn } = history.security;
    const symbol = symbolOf(code);
    if (symbol === undefined || delistedOn !== undefined) {
      continue;
    }
    const result = await getChart(simulator, symbol, WHOLE);
    const truth = history.bars.map(({ day, openCents, highCents, lowCents, closeCents, volume }) => ({
      day,
      open: openCents,
      high: highCents,
      low: lowCents,
      close: closeCents,
      volume,
    }));
    assert.deepEqual(tradedRows(result, 8, 2), truth, code);
    splits += Object.keys(result.events?.["splits"] ?? {}).length;
    bars += truth.length;
  }
  assert.ok(splits > 5 && bars > 10_000, `${splits} splits, ${bars} bars`);
});

test("every bar of the foreign markets too, with the index of each", async () => {
  for (const { code, decimals, market: name } of foreign.securities) {
    const result = await getChart(simulator, symbolOf(code) ?? "", WHOLE);
    assert.deepEqual(tradedRows(result, name === "HK" ? 8 : -5, decimals), foreign.history(code)?.bars, code);
  }
});

test("prices before a split are divided and widened through a float32, from the split's own morning on", async () => {
  const history = [...market.histories()].find(({ actions, security }) => {
    return actions.some(({ terms }) => terms.bonusTenthsPer10 > 0) && symbolOf(security.code) !== undefined;
  });
  const action = history?.actions.find(({ terms }) => terms.bonusTenthsPer10 > 0);
  assert.ok(history && action);
  const symbol = symbolOf(history.security.code) ?? "";
  const [bar] = history.bars;
  const ratios = history.actions.map(({ terms }) => (100 + terms.bonusTenthsPer10) / 100);
  const ratio = ratios.reduce((product, one) => product * one, 1);
  const [row] = rowsOf(await getChart(simulator, symbol, WHOLE)).filter(({ close }) => close !== null);
  assert.equal(row?.close, Math.fround((bar?.closeCents ?? 0) / 100 / ratio));

  // At eight in the morning of the first ex-day nothing has come yet.
  clock.set(`${history.actions[0]?.exDay ?? action.exDay}T00:00:00Z`);
  const [early] = rowsOf(await getChart(simulator, symbol, WHOLE)).filter(({ close }) => close !== null);
  clock.set("2026-01-04T00:00:00Z");
  assert.equal(early?.close, Math.fround((bar?.closeCents ?? 0) / 100));
});

test("bonus shares are a split, cash is a dividend of a share as it is now, and only the adjusted close knows cash", async () => {
  let both = 0;
  for (const { security, actions, bars } of market.histories()) {
    const symbol = symbolOf(security.code);
    if (symbol === undefined || security.delistedOn !== undefined || actions.length === 0) {
      continue;
    }
    const result = await getChart(simulator, symbol, WHOLE);
    const stampOf = (day: Day): string => String(secondsOf(`${day}T01:30:00Z`));
    const paid = actions.filter(({ terms }) => terms.cashCentsPer10 > 0);
    const split = actions.filter(({ terms }) => terms.bonusTenthsPer10 > 0);
    assert.deepEqual(
      Object.keys(result.events?.["dividends"] ?? {}),
      paid.map(({ exDay }) => stampOf(exDay)),
    );
    assert.deepEqual(
      Object.keys(result.events?.["splits"] ?? {}),
      split.map(({ exDay }) => stampOf(exDay)),
    );
    for (const { exDay, terms } of paid) {
      const found = result.events?.["dividends"]?.[stampOf(exDay)];
      const ratio = ratioAfter(result, Number(stampOf(exDay)) - 1);
      assert.equal(Number(found?.["amount"]).toFixed(4), (terms.cashCentsPer10 / 1_000 / ratio).toFixed(4));
      both += terms.bonusTenthsPer10 > 0 ? 1 : 0;
    }
    const kept = paid.map(({ exDay, terms }) => {
      const last = bars.findLast(({ day }) => day < exDay)?.closeCents ?? 0;
      return 1 - terms.cashCentsPer10 / 10 / last;
    });
    const [row] = rowsOf(result).filter(({ close }) => close !== null);
    const expected = kept.reduce((product, one) => product * one, Number(row?.close));
    assert.ok(Math.abs(Number(row?.adjclose) / expected - 1) < 1e-6, security.code);
  }
  assert.ok(both > 0, "no action has cash and shares");
});

test("Beijing is not served, and a delisted code only until its day", async () => {
  const beijing = market.securities.find(({ code }) => code.endsWith(".BJ"));
  const delisted = market.securities.find(({ delistedOn }) => delistedOn !== undefined);
  assert.ok(beijing && delisted?.delistedOn);
  const gone = [404, "Not Found", "No data found, symbol may be delisted"];
  assert.deepEqual(await getRefusal(simulator, beijing.code, WHOLE), gone);
  const symbol = symbolOf(delisted.code) ?? "";
  assert.deepEqual(await getRefusal(simulator, symbol, WHOLE), gone);
  assert.deepEqual(await getRefusal(simulator, "600000.SH", WHOLE), gone);
  clock.set(`${addDays(delisted.delistedOn, -1)}T12:00:00Z`);
  assert.notEqual((await getChart(simulator, symbol, WHOLE)).timestamp, undefined);
  clock.set("2026-01-04T00:00:00Z");
});

test("days of suspension are rows of nulls for some codes, for all or for none", async () => {
  const suspended = [...market.histories()].filter(
    ({ security, suspensions }) =>
      symbolOf(security.code) !== undefined &&
      security.delistedOn === undefined &&
      suspensions.some(({ timing }) => timing === undefined),
  );
  const count = async (nullRows: "none" | "some" | "all"): Promise<number> => {
    await using other = await startYahooSimulator({ data: yahooData(market, undefined, { nullRows }), clock });
    let codes = 0;
    for (const { security, suspensions } of suspended) {
      const result = await getChart(other, symbolOf(security.code) ?? "", WHOLE);
      const nulls = rowsOf(result).filter(({ close }) => close === null);
      assert.ok(
        nulls.every((row) => [row.open, row.high, row.low, row.volume, row.adjclose].every((one) => one === null)),
      );
      const whole = suspensions.filter(({ timing }) => timing === undefined).length;
      assert.ok(nulls.length === 0 || nulls.length === whole, security.code);
      codes += nulls.length > 0 ? 1 : 0;
    }
    return codes;
  };
  assert.equal(await count("none"), 0);
  assert.equal(await count("all"), suspended.length);
  const some = await count("some");
  assert.ok(some > 0 && some < suspended.length, `${some} of ${suspended.length}`);
});

test("an index and a fund are served under the exchange's own name for them", async () => {
  const index = await getChart(simulator, "000001.SS", WHOLE);
  const fund = await getChart(simulator, "159915.SZ", WHOLE);
  assert.deepEqual([index.meta["instrumentType"], index.meta["exchangeName"]], ["INDEX", "SHH"]);
  assert.deepEqual([fund.meta["instrumentType"], fund.meta["exchangeName"]], ["ETF", "SHZ"]);
  assert.deepEqual(
    tradedRows(fund, 8, 3),
    compositeHistory(market, "159915.SZ").map(({ day, openMilli, highMilli, lowMilli, closeMilli, volume }) => ({
      day,
      open: openMilli,
      high: highMilli,
      low: lowMilli,
      close: closeMilli,
      volume,
    })),
  );
});

test("minutes are those of the market, stamped with their beginning and adjusted as their day is", async () => {
  const history = [...market.histories()].find(
    ({ security, actions }) =>
      symbolOf(security.code) !== undefined &&
      actions.some(({ terms, exDay }) => terms.bonusTenthsPer10 > 0 && exDay > "2025-03-01"),
  );
  const action = history?.actions.findLast(({ terms }) => terms.bonusTenthsPer10 > 0);
  assert.ok(history && action);
  const { code } = history.security;
  const day = history.bars.findLast((bar) => bar.day < action.exDay)?.day ?? action.exDay;
  const at = secondsOf(`${day}T00:00:00Z`);
  clock.set(`${addDays(action.exDay, 10)}T12:00:00Z`);
  const query = `period1=${at}&period2=${at + 86_400}`;
  const minutes = rowsOf(await getChart(simulator, symbolOf(code) ?? "", `interval=1m&${query}`));
  const fives = rowsOf(await getChart(simulator, symbolOf(code) ?? "", `interval=5m&${query}`));
  clock.set("2026-01-04T00:00:00Z");
  const ratio = (100 + action.terms.bonusTenthsPer10) / 100;
  const truth = minuteBarsOf(market, code, day);
  assert.equal(minutes.length, 240);
  assert.equal(fives.length, 48);
  truth.forEach(({ endsAt, openCents, volume }, index) => {
    const row = minutes[index];
    assert.equal((row?.stamp ?? 0) + 60, secondsOf(`${day}T${endsAt}:00+08:00`));
    assert.equal(Math.round(Number(row?.open) * ratio * 100), openCents);
    assert.equal(Math.round(Number(row?.volume) / ratio), volume);
    assert.equal(row?.adjclose, undefined);
  });
});

test("symbols are the provider's: other ends, one zero less in Hong Kong, nothing behind those of the United States", () => {
  const names = [
    "600000.SH",
    "000001.SZ",
    "430047.BJ",
    "00700.HK",
    "09988.HK",
    "82800.HK",
    "AAPL.US",
    "BRK-B.US",
    "^HSI",
  ];
  assert.deepEqual(
    names.map((name) => symbolOf(name)),
    ["600000.SS", "000001.SZ", undefined, "0700.HK", "9988.HK", "82800.HK", "AAPL", "BRK-B", "^HSI"],
  );
});
