import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import { assert as assertProperty, constantFrom, integer, property, record } from "fast-check";

import { tradingDays } from "../domain/cn-trading-days.ts";
import { parseDay } from "../domain/day.ts";
import { countBars, generateMarket, type Market } from "./generate-market.ts";
import { limitPercentOf } from "./generate-history.ts";
import { exRightPrice, limitsOf, nextFactorE4 } from "./price-rules.ts";
import type { MarketBar, SecurityHistory } from "./security.ts";
import { truthRows } from "./truth-rows.ts";

const options = record({
  seed: integer({ min: 0, max: 2 ** 40 }),
  codes: integer({ min: 12, max: 40 }),
  tradingDays: integer({ min: 20, max: 120 }),
  to: constantFrom("2025-12-31", "2024-10-09", "2012-03-01").map((text) => parseDay(text)),
});

const RUNS = { numRuns: 25 };

test("low ≤ open, close ≤ high, within the day's limits, turnover between low and high times volume", () => {
  forEveryHistory(({ security, bars }) => {
    for (const bar of bars) {
      const least = Math.min(bar.openCents, bar.closeCents);
      const most = Math.max(bar.openCents, bar.closeCents);
      assert.ok(bar.lowCents <= least && most <= bar.highCents, text(bar));
      assert.ok(bar.lowCents >= 1 && bar.volume >= 1 && Number.isSafeInteger(bar.turnoverCents), text(bar));
      assert.ok(bar.lowCents * bar.volume <= bar.turnoverCents, text(bar));
      assert.ok(bar.turnoverCents <= bar.highCents * bar.volume, text(bar));
      if (bar.limits !== undefined) {
        assert.deepEqual(bar.limits, limitsOf(bar.preCloseCents, limitPercentOf(security)));
        assert.ok(bar.lowCents >= bar.limits.downCents && bar.highCents <= bar.limits.upCents, text(bar));
      }
    }
  });
});

test("only the first days after a listing are without price limit", () => {
  forEveryHistory(({ security, bars }, market) => {
    const listedAt = market.days.indexOf(security.listedOn);
    const free = bars.filter((bar) => bar.limits === undefined).map((bar) => bar.day);
    const expected = market.days.slice(listedAt, listedAt + security.board.daysWithoutLimit);
    assert.deepEqual(free, listedAt > 0 ? expected : []);
  });
});

test("pre_close is the close before, or the exchange's reference price on an ex-day", () => {
  forEveryHistory(({ bars, actions }) => {
    const termsOn = new Map(actions.map(({ exDay, terms }) => [exDay, terms]));
    bars.forEach((bar, index) => {
      const before = bars[index - 1];
      const terms = termsOn.get(bar.day);
      if (before !== undefined) {
        assert.equal(
          bar.preCloseCents,
          terms === undefined ? before.closeCents : exRightPrice(before.closeCents, terms),
        );
      }
    });
  });
});

test("a factor stands for every listed day and steps by close before ÷ pre_close on ex-days only", () => {
  forEveryHistory(({ security, bars, factors, actions }, market) => {
    const listed = market.days.filter(
      (day) => day >= security.listedOn && (security.delistedOn === undefined || day < security.delistedOn),
    );
    assert.deepEqual(
      factors.map(({ day }) => day),
      listed,
    );
    const exDays = new Set(actions.map(({ exDay }) => exDay));
    const barOn = new Map(bars.map((bar) => [bar.day, bar]));
    let lastClose = 0;
    factors.forEach(({ day, factorE4 }, index) => {
      const before = factors[index - 1]?.factorE4 ?? factorE4;
      const bar = barOn.get(day);
      const isStep = exDays.has(day) && bar !== undefined && lastClose > 0;
      assert.equal(factorE4, isStep ? nextFactorE4(before, lastClose, bar.preCloseCents) : before);
      lastClose = bar?.closeCents ?? lastClose;
    });
  });
});

test("bars are the listed days without the suspended ones; part-day suspensions have a bar", () => {
  forEveryHistory(({ security, bars, suspensions, factors }) => {
    const whole = suspensions.filter(({ timing }) => timing === undefined).map(({ day }) => day);
    const barDays = bars.map(({ day }) => day);
    assert.deepEqual(
      [...barDays, ...whole].toSorted((left, right) => (left < right ? -1 : 1)),
      factors.map(({ day }) => day),
    );
    assert.ok(suspensions.every(({ day, timing }) => timing === undefined || barDays.includes(day)));
    assert.ok(bars.every(({ day }) => security.pausedOn === undefined || day < security.pausedOn));
  });
});

test("a market of 300 codes has every board, listings, delistings, a paused code, suspensions and events", () => {
  const market = generateMarket({ seed: 1 });
  const histories = [...market.histories()];
  const [first, last] = [market.days[0] ?? "", market.days.at(-1) ?? ""];
  assert.equal(market.securities.length, 300);
  assert.equal(new Set(market.securities.map(({ code }) => code)).size, 300);
  assert.equal(market.days.length, 250);
  for (const prefix of ["600", "601", "603", "688", "000", "002", "300", "920"]) {
    assert.ok(
      market.securities.some(({ code }) => code.startsWith(prefix)),
      prefix,
    );
  }
  assert.equal(market.securities.filter(({ listedOn }) => listedOn > first).length, 12);
  assert.equal(market.securities.filter(({ delistedOn }) => delistedOn !== undefined && delistedOn <= last).length, 5);
  assert.equal(market.securities.filter(({ pausedOn }) => pausedOn !== undefined).length, 1);
  assert.ok(market.securities.some(({ isSpecialTreatment }) => isSpecialTreatment));
  assert.ok(histories.some(({ suspensions }) => suspensions[0]?.day === first));
  assert.ok(histories.some(({ suspensions, security }) => suspensions.at(-1)?.day === last && !security.pausedOn));
  assert.ok(histories.some(({ suspensions }) => suspensions.some(({ timing }) => timing !== undefined)));
  const terms = histories.flatMap(({ actions }) => actions.map((action) => action.terms));
  assert.ok(terms.some(({ bonusTenthsPer10 }) => bonusTenthsPer10 > 0));
  assert.ok(terms.some(({ rightsTenthsPer10 }) => rightsTenthsPer10 > 0));
  assert.ok(terms.filter(({ cashCentsPer10 }) => cashCentsPer10 > 0).length > 50);
  assert.equal(market.history("600000.SH")?.bars.length, 250);
  assert.equal(market.history("000001.SZ")?.bars.length, 250);
});

test("most volumes are whole lots, some are single shares", () => {
  const bars = [...generateMarket({ seed: 3 }).histories()].flatMap((history) => history.bars);
  const whole = bars.filter(({ volume }) => volume % 100 === 0).length;
  assert.ok(whole > bars.length / 2 && whole < (bars.length * 9) / 10, `${whole} of ${bars.length}`);
});

test("the days are the real trading days asked for", () => {
  assert.deepEqual(
    generateMarket({ seed: 1, codes: 1, from: parseDay("2024-02-01"), to: parseDay("2024-02-20") }).days,
    ["2024-02-01", "2024-02-02", "2024-02-05", "2024-02-06", "2024-02-07", "2024-02-08", "2024-02-19", "2024-02-20"],
  );
  assert.deepEqual(generateMarket({ seed: 1, codes: 1, from: parseDay("2024-05-01"), tradingDays: 1 }).days, [
    "2024-05-06",
  ]);
  assert.equal(generateMarket({ seed: 1, codes: 1, tradingDays: 3 }).days.at(-1), "2025-12-31");
  assert.equal(
    generateMarket({ seed: 1, codes: 1, tradingDays: 8797, to: parseDay("2026-12-31") }).days[0],
    tradingDays()[0],
  );
});

test("spans and sizes that cannot be are refused", () => {
  const [from, to] = [parseDay("2024-02-10"), parseDay("2024-02-12")];
  assert.throws(() => generateMarket({ seed: 1, codes: 0 }), RangeError);
  assert.throws(() => generateMarket({ seed: 1, codes: 6001 }), RangeError);
  assert.throws(() => generateMarket({ seed: 1, from, to }), /no trading day between 2024-02-10 and 2024-02-12/);
  assert.throws(() => generateMarket({ seed: 1, from, to, tradingDays: 3 }), RangeError);
  assert.throws(() => generateMarket({ seed: 1, tradingDays: 9000 }), RangeError);
});

test("bars of a day are the histories' bars of that day, sorted by code", () => {
  const market = generateMarket({ seed: 5, codes: 40, tradingDays: 30 });
  const all = [...market.histories()].flatMap((history) => history.bars);
  assert.equal(countBars(market), all.length);
  assert.deepEqual(
    market.days.flatMap((day) => market.barsOn(day)),
    market.days.flatMap((day) => all.filter((bar) => bar.day === day)),
  );
  assert.deepEqual(market.barsOn(parseDay("2020-01-01")), []);
  assert.equal(market.history("999999.SH"), undefined);
});

test("a history does not depend on what was asked for before", () => {
  const options = { seed: 9, codes: 30, tradingDays: 60 };
  const forward = [...generateMarket(options).histories()];
  const market = generateMarket(options);
  const backward = market.securities.toReversed().map(({ code }) => market.history(code));
  assert.deepEqual(backward.toReversed(), forward);
});

test("one seed always gives the same market, another seed another", () => {
  const options = { codes: 60, tradingDays: 80 };
  assert.equal(hash(generateMarket({ ...options, seed: 20_250_101 })), GOLDEN);
  assert.notEqual(hash(generateMarket({ ...options, seed: 20_250_102 })), GOLDEN);
});

/** Changes only when the generator is changed on purpose. */
const GOLDEN = "231828384cbc54e239d577172c4fa957308480b318b6b91a8a71c2efdaab7b07";

function hash(market: Market): string {
  const digest = createHash("sha256");
  for (const row of truthRows(market)) {
    digest.update(`${Object.values(row).join(",")}\n`);
  }
  return digest.digest("hex");
}

function forEveryHistory(check: (history: SecurityHistory, market: Market) => void): void {
  assertProperty(
    property(options, (options) => {
      const market = generateMarket(options);
      for (const history of market.histories()) {
        check(history, market);
      }
    }),
    RUNS,
  );
}

function text(bar: MarketBar): string {
  return JSON.stringify(bar);
}
