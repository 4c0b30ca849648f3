import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { translate } from "./errors.ts";

function serverError(code: string, message = "what the server says"): Error {
  return Object.assign(new Error(message), { code });
}

test("a deadlock, a lost connection and anything fatal pass by themselves", () => {
  for (const code of ["ER_LOCK_DEADLOCK", "PROTOCOL_CONNECTION_LOST", "ECONNREFUSED", "ER_CON_COUNT_ERROR"]) {
    assert.ok(translate(serverError(code), "writing") instanceof TransientError, code);
  }
  assert.ok(translate(Object.assign(serverError("ER_NEW"), { fatal: true }), "writing") instanceof TransientError);
});

test("refused credentials and missing rights or tables need a person", () => {
  const refused = translate(serverError("ER_ACCESS_DENIED_ERROR"), "reading");
  assert.ok(refused instanceof PermanentError && refused.isCredentials);
  const missing = translate(serverError("ER_NO_SUCH_TABLE"), "reading");
  assert.ok(missing instanceof PermanentError && !missing.isCredentials);
  assert.equal(missing.message, "reading: what the server says");
});

test("a value that the server refuses is about this row, and the unknown is a defect with its cause", () => {
  assert.ok(translate(serverError("ER_DATA_TOO_LONG"), "writing") instanceof DataError);
  const cause = serverError("ER_PARSE_ERROR");
  const unknown = translate(cause, "writing");
  assert.equal(unknown.constructor, Error);
  assert.equal(unknown.cause, cause);
});

test("what is translated already stays as it is", () => {
  const error = new TransientError("away");
  assert.equal(translate(error, "writing"), error);
});
