import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { markdownTable } from "../scripts/lib/markdown-table.ts";
import { projectFolder } from "../scripts/lib/project.ts";
import { type BigProvider, startBigProvider } from "./lib/memory/big-provider.ts";
import { countWrongSums } from "./lib/memory/check-stored.ts";
import { renderSvg } from "./lib/memory/plot.ts";
import { type MemorySample, sampleUntilDone } from "./lib/memory/sampler.ts";
import { type Quarter, quartersOf, whileWorking } from "./lib/memory/summary.ts";
import { openBenchRig } from "./lib/worker/bench-rig.ts";
import { buildPackage, imageNodeOptions } from "./lib/worker/built-package.ts";
import { parseCount, printLine, round } from "./lib/worker/figures.ts";
import { startGdwProcess } from "./lib/worker/gdw-process.ts";
import { openServers } from "./lib/worker/servers.ts";

const ROWS_DEFAULT = 10_000_000;
const GOAL_MIB = 200;

/**
 * Memory of the worker while it brings a whole market through the HTTP store: a message for each code, over all days. The
 * provider is a process of its own and answers at once. Afterwards every code and every day is compared with the market.
 */
export async function benchMemory(args: readonly string[]): Promise<void> {
  const options = parseMemoryOptions(args);
  say("building the worker");
  const program = await buildPackage();
  await using servers = await openServers();
  const size = sizeOf(options.rows);
  say(`generating ${size.codes} codes over ${size.tradingDays} trading days`);
  await using provider = await startBigProvider(size);
  await using rig = await openBenchRig(servers, provider);
  const nodeOptions = options.isPlain ? "" : imageNodeOptions();
  await using worker = await startGdwProcess({ program, nodeOptions, env: rig.env });
  await worker.untilReady();
  await worker.untilJoined();
  const idleMiB = worker.memory()?.nowMiB ?? 0;
  say(`${provider.bars} bars to bring; NODE_OPTIONS=${JSON.stringify(nodeOptions)}; idle ${Math.round(idleMiB)} MiB`);
  await rig.publish(provider.codes.map((code) => ({ code, from: provider.from, to: provider.to })));

  const samples: MemorySample[] = [];
  let [peakMiB, failure] = [Number.NaN, ""];
  try {
    for await (const sample of sampleUntilDone(worker, rig, provider.codes.length)) {
      samples.push(sample);
      printLine({ bench: "memory", part: "sample", ...roundAll(sample) });
      tellProgress(samples, provider.bars);
      peakMiB = worker.memory()?.peakMiB ?? peakMiB;
    }
    await worker.stop();
  } catch (error) {
    // A worker that runs out of memory is a result; what was seen until then is reported.
    failure = error instanceof Error ? error.message : String(error);
  }
  const truth = await provider.tell();
  say("comparing every code and every day with the market");
  const wrong = await countWrongSums(rig, truth);
  const seconds = whileWorking(samples).at(-1)?.s ?? Number.NaN;
  const rows = samples.at(-1)?.rows ?? 0;
  const quarters = quartersOf(samples);
  printLine({
    bench: "memory",
    part: "summary",
    transport: "http",
    flags: options.isPlain ? "plain" : "image",
    nodeOptions,
    rows,
    bars: provider.bars,
    ms: Math.round(seconds * 1_000),
    rowsPerSecond: Math.round(rows / seconds),
    idleMiB: Math.round(idleMiB),
    peakMiB: Math.round(peakMiB),
    quarters,
    calls: truth.calls,
    wrong,
    failure,
    engine: rig.engine,
  });
  process.stderr.write(`\n${renderQuarters(quarters)}\n\n`);
  say(
    `${rows} of ${provider.bars} bars in ${round(seconds, 1)} s, peak ${Math.round(peakMiB)} MiB (goal ${GOAL_MIB}), calls ${JSON.stringify(truth.calls)}`,
  );
  if (options.svg !== undefined) {
    await writeFile(options.svg, drawPlot(samples, provider, options.isPlain));
    say(`wrote ${options.svg}`);
  }
  if (wrong > 0 || failure !== "") {
    say(`*** WRONG: ${wrong} codes or days are not the market's${failure === "" ? "" : `; ${failure}`}`);
    process.exitCode = 1;
  }
}

interface MemoryOptions {
  readonly rows: number;
  /** Without the flags of the image. */
  readonly isPlain: boolean;
  readonly svg: string | undefined;
}

/** A run of another size leaves the picture in docs alone. */
function parseMemoryOptions(args: readonly string[]): MemoryOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { rows: { type: "string" }, plain: { type: "boolean", default: false }, svg: { type: "string" } },
  });
  const usual = path.join(projectFolder, "docs", values.plain ? "memory-plain.svg" : "memory.svg");
  return {
    rows: parseCount(values.rows ?? String(ROWS_DEFAULT), "--rows", 1_000),
    isPlain: values.plain,
    svg: values.svg ?? (values.rows === undefined ? usual : undefined),
  };
}

/** As many codes as the real market has, once there are days enough for it. */
const CODES_MAX = 5_500;
const DAYS_MIN = 60;
/** Of a market's codes and days not all have a bar: listings, delistings, suspensions. */
const MISSING_SHARE = 0.05;

function sizeOf(rows: number): { readonly seed: number; readonly codes: number; readonly tradingDays: number } {
  const places = rows / (1 - MISSING_SHARE);
  const tradingDays = Math.max(DAYS_MIN, Math.ceil(places / CODES_MAX));
  return { seed: 1, codes: Math.min(CODES_MAX, Math.ceil(places / tradingDays)), tradingDays };
}

const TELL_EVERY_S = 5;

function tellProgress(samples: readonly MemorySample[], bars: number): void {
  const last = samples.at(-1);
  if (last === undefined || samples.length % TELL_EVERY_S !== 0) {
    return;
  }
  const before = samples.at(-4 * TELL_EVERY_S) ?? samples[0] ?? last;
  const rate = (last.rows - before.rows) / Math.max(last.s - before.s, 1);
  const left = rate > 0 ? `${Math.ceil((bars - last.rows) / rate)} s left` : "time left unknown";
  say(
    `${Math.round(last.s)} s: ${last.rows} of ${bars} rows, ${Math.round(rate)} rows/s, ${left}, ${Math.round(last.rssMiB)} MiB`,
  );
}

function renderQuarters(quarters: readonly Quarter[]): string {
  const head = ["quarter", "seconds", "rows by then", "rows/s", "RSS, MiB: median", "most", "heap in use, most"];
  const rows = quarters.map((one) =>
    [one.quarter, one.seconds, one.rows, one.rowsPerSecond, one.rssMedianMiB, one.rssMaxMiB, one.heapMaxMiB ?? ""].map(
      (value) => value.toLocaleString("en-US"),
    ),
  );
  return markdownTable(head, rows);
}

function drawPlot(samples: readonly MemorySample[], provider: BigProvider, isPlain: boolean): string {
  return renderSvg({
    title: `Memory of the worker over ${provider.bars.toLocaleString("en-US")} bars${isPlain ? ", Node's own settings" : ", settings of the image"}`,
    xTitle: "seconds since the requests were published",
    yTitle: "MiB",
    goal: { name: `goal ${GOAL_MIB} MiB`, y: GOAL_MIB },
    series: [
      { name: "resident", colour: "#0b57d0", points: samples.map(({ s, rssMiB }) => ({ x: s, y: rssMiB })) },
      {
        name: "heap in use",
        colour: "#188038",
        points: samples.flatMap(({ s, heapMiB }) => (heapMiB === undefined ? [] : [{ x: s, y: heapMiB }])),
      },
    ],
  });
}

function roundAll(sample: MemorySample): MemorySample {
  const { s, rssMiB, heapMiB, rows } = sample;
  return {
    s: round(s, 1),
    rssMiB: round(rssMiB, 1),
    rows,
    ...(heapMiB === undefined ? {} : { heapMiB: round(heapMiB, 1) }),
  };
}

function say(line: string): void {
  process.stderr.write(`bench memory: ${line}\n`);
}
