import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { waitFor } from "../support/wait-for.ts";
import { message } from "../contracts/queue-contract.ts";
import { openThreeBrokers } from "./three-brokers.ts";

const never = new AbortController().signal;
const MESSAGES = 40;

test("P22: what was acknowledged is still there when its leader is killed before the others have heard of it", async (t) => {
  await using three = await openThreeBrokers(t);
  if (three === undefined) {
    return;
  }
  const { cluster, broker } = three;
  const topic = await three.createTopic(1);
  await using producer = await broker.openProducer({ sendMs: 90_000 });
  await producer.publish([message(topic, "k", "before")], never);
  const [leaderId] = await cluster.leadersOf(topic);
  const leader = cluster.nodes.find(({ id }) => id === leaderId);
  assert.ok(leader !== undefined);
  const others = cluster.nodes.filter((node) => node !== leader);

  const acknowledged = new Set<string>(["before"]);
  const failed: unknown[] = [];
  const sends: Promise<void>[] = [];
  let early = 0;
  for (const other of others) {
    other.signal("SIGSTOP");
  }
  for (let index = 0; index < MESSAGES; index += 1) {
    const value = String(index);
    const send = producer.publish([message(topic, "k", value)], never).then(
      () => void acknowledged.add(value),
      (error: unknown) => void failed.push(error),
    );
    sends.push(send);
    // One after another where they are acknowledged; at most two seconds of this, which is less than a broker's session.
    await Promise.race([send, sleep(50)]);
  }
  early = acknowledged.size - 1;
  const killed = leader.kill();
  for (const other of others) {
    other.signal("SIGCONT");
  }
  await killed;
  await Promise.all(sends);
  const nextLeader = await waitFor(
    async () => {
      const [next = -1] = await cluster.leadersOf(topic);
      return next > 0 && next !== leader.id ? next : undefined;
    },
    { what: "another leader", timeoutMs: 60_000, everyMs: 200 },
  );
  await leader.restart();

  await using reader = await broker.openReader();
  const stored = (await Array.fromAsync(reader.read(topic, never))).map(({ value }) => value?.toString() ?? "");
  t.diagnostic(
    `leader ${leader.id}, then ${nextLeader}: ${acknowledged.size} acknowledged (${early} before the kill), ` +
      `${failed.length} failed, ${stored.length} stored`,
  );
  const gone = [...acknowledged].filter((value) => !stored.includes(value));
  assert.equal(gone.length, 0, `${gone.length} acknowledged messages are gone: ${gone.join(" ")}`);
  assert.equal(failed.length, 0, String(failed[0]));
  assert.deepEqual(
    stored,
    ["before", ...Array.from({ length: MESSAGES }, (_, index) => String(index))],
    "each once and in order",
  );
});
