import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { TransientError } from "./errors.ts";

test("a deadline beyond what a timer can hold does not come at once", async () => {
  for (const ms of [Infinity, 30 * 86_400_000]) {
    const late = new Promise((resolve) => setImmediate(() => setImmediate(() => resolve("done"))));
    assert.equal(await withDeadline(late, ms, "waiting", systemClock), "done");
  }
});

test("what does not come in time is a passing failure that says what was being done", async () => {
  const never = new Promise(() => undefined);
  await assert.rejects(
    withDeadline(never, 5, "asking a server", systemClock),
    (error) => error instanceof TransientError && error.message === "asking a server: no answer within 5 ms",
  );
});
