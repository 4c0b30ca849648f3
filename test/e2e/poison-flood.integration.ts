import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import test, { type TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as fc from "fast-check";

import { openQueueTools } from "../../src/app/open-queue-tools.ts";
import { silentLog } from "../../src/base/log.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { keepSaid } from "../support/planted-secrets.ts";
import { freePort } from "../support/services/free-port.ts";
import { sizes } from "../support/sizes.ts";
import { waitFor } from "../support/wait-for.ts";
import { compareWithTruth } from "./market-truth.ts";
import { checkLetters, checkLines, findAll, type PoisonRun, publishCases } from "./poison-check.ts";
import { badMessages, goodMessages } from "./poison-generator.ts";
import type { PoisonCase } from "./poison-table.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";
import { compileCache } from "../support/compile-cache.ts";

const WORKER = path.join(import.meta.dirname, "worker-process.ts");
const MEBIBYTE = 1024 * 1024;
const BYTES_MAX = 256 * 1024;
/** So many bad ones between two good ones. */
const BAD_PER_GOOD = 4;
const QUARTERS = 4;
const never = new AbortController().signal;

/**
 * The engine keeps garbage for as long as there is room, which would hide what is really held: here it has little. With
 * that, a worker has to stay within what Ginkgo's deployment reserves for it, half of the container's limit.
 */
const SMALL_HEAP = ["--max-old-space-size=96", "--max-semi-space-size=4"];
const RSS_MAX = 256 * MEBIBYTE;
const GROWTH_MAX = 1.15;

test("a flood of random poison between good messages: each is set aside once, the rest is stored, memory stays", async (t) => {
  const market = generateMarket({ seed: 12, codes: sizes.codes, tradingDays: 20 });
  const port = await freePort();
  await using rig = await openWorkerRig(t, {
    data: marketData(market),
    env: { GINKGO_WORKER_MESSAGE_BYTES_MAX: String(BYTES_MAX), GINKGO_HEALTH_PORT: String(port) },
  });
  if (rig === undefined) {
    return;
  }
  const cases = drawCases(
    market.securities.map(({ code }) => code),
    market.days,
  );
  const run: PoisonRun = { topic: rig.config.worker.topic, partitions: rig.config.kafka.partitions, cases };
  await using worker = startProcess(rig);
  await waitFor(() => isLive(port), { timeoutMs: 60_000, what: "the worker to be live" });
  const watch = watchProcess(worker.child, port);
  await using tools = await openQueueTools(rig.config, silentLog, never);
  const producer = await tools.openProducer(never);
  for (let quarter = 0; quarter < QUARTERS; quarter += 1) {
    const [from, end] = [quarter, quarter + 1].map(
      (edge) => Math.ceil((edge * cases.length) / QUARTERS / run.partitions) * run.partitions,
    );
    await publishCases(run, producer, from, end);
    await rig.untilSettled(Math.min(end ?? 0, cases.length), 120_000);
    await watch.endQuarter();
  }
  const seen = await watch.stop();
  worker.child.kill("SIGTERM");
  const [code] = (await once(worker.child, "exit")) as [number | null];
  assert.equal(code, 0);

  assert.equal(await rig.lag(), 0n);
  checkLetters(run, await findAll(rig));
  checkLines(run, worker.lines, rig.simulator.token);
  assert.deepEqual(await compareWithTruth(rig, market), { different: 0, missing: 0, extra: 0 });
  assert.ok(seen.asked > 0);
  assert.equal(
    seen.notLive,
    0,
    `of ${seen.asked} times that it was asked, the worker was not live ${seen.notLive} times`,
  );
  checkMemory(t, seen.peaks, cases);
});

/** Good ones for all codes, as many bad ones as the size says, interleaved; the seed is the suite's. */
function drawCases(codes: readonly string[], days: readonly string[]): readonly PoisonCase[] {
  const options = { codes, from: days[0] ?? "", to: days.at(-1) ?? "", bytesMax: BYTES_MAX };
  const bad = fc.sample(badMessages(options), { numRuns: sizes.poison, seed: sizes.seed });
  const goodCount = Math.max(codes.length, Math.ceil(bad.length / BAD_PER_GOOD));
  const good = Array.from({ length: goodCount }, (_, index) => {
    const arbitrary = goodMessages(options, codes[index % codes.length] ?? "");
    return fc.sample(arbitrary, { numRuns: 1, seed: sizes.seed + index });
  }).flat();
  return [
    ...bad.map((one, index) => ({ one, at: (index + 0.5) / bad.length })),
    ...good.map((one, index) => ({ one, at: index / good.length })),
  ]
    .toSorted((left, right) => left.at - right.at)
    .map(({ one }) => one);
}

function checkMemory(t: TestContext, peaks: readonly number[], cases: readonly PoisonCase[]): void {
  const bad = cases.filter(({ letter }) => letter !== undefined).length;
  const bytes = cases.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
  const inMebibytes = (one: number): string => (one / MEBIBYTE).toFixed(0);
  t.diagnostic(
    `${bad} bad and ${cases.length - bad} good messages, ${inMebibytes(bytes)} MiB; ` +
      `peak RSS by quarter: ${peaks.map(inMebibytes).join(", ")} MiB`,
  );
  if (!existsSync("/proc/self/status")) {
    t.diagnostic("memory was not measured: this system has no /proc");
    return;
  }
  const [, second = 0, , last = 0] = peaks;
  assert.ok(
    peaks.every((peak) => peak > 0),
    "each quarter was measured",
  );
  assert.ok(Math.max(...peaks) <= RSS_MAX, `${inMebibytes(Math.max(...peaks))} MiB`);
  assert.ok(last <= GROWTH_MAX * second, `last quarter ${inMebibytes(last)} MiB, second ${inMebibytes(second)} MiB`);
}

interface Watched {
  /** The largest RSS of each quarter in bytes. */
  readonly peaks: readonly number[];
  /** How often it was asked whether it is live, and how often it was not. */
  readonly asked: number;
  readonly notLive: number;
}

const SAMPLE_EVERY_MS = 50;
const ASK_EVERY_SAMPLES = 5;

function watchProcess(
  child: ChildProcess,
  port: number,
): { readonly endQuarter: () => Promise<void>; readonly stop: () => Promise<Watched> } {
  const peaks = [0];
  const stopped = new AbortController();
  let asked = 0;
  let notLive = 0;
  const sample = async (): Promise<void> => {
    const rss = await readRss(child.pid);
    peaks[peaks.length - 1] = Math.max(peaks.at(-1) ?? 0, rss);
  };
  const watching = (async (): Promise<void> => {
    for (let round = 0; !stopped.signal.aborted; round += 1) {
      await sample();
      if (round % ASK_EVERY_SAMPLES === 0) {
        asked += 1;
        notLive += (await isLive(port)) ? 0 : 1;
      }
      await sleep(SAMPLE_EVERY_MS);
    }
  })();
  return {
    endQuarter: async () => {
      await sample();
      peaks.push(0);
    },
    stop: async () => {
      stopped.abort();
      await watching;
      return { peaks: peaks.slice(0, QUARTERS), asked, notLive };
    },
  };
}

async function readRss(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number.parseInt(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? "0", 10) * 1024;
}

async function isLive(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/livez`).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.status === 200;
}

interface WorkerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  /** What it logged, a JSON text each. */
  readonly lines: readonly string[];
}

/** A test that fails half way takes its process with it. */
function startProcess(rig: WorkerRig): WorkerProcess {
  const child = spawn(process.execPath, [...SMALL_HEAP, WORKER, "none"], {
    env: { PATH: process.env["PATH"] ?? "", ...compileCache, ...rig.env },
    stdio: ["ignore", "inherit", "pipe"],
  });
  const lines: string[] = [];
  assert.ok(child.stderr !== null);
  createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    keepSaid("flood", line);
  });
  const ended = once(child, "close");
  return {
    child,
    lines,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
