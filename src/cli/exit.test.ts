import assert from "node:assert/strict";
import { test } from "node:test";

import { PermanentError } from "../base/errors.ts";
import { toExit } from "./exit.ts";

class Telling extends PermanentError {
  readonly saysWhatToDo = true;
}

test("an error that says what to do itself gets no second advice", () => {
  const text = "opening q: process 7 holds it; stop that one";
  assert.deepEqual(toExit(new Telling(text, "queue")), { code: 69, lines: [text] });
  const plain = toExit(new PermanentError("opening q: it is not there", "queue"));
  assert.deepEqual(plain.lines, ["opening q: it is not there; it needs a person, trying again does not help"]);
});
