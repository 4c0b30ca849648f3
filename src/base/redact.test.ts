import assert from "node:assert/strict";
import test from "node:test";

import { makeSecret } from "./make-secret.ts";
import { createRedactor, REDACTED } from "./redact.ts";

test("credentials of a header are left out though nobody named them", () => {
  const redactor = createRedactor([]);
  const basic = `Basic ${btoa("worker:pässword1".normalize("NFC"))}`;
  assert.equal(redactor.text(`sent authorization: ${basic} to it`), `sent authorization: Basic ${REDACTED} to it`);
  assert.equal(redactor.text("Bearer abc.def-1234"), `Bearer ${REDACTED}`);
  assert.deepEqual(redactor.value({ headers: ["x: y", basic] }), { headers: ["x: y", `Basic ${REDACTED}`] });
});

test("words that only look a little like credentials stay", () => {
  const redactor = createRedactor([]);
  for (const words of ["Basic authentication is wanted", "a Bearer token", "the Basic plan"]) {
    assert.equal(redactor.text(words), words);
  }
});

test("a secret that a worker made itself is left out wherever it stands", () => {
  const redactor = createRedactor([]);
  const secret = makeSecret();
  assert.equal(
    redactor.text(`asking http://default:${secret}@127.0.0.1/`),
    `asking http://default:${REDACTED}@127.0.0.1/`,
  );
  assert.equal(redactor.text(`"${secret.slice(0, 20)}…`), `"${REDACTED}…`);
});
