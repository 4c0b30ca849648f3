import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../contracts/queue-contract.ts";
import { placeOf, startRun } from "../contracts/queue-run.ts";
import { sizes } from "../support/sizes.ts";
import { uniqueName } from "../support/unique-name.ts";
import { createNotedLog } from "./noted-log.ts";
import { placed } from "./placed.ts";
import { openThreeBrokers } from "./three-brokers.ts";

const never = new AbortController().signal;
const PARTITIONS = 12;

test("P7: leaders change and the stream ends: it is opened again without joining again, and what is in hand goes on", async (t) => {
  await using three = await openThreeBrokers(t);
  if (three === undefined) {
    return;
  }
  const { cluster, broker } = three;
  const topic = await three.createTopic(PARTITIONS);
  await using producer = await broker.openProducer();
  await producer.publish(placed(topic, PARTITIONS, 2), never);
  const log = createNotedLog();
  // Without the watch for silent streams, which would open another one late: what is promised is that the ended one is.
  await using queue = await broker.openQueue(topic, uniqueName("p7"), {
    log,
    stallMs: 3_600_000,
    sessionTimeoutMs: sizes.sessionMs,
  });
  const gate = Promise.withResolvers<void>();
  let aborted = 0;
  await using run = startRun(queue, {
    log,
    handle: async ({ offset }, signal) => {
      signal.addEventListener("abort", () => (aborted += 1));
      await (offset === 0n ? gate.promise : undefined);
    },
  });
  await run.until(() => run.done.length === PARTITIONS, "a long handler runs on each partition");
  const joins = (): number => log.count("kafka group joined");
  assert.equal(joins(), 1);

  let expected = PARTITIONS;
  const work = async (without: string): Promise<void> => {
    const startedAtMs = Date.now();
    await producer.publish(placed(topic, PARTITIONS, 1), never);
    expected += PARTITIONS;
    await run
      .until(() => run.done.length >= expected, `the messages are done that came without ${without}`, 30_000)
      .catch((error: unknown) => assert.fail(`the ended stream stays ended: ${String(error)}`));
    t.diagnostic(
      `${without} away: done after ${Date.now() - startedAtMs} ms, ${queue.health().reopened} reopened, ${joins()} joins`,
    );
  };
  for (const node of cluster.nodes) {
    await cluster.roll(node, () => work(`broker ${node.id}`));
  }
  // A stop in order may pass between two fetches; a kill is noticed later than the client's retries last.
  const [killed] = cluster.nodes;
  await killed.kill();
  await work(`killed broker ${killed.id}`);
  await killed.restart();
  assert.ok(queue.health().reopened > 0, "no stream ended, so nothing was tried");
  assert.equal(joins() - 1, 0, `${joins() - 1} joins because of leader changes`);
  gate.resolve();
  expected += PARTITIONS;
  await run.until(() => run.done.length === expected, "the long handlers have ended");
  const report = await run.stop();
  assert.equal(report.isCommitted, true);
  assert.deepEqual([aborted, run.started.length], [0, expected]);
  assert.equal(new Set(run.done.map((one) => placeOf(one))).size, expected);
  await until(async () => (await queue.lag(never)).every(({ lag }) => lag === 0n), "all is committed");
});
