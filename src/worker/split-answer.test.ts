import assert from "node:assert/strict";
import { test } from "node:test";

import { parseDay } from "../domain/day.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { Call } from "../domain/unit.ts";
import { isNobodys, toAnswer } from "./split-answer.ts";

test("a rejected row with a code of any market is that code's, and one without may be anybody's", () => {
  const row = { dataSet: "bars", day: undefined, reason: "not-parseable", detail: "", raw: "" } as const;
  for (const code of ["600000.SH", "T00018.SH", "00700.HK", "AAPL.US", "BRK-B.US"]) {
    assert.equal(isNobodys({ ...row, code }), false, code);
  }
  for (const code of ["", "600000", "sh.600000", "null"]) {
    assert.equal(isNobodys({ ...row, code }), true, code);
  }
});

test("an answer that names codes and is not the last of its call says that it was cut", () => {
  const [from, to] = [parseDay("2024-01-02"), parseDay("2024-01-31")];
  const selection = { by: "codes", codes: [parseSecurityCode("600000.SH")], from, to } as const;
  const call: Call = { dataSet: "bars", frequency: "1d", selection };
  const evidence = { provider: "tushare", callId: "c", version: 1n } as const;
  assert.equal(toAnswer(call, { evidence, received: 2, rest: [call] }, 0).isCut, true);
  assert.equal(toAnswer(call, { evidence, received: 2, rest: [] }, 0).isCut, undefined);
});
