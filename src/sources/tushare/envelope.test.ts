import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../base/errors.ts";
import { parseBody } from "../http/json-text.ts";
import { readEnvelope, readTable } from "./envelope.ts";

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
