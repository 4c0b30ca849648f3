import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { sizes } from "../../../test/support/sizes.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { mapBars, volumeUnitOf } from "./mapping.ts";
import { mapFactors } from "./factors.ts";
import { splitStamp, type WireBar } from "./wire-bar.ts";

const CODE = parseSecurityCode("688001.SH");
const DAY = parseDay("2026-03-13");
const ASKED = { code: CODE, frequency: "1d", from: DAY, to: DAY, unit: "told" } as const;

function bar(more: Partial<WireBar>): WireBar {
  const prices = { open: "20.00", high: "21.00", low: "19.00", close: "20.50" };
  return { day: DAY, endsAt: undefined, ...prices, volume: "10", amount: "20000.00", raw: "", ...more };
}

test("the turnover tells lots from shares, and what fits neither is rejected", () => {
  const cases: readonly (readonly [volume: string, amount: unknown, shares: string | undefined])[] = [
    ["10", "20000.00", "1000"],
    ["1000", "20000.00", "1000"],
    // 149 shares are one lot, and so are 50.
    ["1", "2980.00", "100"],
    ["1", "1000.00", "100"],
    ["10", "200000.00", undefined],
    ["10", "5000.00", undefined],
    ["10", "0", undefined],
    ["10", "-", undefined],
    ["0", "500.00", "0"],
  ];
  for (const [volume, amount, shares] of cases) {
    const { bars, rejected } = mapBars([bar({ volume, amount })], ASKED);
    assert.equal(bars[0]?.volume, shares, `${volume} ${String(amount)}`);
    assert.equal(rejected.length, shares === undefined ? 1 : 0);
  }
});

test("minutes of a fund are in lots or in shares, as their turnover tells; those of a share and all days are in lots", () => {
  const code = parseSecurityCode("510300.SH");
  const prices = { open: "1.689", close: "1.684", high: "1.691", low: "1.683", amount: "57425767.000" };
  const unit = volumeUnitOf(code, "eastmoney", "5m");
  for (const volume of ["340307", "34030700"]) {
    const row = bar({ ...prices, endsAt: "10:35", volume });
    const { bars } = mapBars([row], { code, frequency: "5m", from: DAY, to: DAY, unit });
    assert.equal(bars[0]?.volume, "34030700", `${volume} as ${unit}`);
  }
  assert.equal(volumeUnitOf(code, "eastmoney", "1d"), "lots");
  assert.equal(volumeUnitOf(parseSecurityCode("600000.SH"), "eastmoney", "5m"), "lots");
  assert.equal(volumeUnitOf(code, "sina", "5m"), "shares");
});

test("an auction without a trade gives the first minute no price", () => {
  const code = parseSecurityCode("000001.SZ");
  const flat = (price: string): Partial<WireBar> => ({ open: price, close: price, high: price, low: price });
  const rows = [
    bar({ ...flat("10.30"), endsAt: "09:30", volume: "0", amount: "0" }),
    bar({ ...flat("10.38"), endsAt: "09:31", volume: "12967", amount: "13459746" }),
  ];
  const { bars } = mapBars(rows, { code, frequency: "1m", from: DAY, to: DAY, unit: "lots" });
  assert.deepEqual(
    bars.map(({ time, open, high, low }) => `${time.slice(11, 16)} ${open} ${high} ${low}`),
    ["09:31 10.38 10.38 10.38"],
  );
});

test("every day of whole lots at a price in its range is told right, in either unit", () => {
  const day = fc.record({
    low: fc.integer({ min: 100, max: 90_000 }),
    width: fc.integer({ min: 0, max: 20 }),
    at: fc.integer({ min: 0, max: 100 }),
    shares: fc.integer({ min: 200, max: 90_000_000 }),
  });
  fc.assert(
    fc.property(day, fc.boolean(), ({ low, width, at, shares }, isInLots) => {
      const high = low + Math.floor((low * width) / 100);
      const cents = BigInt(low + Math.floor(((high - low) * at) / 100)) * BigInt(shares);
      const text = (value: number | bigint): string =>
        `${BigInt(value) / 100n}.${`${BigInt(value) % 100n}`.padStart(2, "0")}`;
      const prices = { open: text(low), close: text(low), low: text(low), high: text(high) };
      const lots = Math.round(shares / 100);
      const row = bar({ ...prices, volume: `${isInLots ? lots : shares}`, amount: text(cents) });
      const { bars } = mapBars([row], ASKED);
      assert.equal(bars[0]?.volume, `${isInLots ? lots * 100 : shares}`);
    }),
    { numRuns: sizes.propertyRuns, seed: sizes.seed },
  );
});

test("a day without volume and turnover is a suspension, except of an index", () => {
  const still = bar({ volume: "0", amount: "0.00" });
  assert.deepEqual(mapBars([still], ASKED).suspensions, [{ code: CODE, day: DAY }]);
  const index = mapBars([still], { ...ASKED, code: parseSecurityCode("000300.SH"), unit: "lots" });
  assert.deepEqual([index.bars.length, index.suspensions], [1, []]);
});

test("a number that its column cannot hold, or that is none, rejects the row", () => {
  const wrong: readonly Partial<WireBar>[] = [
    { open: "1e400" },
    { open: "20.00001" },
    { open: undefined },
    { high: "9".repeat(20) },
    { volume: "10.5" },
    { volume: "-1" },
    { volume: "9223372036854775808" },
    { amount: "-1" },
    { amount: "1.00001" },
    { day: "2026-02-30" },
  ];
  for (const more of wrong) {
    const { bars, rejected } = mapBars([bar(more), bar({})], { ...ASKED, unit: "shares" });
    assert.deepEqual([bars.length, rejected.length], [1, 1], JSON.stringify(more));
  }
});

test("a stamp has a day and perhaps a time, and any other stays whole", () => {
  assert.deepEqual(splitStamp("2026-03-13"), { day: "2026-03-13", endsAt: undefined });
  assert.deepEqual(splitStamp("2026-03-13 09:35"), { day: "2026-03-13", endsAt: "09:35" });
  assert.deepEqual(splitStamp("2026-03-13 09:35:00"), { day: "2026-03-13", endsAt: "09:35" });
  assert.deepEqual(splitStamp("2026-03-13T00:00:00.000"), { day: "2026-03-13", endsAt: "00:00" });
  assert.deepEqual(splitStamp("2026-03-13 09:35:30"), { day: "2026-03-13 09:35:30", endsAt: undefined });
  assert.deepEqual(splitStamp(7), { day: "", endsAt: undefined });
});

test("factors are held against what the list has before the first ex-day", () => {
  const code = parseSecurityCode("000002.SZ");
  const entry = (day: string, factor: unknown): { day: string; factor: unknown; raw: string } => ({
    day,
    factor,
    raw: "",
  });
  const read = (...list: readonly ReturnType<typeof entry>[]): readonly (readonly string[])[] =>
    mapFactors(list, code, DAY).rows.map(({ tradingDay, factor }) => [tradingDay, factor]);
  assert.deepEqual(read(entry("2020-01-02", "3.0"), entry("1900-01-01", "2.0")), [["2020-01-02", "1.5"]]);
  assert.deepEqual(read(entry("2020-01-02", "1.123456785")), [["2020-01-02", "1.12345679"]]);
  assert.deepEqual(read(entry("2020-01-02", "1.1234567849")), [["2020-01-02", "1.12345678"]]);
  assert.deepEqual(read(entry("2027-01-02", "2")), []);
  const bad = mapFactors([entry("2020-01-02", "2"), entry("1900-01-01", "0")], code, DAY);
  assert.deepEqual([bad.rows.length, bad.rejected.length, bad.rejected[0]?.day], [0, 1, undefined]);
  const rejected = mapFactors([entry("2020-01-02", "-2"), entry("2021-01-02", "0.000000001")], code, DAY).rejected;
  assert.deepEqual(
    rejected.map(({ day, reason }) => [day, reason]),
    [
      ["2020-01-02", "out-of-range"],
      ["2021-01-02", "out-of-range"],
    ],
  );
});
