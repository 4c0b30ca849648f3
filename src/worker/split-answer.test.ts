import assert from "node:assert/strict";
import { test } from "node:test";

import { isNobodys } from "./split-answer.ts";

test("a rejected row with a code of any market is that code's, and one without may be anybody's", () => {
  const row = { dataSet: "bars", day: undefined, reason: "not-parseable", detail: "", raw: "" } as const;
  for (const code of ["600000.SH", "T00018.SH", "00700.HK", "AAPL.US", "BRK-B.US"]) {
    assert.equal(isNobodys({ ...row, code }), false, code);
  }
  for (const code of ["", "600000", "sh.600000", "null"]) {
    assert.equal(isNobodys({ ...row, code }), true, code);
  }
});
