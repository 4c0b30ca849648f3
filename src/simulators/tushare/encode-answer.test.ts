import assert from "node:assert/strict";
import { test } from "node:test";

import { assert as assertProperty, bigInt, constantFrom, integer, property } from "fast-check";

import { fromScaled, parseDecimal, toScaled } from "../../base/decimal.ts";
import { APIS } from "./apis.ts";
import { encodeAnswer, encodeNumber, encodeRefusal } from "./encode-answer.ts";

const OPTIONS = { requestId: "r", numbers: "shortest", hasMore: false, escapesNonAscii: false } as const;

test("trailing zeros are dropped, digits that no float holds are kept", () => {
  assert.equal(encodeNumber("9.00", "shortest", 0), "9");
  assert.equal(encodeNumber("9.0", "float", 0), "9.0");
  assert.equal(encodeNumber("8.90", "float", 0), "8.9");
  assert.equal(encodeNumber("90071992547409.93", "mixed", 0), "90071992547409.93");
  assert.equal(encodeNumber("9007199254740993", "shortest", 0), "9007199254740993");
  assert.equal(encodeNumber("1e3", "shortest", 0), "1e3");
  assert.equal(encodeNumber("1234.5", "exponent", 0), "1.2345e3");
  assert.equal(encodeNumber("0.05", "exponent", 0), "5e-2");
  assert.equal(encodeNumber("0", "exponent", 0), "0e0");
});

test("whole numbers take turns as 9 and 9.0 in mixed style", () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((turn) => encodeNumber("9", "mixed", turn)),
    ["9.0", "9", "9", "9.0"],
  );
});

test("every style writes valid JSON with the same value", () => {
  const styles = constantFrom("shortest", "float", "mixed", "exponent");
  assertProperty(
    property(
      bigInt(-(10n ** 18n), 10n ** 18n),
      integer({ min: 0, max: 8 }),
      styles,
      integer({ min: 0, max: 9 }),
      (scaled, scale, style, turn) => {
        const text = fromScaled(scaled, scale);
        const written = encodeNumber(text, style, turn);
        assert.equal(typeof JSON.parse(written), "number");
        assert.equal(parseDecimal(written), text);
        assert.equal(toScaled(parseDecimal(written), scale), scaled);
      },
    ),
  );
});

test("text that is no number goes out as a string, an absent cell as null", () => {
  const columns = APIS.adj_factor.columns;
  const rows = [
    ["000001.SZ", "20240102", "-"],
    ["000001.SZ", "20240103", undefined],
  ];
  assert.equal(
    encodeAnswer(APIS.adj_factor, columns, rows, OPTIONS),
    '{"request_id":"r","code":0,"msg":"","data":{"fields":["ts_code","trade_date","adj_factor"],"items":[["000001.SZ","20240102","-"],["000001.SZ","20240103",null]],"has_more":false,"count":-1}}',
  );
});

test("has_more is left out when it is undefined, and Chinese can be escaped", () => {
  assert.ok(!encodeAnswer(APIS.daily, [], [], { ...OPTIONS, hasMore: undefined }).includes("has_more"));
  assert.equal(
    encodeRefusal(-1000, "系统内部错误", { ...OPTIONS, escapesNonAscii: true }),
    String.raw`{"request_id":"r","code":-1000,"msg":"\u7cfb\u7edf\u5185\u90e8\u9519\u8bef","data":null}`,
  );
});
