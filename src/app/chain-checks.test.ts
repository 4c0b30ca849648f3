import assert from "node:assert/strict";
import { test } from "node:test";

import { loadConfig } from "../config.ts";
import { parseChainRule } from "../domain/chain-rule.ts";
import type { ProviderName } from "../domain/provider.ts";
import { checkChains } from "./chain-checks.ts";
import { abilitiesOf } from "./provider-table.ts";

const { config } = loadConfig({ flags: new Map(), env: {}, readFile: () => undefined });
const abilities = abilitiesOf(config);

function check(chain: readonly ProviderName[], ...rules: readonly string[]): () => void {
  const chains = rules.map((text) => parseChainRule(text) ?? assert.fail(`${text} is no rule`));
  return () => checkChains({ chain, chains }, abilities);
}

test("a rule may name who has that, of its market and kind", () => {
  check(["baostock"], "ticks=tdx+akshare", "bars/HK=yahoo", "minutes/CN/stock=tdx", "stock-list=akshare")();
});

test("a rule that names who has nothing of it is refused, with those who have", () => {
  assert.throws(
    check(["baostock"], "ticks=baostock"),
    /^PermanentError: setting providers\.chains: ticks=baostock names baostock, which has nothing of that; (?=.*tdx)(?=.*akshare).* have$/,
  );
  assert.throws(check(["baostock"], "bars/HK=yahoo+tdx"), /bars\/HK=yahoo\+tdx names tdx, which has nothing of that; /);
});

test("nobody for a list of mainland China is an error that names where it is said", () => {
  assert.throws(check(["tdx"]), /providers\.chain is tdx, which has no stock list: add .*baostock/);
  assert.throws(
    check(["baostock", "tdx"], "stock-list=tdx"),
    /providers\.chains has stock-list=tdx, which has no stock list: add .*baostock/,
  );
});
