import assert from "node:assert/strict";
import test from "node:test";

import { ALIAS_COUNT, canonicalCode } from "./code-alias.ts";
import { parseSecurityCode } from "./security-code.ts";

const now = (code: string): string => canonicalCode(parseSecurityCode(code));

test("an old Beijing code is the new one, also where its last digits changed", () => {
  assert.equal(ALIAS_COUNT, 248);
  assert.equal(now("430047.BJ"), "920047.BJ");
  assert.equal(now("838163.BJ"), "920163.BJ");
  assert.equal(now("831167.BJ"), "920267.BJ");
  assert.equal(now("873726.BJ"), "920026.BJ");
});

test("every other code is itself: a new one, one of another exchange, one that never moved", () => {
  for (const code of ["920047.BJ", "430047.SZ", "000001.SZ", "000001.SH", "899050.BJ", "839999.BJ"]) {
    assert.equal(now(code), code);
  }
});
