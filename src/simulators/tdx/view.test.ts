import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { parseDay } from "../../domain/day.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { minuteBarsOf, ticksOf } from "../../market/intraday.ts";
import { marketData } from "./market-data.ts";
import { selectBars } from "./select-bars.ts";
import { TdxView } from "./view.ts";

const market = generateMarket({ seed: 1, codes: 4, tradingDays: 10 });
const data = marketData(market);
const CODE = "600000.SH";
const TODAY = parseDay("2025-12-31");
const BEFORE = parseDay("2025-12-30");

function viewAt(time: string, staleDays = 0): TdxView {
  const now = Temporal.Instant.from(`${time}+08:00`);
  const clock: Clock = { ...systemClock, now: () => now };
  return new TdxView(data, clock, staleDays);
}

test("before the opening auction nothing of today is there, after the close all of it", () => {
  assert.equal(viewAt("2025-12-31T09:24:59").sessionDay, BEFORE);
  assert.equal(viewAt("2025-12-31T09:24:59").dayBars(CODE).at(-1)?.day, BEFORE);
  assert.equal(viewAt("2025-12-31T09:25:00").sessionDay, TODAY);
  assert.equal(viewAt("2025-12-31T15:00:00").dayBars(CODE).at(-1), data.dayBars(CODE).at(-1));
  assert.equal(viewAt("2026-01-03T00:00:00").sessionDay, TODAY);
});

test("during the session the day's bar is what its minutes make so far", () => {
  const bar = viewAt("2025-12-31T10:15:30").dayBars(CODE).at(-1);
  const minutes = minuteBarsOf(market, CODE, TODAY).slice(0, 45);
  assert.deepEqual(
    [bar?.day, bar?.openMilli, bar?.highMilli, bar?.lowMilli, bar?.closeMilli, bar?.volume],
    [
      TODAY,
      (minutes[0]?.openCents ?? 0) * 10,
      Math.max(...minutes.map(({ highCents }) => highCents)) * 10,
      Math.min(...minutes.map(({ lowCents }) => lowCents)) * 10,
      (minutes.at(-1)?.closeCents ?? 0) * 10,
      minutes.reduce((sum, { volume }) => sum + volume, 0),
    ],
  );
});

test("minutes and ticks of today end with the clock; an unfinished interval is stamped with its end", () => {
  const view = viewAt("2025-12-31T10:02:30");
  const ones = selectBars(view, CODE, { kind: "minutes", minutes: 1 }, 0, 33);
  assert.deepEqual([ones[0]?.day, ones[0]?.endMinute, ones[1]?.day, ones.at(-1)?.endMinute], [BEFORE, 900, TODAY, 602]);
  const fives = selectBars(view, CODE, { kind: "minutes", minutes: 5 }, 0, 2);
  assert.deepEqual(
    fives.map(({ endMinute }) => endMinute),
    [600, 605],
  );
  const prints = ticksOf(market, CODE, TODAY).filter(({ minute }) => minute <= "10:02");
  assert.equal(view.ticks(CODE, TODAY).length, prints.length);
});

test("in the afternoon of the same day the row of 11:30 is stamped 13:00", () => {
  const stamps = (time: string): readonly number[] => {
    const view = viewAt(time);
    return selectBars(view, CODE, { kind: "minutes", minutes: 30 }, 0, 5).map((bar) => view.stampOf(bar));
  };
  assert.deepEqual(stamps("2025-12-31T13:30:00"), [600, 630, 660, 780, 810]);
  assert.deepEqual(stamps("2025-12-31T12:59:59"), [900, 600, 630, 660, 690]);
  assert.deepEqual(stamps("2025-12-31T15:00:00"), [690, 810, 840, 870, 900]);
});

test("a host that lags behind has another newest day", () => {
  assert.equal(viewAt("2026-01-05T10:00:00", 2).sessionDay, market.days.at(-3));
  assert.equal(viewAt("2026-01-05T10:00:00", 2).dayBars(CODE).length, 8);
});
