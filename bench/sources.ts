import { existsSync } from "node:fs";

import { systemClock } from "../src/base/clock.ts";
import { markdownTable } from "../scripts/lib/markdown-table.ts";
import { recordingsFolder } from "../test/support/services.ts";
import { collectGarbage } from "./lib/collect-garbage.ts";
import { akshareCases } from "./lib/sources/akshare-cases.ts";
import { akshareListCases } from "./lib/sources/akshare-list-cases.ts";
import { baostockCases } from "./lib/sources/baostock-cases.ts";
import { checksumOf, type Checksum, type DecodeCase } from "./lib/sources/decode-case.ts";
import { parseSourcesOptions } from "./lib/sources/options.ts";
import { tdxCases } from "./lib/sources/tdx-cases.ts";
import { tushareCases } from "./lib/sources/tushare-cases.ts";
import { yahooCases } from "./lib/sources/yahoo-cases.ts";
import { printLine, quantile, round } from "./lib/worker/figures.ts";

interface SourcesLine {
  readonly bench: "sources";
  readonly provider: string;
  readonly dataSet: string;
  readonly frequency: string;
  readonly form: string;
  /** Of one run, all answers together. */
  readonly rows: number;
  readonly bytes: number;
  /** Median of the runs. */
  readonly ms: number;
  readonly rowsPerSecond: number;
  /** Median of the processor's time, all threads of the process; the load of the machine moves it least. */
  readonly cpuMs: number;
  readonly rowsPerCpuSecond: number;
  readonly runs: number;
  readonly msMin: number;
  readonly msMax: number;
}

/**
 * What each provider's answers cost to read, on one core: from the bytes of the wire, as recorded, to canonical rows that
 * are checked. The cases take turns, so that whatever else the machine does meets all of them. Before a line is printed the
 * rows' exact sums are compared with those of the recording.
 */
export async function benchSources(args: readonly string[]): Promise<void> {
  const options = parseSourcesOptions(args);
  const data = recordingsFolder();
  if (!existsSync(data)) {
    say(`*** NOTHING MEASURED: the recordings are not at ${data} (GINKGO_TEST_DATA names another place)`);
    process.exitCode = 1;
    return;
  }
  const providers = [tushareCases, baostockCases, tdxCases, akshareCases, akshareListCases, yahooCases];
  const cases = (await Promise.all(providers.map((casesOf) => casesOf(data)))).flat();
  const spent = new Map<DecodeCase, Spent[]>(cases.map((one) => [one, []]));
  for (const one of cases) {
    await requireTrue(one);
  }
  // The first round is the compiler's.
  for (let round = 0; round <= options.runs; round += 1) {
    say(round === 0 ? "warming up" : `run ${round} of ${options.runs}`);
    for (const one of cases) {
      const run = await timeOf(one, answersOf(one, options.rows));
      if (round > 0) {
        spent.get(one)?.push(run);
      }
    }
  }
  const lines: SourcesLine[] = [];
  for (const one of cases) {
    await requireTrue(one);
    const line = toLine(one, answersOf(one, options.rows), spent.get(one) ?? []);
    lines.push(line);
    printLine(line);
  }
  process.stderr.write(`\n${renderRatios(lines)}\n\n`);
}

/** RangeError when the rows are not those of the recording. */
async function requireTrue({ provider, form, expected, decode }: DecodeCase): Promise<void> {
  const found = checksumOf(await decode());
  const isSame = (["rows", "values", "counts"] as const).every((name) => found[name] === expected[name]);
  if (!isSame) {
    throw new RangeError(`${provider}, ${form}: read ${textOf(found)}, recorded are ${textOf(expected)}`);
  }
}

function textOf({ rows, values, counts }: Checksum): string {
  return `${rows} rows, values ${values}, counts ${counts}`;
}

function answersOf({ expected }: DecodeCase, rows: number): number {
  return Math.max(1, Math.round(rows / expected.rows));
}

interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
}

async function timeOf({ decode }: DecodeCase, answers: number): Promise<Spent> {
  collectGarbage();
  const startedCpu = process.cpuUsage();
  const startedMs = systemClock.elapsedMs();
  for (let answer = 0; answer < answers; answer += 1) {
    await decode();
  }
  const { user, system } = process.cpuUsage(startedCpu);
  return { ms: systemClock.elapsedMs() - startedMs, cpuMs: (user + system) / 1000 };
}

function toLine(one: DecodeCase, answers: number, runs: readonly Spent[]): SourcesLine {
  const ms = runs.map((run) => run.ms);
  const median = quantile(ms, 0.5);
  const cpuMs = quantile(
    runs.map((run) => run.cpuMs),
    0.5,
  );
  const rows = one.expected.rows * answers;
  return {
    bench: "sources",
    provider: one.provider,
    dataSet: one.dataSet,
    frequency: one.frequency,
    form: one.form,
    rows,
    bytes: one.bytes * answers,
    ms: round(median, 1),
    rowsPerSecond: Math.round((rows / median) * 1000),
    cpuMs: round(cpuMs, 1),
    rowsPerCpuSecond: Math.round((rows / cpuMs) * 1000),
    runs: runs.length,
    msMin: round(Math.min(...ms), 1),
    msMax: round(Math.max(...ms), 1),
  };
}

/** Rows a second of the processor beside those of the first line, Tushare's daily bars. */
function renderRatios(lines: readonly SourcesLine[]): string {
  const base = lines[0]?.rowsPerCpuSecond ?? Number.NaN;
  const head = ["provider", "rows of", "as", "bytes a row", "rows/s", "rows per CPU second", "ratio"];
  return markdownTable(
    head,
    lines.map((line) => [
      line.provider,
      line.dataSet === "bars" ? `bars ${line.frequency}` : line.dataSet,
      line.form,
      round(line.bytes / line.rows, 1).toString(),
      line.rowsPerSecond.toLocaleString("en-US"),
      line.rowsPerCpuSecond.toLocaleString("en-US"),
      (line.rowsPerCpuSecond / base).toFixed(2),
    ]),
  );
}

function say(line: string): void {
  process.stderr.write(`bench sources: ${line}\n`);
}
