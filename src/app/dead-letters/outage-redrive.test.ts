import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { ManualClock } from "../../../test/support/manual-clock.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { TransientError } from "../../base/errors.ts";
import { RETRY_WAITS_DEFAULT } from "../../base/jitter.ts";
import { silentLog, type Log } from "../../base/log.ts";
import { toOutageError } from "../../domain/outage.ts";
import { createMemoryLock } from "../../limits/memory-lock.ts";
import type { Message, MessageReader } from "../../ports/queue.ts";
import type { HandledLetter } from "../../ports/store.ts";
import { openEmbeddedDeadLetters } from "../../queue/embedded/embedded-dead-letters.ts";
import { openEmbeddedLog } from "../../queue/embedded/embedded-log.ts";
import { createEmbeddedProducer } from "../../queue/embedded/embedded-producer.ts";
import { createEmbeddedReader } from "../../queue/embedded/embedded-reader.ts";
import { workerTopics } from "../../queue/topic-spec.ts";
import type { GateListener } from "../../worker/provider-gate.ts";
import { openOutageRedrive, type OutageRedriveParts, type WatchedGate } from "./outage-redrive.ts";
import { REDRIVES_MAX } from "./redrive-letters.ts";

const TOPIC = "updates";
const LETTERS = "updates.dlq";
const DEADLINE_MS = 6 * 3_600_000;
const never = new AbortController().signal;

test("when an outage ends, its letters go back with their keys, in the order of their origin, once, and no others", async () => {
  await using rig = await openRig();
  const others = ["stock_basic", "defect"];
  await rig.publish(["A", "B", "A", "B", "A", ...others]);
  const messages = await rig.read(TOPIC);
  // Set aside in another order than they came in, as lanes end.
  for (const message of messages.toReversed()) {
    const key = message.key?.toString() ?? "";
    await rig.setAside(message, key === "stock_basic" ? key : "daily", key === "defect" ? "defect" : "outage");
  }
  const [daily] = rig.gates;
  // Short as it was, somebody was given up in it who had waited elsewhere before.
  daily?.listener?.onEnded?.(DEADLINE_MS - 1, true);
  await rig.clock.advance(60_000);
  const back = (await rig.read(TOPIC)).slice(0).filter(({ headers }) => new Map(headers).has("x-ginkgo-redriven"));
  assert.deepEqual(
    byKey(back),
    new Map([
      ["A", ["0", "2", "4"]],
      ["B", ["1", "3"]],
    ]),
  );
  for (const message of back) {
    assert.deepEqual(message.headers.map(([name]) => name).toSorted(), [
      "trace",
      "x-ginkgo-asked-at",
      "x-ginkgo-redriven",
    ]);
    assert.equal(new Map(message.headers).get("x-ginkgo-redriven")?.toString(), "1");
  }
  assert.deepEqual(rig.said, ["dead letters redriven after an outage 5"]);
  // Of another outage with nothing new, and of a short one, nothing goes back.
  daily?.listener?.onEnded?.(DEADLINE_MS, false);
  daily?.listener?.onEnded?.(DEADLINE_MS - 1, false);
  await rig.clock.advance(60_000);
  assert.equal((await rig.read(TOPIC)).length, messages.length + 5);
});

test("two workers whose outage ends at once send each letter back once", async () => {
  await using rig = await openRig();
  await rig.publish(Array.from({ length: 250 }, (_, index) => `code-${index}`));
  for (const message of await rig.read(TOPIC)) {
    await rig.setAside(message, "daily");
  }
  await using other = rig.openAnother();
  rig.gates[0]?.listener?.onEnded?.(DEADLINE_MS, false);
  other.gates[0]?.listener?.onEnded?.(DEADLINE_MS, false);
  const startedMs = rig.clock.elapsedMs();
  await rig.until(() => rig.handled.length >= 250);
  assert.ok(rig.clock.elapsedMs() - startedMs >= 2_000, "a batch of a hundred a second");
  await rig.clock.advance(60_000);
  assert.equal((await rig.read(TOPIC)).length, 500);
  assert.deepEqual(rig.said, ["dead letters redriven after an outage 250"]);
});

test("a letter that came back too often stays for a person", async () => {
  await using rig = await openRig();
  await rig.publish(["A"]);
  for (let time = 0; time <= REDRIVES_MAX; time += 1) {
    const newest = (await rig.read(TOPIC)).at(-1);
    assert.ok(newest !== undefined);
    await rig.setAside(newest, "daily");
    rig.gates[0]?.listener?.onEnded?.(DEADLINE_MS, false);
    await rig.clock.advance(60_000);
  }
  assert.equal((await rig.read(TOPIC)).length, 1 + REDRIVES_MAX);
  assert.equal(rig.handled.length, REDRIVES_MAX);
});

test("after a start the first answer of each api sends back what earlier workers left of it, and no later one", async () => {
  await using rig = await openRig();
  await rig.publish(["A", "B"]);
  const [first, second] = await rig.read(TOPIC);
  assert.ok(first !== undefined && second !== undefined);
  await rig.setAside(first, "daily");
  await rig.setAside(second, "stock_basic");
  const [daily, stock] = rig.gates;
  daily?.listener?.onAnswered?.();
  await rig.clock.advance(60_000);
  assert.deepEqual(await rig.keysBack(2), ["A"]);
  // It was out when the other answered, for less than the deadline as this worker counts.
  stock?.listener?.onAnswered?.();
  stock?.listener?.onEnded?.(DEADLINE_MS - 1, false);
  await rig.clock.advance(60_000);
  assert.deepEqual(await rig.keysBack(2), ["A", "B"]);
  const again = (await rig.read(TOPIC)).at(-1);
  assert.ok(again !== undefined);
  await rig.setAside(again, "stock_basic");
  stock?.listener?.onAnswered?.();
  await rig.clock.advance(60_000);
  assert.deepEqual(await rig.keysBack(2), ["A", "B"]);
});

test("apis that first answer while letters are looked through have theirs sent back after it", async () => {
  await using rig = await openRig();
  await rig.publish(["A", "B"]);
  const [first, second] = await rig.read(TOPIC);
  assert.ok(first !== undefined && second !== undefined);
  await rig.setAside(first, "daily");
  await rig.setAside(second, "stock_basic");
  const [daily, stock] = rig.gates;
  daily?.listener?.onAnswered?.();
  await rig.clock.advance(1_000);
  stock?.listener?.onAnswered?.();
  await rig.clock.advance(60_000);
  assert.deepEqual(await rig.keysBack(2), ["A", "B"]);
});

test("when everything was set aside one letter goes back to try the provider with, the one that did so least often", async () => {
  await using rig = await openRig();
  await rig.publish(["A", "B"]);
  for (const message of await rig.read(TOPIC)) {
    await rig.setAside(message, "daily");
  }
  rig.gates[0]?.listener?.onDeserted?.();
  await rig.clock.advance(60_000);
  const [, , tried] = await rig.read(TOPIC);
  assert.ok(tried !== undefined);
  await rig.setAside(tried, "daily");
  rig.gates[0]?.listener?.onDeserted?.();
  await rig.clock.advance(60_000);
  const keys = (await rig.read(TOPIC)).slice(2).map(({ key }) => key?.toString());
  assert.deepEqual(new Set(keys), new Set(["A", "B"]));
  assert.equal(keys.length, 2);
});

test("to try the provider with, the first letter that can go is sent back: not one without its whole value, say", async () => {
  await using rig = await openRig();
  await rig.writeLetter("cut", { sha256: "00" });
  await rig.writeLetter("from nowhere", { origin: "" });
  await rig.writeLetter("too often", { redriven: String(REDRIVES_MAX) });
  await rig.writeLetter("taken by retention", {});
  await rig.writeLetter("came back once", { redriven: "1" });
  await rig.writeLetter("came back twice", { redriven: "2" });
  rig.gates[0]?.listener?.onDeserted?.();
  await rig.clock.advance(60_000);
  assert.deepEqual(await rig.keysBack(0), ["came back once"]);
  assert.deepEqual(rig.said, ["a dead letter is redriven to try the provider with undefined"]);
});

test("letters of other outages, and those that cannot go, take none of the room of one look", async () => {
  await using rig = await openRig({ lettersMax: 2 });
  for (const key of ["other 1", "other 2", "other 3"]) {
    await rig.writeLetter(key, {}, "stock_basic");
  }
  await rig.writeLetter("cut 1", { sha256: "00" });
  await rig.writeLetter("cut 2", { sha256: "00" });
  await rig.writeLetter("A", {});
  await rig.writeLetter("B", {});
  await rig.writeLetter("C", {});
  rig.gates[0]?.listener?.onEnded?.(DEADLINE_MS, false);
  await rig.clock.advance(60_000);
  assert.deepEqual(await rig.keysBack(0), ["A", "B", "C"]);
  assert.deepEqual(rig.said, ["dead letters redriven after an outage 2", "dead letters redriven after an outage 1"]);
});

test("trouble of the queue is waited out, and closing ends the wait", async () => {
  await using rig = await openRig({ troubles: 3 });
  await rig.publish(["A"]);
  const [message] = await rig.read(TOPIC);
  assert.ok(message !== undefined);
  await rig.setAside(message, "daily");
  rig.gates[0]?.listener?.onEnded?.(DEADLINE_MS, false);
  await rig.clock.advance(120_000);
  assert.equal(rig.handled.length, 1);
  await using stuck = await openRig({ troubles: Infinity });
  stuck.gates[0]?.listener?.onEnded?.(DEADLINE_MS, false);
  await stuck.clock.advance(10_000);
  await stuck.close();
});

interface FakeGate extends WatchedGate {
  listener: GateListener | undefined;
}

interface Rig extends AsyncDisposable {
  readonly gates: readonly FakeGate[];
  readonly clock: ManualClock;
  readonly handled: readonly HandledLetter[];
  readonly said: readonly string[];
  /** One message a key. */
  publish(keys: readonly string[]): Promise<void>;
  read(topic: string): Promise<readonly Message[]>;
  /** The keys of what is in the topic of updates after its first messages. */
  keysBack(published: number): Promise<readonly (string | undefined)[]>;
  setAside(message: Message, api: string, reason?: "outage" | "defect"): Promise<void>;
  /** A letter of the reason `outage` as it is, with these headers of ours besides. */
  writeLetter(key: string, more: Readonly<Record<string, string>>, api?: string): Promise<void>;
  /** Moves the clock second by second until it is so. */
  until(isSo: () => boolean): Promise<void>;
  /** Another worker of the fleet. */
  openAnother(): AsyncDisposable & { readonly gates: readonly FakeGate[] };
  close(): Promise<void>;
}

interface RigOptions {
  readonly troubles?: number;
  readonly lettersMax?: number;
}

/** A real queue in a file, with gates that say what a test wants. */
async function openRig({ troubles = 0, lettersMax }: RigOptions = {}): Promise<Rig> {
  const opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const clock = new ManualClock();
  const file = opened.use(await openEmbeddedLog({ path: join(folder.path, "queue.sqlite"), clock, log: silentLog }));
  file.ensureTopics(workerTopics({ updates: TOPIC, deadLetters: LETTERS, side: [], replication: 1, partitions: 1 }));
  const reader = createEmbeddedReader(file);
  const producer = createEmbeddedProducer(file);
  const letters = openEmbeddedDeadLetters(file, LETTERS);
  const handled: HandledLetter[] = [];
  const said: string[] = [];
  const log: Log = { ...silentLog, info: (event, { count } = {}) => void said.push(`${event} ${String(count)}`) };
  const lock = createMemoryLock();
  let troublesLeft = troubles;
  const openWorker = (): AsyncDisposable & { readonly gates: readonly FakeGate[] } => {
    const gates = ["daily", "stock_basic"].map(gateOf);
    const parts: OutageRedriveParts = {
      topic: LETTERS,
      gates,
      outageDeadlineMs: DEADLINE_MS,
      openTools: async () => {
        troublesLeft -= 1;
        if (troublesLeft >= 0) {
          throw new TransientError("opening the queue: it is away");
        }
        return { reader: keeping(reader), producer, [Symbol.asyncDispose]: () => Promise.resolve() };
      },
      handled: { of: async () => handled, record: async (records) => void handled.push(...records) },
      lettersMax,
      lock,
      retryWaits: RETRY_WAITS_DEFAULT,
      clock,
      log,
    };
    const redrive = openOutageRedrive(parts, never);
    return { gates, [Symbol.asyncDispose]: () => redrive[Symbol.asyncDispose]() };
  };
  const worker = opened.use(openWorker());
  const read = (topic: string): Promise<readonly Message[]> => Array.fromAsync(reader.read(topic, never));
  return {
    gates: worker.gates,
    clock,
    handled,
    said,
    publish: async (keys) => {
      await producer.publish(
        keys.map((key, index) => ({
          topic: TOPIC,
          key: Buffer.from(key),
          value: Buffer.from(String(index)),
          headers: [["trace", Buffer.from("t")]],
        })),
        never,
      );
    },
    read,
    keysBack: async (published) => (await read(TOPIC)).slice(published).map(({ key }) => key?.toString()),
    setAside: async (message, api, reason = "outage") => {
      const since = "2026-03-02T00:00:00.000Z";
      const { path, detail } = toOutageError({ provider: "tushare", api, since, why: "connection reset" });
      await letters.write(message, { reason, path, detail, attempts: 1 }, never);
    },
    writeLetter: async (key, more, api = "daily") => {
      const outage = { provider: "tushare", api, since: "2026-03-02T00:00:00.000Z", why: "connection reset" };
      const { reason, path, detail } = toOutageError(outage);
      const named = { reason, path, detail, attempts: "1", origin: `${TOPIC}/0/0`, ...more };
      const headers = Object.entries(named).map(([name, text]) => [`x-ginkgo-${name}`, Buffer.from(text)] as const);
      await producer.publish([{ topic: LETTERS, key: Buffer.from(key), value: Buffer.from("{}"), headers }], never);
    },
    until: async (isSo) => {
      for (let second = 0; second < 600 && !isSo(); second += 1) {
        await clock.advance(1_000);
      }
      assert.ok(isSo());
    },
    openAnother: openWorker,
    close: async () => {
      await worker[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A reader that finds what retention took in the meantime no more. */
function keeping(reader: MessageReader): MessageReader {
  return {
    ...reader,
    readAt: async (place, signal) => {
      const message = await reader.readAt(place, signal);
      return message?.key?.toString() === "taken by retention" ? undefined : message;
    },
  };
}

function gateOf(api: string): FakeGate {
  const gate: FakeGate = {
    listener: undefined,
    listen: (listener) => {
      gate.listener = listener;
    },
    describe: () => ({ provider: "tushare", api }),
  };
  return gate;
}

function byKey(messages: readonly Message[]): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(messages, ({ key }) => key?.toString() ?? "");
  return new Map(
    [...groups]
      .map(([key, group]) => [key, group.map(({ value }) => value?.toString() ?? "")] as const)
      .toSorted(([left], [right]) => (left < right ? -1 : 1)),
  );
}
