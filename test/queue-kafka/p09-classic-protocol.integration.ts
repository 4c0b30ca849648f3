import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { Admin } from "@platformatic/kafka";

import { describeGroup } from "../../src/queue/kafka/group.ts";
import { TEST_SESSION_MS } from "../contracts/queue-kafka-broker.ts";
import { until } from "../contracts/queue-contract.ts";
import { canRun } from "../support/services.ts";
import { startKafka, whyNoKafka } from "../support/services/kafka.ts";
import { openGroup } from "./support.ts";

test("P9: the group speaks the classic protocol, in which partitions move one round after they were let go of", async (t) => {
  await using rig = await openGroup(t, 2);
  if (rig === undefined) {
    return;
  }
  const member = await rig.join();
  await until(async () => member.queue.health().partitions === 2, "it is a member");
  const admin = new Admin({ clientId: "test", bootstrapBrokers: [...rig.broker.connection.brokers] });
  try {
    const listed = (await admin.listGroups()).get(rig.group);
    assert.equal(listed?.groupType, "classic", "P9: the group does not speak the classic protocol");
    const described = (await admin.describeGroups({ groups: [rig.group] })).get(rig.group);
    assert.equal(described?.protocol, "cooperative-sticky");
  } finally {
    await admin.close();
  }
});

test("P9: a process frozen for longer than its session comes back by itself, works and commits", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  // The settings of the other protocol, so that a member of it would be forgotten as soon.
  await using service = await startKafka({
    settings: {
      "group.consumer.min.session.timeout.ms": "1000",
      "group.consumer.session.timeout.ms": String(TEST_SESSION_MS),
      "group.consumer.min.heartbeat.interval.ms": "500",
      "group.consumer.heartbeat.interval.ms": "1000",
    },
  });
  await using rig = await openGroup(t, 2, service.address);
  assert.ok(rig !== undefined);
  await rig.publish([0, 1], 2);
  const script = path.resolve(import.meta.dirname, "../contracts/queue-child.ts");
  const child = spawn(process.execPath, [script, service.address, rig.topic, rig.group], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  let lines = 0;
  createInterface(child.stdout).on("line", () => (lines += 1));
  try {
    const allAt = async (offset: bigint): Promise<boolean> => (await rig.committed()).every((one) => one === offset);
    await until(() => allAt(2n), "the process works and commits");
    child.kill("SIGSTOP");
    const frozenAtMs = Date.now();
    await rig.publish([0, 1], 2);
    await until(
      async () =>
        Date.now() - frozenAtMs > TEST_SESSION_MS + 1_500 &&
        (await describeGroup(rig.broker.connection, rig.group)).members.length === 0,
      "the group has forgotten the frozen process",
    );
    assert.equal(lines, 4);
    child.kill("SIGCONT");
    await until(() => allAt(4n), "P9: what came while it was frozen is done and committed", 10_000);
    assert.equal((await describeGroup(rig.broker.connection, rig.group)).members.length, 1);
    assert.equal(lines, 8);
  } finally {
    child.kill("SIGKILL");
    await gone;
  }
});
