import assert from "node:assert/strict";
import { test } from "node:test";

import { readRecordName } from "./record-name.ts";

test("exchange, code and frequency are in the name, however it is written", () => {
  assert.deepEqual(readRecordName("sz000001.day"), { is: "records", code: "000001.SZ", frequency: "1d" });
  assert.deepEqual(readRecordName("SH688001.LC1"), { is: "records", code: "688001.SH", frequency: "1m" });
  assert.deepEqual(readRecordName("bj920002.lc5"), { is: "records", code: "920002.BJ", frequency: "5m" });
});

test("a name without exchange and code, of another market or of another kind is said to be that", () => {
  for (const name of ["000001.day", "hk00700.day", "sz00001.day", "sz0000011.lc1", "sz00000a.lc5", ".day", "sz.day"]) {
    assert.deepEqual(readRecordName(name), { is: "no-code" }, name);
  }
  assert.deepEqual(readRecordName("31#00700.day"), { is: "other-market" });
  assert.deepEqual(readRecordName("sz000001.DAT"), { is: "other-kind", ending: "dat" });
  assert.deepEqual(readRecordName("sz000001"), { is: "other-kind", ending: "" });
  assert.deepEqual(readRecordName("sz000001.day.bak"), { is: "other-kind", ending: "bak" });
});
