import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";

import { parseDecimal, shiftDecimal } from "../base/decimal.ts";
import { compactDay, parseDay, SHANGHAI } from "../domain/day.ts";
import { CURRENCY, MARKET, SOURCE } from "../domain/enums.ts";
import { BAR_FLAGS, type Bar, type Instrument } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { checkBars } from "./check-bars.ts";
import type { CheckContext } from "./check-rows.ts";
import { bundledCalendar } from "./trading-calendar.ts";

const code = parseSecurityCode("000001.SZ");
const instrument: Instrument = {
  code,
  name: "Ping An Bank",
  industry: "",
  market: MARKET.CHINA,
  currency: CURRENCY.CNY,
  status: "listed",
  listedOn: parseDay("1991-04-03"),
  delistedOn: undefined,
  source: SOURCE.TUSHARE,
};
const context: CheckContext<"bars"> = {
  call: {
    dataSet: "bars",
    frequency: "1d",
    selection: { by: "codes", codes: [code], from: parseDay("1991-04-03"), to: parseDay("2025-11-28") },
  },
  reference: { calendar: bundledCalendar(), instrument: (wanted) => (wanted === code ? instrument : undefined) },
  nowMs: Date.parse("2025-11-28T12:00:00Z"),
};

interface Numbers {
  readonly open?: string;
  readonly high?: string;
  readonly low?: string;
  readonly close?: string;
  readonly preClose?: string;
  readonly volume?: string;
  readonly turnover?: string;
}

function bar(day: string, numbers: Numbers = {}, more: Partial<Bar> = {}): Bar {
  const {
    open = "10",
    high = "11",
    low = "9",
    close = "10.5",
    preClose = "10",
    volume = "1000",
    turnover = "10000",
  } = numbers;
  return {
    code,
    frequency: "1d",
    tradingDay: parseDay(day),
    time: `${parseDay(day)} 00:00:00`,
    zone: SHANGHAI,
    open: parseDecimal(open),
    high: parseDecimal(high),
    low: parseDecimal(low),
    close: parseDecimal(close),
    preClose: parseDecimal(preClose),
    volume: parseDecimal(volume),
    turnover: parseDecimal(turnover),
    source: SOURCE.TUSHARE,
    flags: 0,
    ...more,
  };
}

const flagsOf = (one: Bar): number | undefined => checkBars([one], context).rows[0]?.flags;
const reasonOf = (one: Bar): string | undefined => checkBars([one], context).rejected[0]?.reason;

test("a sound bar passes as it is", () => {
  const sound = bar("2024-01-02");
  assert.deepEqual(checkBars([sound], context), { rows: [sound], rejected: [], outside: 0, repeated: 0, flagged: {} });
});

test("a wrong row is rejected with its reason and its neighbours go on", () => {
  assert.equal(reasonOf(bar("2024-01-02", { low: "0" })), "price-not-positive");
  assert.equal(reasonOf(bar("2024-01-02", { close: "-1" })), "price-not-positive");
  assert.equal(reasonOf(bar("2024-01-02", { open: "10.00001" })), "out-of-range");
  assert.equal(reasonOf(bar("2024-01-02", { volume: "0.5" })), "volume-not-whole");
  assert.equal(reasonOf(bar("2024-01-02", { volume: "-1" })), "out-of-range");
  assert.equal(reasonOf(bar("2024-01-02", { volume: "9223372036854775808" })), "out-of-range");
  assert.equal(reasonOf(bar("2024-01-02", { volume: "9223372036854775807", turnover: "0" })), undefined);
  assert.equal(reasonOf(bar("2024-01-02", { turnover: "-0.1" })), "out-of-range");
  assert.equal(reasonOf(bar("2024-01-02", {}, { code: parseSecurityCode("000002.SZ") })), "wrong-code");
  assert.equal(reasonOf(bar("2025-12-01")), "future-day");
  const { rows, rejected } = checkBars([bar("2024-01-02", { low: "0" }), bar("2024-01-03")], context);
  assert.deepEqual([rows.length, rejected.length, rejected[0]?.day], [1, 1, "2024-01-02"]);
});

test("equal rows of a key are one row, and differing ones are all rejected", () => {
  const twice = checkBars([bar("2024-01-02"), bar("2024-01-02"), bar("2024-01-03")], context);
  assert.deepEqual([twice.rows.length, twice.repeated, twice.rejected.length], [2, 1, 0]);
  const differing = checkBars([bar("2024-01-02"), bar("2024-01-02", { close: "10.6" }), bar("2024-01-03")], context);
  assert.deepEqual([differing.rows.length, differing.rejected.length], [1, 2]);
  assert.ok(differing.rejected.every(({ reason }) => reason === "conflicting-rows"));
});

test("days that were not asked for are left out and counted", () => {
  const { rows, outside, rejected } = checkBars([bar("1991-04-02"), bar("2024-01-02")], context);
  assert.deepEqual([rows.length, outside, rejected.length], [1, 1, 0]);
});

test("order, turnover and calendar are flagged, and flags that came with the row stay", () => {
  assert.equal(flagsOf(bar("2024-01-02", { open: "11.01" })), BAR_FLAGS.ohlcOrder);
  assert.equal(flagsOf(bar("2024-01-02", { low: "12", high: "8" })), BAR_FLAGS.ohlcOrder | BAR_FLAGS.turnoverRange);
  assert.equal(flagsOf(bar("2024-01-02", { turnover: "11000" })), 0);
  assert.equal(flagsOf(bar("2024-01-02", { turnover: "11000.0001" })), BAR_FLAGS.turnoverRange);
  assert.equal(flagsOf(bar("2024-01-02", { volume: "0", turnover: "5" })), 0);
  assert.equal(flagsOf(bar("1992-10-04")), BAR_FLAGS.dayNotInCalendar);
  assert.equal(flagsOf(bar("2024-01-02", {}, { turnover: undefined })), BAR_FLAGS.noTurnover);
  assert.equal(flagsOf(bar("2024-01-02", {}, { flags: BAR_FLAGS.built })), BAR_FLAGS.built);
});

test("a close beyond 30 % and one tick is a jump, to the digit, and not in the first five days after listing", () => {
  const wide = { high: "14", low: "5", volume: "0" };
  assert.equal(flagsOf(bar("2024-01-02", { ...wide, close: "13.01" })), 0);
  assert.equal(flagsOf(bar("2024-01-02", { ...wide, close: "13.0101" })), BAR_FLAGS.jump);
  assert.equal(flagsOf(bar("2024-01-02", { ...wide, close: "6.99" })), 0);
  assert.equal(flagsOf(bar("2024-01-02", { ...wide, close: "6.9899" })), BAR_FLAGS.jump);
  assert.equal(flagsOf(bar("2024-01-02", { preClose: "0" })), BAR_FLAGS.jump);
  assert.equal(flagsOf(bar("1991-04-09", { ...wide, close: "13.5" })), 0);
  assert.equal(flagsOf(bar("1991-04-10", { ...wide, close: "13.5" })), BAR_FLAGS.jump);
  assert.equal(flagsOf(bar("2024-01-02", {}, { preClose: undefined })), 0);
});

const recording = path.join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "tushare", "daily", "000001.SZ.csv");
const skip = existsSync(recording) ? false : `NOT RUN: no recording at ${recording}, set GINKGO_TEST_DATA`;

test("of 8,242 recorded bars none is rejected and exactly one has its prices out of order", { skip }, () => {
  const bars = readFileSync(recording, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [, day = "", open = "", high = "", low = "", close = "", preClose = "", , , lots = "", thousands = ""] =
        line.split(",");
      const volume = shiftDecimal(parseDecimal(lots), 2);
      return bar(day, { open, high, low, close, preClose, volume, turnover: shiftDecimal(parseDecimal(thousands), 3) });
    });
  const { rows, rejected, outside, repeated, flagged } = checkBars(bars, context);
  assert.deepEqual([rows.length, rejected.length, outside, repeated], [8242, 0, 0, 0]);
  assert.equal(flagged.ohlcOrder, 1);
  assert.equal(
    compactDay(rows.find(({ flags }) => (flags & BAR_FLAGS.ohlcOrder) !== 0)?.tradingDay ?? parseDay("20000101")),
    "19920803",
  );
  assert.equal(flagged.dayNotInCalendar, undefined);
  assert.equal(flagged.turnoverRange, 78);
  assert.deepEqual(
    rows.filter(({ flags }) => (flags & BAR_FLAGS.jump) !== 0).map(({ tradingDay }) => tradingDay),
    ["1991-05-02", "1992-03-23"],
  );
  assert.equal(
    rows.filter(({ flags, tradingDay }) => (flags & BAR_FLAGS.turnoverRange) !== 0 && tradingDay >= "1993-08-04")
      .length,
    1,
  );
});

test("a turnover that TDX's whole lots and floats explain is not odd, and beyond them it is", () => {
  // A minute of 688001.SH at one price: 3,612 shares of 36.71 that are told as 36 lots.
  const one = { open: "36.71", high: "36.71", low: "36.71", close: "36.71", preClose: "36.71" };
  const flagsOf = (volume: string, turnover: string, source: Bar["source"]): number | undefined =>
    checkBars([bar("2024-01-02", { ...one, volume, turnover }, { source })], context).rows[0]?.flags;
  assert.equal(flagsOf("3600", "132596.52", SOURCE.TDX), 0);
  assert.equal(flagsOf("3600", "132596.52", SOURCE.TUSHARE), BAR_FLAGS.turnoverRange);
  assert.equal(flagsOf("3600", "135900", SOURCE.TDX), BAR_FLAGS.turnoverRange);
  assert.equal(flagsOf("3600", "128400", SOURCE.TDX), BAR_FLAGS.turnoverRange);
  // 1,113,082,036,224 yuan come in steps of 65,536.
  assert.equal(flagsOf("30320948957", "1113082036224", SOURCE.TDX), 0);
});

test("the points of an index are no price that its turnover could miss", () => {
  const index = parseSecurityCode("000001.SH");
  const points = { open: "4087.63", high: "4106.04", low: "4055.41", close: "4082.47", preClose: "4080" };
  const row = bar("2024-01-02", { ...points, volume: "76516950000", turnover: "1113082036224" }, { code: index });
  const selection = { by: "codes", codes: [index], from: row.tradingDay, to: row.tradingDay } as const;
  assert.equal(checkBars([row], { ...context, call: { ...context.call, selection } }).rows[0]?.flags, 0);
});
