import assert from "node:assert/strict";
import test from "node:test";

import { app } from "../../src/app.ts";
import type { Check } from "../../src/app/doctor/doctor-api.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Config } from "../../src/config.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startClickHouseHttp } from "../support/services/clickhouse-http.ts";
import { uniqueName } from "../support/unique-name.ts";
import { openWorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: 5, codes: 2, tradingDays: 5 });
const never = new AbortController().signal;

test("doctor finds nothing to fail where all is well, and says what is only missing", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market), env: { GINKGO_HEALTH_PORT: "0" } });
  if (rig === undefined) {
    return;
  }
  const before = await examine(rig.config);
  assert.equal(before.get("tables")?.verdict, "warn", before.get("tables")?.seen);
  assert.match(before.get("tables")?.todo ?? "", /the next start makes them/);
  await app.ensureSchema(rig.config, silentLog, never);
  const checks = await examine(rig.config, true);
  for (const name of [
    "node",
    "health port",
    "kafka",
    "kafka topics",
    "dead letters",
    "clickhouse",
    "clickhouse rights",
    "tables",
    "clickhouse clock",
    "redis",
    "redis clock",
    "node id",
    "provider settings",
    "tushare call",
  ]) {
    assert.equal(checks.get(name)?.verdict, "ok", `${name}: ${checks.get(name)?.seen}`);
  }
  assert.equal(rig.callsOf(), 1, "one provider call and no more");
  assert.deepEqual(
    [...checks.values()].filter(({ verdict }) => verdict === "fail"),
    [],
  );
  // It changed nothing: no group was joined and nothing written.
  assert.deepEqual(await rig.messagesOf(rig.config.kafka.deadLetterTopic), []);
});

test("doctor names what is wrong with each part and goes on", async (t) => {
  const nodeId = uniqueName("node");
  const env = { GINKGO_NODE_ID: nodeId, GINKGO_HEALTH_PORT: "0", GINKGO_KAFKA_PARTITIONS: "3" };
  await using rig = await openWorkerRig(t, { data: marketData(market), env });
  if (rig === undefined) {
    return;
  }
  const { config } = rig;
  const worker = rig.start();
  await rig.publish([{ key: "k", value: "{" }]);
  await rig.untilSettled(1);
  const checks = await examine(
    {
      ...config,
      kafka: { ...config.kafka, partitions: 24 },
      clickhouse: { ...config.clickhouse, user: "nobody", password: "hunter22" },
      tushare: { ...config.tushare, token: "a-wrong-token-of-some-length" },
    },
    true,
  );
  await worker.stop();
  assert.deepEqual(
    ["kafka topics", "clickhouse", "clickhouse rights", "tables", "node id", "tushare call"].map((name) => [
      name,
      checks.get(name)?.verdict,
    ]),
    [
      ["kafka topics", "warn"],
      ["clickhouse", "fail"],
      ["clickhouse rights", "skipped"],
      ["tables", "skipped"],
      ["node id", "warn"],
      ["tushare call", "fail"],
    ],
  );
  assert.match(checks.get("kafka topics")?.todo ?? "", /24 are expected/);
  assert.match(checks.get("clickhouse")?.seen ?? "", /refused the user or the password/);
  assert.match(checks.get("node id")?.seen ?? "", new RegExp(`${nodeId} is the worker on .*, process ${process.pid}`));
  assert.doesNotMatch([...checks.values()].map(({ seen, todo }) => seen + todo).join("\n"), /hunter22/);
});

test("doctor tells a user who may only read, by profile or by grants", async (t) => {
  await using rig = await openWorkerRig(t, { data: marketData(market), env: { GINKGO_HEALTH_PORT: "0" } });
  if (rig === undefined) {
    return;
  }
  await using server = await startClickHouseHttp({
    users: [
      { name: "default", password: "d", may: "everything" },
      { name: "reader", password: "r", may: "read-by-profile" },
      { name: "guest", password: "g", may: "read-by-grants" },
    ],
  });
  const { config } = rig;
  const as = (user: string, password: string): Config => ({
    ...config,
    clickhouse: { ...config.clickhouse, url: server.url, user, password },
  });
  await app.ensureSchema(as("default", "d"), silentLog, never);
  const whole = await examine(as("default", "d"));
  assert.equal(whole.get("clickhouse rights")?.verdict, "ok", whole.get("clickhouse rights")?.seen);
  const failed = async (user: string, password: string): Promise<readonly string[]> =>
    [...(await examine(as(user, password))).values()]
      .filter(({ verdict }) => verdict === "fail")
      .map(({ name, seen }) => `${name}: ${seen}`);
  assert.deepEqual(await failed("reader", "r"), ["clickhouse: the profile of the user reader lets it read only"]);
  assert.deepEqual(await failed("guest", "g"), [
    `clickhouse rights: the user guest may not INSERT, CREATE TABLE, CREATE VIEW, ALTER ADD COLUMN in ${config.clickhouse.database}`,
  ]);
});

async function examine(config: Config, callProvider = false): Promise<ReadonlyMap<string, Check>> {
  const checks = await Array.fromAsync(app.doctor(config, { callProvider }, silentLog, never));
  return new Map(checks.map((check) => [check.name, check]));
}
