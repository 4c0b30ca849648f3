import assert from "node:assert/strict";
import { test } from "node:test";

import { DEAD_LETTER_REASONS } from "../domain/dead-letter.ts";
import { adviceFor, LETTER_ADVICE } from "./letter-advice.ts";
import { prettyJson } from "./letter-text.ts";
import { printable, shorten } from "./printable.ts";
import { readSince } from "./read-since.ts";
import { UsageError } from "./usage-error.ts";

test("foreign text cannot steer the terminal", () => {
  assert.equal(printable("a\u{1b}[2Jb\nc\u{202e}d\u{7f}"), String.raw`a\u001b[2Jb\u000ac\u202ed\u007f`);
  assert.equal(printable("a\nb\r\u{1b}", true), `a\nb${String.raw`\u000d\u001b`}`);
  assert.equal(printable("中文 ünï"), "中文 ünï");
  assert.equal(shorten("abcdef", 4), "abc…");
  assert.equal(shorten("abcd", 4), "abcd");
});

test("a value is laid out with every number as it stands, and what is no JSON stays as it is", () => {
  assert.equal(
    prettyJson('{"a":12345678901234567890,"b":[1.50]}'),
    '{\n  "a": 12345678901234567890,\n  "b": [\n    1.50\n  ]\n}',
  );
  assert.equal(prettyJson("{not json"), "{not json");
  const deep = "[".repeat(200_000) + "]".repeat(200_000);
  assert.equal(prettyJson(deep).length, deep.length);
});

test("a time to begin from is an age, a day at the exchange or an instant", () => {
  const nowMs = Date.UTC(2025, 0, 10);
  assert.equal(readSince("90s", nowMs), nowMs - 90_000);
  assert.equal(readSince("7d", nowMs), nowMs - 7 * 86_400_000);
  assert.equal(readSince("2025-01-02", nowMs), Date.UTC(2025, 0, 1, 16));
  assert.equal(readSince("2025-01-02T03:04:05Z", nowMs), Date.UTC(2025, 0, 2, 3, 4, 5));
  for (const bad of ["", "yesterday", "2025-13-01", "5", "2025-01-02T03:04:05"]) {
    assert.throws(() => readSince(bad, nowMs), UsageError);
  }
});

test("every reason says what to do about it, and a foreign record as well", () => {
  assert.deepEqual(Object.keys(LETTER_ADVICE), Object.keys(DEAD_LETTER_REASONS));
  assert.match(adviceFor("something else"), /no worker of ours/);
});
