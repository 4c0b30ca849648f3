import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../contracts/queue-contract.ts";
import { openGroup, timesStarted } from "./support.ts";

const PARTITIONS = [0, 1, 2, 3];

test("P2: what is in hand when others join is delivered again and runs once all the same", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  await rig.publish(PARTITIONS, 4);
  const gate = Promise.withResolvers<void>();
  // One message of each partition is committed, so that a rebalance has a place to go back to.
  const first = await rig.join({ handle: async ({ offset }) => (offset === 0n ? undefined : gate.promise) });
  await until(async () => (await rig.committed()).every((offset) => offset === 1n), "the first of each is committed");
  const second = await rig.join();
  await first.run.until(() => first.partitions().length === 2, "the first member has two partitions left");
  const kept = first.partitions();
  await first.run.until(
    () => (first.run.state?.counts.repeats ?? 0) + (first.run.state?.counts.taken ?? 0) >= 16 + 6,
    "what is in hand on the kept partitions has been delivered again",
  );
  gate.resolve();
  await until(async () => (await rig.committed()).every((offset) => offset === 4n), "everything is committed");
  const times = [...timesStarted(first)].filter(([place]) => kept.some((at) => place.includes(`/${at}/`)));
  assert.deepEqual(
    times.filter(([, count]) => count !== 1),
    [],
    "P2: messages ran twice on partitions that were kept",
  );
  assert.equal(times.length, 8);
  assert.equal(second.run.done.length, 6);
});
