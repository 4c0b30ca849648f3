import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { test } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";
import { runCommand } from "../../scripts/lib/run-command.ts";
import { app } from "../../src/app.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator, type TushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { canRun } from "../support/services.ts";
import {
  type ClickHouseHttpService,
  startClickHouseHttp,
  whyNoClickHouse,
} from "../support/services/clickhouse-http.ts";
import { type Ran, run as runHere } from "../support/run-cli.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { waitFor } from "../support/wait-for.ts";
import { compileCache } from "../support/compile-cache.ts";

const PAGE = await readFile(path.join(projectFolder, "docs", "operations.md"), "utf8");
const MAIN = path.join(projectFolder, "src", "cli", "main.ts");
const PASSWORD = randomBytes(12).toString("hex");
const market = generateMarket({ seed: 11, codes: 4, tradingDays: 30 });
const codes = market.securities.map(({ code }) => code);
const [FIRST = "", SECOND = "", ...OTHERS] = codes;

test("the page's backup can be restored, what was asked for since is asked for again, and nothing else is fetched", async (t) => {
  if (!canRun(t, whyNoClickHouse())) {
    return;
  }
  await using stage = await openStage();
  await using clickhouse = await startServer();
  const servers = { GINKGO_CLICKHOUSE_URL: clickhouse.url, GINKGO_CLICKHOUSE_PASSWORD: PASSWORD };
  const shell = { CLICKHOUSE: clickhouse.url };
  await using worker = await stage.start(servers);
  await writeNetrc(worker);
  await request(worker, [FIRST, SECOND]);
  const before = await fingerprint(clickhouse);
  await run(blockWith("gzip >"), worker, shell);
  await using cut = await startCutting();
  const { code } = await runBlock(blockWith("gzip >").replaceAll("backup", "cut"), worker, { CLICKHOUSE: cut.url });
  assert.notEqual(code, 0, "a table that was cut short is no backup");
  await request(worker, OTHERS);

  await ask(clickhouse, "DROP DATABASE ginkgo SYNC");
  await run(blockWith("gunzip"), worker, shell);
  assert.deepEqual(await fingerprint(clickhouse), before);
  await run(blockWith("gunzip"), worker, shell);
  assert.deepEqual(await fingerprint(clickhouse), before, "restoring twice changes nothing");

  // The page says that no worker has to be stopped.
  stage.simulator.clearRequests();
  await request(worker, codes);
  const asked = new Set(stage.simulator.requests.flatMap(({ params }) => codesIn(params["ts_code"])));
  assert.ok(OTHERS.every((code) => asked.has(code)) && !asked.has(FIRST) && !asked.has(SECOND), [...asked].join(" "));
});

test("the page's copy takes an embedded store to a server, where the same request makes no call", async (t) => {
  if (!canRun(t, whyNoClickHouse())) {
    return;
  }
  await using stage = await openStage();
  await using clickhouse = await startServer();
  const servers = { GINKGO_CLICKHOUSE_URL: clickhouse.url, GINKGO_CLICKHOUSE_PASSWORD: PASSWORD };
  await using embedded = await stage.start({});
  await request(embedded, codes);
  const said = await gdw(embedded, ["sql", "SELECT count() AS n, sum(close) AS s FROM ginkgo.bar", "--format", "csv"]);
  const ensured = await gdw({ ...embedded, env: { ...embedded.env, ...servers } }, ["schema", "ensure"]);
  assert.equal(ensured.code, 0, ensured.err);
  await writeNetrc(embedded);
  await run(blockWith("netrc.from"), embedded, { CLICKHOUSE: clickhouse.url });
  await embedded.stop();

  await using successor = await stage.start(servers);
  assert.equal(
    (await gdw(successor, ["sql", "SELECT count() AS n, sum(close) AS s FROM ginkgo.bar", "--format", "csv"])).out,
    said.out,
  );
  const verified = await gdw(successor, ["verify"]);
  assert.equal(verified.code, 0, verified.out);
  stage.simulator.clearRequests();
  await request(successor, codes);
  assert.equal(stage.simulator.requests.length, 0);
});

test("a TTL that deletes is refused as the page says, its others are let be, and its query of sizes runs", async (t) => {
  if (!canRun(t, whyNoClickHouse())) {
    return;
  }
  await using clickhouse = await startServer();
  const world = { app, env: { GINKGO_CLICKHOUSE_URL: clickhouse.url, GINKGO_CLICKHOUSE_PASSWORD: PASSWORD } };
  const ensure = (): Promise<Ran> => runHere(["schema", "ensure"], world);
  assert.equal((await ensure()).code, 0);

  const allowed = [...PAGE.matchAll(/```sql\n(ALTER TABLE [^`]+)```/g)].map(([, sql = ""]) => sql);
  assert.equal(allowed.length, 2);
  for (const sql of allowed) {
    await ask(clickhouse, sql);
    const { code, err } = await ensure();
    assert.equal(code, 0, err);
  }

  const refusal = /\n(gdw: ensuring the schema: .* deletes rows.*)\n/.exec(PAGE)?.[1] ?? "";
  await ask(clickhouse, "ALTER TABLE ginkgo.bar_row MODIFY TTL trading_day + INTERVAL 3 YEAR");
  const refused = await ensure();
  assert.equal(refused.err.trim(), refusal);
  await ask(clickhouse, "ALTER TABLE ginkgo.bar_row REMOVE TTL");
  assert.equal((await ensure()).code, 0);

  const sql = /```sql\n(SELECT table[^`]+)```/.exec(PAGE)?.[1] ?? "";
  const sizes = await runHere(["sql", sql, "--format", "json"], world);
  assert.equal(sizes.code, 0, sizes.err);
  assert.match(sizes.out, /"table":"schema_migration"/);
});

function codesIn(param: unknown): readonly string[] {
  return typeof param === "string" ? param.split(",") : [];
}

/** The only shell block of the page that has these words. */
function blockWith(words: string): string {
  const found = [...PAGE.matchAll(/```(?:ba)?sh\n([^`]+)```/g)]
    .map(([, text = ""]) => text)
    .filter((text) => text.includes(words));
  assert.equal(found.length, 1, words);
  return found[0] ?? "";
}

interface Stage extends AsyncDisposable {
  readonly simulator: TushareSimulator;
  /** A worker with an embedded queue, in a folder of its own. */
  start(env: Readonly<Record<string, string>>): Promise<StageWorker>;
}

interface StageWorker extends AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

async function openStage(): Promise<Stage> {
  const folder = await temporaryFolder("gdw-operations");
  const simulator = await startTushareSimulator({
    tokens: [randomBytes(28).toString("hex")],
    data: marketData(market),
  });
  // What the page calls gdw and node, in the program's own Node.
  const bin = path.join(folder.path, "bin");
  await mkdir(bin);
  await writeFile(path.join(bin, "gdw"), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`, { mode: 0o755 });
  await writeFile(path.join(bin, "node"), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  let workers = 0;
  return {
    simulator,
    start: async (env) => {
      workers += 1;
      const own = path.join(folder.path, `worker-${workers}`);
      await mkdir(own);
      return await startWorker(own, {
        PATH: `${bin}:${process.env["PATH"]}`,
        ...compileCache,
        TUSHARE_TOKEN: simulator.token,
        GINKGO_TUSHARE_URL: simulator.url,
        GINKGO_HEALTH_PORT: "0",
        ...env,
      });
    },
    [Symbol.asyncDispose]: async () => {
      await simulator[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function startWorker(folder: string, env: Readonly<Record<string, string>>): Promise<StageWorker> {
  const child = spawn(process.execPath, [MAIN, "start"], {
    cwd: folder,
    env: { ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const stop = async (): Promise<void> => {
    await end(child);
  };
  let said = "";
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  try {
    await waitFor(
      () => {
        assert.equal(child.exitCode, null, said);
        return said.includes("worker ready");
      },
      { what: "the worker to be ready", timeoutMs: 60_000 },
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder, env, stop, [Symbol.asyncDispose]: stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
  }
}

function startServer(): Promise<ClickHouseHttpService> {
  return startClickHouseHttp({ users: [{ name: "default", password: PASSWORD, may: "everything" }] });
}

/** In this process; the page's own lines start the program. */
function gdw(worker: StageWorker, args: readonly string[]): Promise<Ran> {
  return runHere(args, { app, env: { ...worker.env, GINKGO_EMBEDDED_FOLDER: path.join(worker.folder, ".ginkgo") } });
}

async function request(worker: StageWorker, wanted: readonly string[]): Promise<void> {
  const span = ["--start", market.days[0] ?? "", "--end", market.days.at(-1) ?? ""];
  const { code, out, err } = await gdw(worker, ["request", "--codes", wanted.join(","), ...span, "--wait"]);
  assert.equal(code, 0, `${out}${err}`);
}

/** A block of the page, as printed, in the worker's folder. */
async function run(block: string, worker: StageWorker, env: Readonly<Record<string, string>>): Promise<void> {
  const { code, output } = await runBlock(block, worker, env);
  assert.equal(code, 0, output);
}

function runBlock(
  block: string,
  worker: StageWorker,
  env: Readonly<Record<string, string>>,
): ReturnType<typeof runCommand> {
  return runCommand("bash", ["-c", block], { cwd: worker.folder, env: { ...worker.env, ...env } });
}

async function writeNetrc({ folder }: StageWorker): Promise<void> {
  const line = `machine 127.0.0.1 login default password ${PASSWORD}\n`;
  await writeFile(path.join(folder, "netrc"), line, { mode: 0o600 });
}

/** A server that begins to answer and breaks off, as one that is killed. */
async function startCutting(): Promise<{ readonly url: string } & AsyncDisposable> {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("code\n000001.SZ\n", () => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function ask(clickhouse: ClickHouseHttpService, sql: string): Promise<string> {
  const response = await fetch(clickhouse.url, {
    method: "POST",
    body: sql,
    headers: { authorization: `Basic ${Buffer.from(`default:${PASSWORD}`).toString("base64")}` },
  });
  const text = await response.text();
  assert.ok(response.ok, text);
  return text;
}

/** Rows and their content, whatever order they came in and however often. */
function fingerprint(clickhouse: ClickHouseHttpService): Promise<string> {
  const parts = ["bar_row", "ledger_row", "trade_day_row", "outcome_row"].map(
    // As text, since a NULL would make the hash of its row one.
    (table) => `SELECT '${table}' AS t, count(), sum(cityHash64(toString(tuple(*)))) FROM ginkgo.${table} FINAL`,
  );
  return ask(clickhouse, `SELECT * FROM (${parts.join(" UNION ALL ")}) ORDER BY t FORMAT TSV`);
}
