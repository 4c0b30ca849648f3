import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { pathToFileURL } from "node:url";

import { projectFolder } from "../../scripts/lib/project.ts";
import { createWorker, type Worker, type WorkerSettings, type WorkerState } from "../../src/library.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator, type TushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { runGdw } from "../support/run-gdw.ts";
import { canRun, requireClickHouse } from "../support/services.ts";
import { whyNoClickHouse } from "../support/services/clickhouse-http.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { uniqueName } from "../support/unique-name.ts";
import { waitFor } from "../support/wait-for.ts";
import { compileCache } from "../support/compile-cache.ts";

const market = generateMarket({ seed: 12, codes: 2, tradingDays: 5 });
const TOKEN = "b".repeat(40);

test("the example of docs/library.md works a request and stops as the page says", async (t) => {
  if (!canRun(t, whyNoClickHouse())) {
    return;
  }
  await using folder = await temporaryFolder("library");
  await using simulator = await startTushareSimulator({ data: marketData(market), tokens: [TOKEN] });
  const page = readFileSync(join(projectFolder, "docs", "library.md"), "utf8");
  const example = /```ts\n([^]*?)```/.exec(page)?.[1] ?? "";
  const library = pathToFileURL(join(projectFolder, "src", "library.ts")).href;
  const file = join(folder.path, "example.ts");
  await writeFile(file, example.replaceAll('"ginkgo-data-worker"', JSON.stringify(library)));
  const child = spawn(process.execPath, [file], {
    cwd: folder.path,
    env: {
      PATH: process.env["PATH"] ?? "",
      ...compileCache,
      TUSHARE_TOKEN: TOKEN,
      TUSHARE_URL: simulator.url,
      UV_THREADPOOL_SIZE: "16",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  let out = "";
  let errors = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  try {
    await waitFor(() => / is RUNNING at http:\S+, health /.test(out) || child.exitCode !== null, {
      timeoutMs: 60_000,
      what: "the example to run",
    });
    const request = [
      "request",
      "--codes",
      market.securities[0]?.code ?? "",
      "--start",
      market.days[0] ?? "",
      "--end",
      market.days.at(-1) ?? "",
      "--wait",
    ];
    const env = { GINKGO_EMBEDDED_FOLDER: "market", GINKGO_CLICKHOUSE_EMBEDDED_PATH: "market/engine" };
    const asked = await runGdw(request, { folder: folder.path, env });
    assert.equal(asked.code, 0, `${asked.err}\n${errors}`);
    child.kill("SIGINT");
    await ended;
  } finally {
    child.kill("SIGKILL");
  }
  t.diagnostic(
    out
      .split("\n")
      .filter((line) => !line.startsWith("info"))
      .join(" | "),
  );
  assert.equal(child.exitCode, 0, errors);
  const told = out.split("\n").filter((line) => /^(?:[A-Z]+ ->|dropped)/.test(line));
  assert.deepEqual(told, [
    "STOPPED -> STARTING",
    "STARTING -> RUNNING",
    "RUNNING -> STOPPING",
    "STOPPING -> STOPPED",
    "dropped 0, committed true",
  ]);
  assert.match(out, /^unknown setting worker\.drain_m in .*, did you mean worker\.drain_ms\?$/m);
  assert.match(out, /^info worker worker ready \{/m);
  assert.ok(!`${out}${errors}`.includes(TOKEN));
});

test("two workers in one process share nothing, take no signal, and each starts and stops by itself", async (t) => {
  const url = await requireClickHouse(t);
  if (url === undefined) {
    return;
  }
  await using stack = new AsyncDisposableStack();
  const simulator = stack.use(await startTushareSimulator({ data: marketData(market), tokens: [TOKEN] }));
  const listeners = countListeners();
  const first = await openOne(stack, simulator, url);
  const second = await openOne(stack, simulator, url);
  await Promise.all([first.worker.start(), second.worker.start()]);
  assert.deepEqual([first.worker.state, second.worker.state], ["RUNNING", "RUNNING"]);
  assert.notEqual(first.worker.url, second.worker.url);
  assert.deepEqual(countListeners(), listeners);
  await assert.rejects(first.worker.start(), RangeError);
  for (const { worker } of [first, second]) {
    await waitFor(() => worker.health()?.status === "ok", { what: "the worker to be well" });
    const answer = await fetch(`${worker.url ?? ""}/health`);
    const { state, checks } = (await answer.json()) as { state: string; checks: { name: string; status: string }[] };
    assert.deepEqual([answer.status, state], [200, worker.state]);
    assert.deepEqual(
      checks.map(({ name, status }) => [name, status]),
      worker.health()?.checks.map(({ name, status }) => [name, status]),
    );
  }
  assert.deepEqual(await first.worker.stop({ timeoutMs: 20_000 }), { dropped: 0, isCommitted: true });
  assert.deepEqual([first.worker.state, first.worker.url, first.worker.health()], ["STOPPED", undefined, undefined]);
  assert.equal(second.worker.health()?.status, "ok", "the other one goes on");
  await first.worker.start();
  assert.equal(first.worker.state, "RUNNING");
  await Promise.all([first.worker.stop(), second.worker.stop()]);
  const once = ["STARTING", "RUNNING", "STOPPING", "STOPPED"];
  assert.deepEqual([first.states, second.states], [[...once, ...once], once]);
  assert.deepEqual(countListeners(), listeners);
});

test("a stop before it runs ends the start, and a server that refuses us is an error with its reason", async (t) => {
  const url = await requireClickHouse(t);
  if (url === undefined) {
    return;
  }
  await using stack = new AsyncDisposableStack();
  const simulator = stack.use(await startTushareSimulator({ data: marketData(market), tokens: [TOKEN] }));
  const early = await openOne(stack, simulator, url);
  const starting = early.worker.start();
  const stopped = early.worker.stop();
  await assert.rejects(starting, { name: "AbortError" });
  assert.deepEqual(await stopped, { dropped: 0, isCommitted: true });
  assert.deepEqual(early.states, ["STARTING", "STOPPING", "STOPPED"]);

  const refused = await openOne(stack, simulator, url, { user: "nobody_here", password: "not-the-password" });
  await assert.rejects(refused.worker.start(), /ClickHouse refused the user or the password/);
  assert.deepEqual(refused.states, ["STARTING", "ERROR"]);
  assert.match(refused.worker.why, /ClickHouse refused/);
  assert.ok(!refused.worker.why.includes("not-the-password"));
  assert.deepEqual(await refused.worker.stop(), { dropped: 0, isCommitted: true });
});

interface One {
  readonly worker: Worker;
  readonly states: WorkerState[];
}

/** An embedded queue in a folder of its own, and a database of its own on the server. */
async function openOne(
  stack: AsyncDisposableStack,
  simulator: TushareSimulator,
  url: string,
  clickhouse: WorkerSettings = {},
): Promise<One> {
  const folder = stack.use(await temporaryFolder("library"));
  const worker = stack.use(
    createWorker({
      mode: "embedded",
      embedded: { folder: folder.path },
      clickhouse: { url, database: uniqueName("gdw").replaceAll("-", "_"), ...clickhouse },
      tushare: { token: TOKEN, url: simulator.url },
    }),
  );
  const states: WorkerState[] = [];
  worker.onChange(({ to }) => states.push(to));
  return { worker, states };
}

function countListeners(): readonly number[] {
  return ["SIGTERM", "SIGINT", "exit", "beforeExit", "uncaughtException", "unhandledRejection"].map((name) =>
    process.listenerCount(name),
  );
}
