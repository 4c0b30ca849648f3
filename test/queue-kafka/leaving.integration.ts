import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { until } from "../contracts/queue-contract.ts";
import { TEST_HEARTBEAT_MS } from "../contracts/queue-kafka-broker.ts";
import { canRun } from "../support/services.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { LEAVE_GROUP, SYNC_GROUP } from "./kafka-proxy.ts";
import { createNotedLog } from "./noted-log.ts";
import { startProxiedKafka } from "./proxied-kafka.ts";
import { openGroup } from "./support.ts";

/** Found by these tests: a closed client whose join was answered meanwhile sent heartbeats for ever, and its process never ended. */
test("a member that leaves while it joins again is gone: no heartbeat goes on behind it", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  // What goes on for ever would also keep this file from ending.
  t.after(() => setTimeout(() => process.exit(1), 5_000).unref());
  await using kafka = await startProxiedKafka();
  await using rig = await openGroup(t, 2, kafka.service.address);
  assert.ok(rig !== undefined);
  const log = createNotedLog();
  const connection = { brokers: [kafka.proxied], clientId: "leaving" };
  const leaver = await rig.join({}, { connection, log });
  const other = await rig.join();
  await until(async () => [leaver, other].every(({ queue }) => queue.health().partitions === 1), "both have a share");

  // The answer to the last step of the join comes when the client has begun to leave.
  const left = Promise.withResolvers<void>();
  kafka.proxy.onRequest = (kind) => {
    if (kind === SYNC_GROUP) {
      kafka.proxy.holdAnswersTo(SYNC_GROUP);
      leaver[Symbol.asyncDispose]().then(left.resolve, left.reject);
    } else if (kind === LEAVE_GROUP) {
      kafka.proxy.release();
    }
  };
  await other[Symbol.asyncDispose]();
  await left.promise;

  const before = log.count("kafka heartbeat failed");
  await sleep(4 * TEST_HEARTBEAT_MS);
  assert.equal(log.count("kafka heartbeat failed"), before, "heartbeats go on after the member was closed");
});
