import assert from "node:assert/strict";
import { test } from "node:test";

import { uuidOfKey } from "./uuid.ts";

test("the uuid of a key never changes, says version 5 and its variant, and has no dashes", () => {
  const uuid = uuidOfKey("stock_info/000001.SZ");
  // What Python's uuid.uuid5 answers for our name space and this key.
  assert.equal(uuid, "852eb2341f495b9fb1900f44c66604e5");
  assert.notEqual(uuid, uuidOfKey("stock_info/000002.SZ"));
  assert.match(uuid, /^[0-9a-f]{12}5[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
});
