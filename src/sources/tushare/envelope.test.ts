import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { TransientError } from "../../base/errors.ts";
import { parseBody, parseLossless, readEnvelope, readTable } from "./envelope.ts";

test("a number is its source text, whatever a float would make of it", () => {
  const text = `{"items":[[9007199254740993,1e3,123456789012.3456,0.1234,-0,9.0,"12",null,true]]}`;
  assert.deepEqual(parseLossless(text), {
    items: [["9007199254740993", "1e3", "123456789012.3456", "0.1234", "-0", "9.0", "12", null, true]],
  });
});

test("every decimal number survives to the digit", () => {
  const numbers = fc.stringMatching(/^-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/);
  fc.assert(fc.property(numbers, (text) => assert.deepEqual(parseLossless(`[${text}]`), [text])));
});

test("the text of an answer is `msg`, or `message` where a gateway sends only that", () => {
  assert.deepEqual(read(`{"code":0,"msg":null,"data":{}}`), { code: 0, text: "", data: {} });
  assert.deepEqual(read(`{"code":40101,"msg":"a","message":"b","data":null}`), { code: 40101, text: "a", data: null });
  assert.deepEqual(read(`{"code":-1000,"message":"b","data":null}`), { code: -1000, text: "b", data: null });
  assert.deepEqual(read(`{"code":0,"message":"","data":1}`), { code: 0, text: "", data: "1" });
});

test("what is no envelope is none", () => {
  for (const body of [
    "",
    "<html>502</html>",
    "null",
    "[]",
    "{}",
    `{"code":"x"}`,
    `{"code":1.5}`,
    "[".repeat(200_000),
  ]) {
    assert.equal(readEnvelope(parseBody(body)), undefined, body.slice(0, 20));
  }
});

test("an answer without data, columns or rows is never taken for an empty one", () => {
  const broken = [null, undefined, [], {}, { fields: [], items: [] }, { fields: ["a"] }, { fields: ["a"], items: [1] }];
  for (const data of broken) {
    assert.throws(() => readTable(data, "calling"), TransientError, JSON.stringify(data));
  }
  assert.deepEqual(readTable({ fields: ["a"], items: [] }, "calling"), {
    fields: ["a"],
    items: [],
    hasMore: undefined,
  });
  assert.equal(readTable({ fields: ["a"], items: [], has_more: true }, "calling").hasMore, true);
});

function read(body: string): unknown {
  return readEnvelope(parseBody(body));
}
