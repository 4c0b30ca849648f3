import assert from "node:assert/strict";
import { test } from "node:test";

import { TransientError } from "../../base/errors.ts";
import { translate } from "./errors.ts";

function failure(code: string): Error {
  return Object.assign(new Error("failed"), { code });
}

test("what a socket fails with passes by itself", () => {
  for (const code of ["ECONNRESET", "ECONNREFUSED", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE", "ENOTFOUND", "EAI_AGAIN"]) {
    const error = translate(failure(code), "asking");
    assert.ok(error instanceof TransientError && error.message === `asking: the connection failed (${code})`, code);
  }
  for (const code of ["ERR_STREAM_WRITE_AFTER_END", "ERR_STREAM_DESTROYED", "ERR_SOCKET_CLOSED"]) {
    assert.ok(translate(failure(code), "asking") instanceof TransientError, code);
  }
});

test("a defect of ours and the reason of an abort stay what they are", () => {
  for (const thrown of [
    failure("ERR_SOCKET_BAD_PORT"),
    new TypeError("x"),
    new DOMException("over", "AbortError"),
    "x",
  ]) {
    assert.equal(translate(thrown, "asking"), thrown);
  }
  const known = new TransientError("known");
  assert.equal(translate(known, "asking"), known);
});
