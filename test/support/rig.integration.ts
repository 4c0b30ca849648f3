import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";

import { Admin } from "@platformatic/kafka";
import { createConnection, type RowDataPacket } from "mysql2/promise";
import { createClient } from "redis";

import { isRunning } from "./rig/is-running.ts";
import { canRun } from "./services.ts";
import type { ChildService } from "./services/child-service.ts";
import { startClickHouseHttp, whyNoClickHouse } from "./services/clickhouse-http.ts";
import { openGuardedFolder } from "./services/guarded-folder.ts";
import { askKafka, startKafka, whyNoKafka } from "./services/kafka.ts";
import { startMariaDb, whyNoMariaDb } from "./services/mariadb.ts";
import { startRedis, whyNoRedis } from "./services/redis.ts";
import { waitFor } from "./wait-for.ts";

suite("a service of the rig answers, survives SIGKILL with its data, and is gone after stop", () => {
  test("Kafka", async (t) => {
    if (!canRun(t, whyNoKafka())) {
      return;
    }
    await using kafka = await startKafka();
    assert.match(await kafka.version(), /^4\./);
    await withAdmin(kafka.address, (admin) => admin.createTopics({ topics: ["kept"], partitions: 3, replicas: 1 }));
    await killAndRestart(kafka);
    assert.equal((await askKafka(kafka.address)).clusterId, kafka.clusterId);
    assert.deepEqual(await withAdmin(kafka.address, (admin) => admin.listTopics()), ["kept"]);
    await stopAndLook(kafka);
  });

  test("Redis", async (t) => {
    if (!canRun(t, whyNoRedis())) {
      return;
    }
    await using redis = await startRedis({ password: "secret" });
    assert.match(await redis.version(), /^\d+\./);
    await askRedisFor(redis.url, ["SET", "kept", "yes"]);
    await killAndRestart(redis);
    assert.equal(await askRedisFor(redis.url, ["GET", "kept"]), "yes");
    await stopAndLook(redis);
  });

  test("MariaDB", async (t) => {
    if (!canRun(t, whyNoMariaDb())) {
      return;
    }
    await using mariaDb = await startMariaDb();
    assert.match(await mariaDb.version(), /MariaDB/);
    await askSql(mariaDb.url, "CREATE TABLE kept (a INT) ENGINE = InnoDB");
    await askSql(mariaDb.url, "INSERT INTO kept VALUES (7)");
    await killAndRestart(mariaDb);
    assert.deepEqual(await askSql(mariaDb.url, "SELECT a FROM kept"), [{ a: 7 }]);
    await stopAndLook(mariaDb);
  });

  test("ClickHouse over HTTP", async (t) => {
    if (!canRun(t, whyNoClickHouse())) {
      return;
    }
    await using clickHouse = await startClickHouseHttp();
    assert.match(await clickHouse.version(), /^\d+\.\d+/);
    const ask = async (query: string): Promise<string> => {
      const response = await fetch(clickHouse.url, { method: "POST", body: query });
      return response.text();
    };
    assert.equal(await ask("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a"), "");
    assert.equal(await ask("INSERT INTO kept VALUES (7)"), "");
    await killAndRestart(clickHouse);
    assert.equal(await ask("SELECT a FROM kept"), "7\n");
    await stopAndLook(clickHouse);
  });
});

test("a service that does not come up fails with its own last words, and its folder is gone", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await assert.rejects(startKafka({ settings: { "node.id": "none" } }), (error: Error) => {
    assert.match(error.message, /^starting kafka failed: it ended, saying\n/);
    assert.match(error.message, /Invalid value none for configuration broker\.id/);
    return true;
  });
});

test("a guarded folder is removed with all in it", async () => {
  const folder = await openGuardedFolder("guarded");
  await mkdir(path.join(folder.path, "a", "b"), { recursive: true });
  await folder[Symbol.asyncDispose]();
  assert.ok(!existsSync(folder.path));
});

test("waitFor names what it waited for in vain, and gives back what it got", async () => {
  await assert.rejects(
    waitFor(() => undefined, { what: "rain", timeoutMs: 20, everyMs: 5 }),
    /waited 20 ms for rain/,
  );
  assert.equal(await waitFor(() => 0, { what: "a number" }), 0);
});

async function killAndRestart(service: ChildService): Promise<void> {
  const pid = service.pid ?? 0;
  assert.ok(isRunning(pid));
  await service.kill();
  assert.equal(service.pid, undefined);
  assert.ok(!isRunning(pid));
  await service.restart();
  assert.notEqual(service.pid, pid);
}

async function stopAndLook(service: ChildService): Promise<void> {
  const pid = service.pid ?? 0;
  await service.stop();
  await service.stop();
  assert.ok(!isRunning(pid));
}

async function withAdmin<Answer>(address: string, use: (admin: Admin) => Promise<Answer>): Promise<Answer> {
  const admin = new Admin({ clientId: "rig", bootstrapBrokers: [address], retries: 3 });
  try {
    return await use(admin);
  } finally {
    await admin.close();
  }
}

async function askRedisFor(url: string, command: readonly string[]): Promise<unknown> {
  const client = createClient({ url });
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}

async function askSql(url: string, sql: string): Promise<readonly unknown[]> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : [];
  } finally {
    await connection.end();
  }
}
