import assert from "node:assert/strict";
import { test } from "node:test";

import { describeError, PermanentError, TransientError } from "./errors.ts";

test("causes are told on one line, and what is told already is not told again", () => {
  const inner = new Error("connect ECONNREFUSED\n 127.0.0.1:1");
  assert.equal(describeError(new Error("outer", { cause: inner })), "outer: connect ECONNREFUSED 127.0.0.1:1");
  assert.equal(describeError(new Error("outer: inner", { cause: new Error("inner") })), "outer: inner");
  assert.equal(describeError("text"), "text");
});

test("an error of ours has said what its foreign cause means", () => {
  const foreign = new Error("metadata failed 2 times.", { cause: new Error("ECONNREFUSED") });
  const ours = new TransientError("connecting to Kafka at k:1: nobody listens", { cause: foreign });
  assert.equal(describeError(ours), "connecting to Kafka at k:1: nobody listens");
  assert.equal(
    describeError(new PermanentError("starting", "queue", { cause: ours })),
    "starting: connecting to Kafka at k:1: nobody listens",
  );
});
