import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { sizes } from "../../../test/support/sizes.ts";
import { fromScaled, type DecimalText } from "../../base/decimal.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import type { InstrumentKind } from "../../domain/instrument-kind.ts";
import type { ProviderName } from "../../domain/provider.ts";
import type { BarCell } from "../../ports/stored-pair.ts";
import type { ProviderFacts } from "../../ports/provider-facts.ts";
import { AKSHARE_FACTS } from "../../sources/akshare/facts.ts";
import { BAOSTOCK_FACTS } from "../../sources/baostock/facts.ts";
import { TDX_FACTS } from "../../sources/tdx/facts.ts";
import { TUSHARE_FACTS } from "../../sources/tushare/facts.ts";
import { YAHOO_FACTS } from "../../sources/yahoo/facts.ts";
import { compareBarCell, type CellComparison } from "./cells.ts";
import { toSide } from "./reconcile.ts";

const FACTS: Readonly<Record<ProviderName, ProviderFacts>> = {
  tushare: TUSHARE_FACTS,
  baostock: BAOSTOCK_FACTS,
  tdx: TDX_FACTS,
  akshare: AKSHARE_FACTS,
  yahoo: YAHOO_FACTS,
};
const DAY = parseDay("2024-01-02");
const OLD = parseDay("2018-06-06");

function compare(
  cell: BarCell,
  [left, one]: readonly [ProviderName, string | null],
  [right, other]: readonly [ProviderName, string | null],
  { day = DAY, kind = "stock" }: { readonly day?: Day; readonly kind?: InstrumentKind } = {},
): CellComparison {
  const side = (provider: ProviderName) => toSide(FACTS[provider], "1d", kind);
  return compareBarCell(cell, day, [one, side(left)], [other, side(right)]);
}

function verdict(...args: Parameters<typeof compare>): string {
  return compare(...args).verdict;
}

test("what one side does not give is no difference, and the same text is equal", () => {
  assert.equal(verdict("amount", ["tushare", "1345000"], ["yahoo", null]), "not-given");
  assert.equal(verdict("pre_close", ["tdx", null], ["yahoo", null]), "not-given");
  assert.equal(verdict("close", ["tushare", "10.5"], ["tdx", "10.5"]), "equal");
});

test("volume: TongDaXin cuts to lots, Eastmoney goes to the nearest, Sina's whole shares are as they are", () => {
  assert.equal(verdict("volume", ["tushare", "35534153"], ["tdx", "35534100"]), "rounded");
  assert.equal(verdict("volume", ["tushare", "35534199"], ["tdx", "35534200"]), "different");
  assert.equal(verdict("volume", ["tushare", "35534100"], ["tdx", "35534000"]), "different");
  assert.equal(verdict("volume", ["tushare", "227228706"], ["akshare", "227228700"]), "rounded");
  assert.equal(verdict("volume", ["tushare", "227228756"], ["akshare", "227228700"]), "different");
  assert.equal(verdict("volume", ["tushare", "227228756"], ["akshare", "227228756"]), "equal");
  assert.equal(verdict("volume", ["tushare", "227228756"], ["akshare", "227228757"]), "different");
  // 160 shares are a lot for one and two for the other.
  assert.equal(verdict("volume", ["tdx", "100"], ["akshare", "200"]), "rounded");
  assert.equal(verdict("volume", ["tdx", "100"], ["akshare", "300"]), "different");
  // Above 2^24 lots the wire has every other one.
  assert.equal(verdict("volume", ["tushare", "1677721700"], ["tdx", "1677721600"]), "rounded");
  assert.equal(verdict("volume", ["tushare", "1677721900"], ["tdx", "1677721600"]), "different");
});

test("turnover: a float of 32 bits, and whole thousands before the summer of 2018", () => {
  // 320,520,904 yuan as the wire has it: protocol sample.
  assert.equal(verdict("amount", ["tushare", "320520904"], ["tdx", "320520896"]), "rounded");
  assert.equal(verdict("amount", ["tushare", "320520930"], ["tdx", "320520896"]), "different");
  assert.equal(verdict("amount", ["tushare", "320520999.5"], ["tdx", "320520000"], { day: OLD }), "rounded");
  assert.equal(verdict("amount", ["tushare", "320520999.5"], ["tdx", "320520000"]), "different");
  assert.equal(verdict("amount", ["tushare", "320521100"], ["tdx", "320520000"], { day: OLD }), "different");
  assert.equal(verdict("amount", ["tushare", "320519900"], ["tdx", "320520000"], { day: OLD }), "different");
  // Thousands of yuan with three digits.
  assert.equal(verdict("amount", ["tushare", "2172799799"], ["akshare", "2172799799.37"]), "rounded");
  assert.equal(verdict("amount", ["tushare", "2172799799"], ["akshare", "2172799800.37"]), "different");
  const { roundings } = compare("amount", ["tushare", "7000000"], ["tdx", "320520896"]);
  assert.deepEqual(roundings, ["rounded to 1 or rounded to 0.1", "float of 32 bits, then rounded to 0.01"]);
});

test("prices: exact, but for Yahoo's floats of large numbers and the hundredths of an index", () => {
  assert.equal(verdict("close", ["tushare", "10.55"], ["yahoo", "10.5501"]), "different");
  assert.equal(verdict("close", ["tushare", "123456.7891"], ["yahoo", "123456.79"]), "rounded");
  assert.equal(verdict("close", ["tushare", "123456.7891"], ["yahoo", "123456.82"]), "different");
  const index = { kind: "index" } as const;
  assert.equal(verdict("close", ["baostock", "2962.2823"], ["tdx", "2962.28"], index), "rounded");
  assert.equal(verdict("close", ["baostock", "2962.2823"], ["tdx", "2962.29"], index), "different");
  assert.equal(verdict("close", ["baostock", "10.554"], ["tdx", "10.55"]), "different");
  assert.equal(verdict("pre_close", ["tushare", "10.48"], ["baostock", "10.4833"]), "rounded");
  assert.equal(verdict("pre_close", ["tushare", "10.48"], ["baostock", "10.4933"]), "different");
});

/** What each does to a number, in floating point as it does it, from whole shares and cents of yuan. */
const WAYS: Readonly<Record<ProviderName, { volume(shares: number): bigint; cents(cents: number): DecimalText }>> = {
  baostock: { volume: BigInt, cents: (cents) => fromScaled(BigInt(cents), 2) },
  tushare: { volume: BigInt, cents: (cents) => fromScaled(BigInt(Math.round(cents / 100)), 0) },
  akshare: {
    volume: (shares) => BigInt(Math.round(shares / 100)) * 100n,
    cents: (cents) => fromScaled(BigInt(cents), 2),
  },
  tdx: {
    volume: (shares) => BigInt(Math.fround(Math.floor(shares / 100))) * 100n,
    cents: (cents) => fromScaled(BigInt(Math.round(Math.fround(cents / 100) * 100)), 2),
  },
  yahoo: { volume: BigInt, cents: (cents) => fromScaled(BigInt(cents), 2) },
};
const provider = fc.constantFrom<ProviderName>("tushare", "baostock", "tdx", "akshare", "yahoo");

test("one value told by any two is never different, whichever of them stands left", () => {
  fc.assert(
    fc.property(provider, provider, fc.nat(2 ** 41), fc.nat(2 ** 45), (left, right, shares, cents) => {
      const volumes = [WAYS[left].volume(shares), WAYS[right].volume(shares)].map(String);
      const amounts = [WAYS[left].cents(cents), WAYS[right].cents(cents)];
      for (const [cell, [one, other]] of [
        ["volume", volumes],
        ["amount", amounts],
      ] as const) {
        const said = verdict(cell, [left, one ?? ""], [right, other ?? ""]);
        assert.notEqual(said, "different", `${cell} of ${left} ${one} and ${right} ${other}`);
        assert.equal(verdict(cell, [right, other ?? ""], [left, one ?? ""]), said);
      }
    }),
    { numRuns: sizes.propertyRuns },
  );
});

test("where one side is exact, equal after rounding is what the other one makes of its value, and nothing else", () => {
  const near = fc.integer({ min: -400, max: 400 });
  fc.assert(
    fc.property(fc.constantFrom<ProviderName>("tdx", "akshare"), fc.nat(2 ** 30), near, (other, shares, by) => {
      const told = WAYS[other].volume(shares);
      const exact = told + BigInt(by);
      if (exact < 0n) {
        return;
      }
      const said = verdict("volume", ["baostock", String(exact)], [other, String(told)]);
      const isSame = WAYS[other].volume(Number(exact)) === told;
      // Half a lot may go either way.
      const isTie = other === "akshare" && exact % 100n === 50n;
      assert.equal(said !== "different", isSame || (isTie && by > -100 && by < 100), `${exact} and ${told}`);
    }),
    { numRuns: sizes.propertyRuns },
  );
  fc.assert(
    fc.property(fc.nat(2 ** 43), fc.integer({ min: -300_000, max: 300_000 }), (cents, by) => {
      const told = WAYS.tdx.cents(cents);
      const exact = fromScaled(BigInt(Math.max(cents + by, 1)), 2);
      const said = verdict("amount", ["baostock", exact], ["tdx", told]);
      const again = WAYS.tdx.cents(Math.max(cents + by, 1));
      // What is told has two digits, so up to half a fen more may stand behind it.
      const isClose = again === told || Math.abs(Number.parseFloat(exact) - Number.parseFloat(told)) <= 0.005;
      assert.equal(again === told ? said !== "different" : true, true, `${exact} and ${told}`);
      const step = Math.max(Number.parseFloat(told) / 2 ** 23, 0.01);
      if (!isClose && Math.abs(Number.parseFloat(exact) - Number.parseFloat(told)) > step) {
        assert.equal(said, "different", `${exact} and ${told}`);
      }
    }),
    { numRuns: sizes.propertyRuns },
  );
});
