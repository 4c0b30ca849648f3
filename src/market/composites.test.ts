import assert from "node:assert/strict";
import { test } from "node:test";

import { assert as assertProperty, integer, property } from "fast-check";

import { kindOf } from "../domain/instrument-kind.ts";
import { compositeHistory, compositeMinutes, compositeTicks, COMPOSITES } from "./composites.ts";
import { generateMarket } from "./generate-market.ts";

const RUNS = { seed: 20_260_702, numRuns: 15 };

test("an index has a bar for every trading day, with its exchange's volume and turnover in all", () => {
  assertProperty(
    property(integer({ min: 0, max: 2 ** 40 }), (seed) => {
      const market = generateMarket({ seed, codes: 20, tradingDays: 40 });
      for (const { code, suffix } of COMPOSITES.filter(({ kind }) => kind === "index")) {
        const bars = compositeHistory(market, code);
        assert.deepEqual(
          bars.map(({ day }) => day),
          market.days,
        );
        for (const bar of bars) {
          const stocks = market.barsOn(bar.day).filter((own) => own.code.endsWith(suffix));
          assert.equal(
            bar.volume,
            stocks.reduce((sum, { volume }) => sum + volume, 0),
          );
          assert.equal(
            bar.turnoverCents,
            stocks.reduce((sum, { turnoverCents }) => sum + turnoverCents, 0),
          );
          assert.ok(bar.ups + bar.downs <= stocks.length);
          assert.ok(bar.closeMilli % 10 === 0 && bar.openMilli % 10 === 0);
        }
      }
    }),
    RUNS,
  );
});

test("prices of index and fund are in order, follow the close before and move as a market does", () => {
  const market = generateMarket({ seed: 1 });
  for (const { code, kind } of COMPOSITES) {
    assert.equal(kindOf(code), kind);
    const bars = compositeHistory(market, code);
    bars.forEach((bar, index) => {
      const message = JSON.stringify(bar);
      assert.ok(bar.lowMilli <= Math.min(bar.openMilli, bar.closeMilli), message);
      assert.ok(bar.highMilli >= Math.max(bar.openMilli, bar.closeMilli), message);
      assert.ok(Math.abs(bar.closeMilli - bar.preCloseMilli) * 10 < bar.preCloseMilli, message);
      assert.equal(bar.preCloseMilli, bars[index - 1]?.closeMilli ?? bar.preCloseMilli);
      if (kind === "etf") {
        assert.ok(bar.volume % 100 === 0 && Number.isInteger(bar.turnoverCents), message);
        assert.ok(bar.lowMilli * bar.volume <= bar.turnoverCents * 10, message);
        assert.ok(bar.turnoverCents * 10 <= bar.highMilli * bar.volume, message);
      }
    });
    assert.ok(bars.some(({ closeMilli }) => closeMilli % (kind === "etf" ? 10 : 100) !== 0));
  }
});

test("the minutes of a composite's day have exactly its prices, volume and turnover", () => {
  assertProperty(
    property(integer({ min: 0, max: 2 ** 40 }), (seed) => {
      const market = generateMarket({ seed, codes: 12, tradingDays: 5 });
      for (const { code, kind } of COMPOSITES) {
        for (const bar of compositeHistory(market, code)) {
          const minutes = compositeMinutes(market, code, bar.day);
          const sumOf = (numberOf: (minute: (typeof minutes)[number]) => number): number =>
            minutes.reduce((sum, minute) => sum + numberOf(minute), 0);
          assert.deepEqual(
            {
              count: minutes.length,
              openMilli: minutes[0]?.openMilli,
              highMilli: Math.max(...minutes.map(({ highMilli }) => highMilli)),
              lowMilli: Math.min(...minutes.map(({ lowMilli }) => lowMilli)),
              closeMilli: minutes.at(-1)?.closeMilli,
              volume: sumOf(({ volume }) => volume),
              turnoverCents: sumOf(({ turnoverCents }) => turnoverCents),
            },
            {
              count: 240,
              openMilli: bar.openMilli,
              highMilli: bar.highMilli,
              lowMilli: bar.lowMilli,
              closeMilli: bar.closeMilli,
              volume: bar.volume,
              turnoverCents: bar.turnoverCents,
            },
          );
          for (const minute of kind === "etf" ? minutes : []) {
            assert.ok(minute.lowMilli * minute.volume <= minute.turnoverCents * 10, JSON.stringify(minute));
            assert.ok(minute.turnoverCents * 10 <= minute.highMilli * minute.volume, JSON.stringify(minute));
          }
        }
      }
    }),
    RUNS,
  );
});

test("a fund's prints have its day's prices and volume, an index has none", () => {
  const market = generateMarket({ seed: 1, codes: 12, tradingDays: 5 });
  for (const { code, kind } of COMPOSITES) {
    for (const bar of compositeHistory(market, code)) {
      const ticks = compositeTicks(market, code, bar.day);
      const prices = ticks.map(({ priceMilli }) => priceMilli);
      const expected = [prices[0], Math.max(...prices), Math.min(...prices), prices.at(-1)];
      if (kind === "index") {
        assert.equal(ticks.length, 0);
      } else {
        assert.deepEqual(expected, [bar.openMilli, bar.highMilli, bar.lowMilli, bar.closeMilli]);
        assert.equal(
          ticks.reduce((sum, { volume }) => sum + volume, 0),
          bar.volume,
        );
      }
    }
  }
});

test("a code that is no composite has none of it", () => {
  const market = generateMarket({ seed: 1, codes: 3, tradingDays: 3 });
  assert.deepEqual(compositeHistory(market, "600000.SH"), []);
  assert.deepEqual(compositeMinutes(market, "600000.SH", market.days[0] ?? assert.fail()), []);
});
