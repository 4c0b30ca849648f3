import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

import type { Queue } from "../../src/ports/queue.ts";
import { until } from "../contracts/queue-contract.ts";
import { createKafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { startRun } from "../contracts/queue-run.ts";
import { requireKafka } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";
import { committedOf, placed } from "./placed.ts";

const never = new AbortController().signal;
const SESSION_MS = 4_000;
const PARTITIONS = 3;

test("P24: a process that stood still longer than its session rewinds nothing and starts nothing of what it held", async (t) => {
  const bootstrap = await requireKafka(t);
  if (bootstrap === undefined) {
    return;
  }
  await using broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(PARTITIONS);
  await using producer = await broker.openProducer();
  await producer.publish(
    placed(topic, PARTITIONS, 10, (partition) => `one after another ${partition}`),
    never,
  );
  const group = uniqueName("p24");

  await using member = startMember([bootstrap, topic, group, String(SESSION_MS)]);
  await until(async () => member.lines.includes("freezing"), "the member freezes", 30_000);

  await using observer: Queue = await broker.openQueue(topic, group);
  {
    // Another one does all of its work and leaves, so that nobody is there to repair what the frozen one says later.
    await using queue = await broker.openQueue(topic, group, { sessionTimeoutMs: SESSION_MS });
    await using run = startRun(queue);
    await until(
      async () => (await committedOf(observer)) === "10 10 10",
      "another one has done and committed all",
      40_000,
    );
    await run.stop();
  }
  assert.equal(await committedOf(observer), "10 10 10");
  const frozenAt = member.lines.length;
  member.wake();
  await until(async () => member.lines.slice(frozenAt).includes("joined"), "it is in the group again", 30_000);
  await producer.publish(placed(topic, PARTITIONS, 1), never);
  const isDone = (partition: number): boolean => member.lines.includes(`done ${partition} 10`);
  await until(async () => [0, 1, 2].every(isDone), "it works again", 30_000);

  const stale = member.lines.slice(frozenAt).filter((line) => /^start \d [4-9]$/.test(line));
  const committed = async (): Promise<boolean> => (await committedOf(observer)) === "11 11 11";
  await until(committed, "the new work is committed", 5_000).catch(async () => {
    assert.fail(`it rewound the group: committed ${await committedOf(observer)} of 11 on each partition`);
  });
  assert.deepEqual(stale, [], `it started what another one had done: ${stale.join(", ")}`);
});

interface Member extends AsyncDisposable {
  readonly lines: readonly string[];
  wake(): void;
}

function startMember(args: readonly string[]): Member {
  const script = path.resolve(import.meta.dirname, "freezing-member.ts");
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(line));
  const gone = once(child, "exit");
  return {
    lines,
    wake: () => {
      child.kill("SIGCONT");
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
