import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { translate } from "./errors.ts";

function serverError(code: string, message = "what the server says"): Error {
  return Object.assign(new Error(message), { code });
}

test("a deadlock, a lost connection and anything fatal pass by themselves", () => {
  for (const code of ["ER_LOCK_DEADLOCK", "PROTOCOL_CONNECTION_LOST", "ECONNREFUSED", "ER_CON_COUNT_ERROR"]) {
    assert.ok(translate(serverError(code), "writing", true) instanceof TransientError, code);
  }
  assert.ok(
    translate(Object.assign(serverError("ER_NEW"), { fatal: true }), "writing", true) instanceof TransientError,
  );
});

test("refused credentials and missing rights or tables need a person", () => {
  const refused = translate(serverError("ER_ACCESS_DENIED_ERROR"), "reading", true);
  assert.ok(refused instanceof PermanentError && refused.isCredentials);
  const missing = translate(serverError("ER_NO_SUCH_TABLE"), "reading", true);
  assert.ok(missing instanceof PermanentError && !missing.isCredentials);
  assert.equal(missing.message, "reading: what the server says");
});

test("a value that the server refuses is about this row, and the unknown is a defect with its cause", () => {
  assert.ok(translate(serverError("ER_DATA_TOO_LONG"), "writing", true) instanceof DataError);
  const cause = serverError("ER_PARSE_ERROR");
  const unknown = translate(cause, "writing", true);
  assert.equal(unknown.constructor, Error);
  assert.equal(unknown.cause, cause);
});

test("what is translated already stays as it is", () => {
  const error = new TransientError("away");
  assert.equal(translate(error, "writing", true), error);
});

test("trouble with TLS is read from the client's words, since it hides the code", () => {
  const tls = (message: string, rest = {}): string => {
    const error = translate(Object.assign(serverError("HANDSHAKE_SSL_ERROR", message), rest), "connecting", true);
    assert.ok(error instanceof PermanentError && !error.isCredentials, message);
    return error.message;
  };
  assert.match(tls("certificate has expired"), /^connecting: its TLS certificate has expired/);
  assert.match(tls("self-signed certificate in certificate chain"), /trusted here: .* with mysql\.tls_ca$/);
  const cert = { subjectaltname: "DNS:db.example" };
  assert.match(tls("IP: 127.0.0.1 is not in the cert's list: ", { cert }), /TLS failed with/);
  const words = "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ";
  assert.match(tls(words, { cert }), /is for other hosts \(DNS:db\.example\)/);
  const none = translate(serverError("HANDSHAKE_NO_SSL_SUPPORT"), "connecting", true);
  assert.match(none.message, /set mysql\.tls to false$/);
});

test("where TLS is off and access is denied, it is thought of", () => {
  const denied = serverError("ER_ACCESS_DENIED_ERROR", "Access denied");
  assert.match(translate(denied, "connecting", false).message, /set mysql\.tls to true$/);
  assert.doesNotMatch(translate(denied, "connecting", true).message, /mysql\.tls/);
});
