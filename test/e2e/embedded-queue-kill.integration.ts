import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { toExit } from "../../src/cli/exit.ts";
import { type EmbeddedLog, openEmbeddedLog } from "../../src/queue/embedded/embedded-log.ts";
import { createEmbeddedReader } from "../../src/queue/embedded/embedded-reader.ts";
import { EmbeddedQueueHeldError } from "../../src/queue/embedded/errors.ts";
import { sizes } from "../support/sizes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const CHILD = path.join(import.meta.dirname, "embedded-queue-child.ts");
const TOPIC = "t";
/** A kill comes this long after the first acknowledgement, at most. */
const KILL_AFTER_MS_MAX = 120;
const never = new AbortController().signal;

test("killed at any moment, every acknowledged message and mark is there, once, and no part of anything else", async (t) => {
  await using folder = await temporaryFolder("ginkgo-queue");
  const file = path.join(folder.path, "queue.sqlite");
  const random = seeded(sizes.seed);
  const said: Said = { first: 0, sending: 0, sent: 0, marking: new Map(), marked: new Map() };
  let torn = 0;
  for (let kill = 0; kill < sizes.fileKills; kill += 1) {
    await runAndKill(file, said, Math.floor(random() * KILL_AFTER_MS_MAX));
    // A connection of its own reads it before the queue's does: what SQLite's recovery leaves is whole.
    checkIntegrity(file);
    await using log = await openEmbeddedLog({ path: file, clock: systemClock, log: silentLog, waitMs: 0 });
    const stored = await checkMessages(log, said);
    checkMarks(log, said);
    torn += stored === said.sent ? 0 : 1;
    // The next process begins where the stored ones end.
    said.first = stored;
    said.sent = stored;
    said.sending = stored;
  }
  t.diagnostic(
    `${sizes.fileKills} kills, ${said.first} messages; ${torn} publications were stored and not acknowledged`,
  );
  assert.ok(said.first > sizes.fileKills * 10, `only ${said.first} messages`);
});

test("while a process has the file another one is told which and whose it is; after SIGKILL it opens at once", async () => {
  await using folder = await temporaryFolder("ginkgo-queue");
  const file = path.join(folder.path, "queue.sqlite");
  const child = spawn(process.execPath, [CHILD, file], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.resume();
  try {
    await once(child.stdout, "data");
    await assert.rejects(openEmbeddedLog({ path: file, clock: systemClock, log: silentLog, waitMs: 50 }), (error) => {
      assert.ok(error instanceof EmbeddedQueueHeldError);
      const who = process.platform === "linux" ? `, process ${child.pid},` : "";
      assert.equal(
        error.message,
        `opening the embedded queue ${file}: another worker or command${who} holds it, and one process at a time may ` +
          "(database is locked); stop that one or wait for its end, ask it over its HTTP address, or take another folder",
      );
      assert.deepEqual(toExit(error), { code: 69, lines: [error.message] });
      return true;
    });
  } finally {
    await kill(child);
  }
  await using log = await openEmbeddedLog({ path: file, clock: systemClock, log: silentLog, waitMs: 0 });
  assert.ok(log.topics.length > 0);
});

/** What the child said that it does, and that it did. */
interface Said {
  /** The first value of this process. */
  first: number;
  sending: number;
  sent: number;
  readonly marking: Map<number, bigint>;
  readonly marked: Map<number, bigint>;
}

async function runAndKill(file: string, said: Said, afterMs: number): Promise<void> {
  const child = spawn(process.execPath, [CHILD, file, String(said.first)], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    let text = "";
    const isSending = Promise.withResolvers<void>();
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (part: string) => {
      const lines = `${text}${part}`.split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        note(said, line);
      }
      if (said.sent > said.first) {
        isSending.resolve();
      }
    });
    child.once("exit", () => isSending.reject(new Error("the process ended by itself")));
    const closed = once(child, "close");
    await isSending.promise;
    await sleep(afterMs);
    child.kill("SIGKILL");
    await closed;
    assert.equal(child.signalCode, "SIGKILL");
  } finally {
    await kill(child);
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
}

function note(said: Said, line: string): void {
  const [what, first = "", second = ""] = line.split(" ");
  if (what === "sending" || what === "sent") {
    said[what] = Number.parseInt(first, 10);
  } else if (what === "marking" || what === "marked") {
    said[what].set(Number.parseInt(first, 10), BigInt(second));
  } else {
    assert.equal(what, "ready");
  }
}

function checkIntegrity(file: string): void {
  using db = new DatabaseSync(file);
  assert.deepEqual({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
}

/** Answers how many messages there are: each value once, up to the last publication or the one that was under way. */
async function checkMessages(log: EmbeddedLog, said: Said): Promise<number> {
  const messages = await Array.fromAsync(createEmbeddedReader(log).read(TOPIC, never));
  const values = messages.map(({ value }) => Number.parseInt(value?.toString() ?? "", 10));
  assert.deepEqual(
    values.toSorted((left, right) => left - right),
    values.map((_, index) => index),
    "each value is there once",
  );
  assert.ok([said.sent, said.sending].includes(values.length), `${values.length}, sent ${said.sent}`);
  for (const { number, end } of log.topic(TOPIC, "looking").partitions) {
    const own = messages.filter(({ partition }) => partition === number);
    assert.deepEqual(
      own.map(({ offset }) => offset),
      Array.from({ length: end }, (_, index) => BigInt(index)),
    );
    const ownValues = own.map(({ value }) => Number.parseInt(value?.toString() ?? "", 10));
    assert.deepEqual(
      ownValues,
      ownValues.toSorted((left, right) => left - right),
      "in the order of publication",
    );
  }
  return values.length;
}

/** Each mark is the last acknowledged one or the one that was under way, and never one that nobody asked for. */
function checkMarks(log: EmbeddedLog, said: Said): void {
  for (const { partition, committed } of log.lagOf("g", [TOPIC])) {
    const asked = [said.marked.get(partition), said.marking.get(partition)];
    assert.ok(
      asked.includes(committed),
      `partition ${partition} is at ${committed}, marked ${asked.join(", marking ")}`,
    );
  }
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
