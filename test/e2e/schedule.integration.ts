import assert from "node:assert/strict";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import test, { type TestContext } from "node:test";

import { Temporal } from "temporal-polyfill";
import { z } from "zod";

import { openBudgetSide, scheduleScope } from "../../src/app/open-budget.ts";
import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { ensureQueueTopics } from "../../src/app/open-queue.ts";
import { app } from "../../src/app.ts";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { type Config, loadConfig } from "../../src/config.ts";
import type { RunRecord } from "../../src/domain/run-record.ts";
import type { RunName } from "../../src/domain/run-time.ts";
import { createRedisScheduleBook } from "../../src/limits/redis-schedule-book.ts";
import type { ScheduleBook } from "../../src/ports/schedule-book.ts";
import { OwnRedis } from "../contracts/budget-redis-server.ts";
import { canRun, requireKafka } from "../support/services.ts";
import { whyNoRedis } from "../support/services/redis.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";
import { compileCache } from "../support/compile-cache.ts";

const never = new AbortController().signal;
const CODES = ["000001.SZ", "000002.SZ", "600000.SH"];
/** Of real time, since Redis ends it; long against the moment that moving a clock takes. */
const LEAD_MS = 4_000;

test("three simulated days: each run once a day, the missed ones made up, though leaders are killed", async (t) => {
  await using fleet = await openFleet(t);
  if (fleet === undefined) {
    return;
  }
  // Wednesday morning, nothing was ever done: the latest of each run is made up.
  const a = await fleet.start("a", shanghai("2026-03-04T06:00"));
  await fleet.untilSent("bars", "2026-03-03");
  const b = await fleet.start("b", shanghai("2026-03-04T06:00"));
  await fleet.go("2026-03-04T09:26", a, b);
  await fleet.untilSent("factors", "2026-03-04");
  await fleet.go("2026-03-04T17:31", a, b);
  await fleet.untilSent("bars", "2026-03-04");
  await fleet.go("2026-03-04T20:31", a, b);
  await fleet.untilSent("list", "2026-03-04");

  // Thursday: the leader is killed, and nobody leads when the bars are due.
  await fleet.go("2026-03-05T09:26", a, b);
  const factors = await fleet.untilSent("factors", "2026-03-05");
  assert.equal(factors.node, "a");
  await a.kill();
  await fleet.go("2026-03-05T18:10", b);
  assert.deepEqual(await fleet.sentOf("bars"), "2026-03-04");
  const bars = await fleet.untilSent("bars", "2026-03-05");
  assert.equal(bars.node, "b");
  assert.ok(bars.beganAtMs >= Temporal.Instant.from(shanghai("2026-03-05T18:10")).epochMilliseconds);

  // Thursday night and Friday morning: nobody is there at all.
  await b.kill();
  const c = await fleet.start("c", shanghai("2026-03-06T12:00"));
  await fleet.untilSent("list", "2026-03-05");
  await fleet.untilSent("factors", "2026-03-06");
  const d = await fleet.start("d", shanghai("2026-03-06T12:00"));
  await fleet.go("2026-03-06T17:31", c, d);
  await fleet.untilSent("bars", "2026-03-06");
  const report = await app.schedule(fleet.config, silentLog, never);
  assert.equal(report.leader, "c");
  assert.deepEqual(
    report.runs.map(({ name, last }) => `${name} ${last?.day} ${last?.state} ${last?.node} ${last?.messages}`),
    [
      "calendar 2026-03-01 sent a 1",
      "list 2026-03-05 sent c 1",
      "factors 2026-03-06 sent c 3",
      "bars 2026-03-06 sent c 3",
    ],
  );
  assert.match(report.unknown.join(), /ECONNREFUSED/);
  // The leader stops in order: the next one does not have to wait for the lead to end by itself.
  await fleet.go("2026-03-06T20:31", c, d);
  await fleet.untilSent("list", "2026-03-06");
  await c.stop();
  await waitFor(async () => (await fleet.book.read(never)).leader === "d", { what: "the next leader" });

  // Saturday is no trading day.
  await fleet.go("2026-03-07T20:31", d);
  const last = await fleet.untilSent("list", "2026-03-07");
  assert.equal(last.node, "d");
  await fleet.go("2026-03-07T23:59", d);
  await d.stop();

  const days = (name: RunName, of: readonly string[]): readonly string[] =>
    of.map((day) => `schedule-${name}-2026-${day}`);
  assert.deepEqual(
    await fleet.published(),
    new Map(
      [
        ...days("bars", ["03-03", "03-04", "03-05", "03-06"]),
        ...days("calendar", ["03-01"]),
        ...days("factors", ["03-03", "03-04", "03-05", "03-06"]),
        ...days("list", ["03-03", "03-04", "03-05", "03-06", "03-07"]),
      ].map((id) => [id, /bars|factors/.test(id) ? CODES : [""]]),
    ),
  );
});

test("while Redis is away nobody leads and nothing is sent; when it is back, also empty, the missed run is made up", async (t) => {
  await using fleet = await openFleet(t);
  if (fleet === undefined) {
    return;
  }
  const a = await fleet.start("a", shanghai("2026-03-04T12:00"));
  await fleet.untilSent("bars", "2026-03-03");
  await fleet.redis.kill();
  await waitFor(async () => !(await a.go(shanghai("2026-03-04T12:01"))), {
    what: "the end of the lead",
    timeoutMs: 3 * LEAD_MS,
  });
  await a.go(shanghai("2026-03-04T17:45"));
  await fleet.redis.start();
  await waitFor(() => a.go(shanghai("2026-03-04T17:46")), {
    what: "the lead again",
    timeoutMs: 3 * LEAD_MS,
  });
  const bars = await fleet.untilSent("bars", "2026-03-04");
  assert.ok(bars.beganAtMs >= Temporal.Instant.from(shanghai("2026-03-04T17:45")).epochMilliseconds);
  await a.stop();
  // A Redis that forgot everything makes nobody repeat what they remember.
  const published = await fleet.published();
  assert.deepEqual(published.get("schedule-bars-2026-03-04"), CODES);
  assert.deepEqual(published.get("schedule-bars-2026-03-03"), CODES);
});

interface Fleet extends AsyncDisposable {
  readonly redis: OwnRedis;
  readonly config: Config;
  readonly book: ScheduleBook;
  start(node: string, now: string): Promise<Member>;
  /** Moves the clocks of all of them, by Shanghai's wall clock. */
  go(to: string, ...members: readonly Member[]): Promise<void>;
  untilSent(name: RunName, day: string): Promise<RunRecord>;
  /** The day of the latest run that was sent. */
  sentOf(name: RunName): Promise<string | undefined>;
  /** The codes of all messages of the topic, sorted, by request id. */
  published(): Promise<ReadonlyMap<string, readonly string[]>>;
}

interface Member {
  /** Answers whether it leads. */
  go(to: string): Promise<boolean>;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

function shanghai(time: string): string {
  return Temporal.PlainDateTime.from(time).toZonedDateTime("Asia/Shanghai").toInstant().toString();
}

async function openFleet(t: TestContext): Promise<Fleet | undefined> {
  const kafka = await requireKafka(t);
  if (kafka === undefined || !canRun(t, whyNoRedis())) {
    return undefined;
  }
  await using opened = new AsyncDisposableStack();
  const redis = opened.use(await OwnRedis.start());
  const topic = uniqueName("schedule");
  const env = {
    PATH: process.env["PATH"],
    ...compileCache,
    GINKGO_KAFKA_BROKERS: kafka,
    GINKGO_KAFKA_TOPICS: topic,
    GINKGO_KAFKA_PARTITIONS: "3",
    GINKGO_REDIS_HOST: "127.0.0.1",
    GINKGO_REDIS_PORT: `${redis.port}`,
    // Nobody listens there.
    GINKGO_CLICKHOUSE_HOST: "127.0.0.1",
    GINKGO_CLICKHOUSE_PORT: "1",
    GINKGO_SCHEDULE_ENABLED: "true",
  };
  const { config } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
  await ensureQueueTopics(config, silentLog, never);
  const side = opened.use(await openBudgetSide(config, silentLog, never));
  assert.ok(side.redis);
  const scope = scheduleScope(config);
  const book = createRedisScheduleBook({ client: side.redis, scope, node: "test", clock: systemClock });
  const runOf = async (name: RunName): Promise<RunRecord | undefined> =>
    (await book.read(never)).runs.find((run) => run.name === name);
  const children = new Set<ChildProcess>();
  opened.defer(async () => {
    await Promise.all([...children].map((child) => killed(child)));
  });
  const open = opened.move();
  return {
    redis,
    config,
    book,
    start: async (node, now) => {
      const member = fork(join(import.meta.dirname, "schedule-member.ts"), [now, `${LEAD_MS}`, ...CODES], {
        env: { ...env, GINKGO_NODE_ID: node },
        execArgv: process.execArgv.filter((flag) => !flag.startsWith("--test")),
      });
      children.add(member);
      await heard(member, "ready");
      return {
        go: async (to) => {
          const state = heard(member, "state");
          member.send(to);
          return (await state).isLeader ?? false;
        },
        kill: () => killed(member),
        stop: async () => {
          const ended = once(member, "exit");
          member.disconnect();
          assert.deepEqual(await ended, [0, null]);
        },
      };
    },
    go: async (to, ...members) => {
      await Promise.all(members.map((member) => member.go(shanghai(to))));
    },
    untilSent: (name, day) =>
      waitFor(
        async () => {
          const run = await runOf(name);
          return run?.day === day && run.state === "sent" ? run : undefined;
        },
        { what: `${name} of ${day}`, timeoutMs: 20_000 },
      ),
    sentOf: async (name) => (await runOf(name))?.day,
    published: () => readTopic(config, topic),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

const said = z.object({ kind: z.string(), isLeader: z.boolean().optional() });

async function heard(child: ChildProcess, kind: string): Promise<z.infer<typeof said>> {
  const over = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      child.on("message", function listen(message) {
        const one = said.parse(message);
        if (one.kind === kind) {
          child.off("message", listen);
          resolve(one);
        }
      });
      once(child, "exit", { signal: over.signal }).then(
        ([code]) => reject(new Error(`the member ended with ${code}`)),
        () => undefined,
      );
    });
  } finally {
    over.abort();
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
}

async function readTopic(config: Config, topic: string): Promise<ReadonlyMap<string, readonly string[]>> {
  await using tools = await openQueueTools(config, silentLog, never);
  const found: { readonly id: string; readonly code: string }[] = [];
  for await (const { value, key } of tools.reader.read(topic, never)) {
    const message = z.object({ request_id: z.string() }).parse(JSON.parse(value?.toString() ?? ""));
    found.push({ id: message.request_id, code: key?.toString() ?? "" });
  }
  const byId = Map.groupBy(found, ({ id }) => id);
  return new Map([...byId].map(([id, all]) => [id, all.map(({ code }) => code).toSorted()]));
}
