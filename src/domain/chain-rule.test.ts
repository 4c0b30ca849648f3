import assert from "node:assert/strict";
import { test } from "node:test";

import { chainFor, chainForAll, chainForMarket, chainRuleText, parseChainRule, providersInUse } from "./chain-rule.ts";
import { parseSecurityCode } from "./security-code.ts";

test("a rule is read in any order of market and kind, and written as it is read", () => {
  for (const [text, written = text] of [
    ["ticks=tdx+akshare"],
    ["bars/HK=yahoo"],
    ["minutes/CN/etf=tdx+akshare"],
    [" Bars / etf / cn = TDX + yahoo ", "bars/CN/etf=tdx+yahoo"],
    ["adjustment-factors=baostock"],
  ] as const) {
    const rule = parseChainRule(text);
    assert.equal(rule === undefined ? undefined : chainRuleText(rule), written);
  }
});

test("what is no rule", () => {
  for (const text of [
    "",
    "bars",
    "bars=",
    "=tdx",
    "bar=tdx",
    "bars=tdx+nobody",
    "bars=tdx+tdx",
    "bars/HK/CN=tdx",
    "bars/stock/etf=tdx",
    "bars/mars=tdx",
    "bars=tdx=yahoo",
    "bars/=tdx",
  ]) {
    assert.equal(parseChainRule(text), undefined, text);
  }
});

test("the rule that says most of a code holds, and without one the general chain", () => {
  const chains = {
    chain: ["tushare", "baostock"] as const,
    chains: [
      "bars=tdx",
      "bars/HK=yahoo",
      "bars/etf=akshare",
      "bars/CN/index=baostock+tdx",
      "stock-list=akshare",
    ].flatMap((text) => parseChainRule(text) ?? []),
  };
  const of = (code: string, subject: "bars" | "ticks") => chainFor(chains, subject, parseSecurityCode(code));
  assert.deepEqual(of("600000.SH", "bars"), ["tdx"]);
  assert.deepEqual(of("00700.HK", "bars"), ["yahoo"]);
  assert.deepEqual(of("510300.SH", "bars"), ["akshare"]);
  assert.deepEqual(of("000001.SH", "bars"), ["baostock", "tdx"]);
  assert.deepEqual(of("600000.SH", "ticks"), ["tushare", "baostock"]);
  assert.deepEqual(chainForAll(chains, "stock-list"), ["akshare"]);
  assert.deepEqual(chainForAll(chains, "bars"), ["tdx"]);
  assert.deepEqual(chainForMarket(chains, "trading-calendar", "HK"), ["tushare", "baostock"]);
  assert.deepEqual(providersInUse(chains), ["tushare", "baostock", "tdx", "yahoo", "akshare"]);
});
