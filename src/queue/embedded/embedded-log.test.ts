import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, stat, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { promisify } from "node:util";

import { message, numbered } from "../../../test/contracts/queue-contract.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { DataError, PermanentError, TransientError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import type { Message } from "../../ports/queue.ts";
import { type EmbeddedLog, type EmbeddedLogOptions, openEmbeddedLog } from "./embedded-log.ts";
import { EmbeddedQueueHeldError } from "./errors.ts";

const run = promisify(execFile);
const DAY_MS = 86_400_000;

interface Place extends AsyncDisposable {
  readonly file: string;
  open(more?: Partial<EmbeddedLogOptions>): Promise<EmbeddedLog>;
}

async function openPlace(): Promise<Place> {
  const folder = await temporaryFolder("ginkgo-queue");
  const file = path.join(folder.path, "below", "queue.sqlite");
  return {
    file,
    open: (more = {}) => openEmbeddedLog({ path: file, clock: systemClock, log: silentLog, waitMs: 0, ...more }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function readAll(log: EmbeddedLog, topic: string): readonly Message[] {
  return log.topic(topic, "reading").partitions.flatMap((at) => {
    const messages: Message[] = [];
    for (let page = log.page(at, at.start, at.end); page.length > 0;) {
      messages.push(...page);
      page = log.page(at, Number(page.at(-1)?.offset) + 1, at.end);
    }
    return messages;
  });
}

function markOf(log: EmbeddedLog, group: string, topic: string, partition: number): bigint | undefined {
  return log.lagOf(group, [topic]).find((one) => one.partition === partition)?.committed;
}

test("topics, messages, marks and offsets are there when the file is opened again", async () => {
  await using place = await openPlace();
  {
    await using log = await place.open();
    log.ensureTopics([{ topic: "t", partitions: 3, replication: 1 }]);
    log.append(numbered("t", 20));
    log.commit("g", [{ topic: "t", partition: 1, offset: 2n }]);
  }
  await using log = await place.open();
  assert.equal(readAll(log, "t").length, 20);
  assert.equal(markOf(log, "g", "t", 1), 2n);
  assert.equal(markOf(log, "g", "t", 0), undefined);
  const before = log.topic("t", "looking").partitions.map(({ end }) => end);
  log.append(numbered("t", 20));
  assert.deepEqual(
    log.topic("t", "looking").partitions.map(({ end }) => end),
    before.map((end) => end * 2),
  );
});

test("topics are created once, never altered, and what differs is said", async () => {
  await using place = await openPlace();
  await using log = await place.open();
  const spec = { topic: "t", partitions: 2, replication: 1 };
  const letters = { topic: "t.dlq", partitions: 2, replication: 1, fits: "t", configs: { "retention.ms": "5000" } };
  const actionsOf = (specs: Parameters<EmbeddedLog["ensureTopics"]>[0]): unknown =>
    log.ensureTopics(specs).map(({ action, partitions }) => [action, partitions]);
  assert.deepEqual(actionsOf([letters, spec]), [
    ["created", 2],
    ["created", 2],
  ]);
  assert.deepEqual(actionsOf([spec, letters]), [
    ["exists", 2],
    ["exists", 2],
  ]);
  assert.equal(log.topic("t.dlq", "looking").retentionMs, 5_000);
  assert.equal(log.topic("t.dlq", "looking").messageBytesMax, 1_048_588 + 65_536);
  const [wide] = log.ensureTopics([{ ...spec, partitions: 24 }]);
  assert.deepEqual(wide, {
    topic: "t",
    action: "differs",
    partitions: 2,
    note: "has 2 partitions where 24 are expected",
  });
  const [tight] = log.ensureTopics([{ ...spec, fits: "t.dlq" }]);
  assert.match(tight?.note ?? "", /takes messages of 1048588 bytes where \d+ are needed/);
});

test("the log is held: a second opening of the file is refused by type, and taken when the first is closed", async () => {
  await using place = await openPlace();
  const first = await place.open();
  first.ensureTopics([{ topic: "t", partitions: 1, replication: 1 }]);
  await assert.rejects(place.open(), (error) => {
    assert.ok(error instanceof EmbeddedQueueHeldError);
    assert.ok(error instanceof PermanentError);
    assert.equal(error.scope, "queue");
    assert.equal(error.file, place.file);
    assert.ok(error.message.includes(place.file));
    return true;
  });
  // The failed attempt did not let go of the first one's lock.
  await assert.rejects(place.open(), EmbeddedQueueHeldError);
  const waiting = place.open({ waitMs: 20_000 });
  await first[Symbol.asyncDispose]();
  await using second = await waiting;
  second.append([message("t", "k", "v")]);
  assert.throws(() => first.append([message("t", "k", "v")]), TransientError);
  assert.equal(readAll(second, "t").length, 1);
});

test("a newer program's file and another program's are refused and left as they are", async () => {
  await using folder = await temporaryFolder("ginkgo-queue");
  const options = { clock: systemClock, log: silentLog, waitMs: 0 };
  const foreign = path.join(folder.path, "foreign.sqlite");
  {
    using db = new DatabaseSync(foreign);
    db.exec("CREATE TABLE theirs (a)");
  }
  await assert.rejects(openEmbeddedLog({ path: foreign, ...options }), (error) => {
    assert.ok(error instanceof PermanentError);
    assert.match(error.message, /foreign\.sqlite: it is a SQLite file of another program: move it away/);
    return true;
  });
  const newer = path.join(folder.path, "newer.sqlite");
  await (await openEmbeddedLog({ path: newer, ...options }))[Symbol.asyncDispose]();
  {
    using db = new DatabaseSync(newer);
    db.exec("PRAGMA user_version = 2");
  }
  await assert.rejects(openEmbeddedLog({ path: newer, ...options }), (error) => {
    assert.ok(error instanceof PermanentError);
    assert.match(error.message, /a newer version of this program wrote it \(schema 2, this one knows 1\)/);
    return true;
  });
  const garbage = path.join(folder.path, "garbage.sqlite");
  await writeFile(garbage, "no database at all ".repeat(500));
  await assert.rejects(openEmbeddedLog({ path: garbage, ...options }), /move it away or take another folder/);
  await assert.rejects(openEmbeddedLog({ path: folder.path, ...options }), PermanentError);
});

test("a mark never goes down, never beyond the end, and only where there is a partition", async () => {
  await using place = await openPlace();
  await using log = await place.open();
  log.ensureTopics([{ topic: "t", partitions: 2, replication: 1 }]);
  log.append(Array.from({ length: 10 }, () => ({ ...message("t", undefined, "x"), partition: 0 })));
  log.commit("g", [{ topic: "t", partition: 0, offset: 7n }]);
  log.commit("g", [{ topic: "t", partition: 0, offset: 4n }]);
  assert.equal(markOf(log, "g", "t", 0), 7n);
  const beyond = [
    { topic: "t", partition: 0, offset: 9n },
    { topic: "t", partition: 1, offset: 1n },
  ];
  assert.throws(() => log.commit("g", beyond), RangeError);
  assert.equal(markOf(log, "g", "t", 0), 7n, "all or none");
  assert.throws(() => log.commit("g", [{ topic: "t", partition: 2, offset: 0n }]), PermanentError);
  assert.throws(() => log.commit("g", [{ topic: "u", partition: 0, offset: 0n }]), /topic u does not exist/);
  log.commit("other", [{ topic: "t", partition: 0, offset: 1n }]);
  assert.equal(markOf(log, "g", "t", 0), 7n);
});

test("one publication is all or nothing", async () => {
  await using place = await openPlace();
  await using log = await place.open({ messageBytesMax: 1_000 });
  log.ensureTopics([{ topic: "t", partitions: 2, replication: 1 }]);
  assert.throws(() => log.append([...numbered("t", 5), message("t", "k", "x".repeat(1_000))]), DataError);
  assert.throws(() => log.append([...numbered("t", 5), message("absent", "k", "v")]), PermanentError);
  assert.deepEqual(readAll(log, "t"), []);
});

test("a partition that the topic does not have is left to the key", async () => {
  await using place = await openPlace();
  await using log = await place.open();
  log.ensureTopics([{ topic: "t", partitions: 2, replication: 1 }]);
  log.append([message("t", "k", "by key"), { ...message("t", "k", "elsewhere"), partition: 2 }]);
  const [byKey, elsewhere] = readAll(log, "t");
  assert.equal(elsewhere?.partition, byKey?.partition);
  assert.ok(elsewhere !== undefined);
});

test("a full file refuses what is new, keeps what it has, and takes more when there is room", async () => {
  await using place = await openPlace();
  const big = Array.from({ length: 40 }, (_, index) => message("t", `k-${index}`, "x".repeat(10_000)));
  {
    await using log = await place.open({ fileBytesMax: 200_000 });
    log.ensureTopics([{ topic: "t", partitions: 2, replication: 1 }]);
    log.append(numbered("t", 10));
    assert.throws(
      () => log.append(big),
      (error) => {
        assert.ok(error instanceof TransientError);
        assert.match(error.message, /publishing 40 messages to t in .*: its disk.*is full: make room/);
        return true;
      },
    );
    const [mark] = log.lagOf("g", ["t"]).map(({ partition, end }) => ({ topic: "t", partition, offset: end }));
    assert.ok(mark !== undefined);
    log.commit("g", [mark]);
    assert.equal(markOf(log, "g", "t", mark.partition), mark.offset);
    log.append(numbered("t", 1));
    assert.equal(readAll(log, "t").length, 11);
  }
  await using log = await place.open();
  log.append(big);
  assert.equal(readAll(log, "t").length, 51);
});

test("settled messages go when they are old, unsettled ones stay, and dead letters go by their age alone", async () => {
  await using place = await openPlace();
  let nowMs = Date.UTC(2026, 0, 1);
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  await using log = await place.open({ clock, retentionMs: 7 * DAY_MS });
  const letters = { topic: "t.dlq", partitions: 1, replication: 1, configs: { "retention.ms": String(90 * DAY_MS) } };
  log.ensureTopics([
    { topic: "t", partitions: 1, replication: 1 },
    { topic: "unread", partitions: 1, replication: 1 },
    letters,
  ]);
  const many = 2_500;
  log.append([...numbered("t", many), message("unread", "k", "v"), message("t.dlq", "k", "v")]);
  nowMs += DAY_MS;
  log.append(numbered("t", 10));
  log.commit("g", [{ topic: "t", partition: 0, offset: BigInt(many + 5) }]);
  log.commit("slow", [{ topic: "t", partition: 0, offset: 2_200n }]);
  assert.equal(await log.sweep(), 0);

  nowMs += 6.5 * DAY_MS;
  assert.equal(await log.sweep(), 2_200, "the slow group holds the rest");
  assert.equal(readAll(log, "t")[0]?.offset, 2_200n);
  log.commit("slow", [{ topic: "t", partition: 0, offset: BigInt(many + 10) }]);
  assert.equal(await log.sweep(), 300, "what is younger stays");
  nowMs += 7 * DAY_MS;
  assert.equal(await log.sweep(), 5);
  assert.deepEqual(
    readAll(log, "t").map(({ offset }) => offset),
    [5n, 6n, 7n, 8n, 9n].map((more) => BigInt(many) + more),
    "unsettled by g",
  );
  assert.deepEqual([readAll(log, "unread").length, readAll(log, "t.dlq").length], [1, 1]);
  nowMs += 90 * DAY_MS;
  assert.equal(await log.sweep(), 1);
  assert.deepEqual([readAll(log, "unread").length, readAll(log, "t.dlq").length], [1, 0]);

  await log[Symbol.asyncDispose]();
  await using again = await place.open({ clock });
  again.append([message("t.dlq", "k", "v")]);
  assert.equal(readAll(again, "t.dlq")[0]?.offset, 1n, "an emptied partition goes on where it was");
  assert.deepEqual(
    again.lagOf("new", ["t"]).map(({ lag, end }) => [lag, end]),
    [[5n, BigInt(many + 10)]],
  );
});

test("old messages are deleted by themselves after opening", async () => {
  await using place = await openPlace();
  let nowMs = Date.UTC(2026, 0, 1);
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  {
    await using log = await place.open({ clock });
    log.ensureTopics([{ topic: "t", partitions: 1, replication: 1 }]);
    log.append(numbered("t", 5));
    log.commit("g", [{ topic: "t", partition: 0, offset: 5n }]);
  }
  nowMs += 8 * DAY_MS;
  const swept = Promise.withResolvers<unknown>();
  const log = { ...silentLog, info: (_: string, fields?: unknown) => swept.resolve(fields) };
  await using again = await place.open({ clock, log });
  assert.deepEqual(await swept.promise, { deleted: 5 });
  assert.deepEqual(readAll(again, "t"), []);
});

test("wherever the log is torn, as by a crash of the machine, whole publications are there in order and no part of one", async () => {
  await using place = await openPlace();
  await using log = await place.open();
  log.ensureTopics([{ topic: "t", partitions: 3, replication: 1 }]);
  const sizes = [1, 7, 3, 12, 2, 9, 5, 1, 30, 4];
  let sent = 0;
  for (const size of sizes) {
    log.append(Array.from({ length: size }, (_, index) => message("t", `k-${index}`, String(sent + index))));
    sent += size;
  }
  const whole = sizes.map((_, index) => sizes.slice(0, index).reduce((sum, size) => sum + size, 0)).concat(sent);
  const copy = path.join(path.dirname(place.file), "copy.sqlite");
  // By another process: one that opens and closes the file in this one would let go of the lock.
  await run("cp", [place.file, copy]);
  const tail = `${copy}.log`;
  await run("cp", [`${place.file}-wal`, tail]);
  const { size: bytes } = await stat(tail);
  const seen = new Set<number>();
  for (let cut = 0; cut <= 24; cut += 1) {
    const file = `${copy}.${cut}`;
    await copyFile(copy, file);
    await copyFile(tail, `${file}-wal`);
    await truncate(`${file}-wal`, Math.floor((bytes * cut) / 24));
    {
      using db = new DatabaseSync(file);
      assert.deepEqual({ ...db.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
    }
    await using torn = await openEmbeddedLog({ path: file, clock: systemClock, log: silentLog });
    const messages = torn.topics.flatMap(({ name }) => readAll(torn, name));
    const values = messages.map(({ value }) => Number(value?.toString())).toSorted((left, right) => left - right);
    assert.ok(whole.includes(values.length), `${values.length} messages`);
    assert.deepEqual(
      values,
      values.map((_, index) => index),
    );
    for (const { number, end } of torn.topics.flatMap(({ partitions }) => partitions)) {
      const offsets = messages.filter(({ partition }) => partition === number).map(({ offset }) => Number(offset));
      assert.deepEqual(
        offsets,
        Array.from({ length: end }, (_, index) => index),
      );
    }
    seen.add(values.length);
  }
  assert.ok(seen.has(0) && seen.has(sent) && seen.size > 4, `the cuts fell on ${[...seen].join(", ")}`);
});

test("a program that uses the queue says nothing of its own accord", async () => {
  await using place = await openPlace();
  const module = path.join(import.meta.dirname, "embedded-log.ts");
  const program = `
    const { openEmbeddedLog } = await import(${JSON.stringify(module)});
    const clock = { nowMs: () => 0, elapsedMs: () => 0 };
    await using log = await openEmbeddedLog({ path: ${JSON.stringify(place.file)}, clock });`;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "--eval", program]);
  assert.equal(stdout + stderr, "");
});
