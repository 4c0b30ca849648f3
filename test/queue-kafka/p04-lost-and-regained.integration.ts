import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../contracts/queue-contract.ts";
import { openGroup, timesStarted, untilAborted } from "./support.ts";

const PARTITIONS = [0, 1, 2, 3];

test("P4: what was in hand and not committed when a partition was lost comes again when it is regained", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  await rig.publish(PARTITIONS, 3);
  const gate = Promise.withResolvers<void>();
  const first = await rig.join({ handle: (_, signal) => Promise.race([gate.promise, untilAborted(signal)]) });
  await first.run.until(() => first.run.started.length === 12, "everything is in hand");
  const second = await rig.join({ handle: (_, signal) => untilAborted(signal) });
  await second.run.until(() => second.run.started.length === 6, "the second member has two partitions in hand");
  assert.deepEqual(await rig.committed(), [undefined, undefined, undefined, undefined]);
  await second[Symbol.asyncDispose]();
  await first.run.until(() => first.partitions().length === 4, "the first member has all partitions again");
  await first.run.until(
    () => first.run.started.length >= 18,
    "P4: what was lost uncommitted is delivered again",
    10_000,
  );
  gate.resolve();
  await until(async () => (await rig.committed()).every((offset) => offset === 3n), "everything is committed");
  const done = new Set(first.run.done.map(({ partition, offset }) => `${partition}/${offset}`));
  assert.equal(done.size, 12);
  const times = [...timesStarted(first).values()];
  assert.equal(times.filter((count) => count === 2).length, 6);
  assert.equal(times.filter((count) => count === 1).length, 6);
});
