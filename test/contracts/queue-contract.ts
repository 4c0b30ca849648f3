import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";

import type { DeadLetters, Message, OutgoingMessage, Producer, Queue } from "../../src/ports/queue.ts";
import { placeOf, startRun } from "./queue-run.ts";

/** What a queue's own tests provide, so that every queue passes the same suite. Everything opened is closed with it. */
export interface QueueBroker extends AsyncDisposable {
  /** A new topic with a dead-letter topic of as many partitions. */
  createTopic(partitions: number): Promise<{ readonly topic: string; readonly deadLetterTopic: string }>;
  /** A queue of this group; the caller closes it. */
  openQueue(topic: string, group: string): Promise<Queue>;
  openProducer(): Promise<Producer>;
  openDeadLetters(deadLetterTopic: string): Promise<DeadLetters>;
}

const never = new AbortController().signal;
let groups = 0;

/** `openBroker` answers undefined when there is no such broker here, after telling so. */
export function queueContract(name: string, openBroker: (t: TestContext) => Promise<QueueBroker | undefined>): void {
  /** A test with its own topic, group and closed queues. */
  function promise(what: string, body: (parts: ContractParts) => Promise<void>): void {
    test(what, async (t) => {
      const broker = await openBroker(t);
      if (broker === undefined) {
        return;
      }
      await using open = broker;
      groups += 1;
      await body({ broker: open, group: `contract-${process.pid}-${Date.now()}-${groups}` });
    });
  }

  describe(`queue: ${name}`, () => {
    promise(
      "what is published is delivered with the same key, value, headers and a time",
      async ({ broker, group }) => {
        const { topic } = await broker.createTopic(1);
        const sentAtMs = Date.now();
        await publish(broker, [
          message(topic, "000001.SZ", "plain", new Map([["trace", Buffer.from([0, 255, 10])]])),
          message(topic, undefined, "no key"),
          message(topic, "tombstone", undefined),
          message(topic, "empty", ""),
          message(topic, "headers", "x", new Map([["absent", undefined]])),
        ]);
        const [plain, keyless, tombstone, empty, headers] = await readAll(broker, topic, group, 5);
        assert.equal(plain?.key?.toString(), "000001.SZ");
        assert.equal(plain?.value?.toString(), "plain");
        assert.deepEqual([...(plain?.headers ?? [])], [["trace", Buffer.from([0, 255, 10])]]);
        assert.ok(Math.abs((plain?.timestampMs ?? 0) - sentAtMs) < 60_000);
        assert.equal(keyless?.key, undefined);
        assert.equal(tombstone?.value, undefined);
        assert.equal(empty?.value?.length, 0);
        assert.deepEqual([...(headers?.headers ?? [])], [["absent", undefined]]);
      },
    );

    promise("messages of one key share a partition and keep their order", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(6);
      const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
      const sent = Array.from({ length: 240 }, (_, index) => message(topic, keys[index % 12], String(index)));
      await publish(broker, sent);
      const read = await readAll(broker, topic, group, 240);
      for (const key of keys) {
        const own = read.filter((one) => one.key?.toString() === key);
        assert.equal(new Set(own.map(({ partition }) => partition)).size, 1, key);
        const values = own.map(({ value }) => Number.parseInt(value?.toString() ?? "", 10));
        assert.deepEqual(
          values,
          values.toSorted((left, right) => left - right),
          key,
        );
        assert.equal(values.length, 20, key);
      }
      assert.ok(new Set(read.map(({ partition }) => partition)).size > 1, "all keys on one partition");
    });

    promise("what was settled and committed is not delivered to the next of the group", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(3);
      await publish(broker, numbered(topic, 30));
      const before = await readAll(broker, topic, group, 30);
      await publish(broker, numbered(topic, 6));
      const after = await readAll(broker, topic, group, 6);
      const places = new Set(before.map((one) => placeOf(one)));
      assert.deepEqual(
        after.filter((one) => places.has(placeOf(one))),
        [],
      );
      assert.equal(after.length, 6);
    });

    promise("only the part before the first unsettled message is committed", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(1);
      await publish(broker, numbered(topic, 10));
      await using queue = await broker.openQueue(topic, group);
      const gate = Promise.withResolvers<void>();
      await using run = startRun(queue, { handle: async ({ offset }) => (offset === 3n ? gate.promise : undefined) });
      await run.until(() => run.done.length === 9, "all but one are done");
      await until(async () => (await committedOf(queue, 0)) === 3n, "offset 3 is committed");
      gate.resolve();
      const report = await run.stop();
      assert.equal(report.isCommitted, true);
      assert.equal(await committedOf(queue, 0), 10n);
    });

    promise("a message that was not settled comes again, and the ones after it too", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(1);
      await publish(broker, numbered(topic, 8));
      {
        await using queue = await broker.openQueue(topic, group);
        await using run = startRun(queue, {
          handle: async ({ offset }) => {
            if (offset === 5n) {
              throw new Error("cannot do it");
            }
          },
        });
        await assert.rejects(run.ended, /cannot do it/);
      }
      const again = await readAll(broker, topic, group, 3);
      assert.deepEqual(
        again.map(({ offset }) => offset),
        [5n, 6n, 7n],
      );
    });

    promise("after the end of delivery nothing is pulled and marks are still taken", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(1);
      await publish(broker, numbered(topic, 4));
      await using queue = await broker.openQueue(topic, group);
      const gate = Promise.withResolvers<void>();
      await using run = startRun(queue, { limits: { messagesMax: 2 }, handle: () => gate.promise });
      await run.until(() => run.started.length === 2, "two are in hand");
      assert.equal(queue.isFresh(), true);
      const stopped = run.stop();
      gate.resolve();
      const report = await stopped;
      assert.equal(report.state.counts.taken, 2);
      assert.equal(await committedOf(queue, 0), 2n);
      assert.equal(queue.pull(), undefined);
    });

    promise("lag counts what is yet to be settled, per partition", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(2);
      await using queue = await broker.openQueue(topic, group);
      const before = await queue.lag(never);
      assert.deepEqual(
        before.map(({ lag }) => lag),
        [0n, 0n],
      );
      await publish(broker, numbered(topic, 20));
      const full = await queue.lag(never);
      assert.equal(
        full.reduce((sum, { lag }) => sum + lag, 0n),
        20n,
      );
      assert.ok(full.every(({ committed }) => committed === undefined));
      await using run = startRun(queue);
      await run.until(() => run.done.length === 20, "all are done");
      await run.stop();
      const settled = await queue.lag(never);
      assert.ok(settled.every(({ lag, end, committed }) => lag === 0n && (committed ?? 0n) === end));
    });

    promise(
      "a dead letter keeps key, value and headers, and says why, where from and when",
      async ({ broker, group }) => {
        const { topic, deadLetterTopic } = await broker.createTopic(2);
        await publish(broker, [
          message(topic, "600000.SH", '{"command":"buy_low"}', new Map([["trace", Buffer.from("t-1")]])),
        ]);
        const [bad] = await readAll(broker, topic, group, 1);
        assert.ok(bad !== undefined);
        const deadLetters = await broker.openDeadLetters(deadLetterTopic);
        const letter = {
          reason: "unknown-command",
          path: "$.command",
          detail: 'no command "buy_low"',
          attempts: 1,
        } as const;
        await deadLetters.write(bad, letter, never);
        const [dead] = await readAll(broker, deadLetterTopic, group, 1);
        assert.deepEqual(dead?.key, bad.key);
        assert.deepEqual(dead?.value, bad.value);
        const headers = new Map([...(dead?.headers ?? [])].map(([header, value]) => [header, value?.toString()]));
        const at = headers.get("x-ginkgo-at") ?? "";
        assert.match(at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
        headers.delete("x-ginkgo-at");
        assert.deepEqual(
          headers,
          new Map([
            ["trace", "t-1"],
            ["x-ginkgo-reason", "unknown-command"],
            ["x-ginkgo-path", "$.command"],
            ["x-ginkgo-detail", 'no command "buy_low"'],
            ["x-ginkgo-attempts", "1"],
            ["x-ginkgo-origin", `${bad.topic}/${bad.partition}/${bad.offset}`],
          ]),
        );
      },
    );
  });
}

interface ContractParts {
  readonly broker: QueueBroker;
  readonly group: string;
}

export function message(
  topic: string,
  key: string | undefined,
  value: string | undefined,
  headers: ReadonlyMap<string, Buffer | undefined> = new Map(),
): OutgoingMessage {
  return {
    topic,
    key: key === undefined ? undefined : Buffer.from(key),
    value: value === undefined ? undefined : Buffer.from(value),
    headers,
  };
}

/** Messages with keys of their own, so that they spread over the partitions. */
export function numbered(topic: string, count: number): readonly OutgoingMessage[] {
  return Array.from({ length: count }, (_, index) => message(topic, `key-${index}`, String(index)));
}

async function publish(broker: QueueBroker, messages: readonly OutgoingMessage[]): Promise<void> {
  await using producer = await broker.openProducer();
  await producer.publish(messages, never);
}

/** Settles and commits `count` messages, by partition and offset where partitions are several. */
async function readAll(broker: QueueBroker, topic: string, group: string, count: number): Promise<readonly Message[]> {
  await using queue = await broker.openQueue(topic, group);
  await using run = startRun(queue);
  await run.until(() => run.done.length >= count, `${count} messages are done`);
  await run.stop();
  return run.done;
}

async function committedOf(queue: Queue, partition: number): Promise<bigint | undefined> {
  return (await queue.lag(never)).find((one) => one.partition === partition)?.committed;
}

export async function until(isSo: () => Promise<boolean>, what: string, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await isSo())) {
    if (Date.now() > end) {
      throw new Error(`waiting until ${what}: not so after ${ms} ms`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
