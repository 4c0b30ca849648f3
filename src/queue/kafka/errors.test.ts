import assert from "node:assert/strict";
import { test } from "node:test";

import { AuthenticationError, MultipleErrors, NetworkError, ProtocolError, UserError } from "@platformatic/kafka";

import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";
import { isUnknownTopic, translate } from "./errors.ts";

test("a wrong password is found below the network errors that hide it", () => {
  const refused = new AuthenticationError("SASL authentication failed.", {
    cause: new ProtocolError("SASL_AUTHENTICATION_FAILED", "Authentication failed: Invalid username or password"),
  });
  const error = translate(
    new MultipleErrors("Cannot connect to any broker.", [new NetworkError("Connection failed.", { cause: refused })]),
    "connecting",
  );
  assert.ok(error instanceof PermanentError && error.isCredentials && error.scope === "queue");
  assert.match(error.message, /^connecting: .*Invalid username or password$/);
});

test("a missing right is a matter of credentials too", () => {
  const error = translate(new ProtocolError("TOPIC_AUTHORIZATION_FAILED"), "publishing");
  assert.ok(error instanceof PermanentError && error.isCredentials);
});

test("a certificate that is not trusted needs a person, but no other password", () => {
  const cause = Object.assign(new Error("self-signed certificate"), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  const error = translate(new NetworkError("Connection failed.", { cause }), "connecting");
  assert.ok(error instanceof PermanentError && !error.isCredentials);
  assert.match(error.message, /^connecting: its TLS certificate is signed by nobody .* with kafka\.tls_ca$/);
});

test("a message above the topic's limit is about that message only", () => {
  assert.ok(translate(new ProtocolError("MESSAGE_TOO_LARGE"), "publishing") instanceof DataError);
});

test("what passes by itself is transient and says the innermost reason", () => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" });
  const error = translate(
    new MultipleErrors("Cannot connect.", [new NetworkError("Failed.", { cause })]),
    "connecting",
  );
  assert.ok(error instanceof TransientError);
  assert.equal(error.message, "connecting: connect ECONNREFUSED 127.0.0.1:1");
  assert.equal(describeError(error), error.message);
  assert.ok(translate(new ProtocolError("NOT_COORDINATOR"), "committing") instanceof TransientError);
  assert.ok(translate(new UserError("Client is closed."), "committing") instanceof TransientError);
});

test("a topic that does not exist is recognised in both of its forms", () => {
  assert.equal(isUnknownTopic(new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION")), true);
  assert.equal(isUnknownTopic(new UserError("Unknown topic ginkgo.data.commands.")), true);
  assert.equal(isUnknownTopic(new NetworkError("away")), false);
});

test("an error of ours passes as it is", () => {
  const own = new TransientError("no answer");
  assert.equal(translate(own, "again"), own);
});

test("an error without any words is said to be one", () => {
  assert.equal(
    translate(new MultipleErrors("", []), "committing 1 mark").message,
    "committing 1 mark: no broker answered, and the client does not say why",
  );
});
