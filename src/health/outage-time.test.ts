import assert from "node:assert/strict";
import { test } from "node:test";

import { HandClock } from "../../test/support/hand-clock.ts";
import { createOutageTime } from "./outage-time.ts";

test("two outages at once count once, and time in which nothing is away does not", async () => {
  const clock = new HandClock();
  const away = new Set<string>();
  const outageMs = createOutageTime(() => away.size > 0, clock);
  await clock.move(1_000);
  assert.equal(outageMs(), 0);
  away.add("store").add("provider");
  outageMs();
  await clock.move(500);
  assert.equal(outageMs(), 500);
  away.delete("store");
  await clock.move(500);
  assert.equal(outageMs(), 1_000);
  away.clear();
  outageMs();
  await clock.move(60_000);
  assert.equal(outageMs(), 1_000);
});
