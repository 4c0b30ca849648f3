import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { placeOf, startRun } from "../contracts/queue-run.ts";
import { requireKafka } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";
import { createNotedLog } from "./noted-log.ts";
import { placed } from "./placed.ts";

const never = new AbortController().signal;
const PARTITIONS = 12;
const EACH = 150;

test("P20: members that commit all the time let another one join, instead of rebalancing without end", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(PARTITIONS);
  await using producer = await broker.openProducer();
  await producer.publish(placed(topic, PARTITIONS, EACH), never);
  const group = uniqueName("p20");
  const log = createNotedLog();
  const limits = { commitEveryMs: 5, messagesMax: 12 };
  const handle = async (): Promise<void> => sleep(30);
  await using firstQueue = await broker.openQueue(topic, group, { log });
  await using first = startRun(firstQueue, { limits, handle, log });
  await first.until(() => first.done.length >= 60, "the first member works");
  await using secondQueue = await broker.openQueue(topic, group, { log });
  await using second = startRun(secondQueue, { limits, handle, log });
  const count = (): number => new Set([...first.done, ...second.done].map((one) => placeOf(one))).size;
  await first.until(() => count() === PARTITIONS * EACH, "every message is done", 60_000);
  const joins = log.count("kafka group joined");
  const failures = log.count("commit failed, the marks are said again");
  t.diagnostic(`${joins} joins, ${failures} failed commits, ${second.done.length} messages by the second member`);
  // One of the first member alone, then two rounds of both.
  assert.ok(joins <= 7, `${joins} joins of two members: they rebalance without end`);
  await Promise.all([first.stop(), second.stop()]);
  assert.ok((await secondQueue.lag(never)).every(({ lag }) => lag === 0n));
});
