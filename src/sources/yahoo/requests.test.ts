import assert from "node:assert/strict";
import { test } from "node:test";

import { Temporal } from "temporal-polyfill";

import { addDays, dayAt, HONG_KONG, NEW_YORK, parseDay, SHANGHAI } from "../../domain/day.ts";
import { MARKET_NAMES, MARKETS } from "../../domain/market.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { DEPTH_DAYS, yahooCapabilities, YAHOO_MARKETS } from "./capabilities.ts";
import { createLocalClock, firstWholeDay, startOf } from "./local-time.ts";
import { planWindow, toChartPath, wireIntervalOf } from "./requests.ts";
import { currencyOf, toWireSymbol } from "./symbols.ts";

const code = (text: string): ReturnType<typeof parseSecurityCode> => parseSecurityCode(text);
const day = (text: string): ReturnType<typeof parseDay> => parseDay(text);
const seconds = (instant: string): number => Temporal.Instant.from(instant).epochMilliseconds / 1_000;

test("a code is written as the provider writes it", () => {
  const symbols = {
    "600000.SH": "600000.SS",
    "000001.SH": "000001.SS",
    "000001.SZ": "000001.SZ",
    "00700.HK": "0700.HK",
    "09988.HK": "9988.HK",
    "82800.HK": "82800.HK",
    "AAPL.US": "AAPL",
    "BRK-B.US": "BRK-B",
  };
  for (const [own, wire] of Object.entries(symbols)) {
    assert.equal(toWireSymbol(code(own)), wire);
  }
  assert.throws(() => toWireSymbol(code("920002.BJ")), RangeError);
  assert.deepEqual(
    ["600000.SH", "900901.SH", "200011.SZ", "00700.HK", "AAPL.US"].map((own) => currencyOf(code(own))),
    ["CNY", "USD", "HKD", "HKD", "USD"],
  );
});

test("a request has its parameters in the order of the recorded ones", () => {
  const request = { symbol: "AAPL", interval: "1d", period1: 1577836800, period2: 1578009600 } as const;
  assert.equal(
    toChartPath({ ...request, includePrePost: true, events: ["div", "split", "earn"] }),
    "v8/finance/chart/AAPL?useYfid=true&interval=1d&includePrePost=true&events=div%7Csplit%7Cearn&lang=en-US&period1=1577836800&period2=1578009600",
  );
  assert.match(toChartPath({ ...request, symbol: "^HSI" }), /^v8\/finance\/chart\/%5EHSI\?.*includePrePost=false/);
});

test("days are asked for up to now and begin with the market's own midnight", () => {
  const now = seconds("2026-03-10T03:00:00Z");
  const window = planWindow({ from: day("2026-03-02"), to: day("2026-03-05") }, "1d", "US", now);
  assert.deepEqual(window, {
    from: "2026-03-02",
    to: "2026-03-05",
    period1: seconds("2026-03-02T05:00:00Z"),
    period2: now,
    isUpToNow: true,
    restFrom: undefined,
  });
  const ahead = { from: day("2026-04-01"), to: day("2026-04-05") };
  assert.equal(planWindow(ahead, "1d", "US", now), undefined);
});

test("a request never begins before what is kept, nor within a day", () => {
  const now = seconds("2026-06-30T15:00:00Z");
  for (const interval of ["1m", "5m", "15m", "60m"] as const) {
    for (const market of MARKET_NAMES) {
      const { zone } = MARKETS[market];
      const oldest = now - (DEPTH_DAYS[interval] ?? 0) * 86_400;
      const window = planWindow({ from: day("2020-01-01"), to: day("2026-06-30") }, interval, market, now);
      assert.ok(window !== undefined && window.period1 >= oldest && window.period1 < oldest + 86_400);
      assert.equal(window.period1, startOf(window.from, zone));
      assert.equal(planWindow({ from: day("2020-01-01"), to: day("2020-06-30") }, interval, market, now), undefined);
    }
  }
});

test("minutes come in windows of a week that leave no day out, also where the clocks change", () => {
  // Spring and autumn.
  const times = [seconds("2026-03-20T23:00:00Z"), seconds("2026-11-15T23:00:00Z")];
  for (const [now, market] of times.flatMap((time) => MARKET_NAMES.map((name) => [time, name] as const))) {
    const { zone } = MARKETS[market];
    const to = dayAt(Temporal.Instant.fromEpochMilliseconds(now * 1_000), zone);
    let from = addDays(to, -25);
    for (let windows = 0; ; windows += 1) {
      const window = planWindow({ from, to }, "1m", market, now);
      assert.ok(window !== undefined && windows < 5);
      assert.equal(window.from, from);
      assert.ok(window.period2 - window.period1 <= 7 * 86_400);
      // The last session of the window is over before it ends.
      assert.ok(window.period2 >= Math.min(now, startOf(window.to, zone) + 17 * 3_600));
      assert.equal(window.isUpToNow, window.restFrom === undefined);
      assert.equal(window.isUpToNow, window.period2 === now);
      if (window.restFrom === undefined) {
        assert.equal(window.to, to);
        break;
      }
      assert.equal(window.restFrom, addDays(window.to, 1));
      from = window.restFrom;
    }
  }
});

test("half hours, and hours that the provider begins elsewhere, are asked for as quarters", () => {
  assert.equal(wireIntervalOf("30m", "US"), "15m");
  assert.equal(wireIntervalOf("60m", "US"), "60m");
  assert.equal(wireIntervalOf("60m", "CN"), "15m");
  assert.equal(wireIntervalOf("1m", "CN"), "1m");
});

test("every capability says what a full day has by the sessions of its market", () => {
  for (const market of MARKET_NAMES) {
    const { sessions, intraday } = YAHOO_MARKETS[market];
    for (const [frequency, { rowsPerDay }] of Object.entries(intraday)) {
      const minutes = Number.parseInt(frequency, 10);
      const bars = sessions.reduce((sum, { start, end }) => sum + Math.ceil((end - start) / minutes), 0);
      assert.equal(rowsPerDay, bars, `${market} ${frequency}`);
    }
  }
  const offered = yahooCapabilities().map(
    ({ dataSet, frequency, exchanges }) => `${dataSet} ${frequency} ${exchanges.join()}`,
  );
  assert.equal(new Set(offered).size, offered.length);
  assert.ok(!offered.some((text) => text.includes("BJ")));
  assert.ok(!offered.includes("bars 60m HK"));
});

test("a stamp is read by the wall clock of its zone on its own day", () => {
  const read = (zone: typeof NEW_YORK, instant: string): string => {
    const { day: local, secondOfDay } = createLocalClock(zone)(seconds(instant));
    return `${local} ${secondOfDay / 60}`;
  };
  assert.equal(read(NEW_YORK, "2020-11-06T14:30:00Z"), "2020-11-06 570");
  assert.equal(read(NEW_YORK, "2020-08-31T13:30:00Z"), "2020-08-31 570");
  assert.equal(read(SHANGHAI, "1988-07-01T00:30:00Z"), "1988-07-01 570", "summer time in China");
  assert.equal(read(HONG_KONG, "1969-12-31T16:00:00Z"), "1970-01-01 0");
  const clock = createLocalClock(NEW_YORK);
  const mixed = ["2020-11-06T14:30:00Z", "2020-03-06T14:30:00Z", "2020-08-31T13:30:00Z", "2020-11-06T14:30:00Z"];
  assert.ok(mixed.every((instant) => clock(seconds(instant)).secondOfDay === 570 * 60));
  assert.equal(firstWholeDay(seconds("2026-03-10T00:00:01Z"), SHANGHAI), "2026-03-11");
  assert.equal(firstWholeDay(seconds("2026-03-10T16:00:00Z"), SHANGHAI), "2026-03-11");
});
