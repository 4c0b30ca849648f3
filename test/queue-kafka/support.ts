import type { TestContext } from "node:test";

import type { OutgoingMessage } from "../../src/ports/queue.ts";
import { measureLag } from "../../src/queue/kafka/lag.ts";
import type { KafkaQueue, KafkaQueueOptions } from "../../src/queue/kafka/kafka-queue.ts";
import { createKafkaBroker, type KafkaBroker } from "../contracts/queue-kafka-broker.ts";
import { placeOf, type QueueRun, type QueueRunOptions, startRun } from "../contracts/queue-run.ts";
import { requireKafka } from "../support/services.ts";
import { uniqueName } from "../support/unique-name.ts";

const never = new AbortController().signal;

/** A topic and a group of one test. Members that are still there at its end are dropped. */
export interface GroupRig extends AsyncDisposable {
  readonly broker: KafkaBroker;
  readonly topic: string;
  readonly group: string;
  /** Another member of the group, as the worker has it: our queue under our consumer. */
  join(options?: QueueRunOptions, queueOptions?: Partial<KafkaQueueOptions>): Promise<GroupMember>;
  /** Messages of these partitions, `count` each; one key a message, or one for all messages of a partition. */
  publish(partitions: readonly number[], count: number, keys?: "own" | "one"): Promise<void>;
  /** The committed offset of each partition, in their order; undefined where nothing was committed. */
  committed(): Promise<readonly (bigint | undefined)[]>;
}

export interface GroupMember extends AsyncDisposable {
  readonly queue: KafkaQueue;
  readonly run: QueueRun;
  partitions(): readonly number[];
}

/** Undefined after the test was skipped: there is no broker here. */
export async function openGroup(t: TestContext, partitions: number, at?: string): Promise<GroupRig | undefined> {
  const bootstrap = at ?? (await requireKafka(t));
  if (bootstrap === undefined) {
    return undefined;
  }
  const broker = createKafkaBroker(bootstrap);
  const { topic } = await broker.createTopic(partitions);
  const group = uniqueName("pitfall");
  const members: GroupMember[] = [];
  const stack = new AsyncDisposableStack();
  stack.use(broker);
  return {
    broker,
    topic,
    group,
    join: async (options = {}, queueOptions = {}) => {
      const member = toMember(await broker.openQueue(topic, group, queueOptions), options);
      members.push(member);
      return member;
    },
    publish: async (at, count, keys = "own") => {
      await using producer = await broker.openProducer();
      await producer.publish(
        at.flatMap((partition) =>
          Array.from({ length: count }, (_, index) =>
            messageTo(topic, partition, keys === "one" ? `k-${partition}` : uniqueName("k"), String(index)),
          ),
        ),
        never,
      );
    },
    committed: async () => {
      const lag = await measureLag(broker.connection, group, [topic]);
      return lag.toSorted((left, right) => left.partition - right.partition).map((one) => one.committed);
    },
    [Symbol.asyncDispose]: async () => {
      for (const member of members) {
        stack.use(member);
      }
      await stack.disposeAsync();
    },
  };
}

/** How often each message was handed to a handler, by place; of this member or of several. */
export function timesStarted(...members: readonly GroupMember[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const one of members.flatMap(({ run }) => run.started)) {
    times.set(placeOf(one), (times.get(placeOf(one)) ?? 0) + 1);
  }
  return times;
}

/** Never ends by itself: gives up when told to. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = (): void => reject(new Error("given up"));
  signal.addEventListener("abort", giveUp, { once: true });
  if (signal.aborted) {
    giveUp();
  }
  return promise;
}

function toMember(queue: KafkaQueue, options: QueueRunOptions): GroupMember {
  const run = startRun(queue, options);
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await run[Symbol.asyncDispose]();
    await queue[Symbol.asyncDispose]();
  };
  return {
    queue,
    run,
    partitions: () =>
      (run.state?.partitions ?? []).map(({ partition }) => partition).toSorted((left, right) => left - right),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
}

function messageTo(topic: string, partition: number, key: string, value: string): OutgoingMessage {
  return { topic, partition, key: Buffer.from(key), value: Buffer.from(value), headers: [] };
}
