import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test, type TestContext } from "node:test";

import { DataError, PermanentError } from "../../src/base/errors.ts";
import type {
  DeadLetters,
  Message,
  MessageHeaders,
  MessageReader,
  OutgoingMessage,
  Producer,
  Queue,
  QueueListener,
} from "../../src/ports/queue.ts";
import { EXCERPT_BYTES } from "../../src/queue/create-dead-letters.ts";
import { headerOf } from "../../src/queue/dead-letter-headers.ts";
import { partitionOf } from "../../src/queue/partition-of.ts";
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

export interface ReadableBroker extends QueueBroker {
  openReader(): Promise<MessageReader>;
}

const never = new AbortController().signal;
let groups = 0;

/** `openBroker` answers undefined when there is no such broker here, after telling so. */
export function queueContract(name: string, openBroker: (t: TestContext) => Promise<QueueBroker | undefined>): void {
  describePromises(`queue: ${name}`, openBroker, (promise) => {
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
          message(topic, "headers", "x", [
            ["absent", undefined],
            ["twice", Buffer.from("1")],
            ["twice", Buffer.from("2")],
          ]),
        ]);
        const [plain, keyless, tombstone, empty, headers] = await readAll(broker, topic, group, 5);
        assert.equal(plain?.key?.toString(), "000001.SZ");
        assert.equal(plain?.value?.toString(), "plain");
        assert.deepEqual([...(plain?.headers ?? [])], [["trace", Buffer.from([0, 255, 10])]]);
        assert.ok(Math.abs((plain?.timestampMs ?? 0) - sentAtMs) < 60_000);
        assert.equal(keyless?.key, undefined);
        assert.equal(tombstone?.value, undefined);
        assert.equal(empty?.value?.length, 0);
        assert.deepEqual(headers?.headers, [
          ["absent", undefined],
          ["twice", Buffer.from("1")],
          ["twice", Buffer.from("2")],
        ]);
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
            ["x-ginkgo-asked-at", new Date(bad.timestampMs).toISOString()],
          ]),
        );
      },
    );

    promise("a key chooses the partition that Kafka's Java client would", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(5);
      const codes = Array.from({ length: 40 }, (_, index) => `${600_000 + index * 37}.SH`);
      await publish(
        broker,
        codes.map((code) => message(topic, code, code)),
      );
      const read = await readAll(broker, topic, group, 40);
      for (const { key, partition } of read) {
        assert.equal(partition, partitionOf(key ?? Buffer.alloc(0), 5), key?.toString());
      }
    });

    promise("messages without a key are spread over the partitions", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(3);
      await publish(
        broker,
        Array.from({ length: 30 }, (_, index) => message(topic, undefined, String(index))),
      );
      const read = await readAll(broker, topic, group, 30);
      assert.equal(new Set(read.map(({ partition }) => partition)).size, 3);
    });

    promise("a partition's offsets begin at 0 and leave none out, over restarts too", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(2);
      await publish(broker, numbered(topic, 25));
      const before = await readAll(broker, topic, group, 25);
      await publish(broker, numbered(topic, 25));
      const after = await readAll(broker, topic, group, 25);
      for (const partition of [0, 1]) {
        const offsets = [...before, ...after].filter((one) => one.partition === partition).map(({ offset }) => offset);
        assert.deepEqual(
          offsets,
          offsets.map((_, index) => BigInt(index)),
        );
      }
    });

    promise("what is published while a consumer is idle reaches it", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(2);
      await publish(broker, numbered(topic, 3));
      await using queue = await broker.openQueue(topic, group);
      await using run = startRun(queue);
      await run.until(() => run.done.length === 3, "the first are done");
      await publish(broker, [message(topic, "late", "1")]);
      await run.until(() => run.done.length === 4, "the late one is done");
      await publish(broker, [message(topic, "later", "2"), message(topic, undefined, "3")]);
      await run.until(() => run.done.length === 6, "the later ones are done");
    });

    promise("two groups each get everything", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(2);
      await publish(broker, numbered(topic, 10));
      const first = await readAll(broker, topic, group, 10);
      const second = await readAll(broker, topic, `${group}-other`, 10);
      assert.deepEqual(new Set(second.map((one) => placeOf(one))), new Set(first.map((one) => placeOf(one))));
    });

    promise(
      "nothing is joined or told while subscribing, and there is no second listener",
      async ({ broker, group }) => {
        const { topic } = await broker.createTopic(2);
        await using queue = await broker.openQueue(topic, group);
        const told: string[] = [];
        const joined = Promise.withResolvers<number>();
        const listener: QueueListener = {
          onReadable: () => told.push("readable"),
          onRebalance: () => told.push("rebalance"),
          onJoin: ({ assigned }) => {
            told.push("join");
            joined.resolve(assigned.length);
            return true;
          },
          onLost: () => told.push("lost"),
          onFailure: joined.reject,
        };
        assert.equal(queue.isFresh(), false);
        queue.subscribe(listener);
        assert.deepEqual(told, []);
        assert.equal(queue.pull(), undefined);
        assert.throws(() => queue.subscribe(listener), TypeError);
        assert.equal(await joined.promise, 2);
        assert.equal(told[0], "join");
        await until(async () => queue.health().isReady, "the queue is ready");
        assert.equal(queue.isFresh(), true);
        const { topics, partitions, fetchedAgoMs } = queue.health();
        assert.deepEqual(topics, [topic]);
        assert.equal(partitions, 2);
        assert.ok((fetchedAgoMs ?? 0) < 20_000);
      },
    );

    promise("a topic that does not exist is refused, and nothing creates it", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(1);
      const absent = `${topic}-absent`;
      await assert.rejects(publish(broker, [message(absent, "k", "v")]), new RegExp(absent));
      await assert.rejects(broker.openQueue(absent, group), (error) => {
        assert.ok(error instanceof PermanentError);
        assert.equal(error.scope, "queue");
        assert.match(error.message, new RegExp(`${absent} does not exist`));
        return true;
      });
      await assert.rejects(broker.openDeadLetters(absent), PermanentError);
    });

    promise(
      "a message that is too large is refused, and the next one is still published",
      async ({ broker, group }) => {
        const { topic } = await broker.createTopic(1);
        await assert.rejects(publish(broker, [message(topic, "k", "x".repeat(3_000_000))]), DataError);
        await publish(broker, [message(topic, "k", "y".repeat(1_000_000)), message(topic, "k", "fits")]);
        const read = await readAll(broker, topic, group, 2);
        assert.deepEqual(
          read.map(({ value }) => value?.length),
          [1_000_000, 4],
        );
      },
    );

    promise("publishing nothing is nothing, and an aborted publication stores nothing", async ({ broker, group }) => {
      const { topic } = await broker.createTopic(1);
      await publish(broker, []);
      await using producer = await broker.openProducer();
      const reason = new Error("given up");
      await assert.rejects(producer.publish(numbered(topic, 3), AbortSignal.abort(reason)), reason);
      await using queue = await broker.openQueue(topic, group);
      assert.deepEqual(
        (await queue.lag(never)).map(({ end }) => end),
        [0n],
      );
    });

    promise("a dead letter without a key keeps the number of its partition", async ({ broker, group }) => {
      const { topic, deadLetterTopic } = await broker.createTopic(3);
      const deadLetters = await broker.openDeadLetters(deadLetterTopic);
      for (const partition of [2, 0, 2]) {
        await deadLetters.write(setAside({ topic, partition, value: Buffer.from("x") }), LETTER, never);
      }
      const dead = await readAll(broker, deadLetterTopic, group, 3);
      const count = (number: number): number => dead.filter(({ partition }) => partition === number).length;
      assert.deepEqual([count(0), count(1), count(2)], [1, 0, 2]);
    });

    promise(
      "of a dead letter that is too large its beginning is kept, with its size and its hash",
      async ({ broker, group }) => {
        const { topic, deadLetterTopic } = await broker.createTopic(1);
        const deadLetters = await broker.openDeadLetters(deadLetterTopic);
        const value = Buffer.from("0123456789".repeat(200_000));
        await deadLetters.write(setAside({ topic, partition: 0, value }), LETTER, never);
        const [dead] = await readAll(broker, deadLetterTopic, group, 1);
        assert.ok(dead?.value?.equals(value.subarray(0, EXCERPT_BYTES)));
        assert.equal(headerOf(dead?.headers ?? [], "x-ginkgo-bytes")?.toString(), "2000000");
        assert.equal(
          headerOf(dead?.headers ?? [], "x-ginkgo-sha256")?.toString(),
          createHash("sha256").update(value).digest("hex"),
        );
        assert.equal(headerOf(dead?.headers ?? [], "x-ginkgo-origin")?.toString(), `${topic}/0/42`);
      },
    );
  });
}

/** The promises of the port `MessageReader`. */
export function messageReaderContract(
  name: string,
  openBroker: (t: TestContext) => Promise<ReadableBroker | undefined>,
): void {
  describePromises(`message reader: ${name}`, openBroker, (promise) => {
    promise("all of a topic is read without a group, each partition in order, and then it ends", async (parts) => {
      const { broker, group } = parts;
      const { topic } = await broker.createTopic(3);
      await publish(broker, numbered(topic, 60));
      await readAll(broker, topic, group, 60);
      await using reader = await broker.openReader();
      for (const _ of [1, 2]) {
        const read = await Array.fromAsync(reader.read(topic, never));
        assert.deepEqual(
          read.map(({ value }) => Number.parseInt(value?.toString() ?? "", 10)).toSorted((a, b) => a - b),
          Array.from({ length: 60 }, (_, index) => index),
        );
        for (const partition of [0, 1, 2]) {
          const offsets = read.filter((one) => one.partition === partition).map(({ offset }) => offset);
          assert.deepEqual(
            offsets,
            offsets.map((_, index) => BigInt(index)),
          );
        }
      }
      await using queue = await broker.openQueue(topic, `${group}-other`);
      assert.ok((await queue.lag(never)).every(({ committed }) => committed === undefined));
    });

    promise("messages that come while a topic is read are not waited for", async ({ broker }) => {
      const { topic } = await broker.createTopic(1);
      await publish(broker, numbered(topic, 5));
      await using reader = await broker.openReader();
      const values: (string | undefined)[] = [];
      for await (const { value } of reader.read(topic, never)) {
        values.push(value?.toString());
        if (values.length === 1) {
          await publish(broker, [message(topic, "late", "late")]);
        }
      }
      assert.deepEqual(values, ["0", "1", "2", "3", "4"]);
    });

    promise("an empty topic ends at once, and an unknown one is a PermanentError", async ({ broker }) => {
      const { topic } = await broker.createTopic(2);
      await using reader = await broker.openReader();
      assert.deepEqual(await Array.fromAsync(reader.read(topic, never)), []);
      await assert.rejects(Array.fromAsync(reader.read(`${topic}-absent`, never)), PermanentError);
    });

    promise("one message is read by its place, and what is not there is undefined", async ({ broker }) => {
      const { topic } = await broker.createTopic(1);
      const headers = new Map([["trace", Buffer.from([0, 255])]]);
      await publish(broker, [message(topic, "a", "1"), message(topic, "b", undefined, headers)]);
      await using reader = await broker.openReader();
      const found = await reader.readAt({ topic, partition: 0, offset: 1n }, never);
      assert.equal(found?.offset, 1n);
      assert.equal(found.key?.toString(), "b");
      assert.equal(found.value, undefined);
      assert.deepEqual([...found.headers], [...headers]);
      assert.equal(await reader.readAt({ topic, partition: 0, offset: 2n }, never), undefined);
    });

    promise("reading ends with its signal's reason", async ({ broker }) => {
      const { topic } = await broker.createTopic(1);
      await publish(broker, numbered(topic, 3));
      await using reader = await broker.openReader();
      const reason = new Error("enough");
      await assert.rejects(Array.fromAsync(reader.read(topic, AbortSignal.abort(reason))), reason);
    });
  });
}

type PromiseTest<Broker> = (what: string, body: (parts: ContractParts<Broker>) => Promise<void>) => void;

/** Tests with their own broker, topic and group; the last one says how many there were. */
function describePromises<Broker extends QueueBroker>(
  name: string,
  openBroker: (t: TestContext) => Promise<Broker | undefined>,
  declare: (promise: PromiseTest<Broker>) => void,
): void {
  describe(name, () => {
    let declared = 0;
    let kept = 0;
    declare((what, body) => {
      declared += 1;
      test(what, async (t) => {
        const broker = await openBroker(t);
        if (broker === undefined) {
          return;
        }
        await using open = broker;
        groups += 1;
        await body({ broker: open, group: `contract-${process.pid}-${Date.now()}-${groups}` });
        kept += 1;
      });
    });
    test("every promise of the contract was tried and kept", async (t) => {
      const broker = await openBroker(t);
      if (broker === undefined) {
        return;
      }
      await broker[Symbol.asyncDispose]();
      t.diagnostic(`${name}: ${kept} of ${declared} contract tests passed`);
      assert.equal(kept, declared);
    });
  });
}

const LETTER = { reason: "too-large", path: "$", detail: "as large as it is", attempts: 1 } as const;

/** A message of no queue, as a worker has it in hand. */
function setAside(place: { readonly topic: string; readonly partition: number; readonly value: Buffer }): Message {
  return { ...place, offset: 42n, key: undefined, headers: [], timestampMs: 0 };
}

interface ContractParts<Broker> {
  readonly broker: Broker;
  readonly group: string;
}

export function message(
  topic: string,
  key: string | undefined,
  value: string | undefined,
  headers: Iterable<MessageHeaders[number]> = [],
): OutgoingMessage {
  return {
    topic,
    key: key === undefined ? undefined : Buffer.from(key),
    value: value === undefined ? undefined : Buffer.from(value),
    headers: [...headers],
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
