import assert from "node:assert/strict";
import test from "node:test";

import type { InstrumentKind } from "../domain/instrument-kind.ts";
import { SHANGHAI } from "../domain/day.ts";
import { parseSecurityCode, type Exchange } from "../domain/security-code.ts";
import type { Capability } from "../ports/source.ts";
import { covers, providersOf } from "./covers.ts";

function bars(
  exchanges: readonly Exchange[],
  kinds: readonly InstrumentKind[],
  frequency: "1d" | "5m" = "1d",
): Capability {
  return {
    dataSet: "bars",
    frequency,
    api: "any",
    rowsMax: 10,
    rowsPerDay: 1,
    codesMax: 1,
    byDay: false,
    completeFrom: "17:00",
    zone: SHANGHAI,
    exchanges,
    kinds,
    since: undefined,
  };
}

const code = parseSecurityCode;

test("a provider has a code when it has both its exchange and its kind", () => {
  const stocks = bars(["SH", "SZ"], ["stock"]);
  assert.equal(covers(stocks, code("000001.SZ")), true);
  assert.equal(covers(stocks, code("000001.SH")), false);
  assert.equal(covers(stocks, code("920002.BJ")), false);
});

test("providers are told apart by frequency and kind", () => {
  const abilities = new Map([
    ["tushare", [bars(["SH", "SZ", "BJ"], ["stock"])]],
    ["baostock", [bars(["SH", "SZ"], ["stock", "index"]), bars(["SH", "SZ"], ["stock"], "5m")]],
  ] as const);
  assert.deepEqual(providersOf(abilities, "bars", "1d", code("000001.SZ")), ["tushare", "baostock"]);
  assert.deepEqual(providersOf(abilities, "bars", "1d", code("000001.SH")), ["baostock"]);
  assert.deepEqual(providersOf(abilities, "bars", "5m", code("000001.SH")), []);
  assert.deepEqual(providersOf(abilities, "ticks", "1d", code("000001.SZ")), []);
});
