import assert from "node:assert/strict";
import { tracingChannel } from "node:diagnostics_channel";
import { test } from "node:test";

import { until } from "../contracts/queue-contract.ts";
import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { placeOf, startRun } from "../contracts/queue-run.ts";
import { canRun } from "../support/services.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { uniqueName } from "../support/unique-name.ts";
import { createNotedLog } from "./noted-log.ts";
import { committedOf, placed } from "./placed.ts";
import { startProxiedKafka } from "./proxied-kafka.ts";

const never = new AbortController().signal;
const SESSION_MS = 3_000;
const PARTITIONS = 6;
const GROUP_TIMES = { sessionTimeoutMs: SESSION_MS, heartbeatMs: 300 };

test("P25: after a member was cut off longer than its session, committed is the end on all partitions", async (t) => {
  if (!canRun(t, whyNoKafka())) {
    return;
  }
  await using kafka = await startProxiedKafka();
  await using direct = createKafkaBroker(kafka.service.address);
  await using behind = createKafkaBroker({ brokers: [kafka.proxied], clientId: "cut-off" });
  const { topic } = await direct.createTopic(PARTITIONS);
  await using producer = await direct.openProducer();
  await producer.publish(placed(topic, PARTITIONS, 3), never);
  const group = uniqueName("p25");
  // The late commit may come after what the owner says at its join, so both are needed: the join and the repetition.
  const limits = { repeatMarksEveryMs: 3_000 };
  using commits = watchCommits("cut-off");

  await using cutQueue = await behind.openQueue(topic, group, GROUP_TIMES);
  const gate = Promise.withResolvers<void>();
  const log = createNotedLog();
  await using cut = startRun(cutQueue, {
    limits,
    log,
    handle: ({ offset }) => (offset === 2n ? gate.promise : Promise.resolve()),
  });
  await cut.until(() => cut.started.length === 3 * PARTITIONS, "the member has everything in hand");
  await until(async () => commits.pending() === 0, "its first commits are through");

  kafka.proxy.hold();
  gate.resolve();
  await until(async () => commits.pending() > 0, "a commit is under way into the black hole");

  const joins = createNotedLog();
  await using queue = await direct.openQueue(topic, group, { ...GROUP_TIMES, log: joins });
  await using owner = startRun(queue, { limits });
  await producer.publish(placed(topic, PARTITIONS, 3), never);
  const end = Array.from({ length: PARTITIONS }, () => "6").join(" ");
  await until(async () => (await committedOf(queue)) === end, "the other member has done and committed all", 40_000);
  const joinsBefore = joins.count("kafka group joined");

  kafka.proxy.release();
  let isRewound = false;
  const look = async (): Promise<string> => {
    const committed = await committedOf(queue);
    isRewound ||= committed !== end;
    return committed;
  };
  await until(
    async () => {
      await look();
      return commits.pending() === 0 && joins.count("kafka group joined") > joinsBefore;
    },
    "the cut-off member is back, and its commit has been answered",
    30_000,
  );
  await until(async () => (await look()) === end && cutQueue.isFresh(), "committed is the end again", 15_000).catch(
    async () => assert.fail(`committed stays behind the end: ${await look()} of 6 on each partition`),
  );
  t.diagnostic(isRewound ? "the late commit rewound the group, and was repaired" : "no rewinding was seen");
  await Promise.all([owner.stop(), cut.stop()]);
  assert.equal(await committedOf(queue), end);
  assert.equal(new Set([...owner.done, ...cut.done].map((one) => placeOf(one))).size, 6 * PARTITIONS);
});

/** How many commits of a client are sent and not yet answered for good: the client repeats them by itself. */
function watchCommits(clientId: string): Disposable & { pending(): number } {
  let pending = 0;
  const isOurs = ({ client }: { client: { clientId: string } }): boolean => client.clientId === clientId;
  const channel = tracingChannel<unknown, { client: { clientId: string } }>("plt:kafka:consumer:commits");
  const handlers = {
    start: (context: { client: { clientId: string } }) => {
      pending += isOurs(context) ? 1 : 0;
    },
    asyncEnd: (context: { client: { clientId: string } }) => {
      pending -= isOurs(context) ? 1 : 0;
    },
    end: () => undefined,
    asyncStart: () => undefined,
    error: () => undefined,
  };
  channel.subscribe(handlers);
  return { pending: () => pending, [Symbol.dispose]: () => channel.unsubscribe(handlers) };
}
