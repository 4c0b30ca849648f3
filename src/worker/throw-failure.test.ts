import assert from "node:assert/strict";
import test from "node:test";

import { PermanentError } from "../base/errors.ts";
import { GivenBackError } from "../consumer/handling.ts";
import { MessageError } from "../domain/message-error.ts";
import { throwFailure } from "./throw-failure.ts";

const unknown = new MessageError("unknown-code", "$.params.codes", "the stock list does not have it");
const noRight = new PermanentError("no right to it", "api");

async function failWith(...errors: readonly unknown[]): Promise<void> {
  const failures = errors.map((reason) => ({ status: "rejected", reason }) as const);
  throwFailure([{ status: "fulfilled", value: 1 }, ...failures]);
}

test("what the message is not to blame for goes before what would make it a dead letter", async () => {
  for (const error of [new GivenBackError("it is out"), new PermanentError("no such table", "store")]) {
    await assert.rejects(failWith(unknown, noRight, error), error);
  }
});

test("of several of the message's own the first is thrown, and without any nothing", async () => {
  await assert.rejects(failWith(noRight, unknown), noRight);
  await failWith();
});
