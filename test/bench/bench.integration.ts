import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import test, { type TestContext } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";
import { isFullRun } from "../support/sizes.ts";
import { requireClickHouse, requireKafka, requireRecordings, requireRedis } from "../support/services.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

test("the bench of the service measures every part, and finds every bar true and no call repeated", async (t) => {
  const env = await serversOf(t);
  if (env === undefined) {
    return;
  }
  const args = ["--drains", "alone", "--runs", "1", "--requests", "3", "--messages", "12", "--latency", "20"];
  const { code, lines, words } = await runBench(["service", ...args], env);
  assert.equal(code, 0, words);
  const of = (part: string): readonly Line[] => lines.filter((line) => line["part"] === part);
  assert.deepEqual(
    of("start").map(({ kind }) => kind),
    ["first", "there", "away"],
  );
  assert.deepEqual(
    of("drain").map(({ kind, messages, repeated, different }) => ({ kind, messages, repeated, different })),
    [{ kind: "alone", messages: 12, repeated: 0, different: 0 }],
  );
  assert.deepEqual(
    of("readable").map(({ isTrue }) => isTrue),
    [true, true, true],
  );
  for (const { grossMs, providerMs, ms } of of("readable")) {
    assert.ok(Number(providerMs) >= 19 && Math.abs(Number(grossMs) - Number(providerMs) - Number(ms)) <= 1);
  }
  assert.match(words, /every figure checked/);
});

test("the bench of the memory brings all its bars, finds them true, and draws them", async (t) => {
  const env = await serversOf(t);
  if (env === undefined) {
    return;
  }
  await using folder = await temporaryFolder("bench");
  const svg = path.join(folder.path, "memory.svg");
  const { code, lines, words } = await runBench(["memory", "--rows", "3000", "--svg", svg], env);
  assert.equal(code, 0, words);
  const summary = lines.find((line) => line["part"] === "summary");
  assert.deepEqual([summary?.["wrong"], summary?.["rows"]], [0, summary?.["bars"]]);
  assert.ok(Math.abs(Number(summary?.["bars"]) - 3_000) < 300, JSON.stringify(summary));
  assert.match(String(summary?.["nodeOptions"]), /--max-old-space-size=\d+/);
  assert.ok(Number(summary?.["peakMiB"]) >= Number(summary?.["idleMiB"]));
  assert.match(await readFile(svg, "utf8"), /^<svg [^]*<polyline [^]*<\/svg>\n$/);
});

test("the bench of the sources reads every provider's answers as they were recorded, and prints their ratios", async (t) => {
  const data = requireRecordings(t);
  if (data === undefined) {
    return;
  }
  const { code, lines, words } = await runBench(["sources", "--runs", "1", "--rows", "10"], {});
  assert.equal(code, 0, words);
  assert.deepEqual(
    lines.map(({ provider, dataSet, frequency, form, rows }) => [provider, dataSet, frequency, form, rows]),
    [
      ["tushare", "bars", "1d", "JSON of daily", 6_000],
      ["tushare", "bars", "1d", "JSON of index_daily", 8_000],
      ["tushare", "bars", "5m", "JSON of stk_mins", 8_000],
      ["baostock", "bars", "1d", "packed K lines", 6_000],
      ["baostock", "bars", "5m", "packed K lines", 9_600],
      ["tdx", "bars", "1d", "K-line frame", 800],
      ["tdx", "ticks", "1d", "page of ticks", 2_000],
      ["tdx", "bars", "1d", ".day file", 4_995],
      ["tdx", "bars", "1m", ".lc1 file", 2_880],
      ["akshare", "bars", "1d", "Eastmoney's lines", 8_242],
      ["akshare", "bars", "5m", "Eastmoney's lines", 1_600],
      ["akshare", "bars", "1d", "Sina's rows", 1_970],
      ["akshare", "ticks", "1d", "Tencent's pages of a day", 4_200],
      ["akshare", "stock-list", "1d", "Shanghai's list", 1_700],
      ["akshare", "stock-list", "1d", "Shenzhen's pages of 20", 100],
      ["akshare", "trading-calendar", "1d", "Sina's packed list", 13_162],
      ["yahoo", "bars", "1d", "chart", 8_242],
      ["yahoo", "bars", "1d", "chart with two splits", 8_242],
      ["yahoo", "bars", "5m", "chart with nulls", 1_824],
      ["yahoo", "bars", "1m", "chart with nulls", 1_140],
    ],
  );
  for (const { bench, ms, rowsPerSecond, bytes, node, cpu } of lines) {
    assert.ok(bench === "sources" && Number(ms) > 0 && Number(rowsPerSecond) > 0 && Number(bytes) > 0);
    assert.ok(node === process.version && typeof cpu === "string");
  }
  assert.match(words, /\| tushare +\|.*\| 1\.00 +\|/);
});

type Line = Readonly<Record<string, unknown>>;

interface BenchEnded {
  readonly code: number | null;
  readonly lines: readonly Line[];
  readonly words: string;
}

/** The variables under which the benches find the servers of this run; undefined after `t.skip`. */
async function serversOf(t: TestContext): Promise<Readonly<Record<string, string>> | undefined> {
  if (!isFullRun) {
    t.skip(
      "NOT PROVEN IN THIS RUN: the benches build the package and fill a market; npm run test:full runs them small",
    );
    return undefined;
  }
  const kafka = await requireKafka(t);
  const redis = await requireRedis(t);
  const clickhouse = await requireClickHouse(t);
  return kafka === undefined || redis === undefined || clickhouse === undefined
    ? undefined
    : { GINKGO_TEST_KAFKA: kafka, GINKGO_TEST_REDIS_URL: redis, GINKGO_TEST_CLICKHOUSE_URL: clickhouse };
}

async function runBench(args: readonly string[], env: Readonly<Record<string, string>>): Promise<BenchEnded> {
  const child = spawn(process.execPath, [path.join(projectFolder, "bench", "main.ts"), ...args], {
    cwd: projectFolder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 200_000,
  });
  const texts = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.err += text));
  const [code] = (await once(child, "close")) as [number | null];
  const lines = texts.out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Line);
  return { code, lines, words: texts.err };
}
