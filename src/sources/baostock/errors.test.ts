import assert from "node:assert/strict";
import { test } from "node:test";

import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";
import { RateLimitError } from "../../ports/budget.ts";
import { BAOSTOCK_CODES, redact, Refusal, translate } from "./errors.ts";

const HOUR_MS = 3_600_000;
const at = { doing: "calling baostock x", secrets: ["hush-hush", "bs-key"] };

function kindOf(code: string, text = "", isLogin = false): string {
  const error = translate(new Refusal(code, text), { ...at, isLogin });
  if (error instanceof RateLimitError) {
    return `limit ${(error.retryAfterMs ?? 0) / HOUR_MS} h`;
  }
  if (error instanceof PermanentError) {
    return `${error.scope}${error.isCredentials ? " credentials" : ""}`;
  }
  return error instanceof TransientError ? "passes" : error instanceof DataError ? "request" : "unknown";
}

test("every code of the page has its kind", () => {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    "provider credentials": ["10001002", "10001007", "10001008", "10001009", "10001012"],
    provider: ["10001004"],
    api: ["10001006"],
    "limit 1 h": ["10001005"],
    "limit 24 h": ["10001011"],
    passes: [
      "10001001",
      "10001003",
      "10001010",
      ...Array.from({ length: 8 }, (_, index) => `1000200${index + 1}`),
      "10004001",
      "10004002",
      "10004003",
      "10005001",
    ],
    request: Array.from({ length: 17 }, (_, index) => `${10_004_004 + index}`),
  };
  const named = Object.entries(kinds).flatMap(([kind, codes]) => codes.map((code) => [code, kind] as const));
  assert.deepEqual(named.map(([code]) => code).toSorted(), BAOSTOCK_CODES.toSorted());
  for (const [code, kind] of named) {
    assert.equal(kindOf(code), kind, code);
  }
});

test("a missing right at the login is the provider's, and one at a request the api's", () => {
  assert.equal(kindOf("10001006", "", true), "provider");
  assert.equal(kindOf("10001006"), "api");
});

test("a blacklist is known by its words under any code", () => {
  assert.equal(kindOf("10005001", "黑名单用户，请与管理员联系"), "limit 24 h");
});

test("a code that nobody wrote down has its family's kind", () => {
  assert.equal(kindOf("10001099"), "api");
  assert.equal(kindOf("10002099"), "passes");
  assert.equal(kindOf("10005002"), "passes");
  assert.equal(kindOf("10004099"), "request");
  assert.equal(kindOf("7"), "request");
  assert.equal(kindOf("toString"), "request");
});

test("no text has the password or the key, and each has the code and the provider's words", () => {
  for (const code of BAOSTOCK_CODES) {
    const text = describeError(translate(new Refusal(code, "you sent hush-hush and bs-key"), at));
    assert.ok(!/hush-hush|bs-key/.test(text), text);
    assert.ok(text.includes(code) && text.includes("you sent [secret] and [secret]"), text);
  }
  assert.equal(redact("a", [""]), "a");
});

test("what the socket says passes by itself, what has a kind keeps it and a defect stays one", () => {
  const reset = Object.assign(new Error("read ECONNRESET hush-hush"), { code: "ECONNRESET" });
  const translated = translate(reset, at);
  assert.ok(translated instanceof TransientError && translated.cause === reset);
  assert.ok(!translated.message.includes("hush-hush"));
  const own = new DataError("own");
  assert.equal(translate(own, at), own);
  for (const code of [undefined, "ERR_INVALID_ARG_TYPE", "ERR_STRING_TOO_LONG"]) {
    const defect = Object.assign(new TypeError("x is no function"), { code });
    assert.equal(translate(defect, at), defect);
  }
});
