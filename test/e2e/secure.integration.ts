import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";

import { createConnection, type RowDataPacket } from "mysql2/promise";

import { app } from "../../src/app.ts";
import { makeAuthority } from "../support/certificates.ts";
import { keepAnswers } from "../support/kept-log.ts";
import { plantSecret } from "../support/planted-secrets.ts";
import { run } from "../support/run-cli.ts";
import { runGdw, startGdw } from "../support/run-gdw.ts";
import { isClear } from "./clear-error.ts";
import { CLICKHOUSE_USER, type Env, openSecureServers, type SecureServers } from "./secure-servers.ts";

/** The main job with TLS and passwords everywhere, and what is said when a certificate or a password is wrong. */

const OURS: Env = { GINKGO_HEALTH_PORT: "0", GINKGO_NODE_ID: "secure-1" };
/** What does not help by waiting is said long before `worker.start_wait_ms`, which stays at its minute. */
const SOON_MS = 15_000;

suite("TLS and passwords everywhere", () => {
  let servers: SecureServers | undefined;
  before(async (context) => {
    // The context of `before` is the suite's own, and can skip it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    servers = await openSecureServers(context as TestContext);
  });
  after(async () => servers?.[Symbol.asyncDispose]());

  test("the main job runs, secrets by file, and says none of them at its most talkative", async (t) => {
    if (servers === undefined) {
      t.skip("a server is not to be had");
      return;
    }
    const { folder, env, market, secrets } = servers;
    const all = { ...OURS, ...env.kafka, ...env.redis, ...env.clickhouse, ...env.mysql, ...env.tushare };
    const talkative = { ...all, GINKGO_DEBUG_MODE: "true", GINKGO_LOGGING_FORMAT: "json" };
    await using worker = startGdw(["start"], { folder, env: talkative });
    const [, http = ""] = await worker.until(/"http":"([^"]+)"/);
    // The other commands run in this process, which is quicker; they read the same files.
    const files = Object.fromEntries([...secrets].map(([name, secret]) => [path.join(folder, name), `${secret}\n`]));
    const gdw = async (args: readonly string[], changed: Env = {}): Promise<string> => {
      const { code, out, err } = await run(args, { app, files, env: { ...all, ...changed } });
      assert.equal(code, 0, `gdw ${args.join(" ")}: ${out}${err}`);
      return out + err;
    };
    const codes = market.securities.map(({ code }) => code);
    const [first = "", last = ""] = [market.days[0], market.days.at(-1)];
    const withPassword = new URL(servers.clickhouseUrl);
    withPassword.username = CLICKHOUSE_USER;
    withPassword.password = encodeURIComponent(secrets.get("clickhouse.password") ?? "");
    const asked = await runGdw(["request", "--codes", codes.join(","), "--start", first, "--end", last, "--wait"], {
      folder,
      env: all,
    });
    assert.equal(asked.code, 0, asked.out + asked.err);
    const printed = [
      asked.out,
      asked.err,
      await gdw(["doctor", "--json"]),
      await gdw(["status", "--json"]),
      await gdw(["config", "show", "--json"]),
      await gdw(["bars", codes[0] ?? "", "--format", "json"]),
      await gdw(["sql", `SELECT count() FROM ${database(env)}.bar`], {
        GINKGO_CLICKHOUSE_URL: withPassword.href,
        GINKGO_CLICKHOUSE_USER: "nobody",
        GINKGO_CLICKHOUSE_PASSWORD_FILE: "",
      }),
    ].join("\n");
    assert.match(printed, new RegExp(`127\\.0\\.0\\.1:${servers.redis.port}: `), "doctor saw Redis");
    const kept = await select(servers, `SELECT COUNT(*) AS count FROM stock_info WHERE is_del = 0`);
    assert.equal(kept, codes.length);
    await keepAnswers(Promise.resolve(http));
    const answers = await Promise.all(
      ["/health", "/status", "/metrics"].map(async (route) => (await fetch(http + route)).text()),
    );
    assert.match(answers[0] ?? "", /"status":"ok"/);
    const ended = await worker.stop();
    assert.equal(ended.code, 143, ended.err);
    assert.match(ended.out, /"level":"debug"/);
    const said = [printed, ended.out, ended.err, ...answers].join("\n");
    for (const [name, secret] of secrets) {
      assert.ok(!said.includes(secret.slice(0, 20)), `${name} was said`);
    }
  });

  test("a wrong authority and a wrong password of Kafka end the worker soon, each with its own sentence", async (t) => {
    if (servers === undefined) {
      t.skip("a server is not to be had");
      return;
    }
    const { folder, env } = servers;
    const stranger = await makeAuthority(folder, "stranger");
    const base = { ...OURS, ...env.kafka, ...env.clickhouse, ...env.tushare };
    const wrong = plantSecret();
    const wrongFile = path.join(folder, "wrong-password");
    await writeFile(wrongFile, wrong, { mode: 0o600 });
    const startedMs = performance.now();
    const [authority, password] = await Promise.all([
      runGdw(["start"], { folder, env: { ...base, GINKGO_KAFKA_TLS_CA: stranger.caFile } }),
      runGdw(["start"], { folder, env: { ...base, GINKGO_KAFKA_PASSWORD_FILE: wrongFile } }),
    ]);
    isClear(authority, 69, [
      "connecting to Kafka at 127.0.0.1:",
      "its TLS certificate is signed by nobody who is trusted here: name the authority's PEM file with kafka.tls_ca",
    ]);
    isClear(password, 77, [
      "connecting to Kafka at 127.0.0.1:",
      "the broker refused user name or password",
      "check kafka.sasl_mechanism, kafka.user and kafka.password",
    ]);
    assert.ok(!password.err.includes(wrong));
    assert.ok(performance.now() - startedMs < SOON_MS);
  });
});

function database({ clickhouse }: SecureServers["env"]): string {
  return clickhouse["GINKGO_CLICKHOUSE_DATABASE"] ?? "";
}

async function select({ mariadb, authority }: SecureServers, sql: string): Promise<number> {
  const connection = await createConnection({ uri: mariadb.url, ssl: { ca: authority.ca } });
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return Number(rows[0]?.["count"]);
  } finally {
    connection.destroy();
  }
}
