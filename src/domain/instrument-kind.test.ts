import assert from "node:assert/strict";
import test from "node:test";

import { kindOf } from "./instrument-kind.ts";
import { parseSecurityCode } from "./security-code.ts";

const KINDS = {
  stock: [
    "000001.SZ",
    "600000.SH",
    "688001.SH",
    "300750.SZ",
    "302132.SZ",
    "900901.SH",
    "200012.SZ",
    "920002.BJ",
    "430047.BJ",
    "873833.BJ",
  ],
  index: ["000001.SH", "000300.SH", "999999.SH", "880301.SH", "881478.SH", "399001.SZ", "395001.SZ", "899050.BJ"],
  etf: ["510300.SH", "588000.SH", "562500.SH", "551030.SH", "159915.SZ"],
  fund: ["501018.SH", "508000.SH", "161005.SZ", "150018.SZ", "184801.SZ", "180101.SZ"],
  bond: [
    "113050.SH",
    "110059.SH",
    "019547.SH",
    "204001.SH",
    "127021.SZ",
    "123001.SZ",
    "128095.SZ",
    "131810.SZ",
    "810011.BJ",
  ],
} as const;

test("the same digits are another thing on another exchange", () => {
  for (const [kind, codes] of Object.entries(KINDS)) {
    for (const code of codes) {
      assert.equal(kindOf(parseSecurityCode(code)), kind, code);
    }
  }
});

test("a number of no range counts as a stock, so that the stock list decides", () => {
  assert.equal(kindOf(parseSecurityCode("999999.SZ")), "stock");
});
