import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDecimal } from "../../base/decimal.ts";
import { parseDay } from "../../domain/day.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";
import { TICK_FLAGS } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { KLine } from "./k-lines.ts";
import { mapKLines, mapTicks, quotePlaces, tickPriceScale } from "./mapping.ts";
import type { WireTick } from "./ticks.ts";

const BANK = parseSecurityCode("000001.SZ");
const INDEX = parseSecurityCode("000001.SH");
const ETF = parseSecurityCode("510300.SH");
const BOND = parseSecurityCode("113050.SH");
const DAY = parseDay("2024-01-15");

function kLine(changes: Partial<Omit<KLine, "volume" | "amount">> & { volume?: string; amount?: string } = {}): KLine {
  const { volume = "7", amount = "7020", ...others } = changes;
  const prices = { open: 10_010, high: 10_050, low: 9_990, close: 10_020 };
  return { date: DAY, minutes: 0, ...prices, ...others, volume: parseDecimal(volume), amount: parseDecimal(amount) };
}

function tick(changes: Partial<WireTick> = {}): WireTick {
  return { minutes: 600, price: 1_001, lots: 3, trades: undefined, side: 0, ...changes };
}

test("volume: lots of days, shares of minutes, a hundred lots of an index's day", () => {
  const volumeOf = (code: typeof BANK, frequency: "1d" | "5m", volume: string): string | undefined =>
    mapKLines([kLine({ volume, minutes: 600 })], code, frequency).bars[0]?.volume;
  assert.equal(volumeOf(BANK, "1d", "7"), "700");
  assert.equal(volumeOf(ETF, "1d", "7"), "700");
  assert.equal(volumeOf(INDEX, "1d", "7651695"), "76516950000");
  assert.equal(volumeOf(BANK, "5m", "700"), "700");
});

test("volume of an index's minutes is in the unit that its turnover tells, and is rejected when it is the turnover", () => {
  for (const volume of ["14500000", "145000", "1450"]) {
    const { bars } = mapKLines([kLine({ volume, amount: "211000000", minutes: 600 })], INDEX, "1m");
    assert.equal(bars[0]?.volume, "14500000");
  }
  for (const amount of ["0", "211000000"]) {
    const { rejected } = mapKLines([kLine({ volume: "2110000", amount, minutes: 600 })], INDEX, "1m");
    assert.equal(rejected[0]?.reason, "out-of-range", amount);
  }
});

test("volume of bonds is what fits the turnover, and is rejected where nothing does", () => {
  const prices = { open: 117_000, high: 117_500, low: 116_500, close: 117_100 };
  for (const [volume, shares] of [
    ["1000", "1000"],
    ["100", "1000"],
    ["10", "1000"],
    ["1", "1000"],
  ] as const) {
    const { bars } = mapKLines([kLine({ ...prices, volume, amount: "117050" })], BOND, "1d");
    assert.equal(bars[0]?.volume, shares);
  }
  const { rejected } = mapKLines([kLine({ ...prices, volume: "7", amount: "1" })], BOND, "1d");
  assert.deepEqual([rejected[0]?.reason, rejected[0]?.day], ["out-of-range", DAY]);
});

test("prices are exact thousandths, turnover is rounded to the fen, and a previous close is never made up", () => {
  const [bar] = mapKLines([kLine({ open: 3_412, amount: "5430.14990234375" })], ETF, "1d").bars;
  assert.deepEqual([bar?.open, bar?.turnover, bar?.preClose], ["3.412", "5430.15", undefined]);
});

test("a day without volume and turnover is a suspension; a minute without is a bar", () => {
  const idle = kLine({ volume: "0", amount: "0", minutes: 600 });
  assert.deepEqual(mapKLines([idle], BANK, "1d"), {
    bars: [],
    rejected: [],
    suspensions: [{ code: BANK, day: DAY }],
  });
  assert.equal(mapKLines([idle], BANK, "1m").bars.length, 1);
});

test("an index never stands still: a day without volume has its bar", () => {
  const { bars, suspensions } = mapKLines([kLine({ volume: "0", amount: "0" })], INDEX, "1d");
  assert.deepEqual([bars[0]?.close, bars[0]?.volume, bars[0]?.turnover, suspensions.length], ["10.02", "0", "0", 0]);
});

test("the row of 11:30 that is stamped 13:00 is mended, and a second one is rejected", () => {
  const [bar] = mapKLines([kLine({ minutes: 780 })], BANK, "5m").bars;
  assert.equal(bar?.time, "2024-01-15 11:30:00");
  const both = mapKLines([kLine({ minutes: 690 }), kLine({ minutes: 780 })], BANK, "5m");
  assert.deepEqual([both.bars.length, both.rejected[0]?.reason], [1, "not-parseable"]);
});

test("a row whose day does not exist is rejected and its neighbours stay", () => {
  const { bars, rejected } = mapKLines([kLine({ date: "2024-02-30" }), kLine()], BANK, "1d");
  assert.equal(bars.length, 1);
  assert.deepEqual([rejected[0]?.reason, rejected[0]?.day, rejected[0]?.code], ["not-parseable", undefined, BANK]);
});

test("sides of ticks are mapped, never cast, and an unknown one is rejected with its place kept", () => {
  const sides = [0, 1, 2, 5, 8, 3].map((side) => tick({ side, lots: side === 8 ? 0 : 3 }));
  const { ticks, rejected } = mapTicks(sides, BANK, DAY);
  const { ACTIVEBUY, ACTIVESELL, NEUTRAL } = TICK_DIRECTION;
  assert.deepEqual(
    ticks.map(({ direction, flags, sequence }) => [direction, flags, sequence]),
    [
      [ACTIVEBUY, 0, 0],
      [ACTIVESELL, 0, 1],
      [NEUTRAL, 0, 2],
      [NEUTRAL, TICK_FLAGS.afterHours, 3],
      [NEUTRAL, TICK_FLAGS.snapshot, 4],
    ],
  );
  assert.deepEqual(
    [rejected[0]?.reason, rejected[0]?.detail],
    ["not-parseable", "side: expected 0, 1, 2, 5 or 8, got 3"],
  );
  const after = mapTicks([tick({ side: 7 }), tick()], BANK, DAY).ticks;
  assert.equal(after[0]?.sequence, 1);
});

test("ticks of the auctions are flagged: 09:25, and neutral ones from 14:57 to 15:00", () => {
  const flagsOf = (minutes: number, side: number, code = BANK, day = DAY): number | undefined =>
    mapTicks([tick({ minutes, side })], code, day).ticks[0]?.flags;
  assert.equal(flagsOf(565, 2), TICK_FLAGS.auction);
  assert.equal(flagsOf(565, 0), TICK_FLAGS.auction);
  assert.equal(flagsOf(570, 2), 0);
  assert.equal(flagsOf(896, 2), 0);
  assert.equal(flagsOf(897, 2), TICK_FLAGS.auction);
  assert.equal(flagsOf(897, 0), 0);
  assert.equal(flagsOf(900, 2), TICK_FLAGS.auction);
  assert.equal(flagsOf(905, 5), TICK_FLAGS.afterHours);
  const shanghai = parseSecurityCode("600000.SH");
  assert.equal(flagsOf(900, 2, shanghai, parseDay("2018-08-17")), 0);
  assert.equal(flagsOf(900, 2, shanghai, parseDay("2018-08-20")), TICK_FLAGS.auction);
  assert.equal(flagsOf(565, 2, shanghai, parseDay("2018-08-17")), TICK_FLAGS.auction);
});

test("a tick is at its minute, in lots of 100, in the price unit of its kind", () => {
  const [bank] = mapTicks([tick()], BANK, DAY).ticks;
  assert.deepEqual([bank?.time, bank?.price, bank?.volume], ["2024-01-15 10:00:00", "10.01", "300"]);
  const [etf] = mapTicks([tick()], ETF, DAY).ticks;
  assert.equal(etf?.price, "1.001");
  assert.deepEqual(
    ["600000.SH", "900901.SH", "159915.SZ", "160105.SZ", "000001.SH", "113050.SH", "920002.BJ"].map((code) =>
      tickPriceScale(parseSecurityCode(code)),
    ),
    [2, 3, 3, 3, 2, 3, 2],
  );
});

test("a tick without a price, with a negative volume or a snapshot with a volume is rejected", () => {
  const rows = [tick({ price: 0 }), tick({ lots: -1 }), tick({ side: 8, lots: 5 }), tick({ minutes: 1_500 })];
  const { ticks, rejected } = mapTicks(rows, BANK, DAY);
  assert.equal(ticks.length, 0);
  assert.deepEqual(
    rejected.map(({ reason }) => reason),
    ["price-not-positive", "out-of-range", "out-of-range", "not-parseable"],
  );
});

test("the unit of a quote's volume is lots, and of indices and bonds what the turnover tells", () => {
  const places = (code: typeof BANK, lots: number, amount: string, price: number): number | undefined =>
    quotePlaces({ lots, amount: parseDecimal(amount), low: price, high: price }, code);
  assert.equal(places(BANK, 7, "1", 1_002), 2);
  assert.equal(places(INDEX, 7_651_695, "1113082036224", 408_247), 4);
  assert.equal(places(INDEX, 765_169_500, "1113082036224", 408_247), 2);
  assert.equal(places(INDEX, 7_651_695, "1", 408_247), undefined);
  assert.equal(places(BOND, 100, "117050", 117_050), 1);
  assert.equal(places(BOND, 0, "0", 117_050), undefined);
});
