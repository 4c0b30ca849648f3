import assert from "node:assert/strict";
import { test } from "node:test";

import { openThreeBrokers } from "./three-brokers.ts";
import { placed } from "./placed.ts";

const never = new AbortController().signal;
const PARTITIONS = 24;
const EACH = 10;

test("P23: each partition is sent by itself: a change of leaders holds no publication up and stores nothing twice", async (t) => {
  await using three = await openThreeBrokers(t);
  if (three === undefined) {
    return;
  }
  const { cluster, broker } = three;
  await using producer = await broker.openProducer({ sendMs: 40_000 });
  const topic = await three.createTopic(PARTITIONS);
  let published = 0;
  const publish = async (): Promise<number> => {
    const startedAtMs = Date.now();
    await producer
      .publish(placed(topic, PARTITIONS, EACH), never)
      .catch((error: unknown) => assert.fail(`a publication got stuck at the change of leaders: ${String(error)}`));
    published += EACH;
    return Date.now() - startedAtMs;
  };
  // At once, while some partitions have no leader yet.
  const times = [await publish(), await publish()];
  const leaders = await cluster.leadersOf(topic);
  assert.deepEqual(new Set(leaders), new Set([1, 2, 3]), "each broker leads some partitions");

  const [first, second, third] = cluster.nodes;
  for (const node of [first, second]) {
    await cluster.roll(node, async () => {
      times.push(await publish());
    });
    times.push(await publish());
  }
  // This one stays away: what it led has leaders among the others, never again one for all.
  await third.kill();
  times.push(await publish());
  t.diagnostic(`publications took ${times.join(", ")} ms`);

  await using reader = await broker.openReader();
  const stored = await Array.fromAsync(reader.read(topic, never));
  assert.equal(stored.length, published * PARTITIONS, "each message is stored once");
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const values = stored.filter((one) => one.partition === partition).map(({ value }) => Number(value?.toString()));
    const expected = Array.from({ length: published }, (_, index) => index % EACH);
    assert.deepEqual(values, expected, `partition ${partition} is in order`);
  }
});
