import assert from "node:assert/strict";
import { test } from "node:test";

import * as fc from "fast-check";

import { parseLossless } from "./json-text.ts";

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
