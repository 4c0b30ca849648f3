import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import type { HandledLetter } from "../../src/ports/store.ts";
import type { Message } from "../../src/ports/queue.ts";
import { redriveLetters } from "../../src/app/dead-letters/redrive-letters.ts";
import { RETRY_WAITS_DEFAULT } from "../../src/base/jitter.ts";
import { silentLog } from "../../src/base/log.ts";
import { toOutageError } from "../../src/domain/outage.ts";
import { openEmbeddedDeadLetters } from "../../src/queue/embedded/embedded-dead-letters.ts";
import { openEmbeddedLog } from "../../src/queue/embedded/embedded-log.ts";
import { createEmbeddedProducer } from "../../src/queue/embedded/embedded-producer.ts";
import { createEmbeddedReader } from "../../src/queue/embedded/embedded-reader.ts";
import { workerTopics } from "../../src/queue/topic-spec.ts";
import { identify } from "../../src/worker/message-identity.ts";
import { createMessageHandler } from "../../src/worker/message-handler.ts";
import { ParsedMessages } from "../../src/worker/parsed-messages.ts";
import { SettledBefore } from "../../src/worker/settled-before.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type CoreRig, codesOf, dailyRow, openCoreRig, stockRow } from "./core-rig.ts";

const TOPIC = "updates";
const LETTERS = "updates.dlq";
const never = new AbortController().signal;
const [CODE = ""] = codesOf(1);
/** Trading days from a Friday to the Thursday of the week after next. */
const DAYS = ["0227", "0302", "0303", "0304", "0305", "0306", "0309", "0310", "0311", "0312"];
const ROWS = {
  daily: DAYS.map((day) => dailyRow(CODE, `2026${day}`)),
  stock_basic: [stockRow(CODE, { list_date: "20260227" })],
};

test("a message redriven twice, weeks after it was asked, brings the days meant then and all that came since", async () => {
  await using rig = await openCoreRig({ now: "2026-03-04T10:00:00Z", rows: ROWS });
  await using queue = await openQueue(rig);
  await queue.publish({ command: "bar_snapshot", params: { code: CODE, days: 2 } });
  await queue.setAside();
  rig.setClock("2026-03-09T10:00:00Z");
  await queue.redrive();
  await queue.setAside();
  rig.setClock("2026-03-12T10:00:00Z");
  await queue.redrive();
  await queue.handle();
  assert.deepEqual(storedDays(rig), ["03", "04", "05", "06", "09", "10", "11", "12"]);
});

test("a letter of an older release, which does not say when its message was asked, counts from when it was set aside", async () => {
  await using rig = await openCoreRig({ now: "2026-03-03T10:00:00Z", rows: ROWS });
  await using queue = await openQueue(rig);
  await queue.publish({ command: "bar_snapshot", params: { code: CODE, days: 2 } });
  rig.setClock("2026-03-05T10:00:00Z");
  await queue.setAside((headers) => headers.filter(([name]) => name !== "x-ginkgo-asked-at"));
  rig.setClock("2026-03-11T10:00:00Z");
  await queue.redrive();
  await queue.handle();
  assert.deepEqual(storedDays(rig), ["04", "05", "06", "09", "10", "11"]);
});

test("a message that says itself when it was asked counts from then, also where the queue got it later", async () => {
  await using rig = await openCoreRig({ now: "2026-03-12T10:00:00Z", rows: ROWS });
  await using queue = await openQueue(rig);
  // Before five in the afternoon of Shanghai, so the day before was the last one that was final.
  const timestamp = "2026-03-10T16:59:59";
  await queue.publish({ command: "bar_snapshot", params: { code: CODE, days: 1 }, timestamp });
  await queue.handle();
  assert.deepEqual(storedDays(rig), ["09", "10", "11", "12"]);
});

test("a time of asking that is none, such as seconds taken for milliseconds, does not ask for all of history", async () => {
  await using rig = await openCoreRig({ now: "2026-03-12T10:00:00Z", rows: ROWS });
  await using queue = await openQueue(rig);
  await queue.publish({ command: "bar_snapshot", params: { code: CODE, days: 2 }, timestamp: "1970-01-21" });
  await queue.handle();
  assert.deepEqual(storedDays(rig), ["11", "12"]);
});

interface QueueRig extends AsyncDisposable {
  publish(message: unknown): Promise<void>;
  /** Sets the newest message aside; `change` has the headers of its letter. */
  setAside(change?: (headers: Message["headers"]) => Message["headers"]): Promise<void>;
  redrive(): Promise<void>;
  /** The newest message, with the core of the rig. */
  handle(): Promise<void>;
}

/** A real queue in a file, with the clock of the core. */
async function openQueue({ clock, perform }: CoreRig): Promise<QueueRig> {
  const opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const file = opened.use(await openEmbeddedLog({ path: join(folder.path, "queue.sqlite"), clock, log: silentLog }));
  file.ensureTopics(workerTopics({ updates: TOPIC, deadLetters: LETTERS, side: [], replication: 1, partitions: 1 }));
  const reader = createEmbeddedReader(file);
  const producer = createEmbeddedProducer(file);
  const deadLetters = openEmbeddedDeadLetters(file, LETTERS);
  const records: HandledLetter[] = [];
  const newest = async (topic: string): Promise<Message> => {
    const message = (await Array.fromAsync(reader.read(topic, never))).at(-1);
    assert.ok(message !== undefined);
    return message;
  };
  const handle = createMessageHandler({
    group: "g",
    parsed: new ParsedMessages(clock, { bytesMax: 10_000, codesMax: 10 }),
    settledBefore: new SettledBefore({
      settledFrom: async () => new Map(),
      record: () => Promise.resolve(),
      byRequest: async () => [],
    }),
    perform,
    deadLetters: { write: (_message, { detail }) => Promise.reject(new Error(`set aside: ${detail}`)) },
    record: () => Promise.resolve(),
    clock,
    log: silentLog,
    attemptsMax: 1,
    work: never,
  });
  return {
    publish: (message) =>
      producer.publish(
        [{ topic: TOPIC, key: undefined, value: Buffer.from(JSON.stringify(message)), headers: [] }],
        never,
      ),
    setAside: async (change = (headers) => headers) => {
      const since = clock.now().toString();
      const { reason, path, detail } = toOutageError({ provider: "tushare", api: "daily", since, why: "reset" });
      await deadLetters.write(await newest(TOPIC), { reason, path, detail, attempts: 1 }, never);
      const letter = await newest(LETTERS);
      const changed = change(letter.headers);
      if (changed.length < letter.headers.length) {
        records.push({ message: identify(letter, ""), action: "discarded", atMs: 0, note: "" });
        await producer.publish([{ topic: LETTERS, key: letter.key, value: letter.value, headers: changed }], never);
      }
    },
    redrive: async () => {
      const parts = {
        topic: LETTERS,
        reader,
        producer,
        handled: {
          of: async () => records,
          record: async (more: readonly HandledLetter[]) => void records.push(...more),
        },
        retryWaits: RETRY_WAITS_DEFAULT,
        clock,
        log: silentLog,
      };
      const options = { isDryRun: false, isForced: false };
      const reports = await Array.fromAsync(redriveLetters(parts, { kind: "open", reason: "outage" }, options, never));
      assert.equal(reports.at(-1)?.done, 1);
    },
    handle: async () => {
      const assignment = new AbortController().signal;
      const rest = (): Disposable => ({ [Symbol.dispose]: () => undefined });
      await handle(await newest(TOPIC), {
        signal: never,
        assignment,
        finishing: assignment,
        progress: () => undefined,
        rest,
      });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Of March. */
function storedDays({ bars }: CoreRig): readonly string[] {
  return [...bars.keys()].map((key) => key.slice(-2)).toSorted();
}
