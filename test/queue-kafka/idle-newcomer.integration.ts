import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../contracts/queue-contract.ts";
import { openGroup, type GroupMember } from "./support.ts";

const PARTITIONS = [0, 1, 2, 3];

/** Found by these tests: with the client's own assigner the third member of two who have two each stays idle for good. */
test("a member that joins gets a share, also where nobody has more than the rounded average", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  const members: GroupMember[] = [];
  const shares = (): readonly number[] =>
    members.map(({ queue }) => queue.health().partitions).toSorted((left, right) => left - right);
  for (const expected of [[4], [2, 2], [1, 1, 2], [1, 1, 1, 1]]) {
    members.push(await rig.join());
    await until(
      async () => shares().join() === expected.join(),
      `${members.length} members have ${expected.join(", ")} of 4 partitions`,
      10_000,
    );
  }
  await rig.publish(PARTITIONS, 3);
  await until(async () => (await rig.committed()).every((offset) => offset === 3n), "everything is done and committed");
  assert.ok(members.every(({ run }) => run.done.length === 3));
});
