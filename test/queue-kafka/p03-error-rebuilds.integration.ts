import assert from "node:assert/strict";
import { test } from "node:test";

import { Admin } from "@platformatic/kafka";

import type { KafkaConnection } from "../../src/queue/kafka/connection.ts";
import { until } from "../contracts/queue-contract.ts";
import { canRun } from "../support/services.ts";
import { startKafka, whyNoKafka } from "../support/services/kafka.ts";
import { openGroup } from "./support.ts";

test("P3: a member that may not join again is replaced until one is let in; the process lives and says it is not ready", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  // A group with room for one: who is thrown out while another takes the place fails to join again.
  await using service = await startKafka({ settings: { "group.max.size": "1" } });
  await using rig = await openGroup(t, 2, service.address);
  assert.ok(rig !== undefined);
  await rig.publish([0, 1], 2);
  const ours = { brokers: [service.address], clientId: "ours" };
  // The watch over heartbeats would notice only after two sessions, 30 s.
  const member = await rig.join({}, { connection: ours, sessionTimeoutMs: 15_000, heartbeatMs: 2_000 });
  await member.run.until(() => member.run.done.length === 4, "it works");

  await throwOut(ours, rig.group);
  const rival = await rig.join({}, { connection: { ...ours, clientId: "rival" } });
  await until(async () => {
    if (!rival.queue.isFresh()) {
      await throwOut(ours, rig.group);
    }
    return rival.queue.isFresh() && member.queue.health().rebuilt > 0;
  }, "P3: the member heard the error and made another one");
  assert.equal(member.queue.health().isReady, false);

  await rival[Symbol.asyncDispose]();
  await until(async () => member.queue.health().isReady, "P3: it is a member again");
  await rig.publish([0, 1], 2);
  await member.run.until(() => member.run.done.length === 8, "it works again");
  assert.equal((await member.run.stop()).isCommitted, true);
});

/** Throws our client's members out of the group, as a coordinator does that has not heard of them for long. */
async function throwOut(connection: KafkaConnection, groupId: string): Promise<void> {
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [...connection.brokers] });
  try {
    const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId);
    const members = [...(group?.members.entries() ?? [])]
      .filter(([, { clientId }]) => clientId === connection.clientId)
      .map(([memberId]) => ({ memberId }));
    if (members.length > 0) {
      await admin.removeMembersFromConsumerGroup({ groupId, members });
    }
  } finally {
    await admin.close();
  }
}
