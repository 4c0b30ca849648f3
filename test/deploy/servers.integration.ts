import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { Admin } from "@platformatic/kafka";
import { createClient } from "redis";

import { readDeployFiles } from "../../scripts/lib/deploy/check-all.ts";
import { environmentIn, parseCompose } from "../../scripts/lib/deploy/compose.ts";
import { kafkaProperties } from "../../scripts/lib/deploy/kafka-environment.ts";
import { runGdw } from "../support/run-gdw.ts";
import { canRun } from "../support/services.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { whyNoRedis } from "../support/services/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startDeployedBroker } from "./deployed-broker.ts";
import { startDeployedRedis } from "./deployed-redis.ts";

const { services } = parseCompose(readDeployFiles()["deploy/docker-compose.yml"]);
const serviceOf = (name: string) => {
  const service = services[name];
  assert.ok(service !== undefined, name);
  return service;
};

test("a broker of the Compose file's variables takes our topics by both listeners and makes none by accident", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using broker = await startDeployedBroker(environmentIn(serviceOf("kafka")));
  await using folder = await temporaryFolder();

  const written = await readFile(broker.propertiesFile, "utf8");
  const lines = written.split("\n").filter((line) => line.trim() !== "");
  assert.deepEqual(
    new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)] as const)),
    kafkaProperties(broker.environment),
    "the checks read the variables as Kafka's image does",
  );

  const actions = async (brokers: string): Promise<readonly unknown[]> => {
    const env = { GINKGO_KAFKA_BROKERS: brokers };
    const { code, out, err } = await runGdw(["topics", "ensure", "--json"], { folder: folder.path, env });
    assert.equal(code, 0, err);
    return (JSON.parse(out) as Record<string, unknown>[]).map(({ topic, action, partitions }) => [
      topic,
      action,
      partitions,
    ]);
  };
  const ours = (action: string) => [
    ["ginkgo.data.update", action, 24],
    ["ginkgo.data.update.dlq", action, 24],
    ["ginkgo.data.commands", action, 3],
    ["ginkgo.notifications", action, 3],
  ];
  assert.deepEqual(await actions(broker.network), ours("created"));
  assert.deepEqual(await actions(broker.host), ours("exists"));

  const admin = new Admin({ clientId: "deploy", bootstrapBrokers: [broker.host], retries: 0 });
  try {
    await assert.rejects(admin.metadata({ topics: ["by.accident"], autocreateTopics: true }));
    assert.ok(!(await admin.listTopics({ includeInternals: true })).includes("by.accident"));
  } finally {
    await admin.close();
  }
});

test("Redis takes the Compose file's options", async (t) => {
  if (!canRun(t, whyNoRedis())) {
    return;
  }
  await using redis = await startDeployedRedis(serviceOf("redis").command ?? []);
  const client = createClient({ url: redis.url });
  await client.connect();
  try {
    const kept = await client.configGet(["maxmemory-policy", "maxmemory", "save", "appendonly"]);
    assert.deepEqual(
      { ...kept },
      { appendonly: "no", maxmemory: "134217728", "maxmemory-policy": "noeviction", save: "" },
    );
  } finally {
    client.destroy();
  }
});
