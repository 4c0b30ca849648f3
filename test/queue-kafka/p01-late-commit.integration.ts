import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../contracts/queue-contract.ts";
import { openGroup } from "./support.ts";

const PARTITIONS = [0, 1, 2, 3];

test("P1: what a member finishes after its partition went to another one does not set the group back", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  await rig.publish(PARTITIONS, 4, "one");
  const gate = Promise.withResolvers<void>();
  // A handler that does not hear that its partition was lost.
  const slow = await rig.join({ handle: async ({ offset }) => (offset === 1n ? gate.promise : undefined) });
  await until(async () => (await rig.committed()).every((offset) => offset === 1n), "the first of each is committed");
  const other = await rig.join();
  await until(async () => (await rig.committed()).filter((offset) => offset === 4n).length === 2, "two have moved on");
  const lost = [...new Set(other.run.done.map(({ partition }) => partition))];
  assert.equal(lost.length, 2);
  gate.resolve();
  // It settles everything, also of the two that it kept; a drain would forget what has not begun.
  const kept = PARTITIONS.filter((partition) => !lost.includes(partition));
  const isKeptDone = async (): Promise<boolean> => {
    const offsets = await rig.committed();
    return kept.every((partition) => offsets[partition] === 4n);
  };
  await until(isKeptDone, "what it kept is committed");
  // It says its last marks, and stays a member, so nobody says the right ones after it.
  const { state } = await slow.run.stop();
  const committed = await rig.committed();
  assert.deepEqual(
    lost.map((partition) => committed[partition]),
    [4n, 4n],
    `P1: a late commit set the group back: ${committed.join(", ")}`,
  );
  assert.deepEqual(committed, [4n, 4n, 4n, 4n]);
  assert.equal(state.counts.late, 2, "there were no late results");
});
