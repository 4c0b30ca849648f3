import assert from "node:assert/strict";
import { test } from "node:test";

import { requireRedis } from "../../test/support/services.ts";
import { uniqueName } from "../../test/support/unique-name.ts";
import { systemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import type { Beat } from "../ports/heartbeats.ts";
import { openRedis } from "./redis-client.ts";
import { createRedisHeartbeats } from "./redis-heartbeats.ts";

const never = new AbortController().signal;

function beatOf(host: string, pid: number, more: Readonly<Record<string, unknown>> = {}): Beat {
  const timestamp = "2025-01-23T15:30:00.000+08:00";
  return { worker: { nodeId: "n:1", host, pid }, fields: { host, pid, status: "running", timestamp, ...more } };
}

test("a node id belongs to one living process at a time, and beats go away by themselves", async (t) => {
  const address = await requireRedis(t);
  if (address === undefined) {
    return;
  }
  const url = new URL(address);
  await using redis = await openRedis(
    { host: url.hostname, port: Number.parseInt(url.port, 10), log: silentLog },
    never,
  );
  const keyPrefix = `${uniqueName("beat")}[*]`;
  const { client } = redis;
  const open = (ttlMs: number) => createRedisHeartbeats({ client, keyPrefix, ttlMs, clock: systemClock });
  const beats = open(30_000);
  assert.equal(await beats.put(beatOf("a", 1), undefined, never), undefined);
  assert.equal(await beats.put(beatOf("a", 1), undefined, never), undefined);

  for (const [host, pid] of [
    ["b", 1],
    ["a", 2],
  ] as const) {
    const holder = await beats.put(beatOf(host, pid), undefined, never);
    assert.deepEqual([holder?.host, holder?.pid, holder?.isEnded], ["a", 1, false]);
    assert.equal(holder?.beatAtMs, Date.UTC(2025, 0, 23, 7, 30));
    assert.ok((holder?.leftMs ?? 0) > 20_000 && (holder?.leftMs ?? 0) <= 30_000);
  }
  const holder = await beats.put(beatOf("b", 1), undefined, never);
  // Between looking and taking the holder has beaten again: it is alive after all.
  await beats.put(beatOf("a", 1, { uptime_seconds: 5 }), undefined, never);
  assert.equal((await beats.put(beatOf("b", 1), holder, never))?.host, "a");
  const [dead] = await beats.list(never);
  assert.equal(await beats.put(beatOf("b", 1), dead, never), undefined);
  assert.deepEqual(
    (await beats.list(never)).map(({ nodeId, host, status }) => [nodeId, host, status]),
    [["n:1", "b", "running"]],
  );

  for (const last of [{ status: "stopped" }, { status: "error", is_ended: true }]) {
    await beats.put(beatOf("b", 1, last), undefined, never);
    assert.equal(await beats.put(beatOf("c", 7), undefined, never), undefined, "who has ended is not alive");
    await beats.put(beatOf("c", 7, { is_ended: true }), undefined, never);
    assert.equal(await beats.put(beatOf("b", 1), undefined, never), undefined);
  }
  await client.set(`${keyPrefix}:odd`, "no json");
  assert.equal((await beats.list(never)).length, 1);
  await client.del(`${keyPrefix}:odd`);

  assert.equal(await open(60).put(beatOf("b", 1), undefined, never), undefined);
  while ((await beats.list(never)).length > 0) {
    await systemClock.sleep(20);
  }
  assert.equal(await beats.put(beatOf("z", 9), undefined, never), undefined);
  await client.del(`${keyPrefix}:n:1`);
});
