import assert from "node:assert/strict";
import { test } from "node:test";

import { assert as assertProperty, constantFrom, integer, property, record } from "fast-check";

import { parseDay } from "../domain/day.ts";
import { drawMinutes, endMinuteOf, spreadTurnover } from "./draw-minutes.ts";
import { drawTicks } from "./draw-ticks.ts";
import { generateMarket, type Market } from "./generate-market.ts";
import { clockText, foldMinutes, minuteBarsOf, ticksOf, type MarketTick, type MinuteBar } from "./intraday.ts";
import { createRandom } from "./random.ts";
import type { MarketBar } from "./security.ts";

const ENDS = Array.from({ length: 240 }, (_, position) => clockText(endMinuteOf(position)));
const SETTINGS = { seed: 20_260_701, numRuns: 60 };
const markets = record({ seed: integer({ min: 0, max: 2 ** 40 }), pick: integer({ min: 0, max: 2 ** 30 }) });

/** Some bars of some market, among them days with a part-day suspension where it has one. */
function forSomeDays(check: (market: Market, bar: MarketBar) => void): void {
  assertProperty(
    property(markets, ({ seed, pick }) => {
      const market = generateMarket({ seed, codes: 14, tradingDays: 30 });
      const histories = [...market.histories()];
      const bars = histories.flatMap((history) => history.bars);
      for (let index = 0; index < 6; index += 1) {
        const bar = bars[(pick + index * 7_919) % bars.length];
        assert.ok(bar !== undefined);
        check(market, bar);
      }
      for (const { bars: own, suspensions } of histories) {
        const bar = own.find(({ day }) => suspensions.some((stop) => stop.day === day));
        if (bar !== undefined) {
          check(market, bar);
        }
      }
    }),
    SETTINGS,
  );
}

test("240 minutes of a day have exactly its prices, volume and turnover", () => {
  forSomeDays((market, bar) => {
    const minutes = minuteBarsOf(market, bar.code, bar.day);
    assert.equal(minutes.length, 240);
    assert.equal(new Set(minutes.map(({ endsAt }) => endsAt)).size, 240);
    assert.deepEqual(
      [0, 119, 120, 239].map((position) => minutes[position]?.endsAt),
      ["09:31", "11:30", "13:01", "15:00"],
    );
    assert.deepEqual(wholeOf(minutes), wholeOf([{ ...bar, endsAt: "15:00" }]));
  });
});

test("a minute's prices are in order, its turnover between low and high times volume, and without trade all are the close before", () => {
  forSomeDays((market, bar) => {
    let before = bar.openCents;
    for (const minute of minuteBarsOf(market, bar.code, bar.day)) {
      const { openCents, highCents, lowCents, closeCents, volume, turnoverCents } = minute;
      const message = JSON.stringify(minute);
      assert.ok(lowCents <= Math.min(openCents, closeCents) && highCents >= Math.max(openCents, closeCents), message);
      assert.ok(Number.isInteger(turnoverCents) && Number.isInteger(volume), message);
      assert.ok(lowCents * volume <= turnoverCents && turnoverCents <= highCents * volume, message);
      if (volume === 0) {
        assert.deepEqual([openCents, highCents, lowCents, closeCents], [before, before, before, before], message);
      }
      before = closeCents;
    }
    assert.ok(minuteBarsOf(market, bar.code, bar.day).some(({ volume }) => volume === 0));
  });
});

test("folded minutes keep the day exactly, with quiet minutes or without them", () => {
  forSomeDays((market, bar) => {
    const minutes = minuteBarsOf(market, bar.code, bar.day);
    for (const length of [5, 15, 30, 60] as const) {
      const folded = foldMinutes(minutes, length);
      assert.equal(folded.length, 240 / length);
      assert.deepEqual(wholeOf(folded), wholeOf(minutes));
      folded.forEach((fold, index) => {
        const group = minutes.slice(index * length, (index + 1) * length);
        const traded = group.filter(({ volume }) => volume > 0);
        assert.deepEqual(wholeOf([fold]), wholeOf(group));
        if (traded.length > 0) {
          assert.deepEqual(wholeOf([fold]), wholeOf(traded));
        }
      });
    }
    assert.deepEqual(
      foldMinutes(minutes, 60).map(({ endsAt }) => endsAt),
      ["10:30", "11:30", "14:00", "15:00"],
    );
    assert.deepEqual([foldMinutes(minutes, 5)[0]?.endsAt, foldMinutes(minutes, 15)[8]?.endsAt], ["09:35", "13:15"]);
  });
});

test("the prints of a minute are its bar; odd shares come last, auctions are neutral", () => {
  forSomeDays((market, bar) => {
    const ticks = ticksOf(market, bar.code, bar.day);
    const traded = minuteBarsOf(market, bar.code, bar.day).filter(({ volume }) => volume > 0);
    const byMinute = Map.groupBy(ticks, ({ minute }) => endOf(minute));
    assert.deepEqual(
      [...byMinute].map(([endsAt, prints]) => [endsAt, ...pricesOf(prints)]),
      traded.map((minute) => [
        minute.endsAt,
        minute.openCents,
        minute.highCents,
        minute.lowCents,
        minute.closeCents,
        minute.volume,
      ]),
    );
    assert.equal(ticks[0]?.minute, "09:25");
    assert.ok(ticks.slice(0, -1).every(({ volume }) => volume > 0 && volume % 100 === 0));
    assert.ok((ticks.at(-1)?.volume ?? 0) % 100 === bar.volume % 100);
    for (const { minute, side, trades, volume } of ticks) {
      assert.equal(side === "neutral", minute === "09:25" || minute === "15:00");
      assert.ok(trades >= 1 && trades <= Math.max(1, volume / 100));
    }
    assert.ok(ticks.filter(({ minute }) => minute === "15:00" || minute === "09:25").length <= 2);
  });
});

test("nothing is traded while trading is stopped", () => {
  const market = generateMarket({ seed: 3, codes: 200, tradingDays: 250 });
  const timings = new Set<string>();
  for (const { suspensions, security } of market.histories()) {
    for (const { day, timing } of suspensions) {
      const [from = "", to = ""] = (timing ?? "").split("-");
      const prints = timing === undefined ? [] : ticksOf(market, security.code, day);
      assert.ok(!prints.some(({ minute }) => minute >= from && minute < to), `${security.code} ${day} ${timing}`);
      timings.add(timing ?? "");
    }
  }
  assert.equal(timings.size, 6);
});

test("busy days have thousands of prints and quiet ones few, and equal prints of a minute are common", () => {
  const market = generateMarket({ seed: 1 });
  const day = parseDay("2025-12-31");
  const counts = market.barsOn(day).map(({ code }) => ticksOf(market, code, day).length);
  assert.ok(Math.max(...counts) > 2_000, `at most ${Math.max(...counts)}`);
  assert.ok(Math.min(...counts) < 100, `at least ${Math.min(...counts)}`);
  const ticks = ticksOf(market, "600000.SH", day);
  const different = new Set(ticks.map(({ minute, priceCents, volume }) => `${minute} ${priceCents} ${volume}`));
  assert.ok(different.size < ticks.length * 0.9, `${different.size} different of ${ticks.length}`);
});

test("a turnover at the very edge of what the prices allow still fits", () => {
  const edges = record({
    seed: integer({ min: 0, max: 2 ** 30 }),
    low: integer({ min: 100, max: 5_000 }),
    width: integer({ min: 0, max: 400 }),
    open: integer({ min: 0, max: 400 }),
    close: integer({ min: 0, max: 400 }),
    volume: integer({ min: 1_300, max: 3_000_000 }),
    edge: constantFrom(0, 1, 2),
  });
  assertProperty(
    property(edges, ({ seed, low, width, open, close, volume, edge }) => {
      const high = low + width;
      const turnover = [low * volume, high * volume, low * volume + Math.floor(width * 0.01 * volume)][edge] ?? 0;
      const shape = { open: low + Math.min(open, width), high, low, close: low + Math.min(close, width), volume };
      const minutes = drawMinutes({ ...shape, turnover, stopped: undefined }, createRandom(seed, "edge"));
      const shares = spreadTurnover(minutes, turnover, 1);
      assert.equal(
        shares.reduce((sum, share) => sum + share, 0),
        turnover,
      );
      const ticks = drawTicks(minutes, low, createRandom(seed, "ticks"));
      assert.equal(
        ticks.reduce((sum, tick) => sum + tick.volume, 0),
        volume,
      );
      assert.equal(Math.max(...ticks.map(({ price }) => price)), high);
      assert.equal(Math.min(...ticks.map(({ price }) => price)), low);
      assert.ok(ticks.every((tick) => tick.volume > 0));
    }),
    { ...SETTINGS, numRuns: 400 },
  );
});

test("minutes and prints are the same each time, and other ones for another seed, code or day", () => {
  const [market, again, other] = [7, 7, 8].map((seed) => generateMarket({ seed, codes: 10, tradingDays: 10 }));
  assert.ok(market !== undefined && again !== undefined && other !== undefined);
  const [day, next] = [parseDay("2025-12-30"), parseDay("2025-12-31")];
  const text = (from: Market, code: string, on: typeof day): string =>
    JSON.stringify([minuteBarsOf(from, code, on), ticksOf(from, code, on)]);
  const first = text(market, "600000.SH", day);
  ticksOf(again, "000001.SZ", next);
  assert.equal(text(again, "600000.SH", day), first);
  assert.notEqual(text(other, "600000.SH", day), first);
  assert.notEqual(text(market, "600000.SH", next), first);
  assert.deepEqual(minuteBarsOf(market, "600000.SH", parseDay("2025-12-28")), []);
  assert.deepEqual(ticksOf(market, "999999.SH", day), []);
});

/** Open, high, low, close, volume and turnover of bars together. */
function wholeOf(bars: readonly Omit<MinuteBar, "code" | "day">[]): readonly (number | undefined)[] {
  return [
    bars[0]?.openCents,
    Math.max(...bars.map(({ highCents }) => highCents)),
    Math.min(...bars.map(({ lowCents }) => lowCents)),
    bars.at(-1)?.closeCents,
    bars.reduce((sum, { volume }) => sum + volume, 0),
    bars.reduce((sum, { turnoverCents }) => sum + turnoverCents, 0),
  ];
}

function pricesOf(prints: readonly MarketTick[]): readonly (number | undefined)[] {
  const prices = prints.map(({ priceCents }) => priceCents);
  const volume = prints.reduce((sum, print) => sum + print.volume, 0);
  return [prices[0], Math.max(...prices), Math.min(...prices), prices.at(-1), volume];
}

/** The minute bar that a print's label belongs to. */
function endOf(minute: string): string {
  if (minute === "09:25") {
    return "09:31";
  }
  return ENDS.find((end) => end > minute) ?? "15:00";
}
