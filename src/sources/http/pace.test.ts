import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../../test/support/manual-clock.ts";
import { createPace } from "./pace.ts";

const never = new AbortController().signal;

test("starts lie apart, by up to so much more as is drawn", async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { pauseMs: 1_000, spread: 0.5, random: () => 0.5 });
  const startedAtMs: number[] = [];
  const starts = [1, 2, 3].map(async () => {
    await pace.take(never);
    startedAtMs.push(clock.elapsedMs());
  });
  while (startedAtMs.length < starts.length) {
    await clock.advance(250);
  }
  await Promise.all(starts);
  assert.deepEqual(startedAtMs, [0, 1_250, 2_500]);
});

test("a wait for a start ends with the signal's reason", async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { pauseMs: 1_000 });
  await pace.take(never);
  const reason = new Error("enough");
  await assert.rejects(pace.take(AbortSignal.abort(reason)), reason);
  await assert.rejects(pace.ready(AbortSignal.abort(reason)), reason);
});

test("the start of one who gives up is the next one's", async () => {
  const clock = new ManualClock();
  const pace = createPace(clock, { pauseMs: 1_000 });
  await pace.take(never);
  const aborting = new AbortController();
  const reason = new Error("enough");
  const given = pace.take(aborting.signal);
  aborting.abort(reason);
  await assert.rejects(given, reason);
  const next = pace.take(never);
  await clock.advance(1_000);
  await next;
  assert.equal(clock.elapsedMs(), 1_000);
});
