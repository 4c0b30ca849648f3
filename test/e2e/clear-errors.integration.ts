import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server } from "node:net";
import path from "node:path";
import { suite, test, type TestContext } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";
import { app } from "../../src/app.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { makeAuthority, whyNoOpenssl } from "../support/certificates.ts";
import { plantSecret } from "../support/planted-secrets.ts";
import { type Ran, run } from "../support/run-cli.ts";
import { runGdw, type GdwEnded, type GdwOptions } from "../support/run-gdw.ts";
import { canRun, requireClickHouse, requireKafka } from "../support/services.ts";
import { startClickHouseHttp, whyNoClickHouse } from "../support/services/clickhouse-http.ts";
import { startRedis, whyNoRedis } from "../support/services/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { uniqueName } from "../support/unique-name.ts";
import { isClear as isClearSentence, standsInPage } from "./clear-error.ts";

/**
 * What a person sees when something is wrong: an exit code, and one sentence that says what was being done, what
 * happened, to what, and what to do. Each sentence stands in docs/troubleshooting.md. Of each kind one is had from the
 * real process; its neighbours run in this one, since a start costs a second.
 */

const SECRET = plantSecret();
/** The program is not to wait for what will not come. */
const HURRY = { GINKGO_WORKER_START_WAIT_MS: "0", GINKGO_HEALTH_PORT: "0" };

// Each case is mostly a process that starts, so some run side by side.
suite("errors are clear", { concurrency: 3 }, () => {
  test("a token that the provider does not know stops the worker at its first message, with 77", async (t) => {
    await using rig = await openServers(t);
    if (rig === undefined) {
      return;
    }
    const env = { ...rig.env, TUSHARE_TOKEN: SECRET.padEnd(56, "0") };
    const asked = await rig.here(["request", "--codes", rig.code], { env });
    assert.equal(asked.code, 0, asked.err);
    const ended = await rig.gdw(["start"], { env });
    isClear(ended, 77, [
      "the token was refused; the provider says",
      "check what the provider knows us by: tushare.token, or baostock.user, baostock.password and baostock.api_key",
    ]);
  });

  test("a token that is used from too many addresses is waited for, and the log says so", async (t) => {
    await using rig = await openServers(t);
    if (rig === undefined) {
      return;
    }
    rig.simulator.injectFault(
      { kind: "refused", code: 40_204, msg: "您的IP数量超限，最大数量为2个！" },
      { times: 1_000 },
    );
    const asked = await rig.here(["request", "--codes", rig.code], { env: rig.env });
    assert.equal(asked.code, 0, asked.err);
    const sentence =
      "this token is used from too many addresses; it clears by itself after 30 to 60 minutes when fewer use it";
    const env = { ...rig.env, GINKGO_WORKER_DRAIN_MS: "100" };
    const ended = await rig.gdw(["start"], { env, stopAt: /too many addresses/ });
    assert.equal(ended.code, 143, ended.out + ended.err);
    assert.ok(ended.out.includes(sentence), ended.out);
    assert.match(ended.out, /stopping: finishing 1 message, at most 1 s; a second signal drops it/);
    assert.equal(ended.err, "");
    standsInPage([sentence]);
  });

  test("a wrong password of ClickHouse, and a user who may only read, both end with 77", async (t) => {
    if (!canRun(t, whyNoClickHouse())) {
      return;
    }
    await using folder = await temporaryFolder();
    await using clickhouse = await startClickHouseHttp({
      users: [
        { name: "gdw", password: "right", may: "everything" },
        { name: "reader", password: SECRET, may: "read-by-grants" },
        { name: "profiled", password: SECRET, may: "read-by-profile" },
      ],
    });
    const as = (user: string, password: string): GdwOptions => ({
      folder: folder.path,
      env: {
        GINKGO_CLICKHOUSE_URL: clickhouse.url,
        GINKGO_CLICKHOUSE_USER: user,
        GINKGO_CLICKHOUSE_PASSWORD: password,
      },
    });
    isClear(await runGdw(["schema", "ensure"], as("gdw", SECRET)), 77, [
      "connecting to ClickHouse at",
      "ClickHouse refused the user or the password (516 AUTHENTICATION_FAILED): check clickhouse.user and clickhouse.password",
    ]);
    for (const user of ["reader", "profiled"]) {
      isClear(await runHere(["schema", "ensure"], as(user, SECRET)), 77, [
        "ClickHouse says that the user may not do that (",
        ": give it the right, or name another with clickhouse.user",
      ]);
    }
  });

  test("a broker, a Redis and a ClickHouse that are not there end with 69 and name the address", async () => {
    await using folder = await temporaryFolder();
    const { port, server } = await listen();
    server.close();
    await once(server, "close");
    const away = { ...HURRY, TUSHARE_TOKEN: SECRET };
    const hint = "nobody listens there: see that it runs, and check host and port";
    isClear(
      await runGdw(["start"], { folder: folder.path, env: { ...away, GINKGO_KAFKA_BROKERS: `127.0.0.1:${port}` } }),
      69,
      ["connecting to Kafka at", `connect ECONNREFUSED 127.0.0.1:${port}`, hint],
    );
    const redis = { GINKGO_REDIS_HOST: "127.0.0.1", GINKGO_REDIS_PORT: String(port) };
    isClear(await runHere(["start"], { folder: folder.path, env: { ...away, ...redis } }), 69, [
      `connecting to redis at 127.0.0.1:${port}: redis is away`,
      hint,
    ]);
    const url = `http://127.0.0.1:${port}`;
    isClear(await runHere(["verify"], { folder: folder.path, env: { ...away, GINKGO_CLICKHOUSE_URL: url } }), 69, [
      `connecting to ClickHouse at ${url}: connect ECONNREFUSED 127.0.0.1:${port}`,
      hint,
    ]);
  });

  test("another service on the port of Kafka, Redis or ClickHouse is told from them, with 69", async () => {
    await using folder = await temporaryFolder();
    const { port, server } = await listen();
    try {
      const own = { ...HURRY, TUSHARE_TOKEN: SECRET };
      const broker = { ...own, GINKGO_KAFKA_BROKERS: `127.0.0.1:${port}` };
      isClear(await runGdw(["start"], { folder: folder.path, env: broker }), 69, [
        `connecting to Kafka at 127.0.0.1:${port}`,
        "something answers there, but it is not Kafka, or it expects TLS, or it hangs: check kafka.brokers and kafka.tls",
      ]);
      const redis = { ...own, GINKGO_REDIS_HOST: "127.0.0.1", GINKGO_REDIS_PORT: String(port) };
      isClear(await runHere(["start"], { folder: folder.path, env: redis }), 69, [
        `connecting to redis at 127.0.0.1:${port}`,
        "something answers there, but it is not Redis, or it expects TLS: check redis.host, redis.port and redis.tls",
      ]);
      const clickhouse = { ...own, GINKGO_CLICKHOUSE_URL: `http://127.0.0.1:${port}` };
      isClear(await runHere(["verify"], { folder: folder.path, env: clickhouse }), 69, [
        "something answers there, but it is not ClickHouse's HTTP interface",
        ": check host and port, and clickhouse.https",
      ]);
    } finally {
      server.close();
    }
  });

  test("a topic that is missing on a broker that is there ends a request with 69", async (t) => {
    const brokers = await requireKafka(t);
    if (brokers === undefined) {
      return;
    }
    await using folder = await temporaryFolder();
    const topic = uniqueName("missing");
    const env = { GINKGO_KAFKA_BROKERS: brokers, GINKGO_WORKER_TOPIC: topic, GINKGO_KAFKA_PASSWORD: "" };
    isClear(await runGdw(["request", "--codes", "000001.SZ"], { folder: folder.path, env }), 69, [
      `publishing to ${topic}`,
      "the topic does not exist: make it with gdw topics ensure, or start a worker, which makes its own",
    ]);
  });

  test("a wrong password of Redis ends with 77", async (t) => {
    if (!canRun(t, whyNoRedis())) {
      return;
    }
    await using folder = await temporaryFolder();
    await using redis = await startRedis({ password: "right" });
    const env = {
      ...HURRY,
      TUSHARE_TOKEN: SECRET,
      GINKGO_REDIS_HOST: "127.0.0.1",
      GINKGO_REDIS_PORT: String(redis.port),
      GINKGO_REDIS_PASSWORD: SECRET,
    };
    isClear(await runGdw(["start"], { folder: folder.path, env }), 77, [
      `connecting to redis at 127.0.0.1:${redis.port}`,
      "redis refused our credentials",
      "check redis.user and redis.password",
    ]);
  });

  test("a port in use ends with 69 and names the flag or the setting that takes another", async (t) => {
    await using folder = await temporaryFolder();
    const { port, server } = await listen();
    try {
      const simulate = ["simulate", "tushare", "--codes", "3", "--port", String(port)];
      isClear(await runGdw(simulate, { folder: folder.path, env: { LOG_LEVEL: "error" } }), 69, [
        `address already in use 127.0.0.1:${port}`,
        "another program has this port: stop it or take another with --port, 0 takes a free one",
      ]);
      if (canRun(t, whyNoClickHouse())) {
        const env = { TUSHARE_TOKEN: SECRET, GINKGO_HEALTH_PORT: String(port) };
        isClear(await runGdw(["start"], { folder: folder.path, env }), 69, [
          `address already in use 127.0.0.1:${port}`,
          "another program has this port: stop it or take another with health.port, 0 takes a free one",
        ]);
      }
    } finally {
      server.close();
    }
  });

  test("bad settings end with 78, each with its name, before anything is opened", async () => {
    await using folder = await temporaryFolder();
    const file = path.join(folder.path, "bad.yml");
    const show = async (text: string): Promise<GdwEnded> => {
      await writeFile(file, text);
      return await runGdw(["config", "show", "--config", file], { folder: folder.path });
    };
    isClear(await show("worker: [1\n"), 78, [`settings file ${file} is not YAML: `]);
    isClear(await show("worker:\n  drain_m: 1\n"), 78, [
      "unknown setting worker.drain_m in ",
      ", did you mean worker.drain_ms?",
    ]);
    isClear(await runGdw(["config", "show", "--config", folder.path], { folder: folder.path }), 78, [
      `reading the settings file ${folder.path}: it is a folder, not a file`,
    ]);
    const start = async (env: Readonly<Record<string, string>>): Promise<Ran> =>
      await runHere(["start"], { folder: folder.path, env });
    isClear(await runGdw(["start"], { folder: folder.path }), 78, [
      "no Tushare token is set: give it as TUSHARE_TOKEN, TUSHARE_TOKEN_FILE or tushare.token, or set providers.chain to baostock,tdx, which need none",
    ]);
    isClear(await start({ TUSHARE_TOKEN: SECRET, GINKGO_CLICKHOUSE_HOST: "http://ch:8123" }), 78, [
      "setting clickhouse.host from environment GINKGO_CLICKHOUSE_HOST: expected a host name or address without scheme and port, got",
      "give an address with http:// as clickhouse.url, or the host alone and clickhouse.port",
    ]);
    const tls = { GINKGO_KAFKA_BROKERS: "127.0.0.1:1", GINKGO_KAFKA_TLS: "true", GINKGO_KAFKA_TLS_CA: "/away.pem" };
    isClear(await start({ TUSHARE_TOKEN: SECRET, ...tls }), 78, [
      "setting kafka.tls_ca: reading /away.pem: there is no such file",
    ]);
  });

  test("reading where nothing was ever stored ends with 69 and leaves nothing behind", async () => {
    await using folder = await temporaryFolder();
    const sentence = [
      "reading: no tables yet: ",
      ": run gdw schema ensure, or start a worker, which makes them; or check clickhouse.host, clickhouse.embedded_path and clickhouse.database",
    ];
    isClear(await runGdw(["verify"], { folder: folder.path }), 69, sentence);
    assert.deepEqual(readdirSync(folder.path), []);
    for (const words of [
      ["bars", "000001.SZ"],
      ["ticks", "000001.SZ"],
      ["coverage"],
      ["sql", "SELECT 1"],
      ["request", "--all"],
    ]) {
      isClear(await runHere(words, { folder: folder.path }), 69, sentence);
      assert.deepEqual(readdirSync(folder.path), []);
    }
  });

  test("a full disk under the embedded folder ends with 69 and says what to do", async (t) => {
    await using folder = await temporaryFolder();
    if (!mountSmall(t, folder.path)) {
      return;
    }
    try {
      await writeFile(path.join(folder.path, "filler"), Buffer.alloc(4 * 1_024 * 1_024)).catch(() => undefined);
      const env = { ...HURRY, TUSHARE_TOKEN: SECRET };
      isClear(await runGdw(["start"], { folder: folder.path, env }), 69, ["full: make room"]);
    } finally {
      execFileSync("umount", [folder.path]);
    }
  });

  test("an expired certificate of ClickHouse ends with 69 and says whose it is", async (t) => {
    if (!canRun(t, whyNoOpenssl())) {
      return;
    }
    await using folder = await temporaryFolder();
    const authority = await makeAuthority(folder.path);
    const { cert, key } = await authority.issue("old", { isExpired: true });
    const server = createHttpsServer({ cert, key }, (_request, response) => void response.end());
    const port = await portOf(server);
    try {
      const url = `https://127.0.0.1:${port}`;
      const env = {
        GINKGO_CLICKHOUSE_URL: url,
        GINKGO_CLICKHOUSE_TLS_CA: authority.caFile,
        GINKGO_CLICKHOUSE_PASSWORD: SECRET,
      };
      isClear(await runGdw(["verify"], { folder: folder.path, env }), 69, [
        `connecting to ClickHouse at ${url}`,
        "its TLS certificate has expired: renew the certificate on that server",
      ]);
    } finally {
      server.close();
    }
  });

  test("an old Node is told which one is needed, with 69", async () => {
    await using folder = await temporaryFolder();
    const launcher = path.join(projectFolder, "bin", "gdw.cjs");
    const fake = path.join(folder.path, "old.cjs");
    await writeFile(
      fake,
      `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } });\nObject.defineProperty(process, "version", { value: "v20.1.0" });\n`,
    );
    const sentence = ["needs Node 24 or newer, this is ", "install a newer one, or in a clone use npm run gdw"];
    const commands: (readonly [string, ...string[]])[] = [[process.execPath, "--require", fake, launcher]];
    const old = findOldNode();
    if (old !== undefined) {
      commands.push([old, launcher]);
    }
    for (const command of commands) {
      isClear(await runGdw(["start"], { folder: folder.path, command }), 69, sentence);
    }
  });

  test("embedded without the package chdb ends with 69 and says how to get it", async () => {
    await using folder = await temporaryFolder();
    const hook = path.join(folder.path, "no-chdb.mjs");
    await writeFile(hook, NO_CHDB);
    const env = { ...HURRY, TUSHARE_TOKEN: SECRET, NODE_OPTIONS: `--import=${hook}` };
    const sentence = [
      "the package chdb is not there: add it with npm install chdb (Linux with glibc, macOS), or name a server with clickhouse.host",
    ];
    isClear(await runGdw(["start"], { folder: folder.path, env }), 69, sentence);
    isClear(await runGdw(["demo"], { folder: folder.path, env }), 69, sentence);
  });
});

/** The same program, in this process, and as if it ran in that folder. */
function runHere(args: readonly string[], { folder, env }: GdwOptions): Promise<Ran> {
  return run(args, { app, env: { GINKGO_EMBEDDED_FOLDER: path.join(folder, ".ginkgo"), ...env } });
}

/** As `isClearSentence`, and the secrets of this file are not in it. */
function isClear(ended: Pick<GdwEnded, "code" | "out" | "err">, expected: number, parts: readonly string[]): void {
  isClearSentence(ended, expected, parts);
  assert.ok(!(ended.out + ended.err).includes(SECRET), "a secret was printed");
}

const NO_CHDB = `
import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "chdb" || specifier.startsWith("chdb/")) {
      throw Object.assign(new Error("Cannot find package 'chdb'"), { code: "ERR_MODULE_NOT_FOUND" });
    }
    return next(specifier, context);
  },
});
`;

interface Servers extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>;
  readonly code: string;
  readonly simulator: Awaited<ReturnType<typeof startTushareSimulator>>;
  gdw(args: readonly string[], options: Omit<GdwOptions, "folder">): Promise<GdwEnded>;
  here(args: readonly string[], options: Omit<GdwOptions, "folder">): Promise<Ran>;
}

/** A broker with topics of the test's own, a database of its own and a simulated provider. */
async function openServers(t: TestContext): Promise<Servers | undefined> {
  const brokers = await requireKafka(t);
  const url = await requireClickHouse(t);
  if (brokers === undefined || url === undefined) {
    return undefined;
  }
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder());
  const market = generateMarket({ seed: 5, codes: 2, tradingDays: 5 });
  const token = plantSecret();
  const simulator = opened.use(await startTushareSimulator({ data: marketData(market), tokens: [token] }));
  const name = uniqueName("clear");
  const env = {
    ...HURRY,
    GINKGO_WORKER_START_WAIT_MS: "20000",
    GINKGO_KAFKA_BROKERS: brokers,
    GINKGO_KAFKA_TOPICS: name,
    WORKER_GROUP_ID: name,
    GINKGO_CLICKHOUSE_URL: url,
    GINKGO_CLICKHOUSE_DATABASE: name.replaceAll("-", "_"),
    GINKGO_TUSHARE_URL: simulator.url,
    TUSHARE_TOKEN: token,
  };
  const gdw: Servers["gdw"] = (args, options) => runGdw(args, { folder: folder.path, ...options });
  const made = await runHere(["topics", "ensure"], { folder: folder.path, env });
  assert.equal(made.code, 0, made.err);
  const open = opened.move();
  return {
    env,
    simulator,
    code: market.securities[0]?.code ?? "",
    gdw,
    here: (args, options) => runHere(args, { folder: folder.path, ...options }),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** A port on which something listens that speaks no protocol of ours: it hangs up. */
async function listen(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer((socket) => socket.on("error", () => undefined).once("data", () => socket.end("no\r\n")));
  return { port: await portOf(server), server };
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** A disk of one megabyte; only root may have one. */
function mountSmall(t: TestContext, folder: string): boolean {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "pipe" });
    return true;
  } catch (error) {
    t.skip(`a full disk needs a small one, and this user cannot mount it: ${String(error).split("\n")[0] ?? ""}`);
    return false;
  }
}

/** A Node older than ours on this machine. */
function findOldNode(): string | undefined {
  for (const file of ["/usr/local/bin/node", "/usr/bin/node"]) {
    try {
      const version = execFileSync(file, ["--version"], { encoding: "utf8" });
      if (Number.parseInt(version.slice(1), 10) < 24) {
        return file;
      }
    } catch {
      // There is none.
    }
  }
  return undefined;
}
