import assert from "node:assert/strict";
import { test } from "node:test";

import { marketOf } from "./market.ts";
import { digitsOf, exchangeOf, isSecurityCode, parseSecurityCode } from "./security-code.ts";

test("codes of the mainland, of Hong Kong and of the United States", () => {
  const vectors = [
    ["600000.SH", "SH", "CN", "600000"],
    ["000001.SZ", "SZ", "CN", "000001"],
    ["920002.BJ", "BJ", "CN", "920002"],
    ["00700.HK", "HK", "HK", "00700"],
    ["82800.HK", "HK", "HK", "82800"],
    ["AAPL.US", "US", "US", "AAPL"],
    ["BRK-B.US", "US", "US", "BRK-B"],
    ["F.US", "US", "US", "F"],
  ] as const;
  for (const [text, exchange, market, digits] of vectors) {
    const code = parseSecurityCode(text);
    assert.deepEqual([exchangeOf(code), marketOf(code), digitsOf(code)], [exchange, market, digits], text);
  }
});

test("what is no code", () => {
  const texts = ["700.HK", "0700.HK", "000700.HK", "aapl.US", "AAPL", "AAPL.NASDAQ", "BRK.B.US", "BRK-.US", ".US"];
  for (const text of [...texts, "00700.SH", "600000.HK", "600000.US", "TOOLONGX.US", "600000.SH ", "../x.US"]) {
    assert.equal(isSecurityCode(text), false, text);
  }
});
