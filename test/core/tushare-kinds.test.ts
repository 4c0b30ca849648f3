import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { parseDay, type Day } from "../../src/domain/day.ts";
import { BAR_FLAGS, type Bar } from "../../src/domain/rows.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import type { Frequency } from "../../src/domain/frequency.ts";
import { COMPOSITES, compositeHistory } from "../../src/market/composites.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { foldMinutes, minuteBarsOf, type MinutesFolded } from "../../src/market/intraday.ts";
import { decimalOf } from "../../src/market/truth-rows.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { openTushareSource } from "../../src/sources/tushare/source.ts";
import { dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

/** Minutes, indices and funds of Tushare, from the provider's wire to what the core knows of a day. */
const CODE = "600001.SH";
const DAY = "20260302";

/** The ends of a day's bars of one minute, with that of the opening auction. */
const ENDS = ["09:30", ...endsOf(9 * 60 + 31), ...endsOf(13 * 60 + 1)];

function endsOf(first: number): readonly string[] {
  return Array.from({ length: 120 }, (_, index) => {
    const minute = first + index;
    return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
  });
}

function minuteRow(end: string): Readonly<Record<string, string>> {
  const prices = { open: "7.02", close: "7.01", high: "7.03", low: "7.01" };
  return { ts_code: CODE, trade_time: `2026-03-02 ${end}:00`, ...prices, vol: "300", amount: "2106" };
}

const message = {
  command: "bar_snapshot",
  params: { code: CODE, frequency: "1m", start_date: DAY, end_date: DAY },
};
const reference = { daily: [dailyRow(CODE, DAY)], stock_basic: [stockRow(CODE, { list_date: "20260227" })] };

test("a day of 240 minutes and the auction's row is whole; without one minute it is not, auction or not", async () => {
  for (const { ends, word, states } of [
    { ends: ENDS, word: "stored", states: "present" },
    { ends: ENDS.slice(1), word: "stored", states: "present" },
    { ends: ENDS.toSpliced(100, 1), word: "unexplained", states: "unexplained-empty" },
    { ends: ENDS.slice(0, 1), word: "unexplained", states: "unexplained-empty" },
  ]) {
    await using rig = await openCoreRig({
      now: "2026-03-06T09:00:00Z",
      rows: { ...reference, stk_mins: ends.map((end) => minuteRow(end)) },
    });
    const done = await rig.send(message);
    assert.deepEqual([done.word, done.rows.new], [word, ends.length]);
    assert.deepEqual(rig.states(`bars/1m/${CODE}`), [`2026-03-02..2026-03-02 ${states}`]);
  }
});

test("an account without the right to minutes is told so, and its daily bars go on", async () => {
  await using rig = await openCoreRig({
    now: "2026-03-06T09:00:00Z",
    rows: { ...reference, stk_mins: ENDS.map((end) => minuteRow(end)) },
    account: { points: 5_000 },
  });
  await assert.rejects(rig.send(message), /stk_mins: the account has no right to this api/);
  const daily = await rig.send({ ...message, params: { ...message.params, frequency: "1d" } });
  assert.equal(daily.word, "stored");
});

test("an index and a fund are stored by apis of their own, though no stock list has them", async () => {
  const bar = { trade_date: DAY, open: "3.1", high: "3.2", low: "3", close: "3.15", pre_close: "3.1", vol: "12.5" };
  const [index, fund] = ["000001.SH", "510300.SH"];
  await using rig = await openCoreRig({
    now: "2026-03-06T09:00:00Z",
    rows: {
      ...reference,
      index_daily: [{ ...bar, ts_code: index, amount: "3.9" }],
      fund_daily: [{ ...bar, ts_code: fund, amount: "3.9" }],
    },
  });
  const done = await rig.send({
    command: "bar_snapshot",
    params: { codes: [index, fund], start_date: DAY, end_date: DAY },
  });
  assert.deepEqual([done.word, done.rows.new], ["stored", 2]);
  assert.deepEqual(
    [rig.calls("index_daily").length, rig.calls("fund_daily").length, rig.calls("daily").length],
    [1, 1, 0],
  );
});

const market = generateMarket({ seed: 4, codes: 12, tradingDays: 4 });
const [FIRST, LAST] = [market.days[0] ?? parseDay("2025-12-26"), market.days.at(-1) ?? parseDay("2025-12-31")];

/** What stands of a bar in the store, as text. */
const shown = (bar: Bar): string =>
  [bar.time, bar.open, bar.high, bar.low, bar.close, bar.preClose ?? "-", bar.volume, bar.turnover, bar.flags].join(
    " ",
  );

test("every cell that the simulated server sends of a generated market comes out as the market has it", async () => {
  await using simulator = await startTushareSimulator({
    data: marketData(market, { auctionRow: "within" }),
    limits: [],
  });
  await using source = openTushareSource({
    token: simulator.token,
    baseUrl: simulator.url,
    clock: systemClock,
    useProxy: false,
  });
  const fetchAll = async (code: string, frequency: Frequency): Promise<readonly string[]> => {
    const selection = { by: "codes", codes: [parseSecurityCode(code)], from: FIRST, to: LAST } as const;
    const page = await source.fetch({ dataSet: "bars", frequency, selection }, AbortSignal.timeout(5_000));
    assert.deepEqual([page.rejected, page.rest], [[], []]);
    return page.rows.map(shown).toSorted();
  };
  let bars = 0;
  for (const { code } of COMPOSITES) {
    const truth = compositeHistory(market, code).map((bar) => {
      const prices = [bar.openMilli, bar.highMilli, bar.lowMilli, bar.closeMilli, bar.preCloseMilli];
      const texts = prices.map((milli) => decimalOf(milli, 3));
      return [`${bar.day} 00:00:00`, ...texts, bar.volume, decimalOf(bar.turnoverCents, 2), 0].join(" ");
    });
    assert.deepEqual(await fetchAll(code, "1d"), truth);
    bars += truth.length;
  }
  for (const [frequency, minutes] of [
    ["1m", undefined],
    ["5m", 5],
    ["15m", 15],
    ["30m", 30],
    ["60m", 60],
  ] as const) {
    for (const { code } of market.securities) {
      const truth = market.days.flatMap((day) => minutesOf(code, day, minutes));
      assert.deepEqual(await fetchAll(code, frequency), truth, `${code} ${frequency}`);
      bars += truth.length;
    }
  }
  assert.ok(bars > 10_000, `${bars} bars`);
});

function minutesOf(code: string, day: Day, minutes: MinutesFolded | undefined): readonly string[] {
  const bars = minuteBarsOf(market, code, day);
  return (minutes === undefined ? bars : foldMinutes(bars, minutes)).map((bar) => {
    const prices = [bar.openCents, bar.highCents, bar.lowCents, bar.closeCents].map((cents) => decimalOf(cents, 2));
    return [`${day} ${bar.endsAt}:00`, ...prices, "-", bar.volume, decimalOf(bar.turnoverCents, 2), 0].join(" ");
  });
}

test("with the auction apart its row is flagged, and the row after it has the rest of the first minute", async () => {
  await using simulator = await startTushareSimulator({ data: marketData(market), limits: [] });
  await using source = openTushareSource({
    token: simulator.token,
    baseUrl: simulator.url,
    clock: systemClock,
    useProxy: false,
  });
  for (const { code } of market.barsOn(LAST)) {
    const selection = { by: "codes", codes: [code], from: LAST, to: LAST } as const;
    const { rows } = await source.fetch({ dataSet: "bars", frequency: "1m", selection }, AbortSignal.timeout(5_000));
    const [auction, first] = rows.toReversed();
    const [whole] = minuteBarsOf(market, code, LAST);
    assert.ok(auction !== undefined && first !== undefined && whole !== undefined);
    assert.deepEqual([auction.flags, auction.time, rows.length], [BAR_FLAGS.auction, `${LAST} 09:30:00`, 241]);
    assert.equal(BigInt(auction.volume) + BigInt(first.volume), BigInt(whole.volume));
    assert.ok(rows.slice(0, -1).every(({ flags }) => flags === 0));
  }
});
