import { cpus } from "node:os";
import { parseArgs } from "node:util";

import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { openWorkerTraces, type WorkerTraces, withTraces } from "../src/app/traces/worker-traces.ts";
import { loadConfig } from "../src/config.ts";
import { NO_ROWS } from "../src/domain/outcome.ts";
import type { Message, Queue, QueueListener } from "../src/ports/queue.ts";
import type { Outcomes } from "../src/ports/store.ts";
import type { Perform } from "../src/worker/message-handler.ts";
import { runWorker } from "../src/worker/run-worker.ts";

/**
 * What traces cost a message that does nothing: the worker's core over a queue in memory, without the wrappers, with them
 * as `start` puts them in while no endpoint is set, and with spans sent to a port where nobody listens. The kinds take turns,
 * and the medians of their CPU time are compared.
 */
export async function benchTraces(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { messages: { type: "string", default: "8000" }, runs: { type: "string", default: "7" } },
  });
  const messages = Number.parseInt(values.messages, 10);
  const runs = Number.parseInt(values.runs, 10);
  const kinds = ["plain", "off", "on"] as const;
  const micros: Readonly<Record<(typeof kinds)[number], number[]>> = { plain: [], off: [], on: [] };
  await using off = await openFor("off");
  await using on = await openFor("on");
  const wraps: Readonly<Record<(typeof kinds)[number], (parts: Parts) => Parts>> = {
    plain: (parts) => parts,
    off: (parts) => withTraces(off, parts),
    on: (parts) => withTraces(on, parts),
  };
  for (let run = 0; run <= runs; run += 1) {
    for (const kind of kinds) {
      const cpuMicros = await measure(messages, wraps[kind]);
      // The first one is for the compiler.
      if (run > 0) {
        micros[kind].push(cpuMicros / messages);
      }
    }
  }
  const plain = medianOf(micros.plain);
  for (const kind of kinds) {
    const median = medianOf(micros[kind]);
    const line = {
      bench: "traces",
      kind,
      messages,
      runs,
      cpuMicrosPerMessage: round(median),
      ratio: round(median / plain),
    };
    process.stdout.write(`${JSON.stringify({ ...line, node: process.version, cpu: cpus()[0]?.model ?? "unknown" })}\n`);
  }
}

type Parts = Parameters<typeof withTraces>[1];

async function openFor(kind: "off" | "on"): Promise<WorkerTraces | undefined> {
  const env = kind === "off" ? {} : { GINKGO_TRACES_ENDPOINT: "http://127.0.0.1:9" };
  const { config } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
  return await openWorkerTraces(config, String, silentLog);
}

async function measure(messages: number, wrap: (parts: Parts) => Parts): Promise<number> {
  const intake = new AbortController();
  const work = new AbortController();
  const queue = new MemoryQueue(messages, () => intake.abort());
  const before = process.cpuUsage();
  await runWorker(
    {
      ...wrap({ queue, outcomes: OUTCOMES, perform: PERFORM, around: undefined }),
      group: "bench",
      deadLetters: { write: () => Promise.reject(new Error("nothing is set aside")) },
      clock: systemClock,
      log: silentLog,
      limits: {},
      parseLimits: { bytesMax: 65_536, codesMax: 10 },
      attemptsMax: 1,
    },
    intake.signal,
    work.signal,
  );
  const { user, system } = process.cpuUsage(before);
  if (queue.committed !== BigInt(messages)) {
    throw new Error(`committed ${queue.committed} of ${messages} messages`);
  }
  return user + system;
}

const OUTCOMES: Outcomes = {
  record: () => Promise.resolve(),
  settledFrom: () => Promise.resolve(new Map()),
  byRequest: () => Promise.resolve([]),
};

const PERFORM: Perform = () =>
  Promise.resolve({
    word: "ignored",
    rows: NO_ROWS,
    callIds: [],
    provider: undefined,
    pendingDays: 0,
    unexplainedDays: 0,
  });

/** One partition of beats; says when the last of them was committed. */
class MemoryQueue implements Queue {
  committed = 0n;
  readonly #messages: number;
  readonly #onCommitted: () => void;
  readonly #value = Buffer.from('{"command":"heartbeat_test","params":{}}');
  #next = 0;
  #isJoined = false;

  constructor(messages: number, onCommitted: () => void) {
    this.#messages = messages;
    this.#onCommitted = onCommitted;
  }

  subscribe(listener: QueueListener): void {
    queueMicrotask(() => {
      this.#isJoined = true;
      listener.onJoin({ assigned: [{ topic: "t", partition: 0 }], isNewMember: true, stream: 1 });
      listener.onReadable();
    });
  }

  pull(): { readonly message: Message; readonly stream: number } | undefined {
    if (!this.#isJoined || this.#next === this.#messages) {
      return undefined;
    }
    const offset = BigInt(this.#next);
    this.#next += 1;
    const at = { topic: "t", partition: 0, offset, timestampMs: Date.now() };
    return { message: { ...at, key: undefined, value: this.#value, headers: [] }, stream: 1 };
  }

  async commit(marks: Parameters<Queue["commit"]>[0]): Promise<void> {
    this.committed = marks[0]?.offset ?? this.committed;
    if (this.committed === BigInt(this.#messages)) {
      this.#onCommitted();
    }
  }

  isFresh(): boolean {
    return true;
  }

  stopDelivery(): void {
    this.#next = this.#messages;
  }

  lag(): ReturnType<Queue["lag"]> {
    return Promise.resolve([]);
  }

  health(): ReturnType<Queue["health"]> {
    return {
      isReady: true,
      isFresh: true,
      topics: ["t"],
      partitions: 1,
      heardAgoMs: undefined,
      fetchedAgoMs: 0,
      reopened: 0,
      rebuilt: 0,
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
