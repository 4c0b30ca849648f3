import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { systemClock } from "../../../src/base/clock.ts";
import { type Log, silentLog } from "../../../src/base/log.ts";
import { runConsumer } from "../../../src/consumer/run-consumer.ts";
import type { Message } from "../../../src/ports/queue.ts";
import { openKafkaQueue } from "../../../src/queue/kafka/kafka-queue.ts";
import { OffsetWatch } from "./offset-watch.ts";
import type { OurLine, RunSpec, StragglerLine } from "./run-line.ts";
import { messagesOf, topicOf } from "./shared-work.ts";
import { Tally } from "./tally.ts";

/**
 * The process that is measured: the product's queue and the product's consumer, with a handler that does what the peers'
 * handlers do. Takes a RunSpec as its argument, prints an OurLine a run.
 */

const COMMITTED_WAIT_MS = 15_000;
const ASK_EVERY_MS = 2;
/** While the work is on, asking must not cost what is measured. */
const ASK_MEANWHILE_EVERY_MS = 20;
/** Early enough that most of its key, of its partition and of all others come behind it. */
const STRAGGLER_SEQ = 1_000;
const DELAYED_MS = 100;

interface Seen {
  readonly tally: Tally;
  readonly startedAtMs: number;
  readonly straggler: { readonly key: string; readonly partition: number; readonly atMs: number } | undefined;
}

async function runOnce(
  spec: RunSpec,
  run: number,
  stragglerMs: number | undefined,
  before: Seen | undefined,
): Promise<Seen> {
  const { bootstrap, kind, partitions } = spec;
  const topic = topicOf(kind, partitions, spec.keys);
  const groupId = `peers-${randomUUID()}`;
  const messages = messagesOf(kind);
  const closeAt = spec.closeAt ?? Infinity;
  await using watch = new OffsetWatch(bootstrap, groupId);
  const ends = await watch.ends(topic, partitions);
  await watch.committed(partitions);
  const tally = new Tally(messages, partitions);
  const intake = new AbortController();
  const allDone = Promise.withResolvers<void>();
  const expected = Math.min(messages, closeAt);
  let straggler: Seen["straggler"];

  async function handle({ key, value, partition, offset }: Message): Promise<void> {
    tally.begin();
    const { seq, workMs } = parseWork(value);
    const name = key?.toString() ?? "";
    const isStraggler = stragglerMs !== undefined && seq === STRAGGLER_SEQ;
    const ms = isStraggler ? stragglerMs : workMs;
    if (kind === "work") {
      const atMs = systemClock.elapsedMs();
      if (ms > 0) {
        await sleep(ms);
      }
      tally.workMs += systemClock.elapsedMs() - atMs;
    }
    tally.finish(name, seq, systemClock.elapsedMs());
    if (spec.closeAt !== undefined) {
      tally.noteOffset(partition, offset);
    }
    if (isStraggler) {
      straggler = { key: name, partition, atMs: systemClock.elapsedMs() };
    }
    if (tally.done === expected) {
      allDone.resolve();
    }
  }

  let stopAtMs: number;
  let startedAtMs: number;
  let commits: number;
  const cpuAt = process.cpuUsage();
  let following: Promise<void> | undefined;
  {
    await using queue = await openKafkaQueue({
      connection: { brokers: bootstrap.split(","), clientId: "bench" },
      groupId,
      topics: [topic],
      clock: systemClock,
      log: warningLog,
    });
    startedAtMs = systemClock.elapsedMs();
    if (stragglerMs !== undefined) {
      following = watch.follow(partitions, ASK_MEANWHILE_EVERY_MS, messages);
    }
    const running = runConsumer(
      {
        queue,
        lanesOf: ({ key }: Message) => [key?.toString() ?? ""],
        bytesOf: ({ key, value }: Message) => (key?.length ?? 0) + (value?.length ?? 0),
        handle,
        clock: systemClock,
        log: warningLog,
      },
      intake.signal,
      new AbortController().signal,
    );
    await Promise.race([allDone.promise, running]);
    following ??= watch.follow(partitions, ASK_EVERY_MS, messages, systemClock.elapsedMs() + COMMITTED_WAIT_MS);
    if (spec.closeAt === undefined) {
      await following;
    }
    stopAtMs = systemClock.elapsedMs();
    intake.abort();
    const report = await running;
    commits = report.state.counts.commits;
  }
  const closedAtMs = systemClock.elapsedMs();
  watch.stop();
  await following;

  const cpu = process.cpuUsage(cpuAt);
  const committed = await watch.look(partitions);
  // A drain finishes what was begun and forgets the rest, so something may be done beyond what is committed.
  const goal = spec.closeAt === undefined ? ends : tally.prefixes();
  const goalSum = goal.reduce((sum, offset) => sum + offset, 0);
  const committedAtMs = watch.sights.find(({ sum }) => sum >= goalSum)?.atMs;
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const seen: Seen = { tally, startedAtMs, straggler };
  const since = (atMs: number): number => round((atMs - startedAtMs) / 1000);
  const spanMs = tally.lastAtMs - tally.firstAtMs;
  const line: OurLine = {
    peer: "ours",
    kind,
    partitions,
    keys: spec.keys,
    messages,
    concurrency: 0,
    commit: "rule",
    run,
    cold: run === 0,
    seconds: committedAtMs === undefined ? -1 : since(committedAtMs),
    processedSeconds: since(tally.lastAtMs),
    firstMessageSeconds: since(tally.firstAtMs),
    firstToLastSeconds: round(spanMs / 1000),
    messagesPerSecond: Math.round((tally.done / spanMs) * 1000),
    // Whoever started us knows; working it out here would add to our memory.
    idealSeconds: 0,
    workSeconds: round(tally.workMs / 1000, 1),
    cpuSeconds: round(cpuSeconds, 2),
    cpuMicrosPerMessage: round((cpuSeconds * 1e6) / tally.done, 1),
    rssMb: peakRssMb(),
    outOfOrderOrTwice: tally.broken,
    committed: committed.reduce((sum, offset) => sum + offset, 0),
    handled: tally.handled,
    partitionsOff: goal.filter((offset, partition) => committed[partition] !== offset).length,
    commits,
    lastCommitMs: committedAtMs === undefined ? -1 : round(committedAtMs - tally.lastAtMs, 1),
    closeMs: round(closedAtMs - stopAtMs, 1),
    ...(straggler === undefined || before === undefined || stragglerMs === undefined
      ? {}
      : { straggler: describeStraggler(stragglerMs, straggler, seen, before, watch, ends) }),
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return seen;
}

function describeStraggler(
  stragglerMs: number,
  straggler: NonNullable<Seen["straggler"]>,
  { tally, startedAtMs }: Seen,
  before: Seen,
  watch: OffsetWatch,
  ends: readonly number[],
): StragglerLine {
  const others = [...tally.doneAtMs].filter(([key]) => key !== straggler.key);
  const laterMs = others.map(
    ([key, atMs]) => atMs - startedAtMs - ((before.tally.doneAtMs.get(key) ?? Infinity) - before.startedAtMs),
  );
  const othersBefore = [...before.tally.doneAtMs].filter(([key]) => key !== straggler.key).map(([, atMs]) => atMs);
  const isOthersCommitted = (committed: readonly number[]): boolean =>
    committed.every((offset, partition) => partition === straggler.partition || offset >= (ends[partition] ?? 0));
  const othersCommitted = watch.sights.find(({ committed }) => isOthersCommitted(committed));
  const meanwhile = watch.sights.findLast(({ atMs }) => atMs < straggler.atMs);
  const since = (atMs: number): number => round((atMs - startedAtMs) / 1000);
  return {
    stragglerMs,
    stragglerDoneSeconds: since(straggler.atMs),
    othersDoneSeconds: since(Math.max(...others.map(([, atMs]) => atMs))),
    othersDoneSecondsWithout: round((Math.max(...othersBefore) - before.startedAtMs) / 1000),
    otherKeys: others.length,
    otherKeysDelayed: laterMs.filter((ms) => ms > DELAYED_MS).length,
    otherKeyDelayMsMax: round(Math.max(0, ...laterMs), 1),
    otherPartitionsCommittedSeconds:
      ends.length === 1 || othersCommitted === undefined ? undefined : since(othersCommitted.atMs),
    notCommittedMeanwhile: (ends[straggler.partition] ?? 0) - (meanwhile?.committed[straggler.partition] ?? 0),
  };
}

function parseWork(value: Buffer | undefined): { readonly seq: number; readonly workMs: number } {
  return JSON.parse(value?.toString() ?? "") as { readonly seq: number; readonly workMs: number };
}

function peakRssMb(): number {
  const found = /VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"));
  return Math.round(Number(found?.[1] ?? Number.NaN) / 1024);
}

function round(value: number, digits = 3): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** What should not happen in a measured run is seen by whoever runs it. */
const warningLog: Log = {
  ...silentLog,
  warn: (event, fields) => process.stderr.write(`ours: ${event} ${JSON.stringify(fields ?? {})}\n`),
  error: (event, fields) => process.stderr.write(`ours: ${event} ${JSON.stringify(fields ?? {})}\n`),
  child: () => warningLog,
};

const spec = JSON.parse(process.argv[2] ?? "") as RunSpec;
let before: Seen | undefined;
for (let run = 0; run < spec.runs; run += 1) {
  const isLast = run === spec.runs - 1;
  before = await runOnce(spec, run, isLast ? spec.stragglerMs : undefined, before);
}
