import assert from "node:assert/strict";
import test from "node:test";

import { PermanentError } from "../../base/errors.ts";
import { readHeaders } from "./read-headers.ts";

test("headers are read as OpenTelemetry writes them", () => {
  assert.deepEqual(readHeaders(undefined), {});
  assert.deepEqual(readHeaders(" authorization=Bearer%20a%3Db , x-scope=one,"), {
    authorization: "Bearer a=b",
    "x-scope": "one",
  });
});

test("one that is none is a wrong setting, which does not show what was given", () => {
  for (const wrong of [
    "secret-thing",
    "x=ok,=secret-thing",
    "x y=secret-thing",
    "x=%zz-secret-thing",
    "x=a%0d%0asecret-thing",
  ]) {
    assert.throws(
      () => readHeaders(wrong),
      (error) => error instanceof PermanentError && error.scope === "settings" && !error.message.includes("secret"),
    );
  }
});
