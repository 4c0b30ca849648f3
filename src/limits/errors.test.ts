import assert from "node:assert/strict";
import { test } from "node:test";

import { ClientOfflineError, ErrorReply, ReconnectStrategyError } from "redis";

import { PermanentError, TransientError } from "../base/errors.ts";
import { translate } from "./errors.ts";

test("refused credentials need a person, also when the client wraps them", () => {
  for (const text of [
    "WRONGPASS invalid username-password pair or user is disabled.",
    "NOAUTH Authentication required.",
    "NOPERM this user has no permissions to run the 'evalsha' command",
  ]) {
    const reply = new ErrorReply(text);
    for (const error of [reply, new ReconnectStrategyError(reply, reply)]) {
      const translated = translate(error, "asking");
      assert.ok(translated instanceof PermanentError && translated.isCredentials, text);
      assert.equal(translated.scope, "budget");
    }
  }
});

test("a connection that ended and a server that cannot serve pass by themselves", () => {
  const reset = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
  const loading = new ErrorReply("LOADING Redis is loading the dataset in memory");
  for (const error of [reset, loading, new ClientOfflineError()]) {
    assert.ok(translate(error, "asking") instanceof TransientError, error.message);
  }
});

test("a certificate that has expired needs a person, and the message says where", () => {
  const expired = Object.assign(new Error("certificate has expired"), { code: "CERT_HAS_EXPIRED" });
  const translated = translate(new ReconnectStrategyError(expired, expired), "connecting to redis at r:1");
  assert.ok(translated instanceof PermanentError && !translated.isCredentials);
  assert.equal(
    translated.message,
    "connecting to redis at r:1: its TLS certificate has expired: renew the certificate on that server",
  );
});

test("a broken script is a defect and keeps its own kind", () => {
  const broken = new ErrorReply("ERR user_script:1: attempt to index a nil value");
  assert.equal(translate(broken, "asking"), broken);
  assert.equal(translate("text", "asking"), "text");
});
