import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Queue } from "../../src/ports/queue.ts";
import { FETCH_WAIT_MS_MAX } from "../../src/queue/kafka/group-options.ts";
import { until } from "../contracts/queue-contract.ts";
import { placeOf } from "../contracts/queue-run.ts";
import { openGroup } from "./support.ts";

const PARTITIONS = [0, 1, 2, 3];

test("P12: a reader that has no room stops, and goes on with the same stream when it has", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  await rig.publish(PARTITIONS, 40);
  const gate = Promise.withResolvers<void>();
  const member = await rig.join({ handle: () => gate.promise, limits: { messagesMax: 5, partitionMessagesMax: 5 } });
  await member.run.until(() => member.run.state?.inHand === 5, "the window is full");
  await until(async () => member.queue.health().isReady, "a full window is no fault");
  gate.resolve();
  await member.run.until(() => member.run.done.length === 160, "P12: reading goes on when there is room");
  assert.equal((await member.run.stop()).isCommitted, true);
  assert.deepEqual(
    [member.queue.health().reopened, member.queue.health().rebuilt, member.run.state?.counts.joins],
    [0, 0, 1],
    "P12: no room ended the stream",
  );
});

test("P13: after the end of delivery nothing is handed out, also when a rebalance resumes what was paused", async (t) => {
  await using rig = await openGroup(t, PARTITIONS.length);
  if (rig === undefined) {
    return;
  }
  await rig.publish(PARTITIONS, 2);
  await using queue = await rig.broker.openQueue(rig.topic, rig.group);
  const handedOut = takeEverything(queue);
  await until(async () => handedOut.length === 8, "the first messages are here");
  queue.stopDelivery();
  await rig.publish(PARTITIONS, 2);
  const other = await rig.join();
  await other.run.until(() => other.run.done.length === 8, "the other member has done all of its two partitions");
  assert.equal(queue.health().partitions, 2);
  // Long enough for answers to several fetches, were there any.
  await sleep(3 * FETCH_WAIT_MS_MAX);
  assert.equal(queue.pull(), undefined, "P13: a message was handed out after the end of delivery");
  assert.equal(handedOut.length, 8, `P13: handed out after the end of delivery: ${handedOut.slice(8).join(", ")}`);
});

/** Pulls whatever is there, as a reader without any flag of its own. */
function takeEverything(queue: Queue): readonly string[] {
  const places: string[] = [];
  queue.subscribe({
    onReadable: () => {
      for (let read = queue.pull(); read !== undefined; read = queue.pull()) {
        places.push(placeOf(read.message));
      }
    },
    onRebalance: () => undefined,
    onJoin: () => false,
    onLost: () => undefined,
    onFailure: () => undefined,
  });
  return places;
}
