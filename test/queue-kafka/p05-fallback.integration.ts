import assert from "node:assert/strict";
import { test } from "node:test";

import { placeOf } from "../contracts/queue-run.ts";
import { until } from "../contracts/queue-contract.ts";
import { openGroup, type GroupMember } from "./support.ts";

const PARTITIONS = [0, 1, 2, 3];

test("P5: two members of a new group take everything from the beginning, also where nothing was ever committed", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  await rig.publish([0, 1], 5);
  const members: readonly GroupMember[] = [await rig.join(), await rig.join()];
  const places = (): Set<string> => new Set(members.flatMap(({ run }) => run.done.map((one) => placeOf(one))));
  await until(async () => members.every(({ queue }) => queue.health().partitions === 2), "both have their share");
  await until(async () => places().size === 10, "P5: what was there before the group is done");
  // Partitions 2 and 3 stay empty until a third member has come: nobody ever commits there before they move.
  const third = await rig.join();
  await until(async () => third.queue.health().partitions > 0, "the third member has its share");
  await rig.publish([2, 3], 5);
  await until(
    async () => new Set([...places(), ...third.run.done.map((one) => placeOf(one))]).size === 20,
    "P5: what came where nothing was committed is done",
  );
  const all = [...members, third];
  assert.deepEqual(
    all.map(({ queue }) => [queue.health().reopened, queue.health().rebuilt]),
    [
      [0, 0],
      [0, 0],
      [0, 0],
    ],
    "P5: streams broke where nothing was committed",
  );
});
