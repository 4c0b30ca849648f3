import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../test/support/manual-clock.ts";
import { createOutageTime } from "./outage-time.ts";

test("two outages at once count once, and time in which nothing is away does not", async () => {
  const clock = new ManualClock();
  const away = new Set<string>();
  const outageMs = createOutageTime(() => away.size > 0, clock);
  await clock.advance(1_000);
  assert.equal(outageMs(), 0);
  away.add("store").add("provider");
  outageMs();
  await clock.advance(500);
  assert.equal(outageMs(), 500);
  away.delete("store");
  await clock.advance(500);
  assert.equal(outageMs(), 1_000);
  away.clear();
  outageMs();
  for (let times = 0; times < 20; times += 1) {
    await clock.advance(3_000);
    assert.equal(outageMs(), 1_000);
  }
});

test("a night in which the machine slept is no worked time", async () => {
  const clock = new ManualClock();
  const outageMs = createOutageTime(() => false, clock);
  await clock.advance(250);
  assert.equal(outageMs(), 0);
  await clock.advance(8 * 3_600_000);
  assert.equal(outageMs(), 8 * 3_600_000);
});
