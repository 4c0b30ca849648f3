import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { generateForeignMarkets } from "../../market/foreign.ts";
import { generateMarket } from "../../market/generate-market.ts";
import { createSetClock, getChart, rowsOf, secondsOf } from "../../../test/support/yahoo-charts.ts";
import { yahooData } from "./market-data.ts";
import { startYahooSimulator, type YahooSimulator } from "./simulator.ts";

const market = generateMarket({ seed: 7, codes: 4, tradingDays: 300 });
const foreign = generateForeignMarkets({ seed: 7, tradingDays: 300 });
const data = yahooData(market, foreign);
/** The night after the market's last day. */
const NIGHT = "2026-01-01T02:00:00Z";
const clock = createSetClock(NIGHT);

let simulator: YahooSimulator;
before(async () => {
  simulator = await startYahooSimulator({ data, clock });
});
after(async () => {
  await simulator[Symbol.asyncDispose]();
});
beforeEach(() => {
  clock.set(NIGHT);
});

function between(from: string, to: string): string {
  return `period1=${secondsOf(from)}&period2=${secondsOf(to)}`;
}

test("daily stamps are the session's open by the zone, with summer time in New York and none in Hong Kong", async () => {
  const query = `interval=1d&${between("2025-10-31T00:00:00Z", "2025-11-04T00:00:00Z")}`;
  const iso = (stamp: number): string => new Date(stamp * 1_000).toISOString();
  const us = await getChart(simulator, "AAPL", query);
  assert.deepEqual(us.timestamp?.map(iso), ["2025-10-31T13:30:00.000Z", "2025-11-03T14:30:00.000Z"]);
  const hk = await getChart(simulator, "0700.HK", query);
  assert.deepEqual(hk.timestamp?.map(iso), ["2025-10-31T01:30:00.000Z", "2025-11-03T01:30:00.000Z"]);
  assert.deepEqual([us.meta["timezone"], us.meta["gmtoffset"]], ["EST", -18_000]);
});

test("trading periods have the offset of their own day, and half days end early", async () => {
  clock.set("2025-11-29T00:00:00Z");
  const summer = await getChart(
    simulator,
    "AAPL",
    `interval=5m&${between("2025-10-31T00:00:00Z", "2025-11-04T00:00:00Z")}`,
  );
  const expected = ["EDT", "EST"].map((timezone, index) => {
    const start = secondsOf(index === 0 ? "2025-10-31T13:30:00Z" : "2025-11-03T14:30:00Z");
    return [{ timezone, start, end: start + 23_400, gmtoffset: index === 0 ? -14_400 : -18_000 }];
  });
  assert.deepEqual(summer.meta["tradingPeriods"], expected);
  const half = await getChart(
    simulator,
    "AAPL",
    `interval=1h&${between("2025-11-28T00:00:00Z", "2025-11-29T00:00:00Z")}`,
  );
  const opensAt = secondsOf("2025-11-28T14:30:00Z");
  assert.deepEqual(
    half.timestamp,
    [0, 1, 2, 3].map((hour) => opensAt + hour * 3_600),
  );
});

test("hours follow the session's grid and know no lunch", async () => {
  const day = between("2025-12-30T00:00:00Z", "2025-12-30T23:00:00Z");
  const local = (stamps: readonly number[] | undefined, hours: number): readonly string[] =>
    (stamps ?? []).map((stamp) => new Date((stamp + hours * 3_600) * 1_000).toISOString().slice(11, 16));
  const hk = await getChart(simulator, "0700.HK", `interval=60m&${day}`);
  assert.deepEqual(local(hk.timestamp, 8), ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30"]);
  const cn = await getChart(simulator, "600000.SS", `interval=1h&${day}`);
  assert.deepEqual(local(cn.timestamp, 8), ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30"]);
  const us = await getChart(simulator, "MSFT", `interval=1h&${day}`);
  assert.deepEqual(local(us.timestamp, -5), ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30", "15:30"]);
  assert.deepEqual(
    [hk, cn, us].map(({ meta }) => meta["dataGranularity"]),
    ["1h", "1h", "1h"],
  );
});

test("bars of every length have the volume, the first open and the last close of their minutes", async () => {
  const day = between("2025-12-30T00:00:00Z", "2025-12-30T23:00:00Z");
  for (const symbol of ["600000.SS", "0700.HK", "AAPL"]) {
    const minutes = rowsOf(await getChart(simulator, symbol, `interval=1m&${day}`));
    const volume = minutes.reduce((sum, row) => sum + Number(row.volume), 0);
    for (const interval of ["2m", "5m", "15m", "30m", "60m", "90m", "4h"]) {
      const rows = rowsOf(await getChart(simulator, symbol, `interval=${interval}&${day}`));
      assert.equal(
        rows.reduce((sum, row) => sum + Number(row.volume), 0),
        volume,
        `${symbol} ${interval}`,
      );
      assert.equal(rows[0]?.open, minutes[0]?.open);
      assert.equal(rows.at(-1)?.close, minutes.at(-1)?.close);
    }
  }
});

test("quotes before and after the session come where they are asked for and the market has them", async () => {
  const day = between("2025-12-24T00:00:00Z", "2025-12-25T00:00:00Z");
  for (const symbol of ["AAPL", "0700.HK"]) {
    const regular = rowsOf(await getChart(simulator, symbol, `interval=30m&${day}`));
    const extended = rowsOf(await getChart(simulator, symbol, `interval=30m&${day}&includePrePost=true`));
    const added = extended.filter(({ stamp }) => regular.every((row) => row.stamp !== stamp));
    assert.deepEqual(
      added.map(({ stamp, volume }) => [stamp, volume]),
      symbol === "AAPL"
        ? [
            [secondsOf("2025-12-24T14:00:00Z"), 0],
            [secondsOf("2025-12-24T18:00:00Z"), 0],
          ]
        : [],
    );
  }
});

test("weeks and months begin at local midnight, and a live row follows the week it belongs to", async () => {
  const query = between("2025-11-01T00:00:00Z", "2026-01-01T00:00:00Z");
  const days = rowsOf(await getChart(simulator, "AAPL", `interval=1d&${query}`));
  const months = rowsOf(await getChart(simulator, "AAPL", `interval=1mo&${query}`));
  assert.deepEqual(
    months.map(({ stamp }) => stamp),
    // The last evening of October in New York is within the range.
    ["2025-10-01T04:00:00Z", "2025-11-01T04:00:00Z", "2025-12-01T05:00:00Z"].map(secondsOf),
  );
  const december = days.filter(({ stamp }) => stamp >= secondsOf("2025-12-01T05:00:00Z"));
  assert.equal(
    months[2]?.volume,
    december.reduce((sum, { volume }) => sum + Number(volume), 0),
  );
  assert.equal(months[2]?.high, Math.max(...december.map(({ high }) => Number(high))));
  assert.equal(months[2]?.adjclose, december.at(-1)?.adjclose);

  clock.set("2025-12-17T18:00:00Z");
  const weeks = rowsOf(await getChart(simulator, "AAPL", `interval=1wk&${query}`));
  assert.deepEqual(
    weeks.slice(-2).map(({ stamp }) => stamp),
    [secondsOf("2025-12-15T05:00:00Z"), secondsOf("2025-12-17T18:00:00Z")],
  );
});

test("a session that goes on is a live row at now, and the minutes that are over", async () => {
  clock.set("2025-12-17T15:30:30Z");
  const query = between("2025-12-16T00:00:00Z", "2025-12-18T00:00:00Z");
  const days = rowsOf(await getChart(simulator, "AAPL", `interval=1d&${query}`));
  assert.deepEqual(
    days.map(({ stamp }) => stamp),
    ["2025-12-16T14:30:00Z", "2025-12-17T15:30:30Z"].map(secondsOf),
  );
  const minutes = rowsOf(await getChart(simulator, "AAPL", `interval=1m&${query}`)).slice(390);
  assert.equal(minutes.length, 61);
  assert.equal(minutes.at(-1)?.stamp, secondsOf("2025-12-17T15:30:30Z"));
  assert.equal(minutes.at(-2)?.stamp, secondsOf("2025-12-17T15:29:00Z"));
  assert.equal(
    days[1]?.volume,
    minutes.reduce((sum, { volume }) => sum + Number(volume), 0),
  );
  assert.equal(days[1]?.close, minutes.at(-1)?.close);

  await using quiet = await startYahooSimulator({ data, clock, liveMs: false });
  const finished = await getChart(quiet, "AAPL", `interval=1d&${query}`);
  assert.deepEqual(finished.timestamp, [secondsOf("2025-12-16T14:30:00Z")]);
  clock.set("2025-12-17T21:10:00Z");
  assert.equal(
    (await getChart(simulator, "AAPL", `interval=1d&${query}`)).timestamp?.[1],
    secondsOf("2025-12-17T21:00:03Z"),
  );
  clock.set("2025-12-17T21:30:00Z");
  assert.equal(
    (await getChart(simulator, "AAPL", `interval=1d&${query}`)).timestamp?.[1],
    secondsOf("2025-12-17T14:30:00Z"),
  );
});

test("a session that has not begun has no row, and its split does not yet adjust what is before", async () => {
  const exDay = foreign.history("00700.HK")?.actions.find(({ kind }) => kind === "split")?.exDay;
  assert.ok(exDay);
  const query = `interval=1d&period1=0&period2=${secondsOf(NIGHT)}&events=div%7Csplit`;
  clock.set(`${exDay}T01:29:59Z`);
  const early = await getChart(simulator, "0700.HK", query);
  clock.set(`${exDay}T01:31:00Z`);
  const later = await getChart(simulator, "0700.HK", query);
  assert.equal(early.events?.["splits"], undefined);
  assert.deepEqual(Object.values(later.events?.["splits"] ?? {}), [
    { date: secondsOf(`${exDay}T01:30:00Z`), numerator: 4, denominator: 1, splitRatio: "4:1" },
  ]);
  assert.equal(rowsOf(later).length, rowsOf(early).length + 1);
  assert.equal(Number(rowsOf(later)[0]?.volume), Number(rowsOf(early)[0]?.volume) * 4);
});

test("events come only where they are asked for, in any of the spellings, and within the range", async () => {
  const whole = `interval=1d&period1=0&period2=${secondsOf(NIGHT)}`;
  const kinds = async (events: string): Promise<readonly string[]> =>
    Object.keys((await getChart(simulator, "SPY", `${whole}&events=${events}`)).events ?? {}).toSorted();
  assert.deepEqual(await kinds(""), []);
  assert.deepEqual(await kinds("div,splits,capitalGains"), ["capitalGains", "dividends"]);
  assert.deepEqual(await kinds("div|split|earn"), ["dividends"]);
  const { events } = await getChart(simulator, "SPY", `${whole}&events=capitalGains`);
  const [[key, gain] = ["", {}]] = Object.entries(events?.["capitalGains"] ?? {});
  assert.deepEqual(Object.keys(gain).toSorted(), ["amount", "date"]);
  assert.equal(String(gain["date"]), key);
  const narrow = `interval=1d&period1=${Number(key) + 1}&period2=${secondsOf(NIGHT)}&events=capitalGains`;
  assert.equal((await getChart(simulator, "SPY", narrow)).events, undefined);
});

test("the bar that contains the first second is included, the one at the last second is not", async () => {
  const open = secondsOf("2025-12-30T14:30:00Z");
  const stamps = async (interval: string, from: number, to: number): Promise<readonly number[] | undefined> =>
    (await getChart(simulator, "AAPL", `interval=${interval}&period1=${from}&period2=${to}`)).timestamp;
  assert.deepEqual(await stamps("1d", open + 3_600, open + 86_400), [open]);
  assert.deepEqual(await stamps("1d", open, open + 86_401), [open, open + 86_400]);
  assert.equal(await stamps("1d", open + 23_400, open + 86_400), undefined);
  assert.deepEqual(await stamps("5m", open + 299, open + 600), [open, open + 300]);
  assert.equal(await stamps("1d", open, open), undefined);
});

test("ranges count trading days, or go back by the calendar", async () => {
  const count = async (range: string, interval = "1d"): Promise<number> =>
    (await getChart(simulator, "600000.SS", `range=${range}&interval=${interval}`)).timestamp?.length ?? 0;
  clock.set("2025-12-31T12:00:00Z");
  assert.equal(await count("1d"), 1);
  assert.equal(await count("8d"), 8);
  assert.equal(await count("max"), 300);
  assert.equal(await count("ytd"), market.days.filter((day) => day >= parseDay("2025-01-01")).length);
  assert.equal(await count("1mo"), market.days.filter((day) => day >= parseDay("2025-11-30")).length);
  assert.equal(await count("1d", "5m"), 48);
  clock.set("2025-12-31T00:00:00Z");
  assert.equal(await count("1d"), 0);
});
