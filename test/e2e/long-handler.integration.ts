import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { kafkaConnection } from "../../src/app/open-kafka.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { measureLag } from "../../src/queue/kafka/lag.ts";
import { partitionOf } from "../../src/queue/partition-of.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { sizes } from "../support/sizes.ts";
import { waitFor } from "../support/wait-for.ts";
import { judgeTrace, traceNow } from "./handler-trace.ts";
import { compareWithTruth } from "./market-truth.ts";
import { openWorkerFleet, readConsumer, type WorkerFleet } from "./worker-fleet.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const market = generateMarket({ seed: sizes.seed, codes: 40, tradingDays: 10 });
const codes = market.securities.map(({ code }) => code);
const PARTITIONS = 24;
const partitionOfCode = (code: string): number => partitionOf(Buffer.from(code), PARTITIONS);
const [long = "", ...rest] = codes;
/** None of them has a place in the long one's partition by its key, so its offsets are known. */
const others = rest.filter((code) => partitionOfCode(code) !== partitionOfCode(long));
const range = { start_date: market.days[0], end_date: market.days.at(-1) };
/** The provider takes this long for the bars of one message, and then this long for its factors. */
const BARS_MS = Math.round(sizes.longHandlerMs * 0.55);
const FACTORS_MS = sizes.longHandlerMs - BARS_MS;
/** Longer than any answer takes: a call that is given up is made again. */
const TIMEOUT_MS = 600_000;

test("a handler far longer than the session keeps its place in the group, runs once, is committed once, and holds up its own code only", async (t) => {
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    env: { GINKGO_KAFKA_SESSION_MS: String(sizes.sessionMs), GINKGO_TUSHARE_TIMEOUT_MS: String(TIMEOUT_MS) },
  });
  if (rig === undefined) {
    return;
  }
  await using fleet = await openWorkerFleet(rig);
  const worker = fleet.start();
  const url = await worker.untilJoined();
  assert.equal(rig.config.kafka.partitions, PARTITIONS);
  const partition = partitionOfCode(long);
  // The lists are there, and the group knows of the partition, before the long message comes.
  await rig.publish([{ key: long, value: { command: "bar_snapshot", params: { code: long, ...range } } }]);
  await waitFor(async () => (await committedAt(rig, partition)) === 1n, {
    what: "the first commit",
    timeoutMs: 60_000,
  });

  rig.simulator.injectFault({ kind: "slow", ms: BARS_MS }, { api: "daily" });
  rig.simulator.injectFault({ kind: "slow", ms: FACTORS_MS }, { api: "adj_factor" });
  const withFactors = { ...range, adjust_type: "qfq", force: true };
  await rig.publish([{ key: long, value: { command: "bar_snapshot", params: { code: long, ...withFactors } } }]);
  await waitFor(() => rig.callsOf("daily") === 2, { what: "the slow call", timeoutMs: 30_000 });
  const joins = (await readConsumer(url)).counts.joins;

  await rig.publish([
    ...others.map((code) => ({ key: code, value: { command: "bar_snapshot", params: { code, ...range } } })),
    // Behind the long one: another code of its partition, and its own code.
    { key: keyBeside(partition), value: { command: "bar_snapshot", params: { code: others[0], ...range } } },
    { key: long, value: { command: "bar_snapshot", params: { code: long, ...range } } },
  ]);
  await using marks = watchMarks(rig, partition);
  await fleet.untilSettled(1 + others.length + 1, sizes.longHandlerMs);
  assert.deepEqual(runsOf(fleet, partition, 1), { started: 1, ended: 0 }, "the others did not wait for the long one");
  assert.deepEqual(runsOf(fleet, partition, 3), { started: 0, ended: 0 }, "its own code waits");
  await fleet.untilSettled(1 + others.length + 3, sizes.longHandlerMs + 60_000);
  await waitFor(async () => (await rig.lag()) === 0n, { timeoutMs: 30_000, what: "all offsets committed" });

  const after = await readConsumer(url);
  const { lines } = fleet.trace.refresh();
  const report = judgeTrace(lines);
  const { from, to } = timesOf(fleet, partition, 1);
  const took = to - from;
  const seen = await marks.stop();
  const offsets = seen.map(({ offset }) => offset);
  t.diagnostic(
    `the handler took ${Math.round(took)} ms with a session of ${sizes.sessionMs} ms; joins ${joins} before and ` +
      `${after.counts.joins} after; committed of its partition: ${offsets.join(", then ")}`,
  );
  assert.ok(took >= sizes.longHandlerMs, `the handler took ${took} ms`);
  assert.equal(after.counts.joins, joins);
  assert.equal(report.redelivered, 0);
  assert.deepEqual(report.disorder, []);
  const during = seen.filter(({ at }) => at < to).map(({ offset }) => offset);
  assert.deepEqual(during, [1n], `committed while the handler ran: ${during.join(", ")}`);
  // The last message of its own code begins only now, so its commit may come by itself.
  assert.ok(
    offsets.every((offset, index) => offset > (offsets[index - 1] ?? 0n)),
    `committed: ${offsets.join(", ")}`,
  );
  assert.equal(offsets.at(-1), 4n);
  assert.equal(rig.callsOf("adj_factor"), 1);
  assert.equal(rig.simulator.requests.filter(({ fault }) => fault === "slow").length, 2);
  assert.deepEqual(await compareWithTruth(rig, market, [long, ...others]), { different: 0, missing: 0, extra: 0 });
  const ended = await worker.stop();
  assert.deepEqual([ended.code, ended.signal], [0, null]);
  assert.equal(await rig.lag(), 0n);
});

/** A key of the partition that is no code. */
function keyBeside(partition: number): string {
  for (let number = 0; ; number += 1) {
    if (partitionOfCode(`beside ${number}`) === partition) {
      return `beside ${number}`;
    }
  }
}

function runsOf(
  fleet: WorkerFleet,
  partition: number,
  offset: number,
): { readonly started: number; readonly ended: number } {
  const isOurs = (line: { readonly partition: number; readonly offset: number }): boolean =>
    line.partition === partition && line.offset === offset;
  const { trace } = fleet;
  return { started: trace.ofKind("start").filter(isOurs).length, ended: trace.ofKind("end").filter(isOurs).length };
}

/** When the handler of a message that ran once began and ended, by the machine's monotonic clock. */
function timesOf(
  fleet: WorkerFleet,
  partition: number,
  offset: number,
): { readonly from: number; readonly to: number } {
  const isOurs = (line: { readonly partition: number; readonly offset: number }): boolean =>
    line.partition === partition && line.offset === offset;
  const { trace } = fleet;
  const [start, end] = [trace.ofKind("start").find(isOurs), trace.ofKind("end").find(isOurs)];
  if (start === undefined || end === undefined) {
    throw new RangeError(`offset ${offset} of partition ${partition} was not handled to its end`);
  }
  return { from: start.at, to: end.at };
}

async function committedAt(rig: WorkerRig, partition: number): Promise<bigint | undefined> {
  const { config } = rig;
  const lags = await measureLag(await kafkaConnection(config), config.worker.groupId, [config.worker.topic]);
  return lags.find((lag) => lag.partition === partition)?.committed;
}

/** Every committed offset of a partition that was seen, and when that was known, by the clock of traces; equal neighbours once. */
interface Marks extends AsyncDisposable {
  stop(): Promise<readonly Mark[]>;
}

interface Mark {
  readonly offset: bigint;
  readonly at: number;
}

function watchMarks(rig: WorkerRig, partition: number): Marks {
  const stopping = new AbortController();
  const seen: Mark[] = [];
  const watch = async (): Promise<void> => {
    for (let isLast = false; !isLast;) {
      isLast = stopping.signal.aborted;
      const offset = (await committedAt(rig, partition)) ?? 0n;
      if (seen.at(-1)?.offset !== offset) {
        seen.push({ offset, at: traceNow() });
      }
      await sleep(isLast ? 0 : 250);
    }
  };
  const watched = watch();
  watched.catch(() => undefined);
  return {
    stop: async () => {
      stopping.abort();
      await watched;
      return seen;
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await watched.catch(() => undefined);
    },
  };
}
