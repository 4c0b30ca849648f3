import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { systemClock } from "../../src/base/clock.ts";
import { TransientError } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import { openRedis, type RedisClient } from "../../src/limits/redis-client.ts";
import { createRedisScheduleBook } from "../../src/limits/redis-schedule-book.ts";
import type { ScheduleBook } from "../../src/ports/schedule-book.ts";
import { canRun, requireRedis } from "../support/services.ts";
import { whyNoRedis } from "../support/services/redis.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";
import { OwnRedis } from "./budget-redis-server.ts";
import { runOf, testScheduleBookContract, type OpenBook } from "./schedule-book-contract.ts";

const never = new AbortController().signal;
const LEAD_MS = 400;

interface OpenFleet extends OpenBook {
  readonly client: RedisClient;
  readonly scope: string;
  other(node: string): ScheduleBook;
}

async function open(t: TestContext): Promise<OpenFleet | undefined> {
  const url = await requireRedis(t);
  if (url === undefined) {
    return undefined;
  }
  const { hostname, port } = new URL(url);
  const connection = await openRedis({ host: hostname, port: Number.parseInt(port, 10), log: silentLog }, never);
  const { client } = connection;
  const scope = uniqueName("schedule");
  const other = (node: string): ScheduleBook =>
    createRedisScheduleBook({ client, scope, node, clock: systemClock, leadMs: LEAD_MS });
  const book = other("a");
  const seen = (): ReturnType<ScheduleBook["read"]> => other("looking").read(never);
  return { client, scope, book, other, seen, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() };
}

testScheduleBookContract("in Redis", open);

test("in Redis: one leads; when it is silent for the time of a lead another one does, and does what was begun", async (t) => {
  await using fleet = await open(t);
  if (fleet === undefined) {
    return;
  }
  const { book: a, client, scope } = fleet;
  const b = fleet.other("b");
  assert.equal(await a.lead(never), true);
  assert.equal(await b.lead(never), false);
  assert.equal(await a.begin(runOf("2026-03-04", "begun"), never), "begun");
  await waitFor(() => b.lead(never), { what: "b to lead", timeoutMs: 10 * LEAD_MS });
  // What a begins by then, not knowing, is not its to do.
  assert.equal(await a.begin(runOf("2026-03-04", "begun"), never), "lost");
  await a.resign();
  assert.equal((await fleet.seen()).leader, "b");
  await b.lead(never);
  assert.equal(await b.begin(runOf("2026-03-04", "begun", { node: "b" }), never), "begun");
  // Both had sent it: the later note stands, and it is done.
  await a.end(runOf("2026-03-04", "sent"), never);
  await b.end(runOf("2026-03-04", "sent", { node: "b" }), never);
  assert.deepEqual((await fleet.seen()).runs, [runOf("2026-03-04", "sent", { node: "b" })]);

  // What nobody of ours wrote counts as nothing.
  await client.hSet(`ginkgo:schedule:{${scope}}:runs`, { bars: "[1", list: "{}" });
  assert.deepEqual((await fleet.seen()).runs, []);
  await b.lead(never);
  assert.equal(await b.begin(runOf("2026-03-05", "begun"), never), "begun");
});

test("in Redis: fleets of other stores have a schedule of their own", async (t) => {
  await using one = await open(t);
  await using two = await open(t);
  if (one !== undefined && two !== undefined) {
    assert.deepEqual([await one.book.lead(never), await two.book.lead(never)], [true, true]);
  }
});

test("in Redis: a server that hangs or is away is a failure that passes, for whatever is asked", async (t) => {
  if (!canRun(t, whyNoRedis())) {
    return;
  }
  await using server = await OwnRedis.start();
  await using connection = await openRedis({ host: "127.0.0.1", port: server.port, log: silentLog }, never);
  const options = { client: connection.client, scope: "s", node: "a", clock: systemClock, answerMsMax: 200 };
  const book = createRedisScheduleBook(options);
  const isTransient = (error: unknown): boolean => error instanceof TransientError;
  const askAll = async (): Promise<void> => {
    await assert.rejects(book.lead(never), isTransient);
    await assert.rejects(book.begin(runOf("2026-03-04", "begun"), never), isTransient);
    await assert.rejects(book.end(runOf("2026-03-04", "sent"), never), isTransient);
    await assert.rejects(book.read(never), isTransient);
    await assert.rejects(book.resign(), isTransient);
  };
  server.freeze();
  await askAll();
  server.thaw();
  await server.kill();
  await askAll();
});
