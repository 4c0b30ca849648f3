import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, suite, test, type TestContext } from "node:test";

import { createConnection } from "mysql2/promise";

import { app } from "../../src/app.ts";
import { makeAuthority } from "../support/certificates.ts";
import { plantSecret } from "../support/planted-secrets.ts";
import { run } from "../support/run-cli.ts";
import { requireMySql, requireRedis } from "../support/services.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { isClear } from "./clear-error.ts";
import { type Env, openSecureServers, type SecureServers } from "./secure-servers.ts";

/**
 * Every way in which a connection that is to be safe is not, for each server: `gdw start` ends soon, with its sentence and
 * exit code, though it may wait a minute for what is only away; `gdw doctor` says the same.
 */

const SOON_MS = 12_000;
const WRONG = plantSecret();

type Server = "kafka" | "redis" | "clickhouse" | "mysql";

/** What a case changes of the settings that are right, and what is said. */
interface Case {
  readonly is: string;
  readonly env: Env;
  readonly code: number;
  readonly says: readonly string[];
}

const KINDS = [
  "an authority that is not trusted",
  "a wrong password",
  "an expired certificate",
  "a certificate for another host",
  "no TLS to a port that wants it",
  "TLS to a port without",
] as const;

interface Places {
  readonly servers: SecureServers;
  readonly folder: string;
  readonly strangerFile: string;
  /** Ports behind which an expired certificate, or one of another host, is shown. */
  readonly expired: number;
  readonly elsewhere: number;
  readonly plainRedis: URL;
  readonly plainMySql: URL;
  prepare(server: string, is: string): Promise<void>;
}

const UNTRUSTED = "its TLS certificate is signed by nobody who is trusted here: name the authority's PEM file with";
const EXPIRED = "its TLS certificate has expired: renew the certificate on that server";
const ELSEWHERE = "its TLS certificate is for other hosts (DNS:elsewhere.example): connect by a name that stands in it";
const NO_TLS = "TLS was spoken to a port that answers without: check";

const CASES: Readonly<Record<Server, (places: Places) => readonly Case[]>> = {
  kafka: ({ servers, strangerFile, expired, elsewhere }) =>
    casesFor("connecting to Kafka at 127.0.0.1:", [
      [{ GINKGO_KAFKA_TLS_CA: strangerFile }, 69, `${UNTRUSTED} kafka.tls_ca`],
      [secretOf("GINKGO_KAFKA_PASSWORD"), 77, "the broker refused user name or password"],
      [{ GINKGO_KAFKA_BROKERS: `127.0.0.1:${expired}` }, 69, EXPIRED],
      [{ GINKGO_KAFKA_BROKERS: `127.0.0.1:${elsewhere}` }, 69, ELSEWHERE],
      [
        { GINKGO_KAFKA_TLS: "false", GINKGO_KAFKA_TLS_CA: "" },
        69,
        "the broker expects TLS: set kafka.tls to true, and kafka.tls_ca where its authority is your own",
      ],
      [{ GINKGO_KAFKA_BROKERS: servers.kafka.open }, 69, `${NO_TLS} the port, or set kafka.tls to false`],
    ]),
  redis: ({ strangerFile, expired, elsewhere, plainRedis }) =>
    casesFor("connecting to redis at 127.0.0.1:", [
      [{ GINKGO_REDIS_TLS_CA: strangerFile }, 69, `${UNTRUSTED} redis.tls_ca`],
      [secretOf("GINKGO_REDIS_PASSWORD"), 77, "redis refused our credentials", "check redis.user and redis.password"],
      [{ GINKGO_REDIS_PORT: `${expired}` }, 69, EXPIRED],
      [{ GINKGO_REDIS_PORT: `${elsewhere}` }, 69, ELSEWHERE],
      [
        { GINKGO_REDIS_TLS: "false", GINKGO_REDIS_TLS_CA: "" },
        69,
        "the server expects TLS: set redis.tls to true, and redis.tls_ca where its authority is your own",
      ],
      [{ GINKGO_REDIS_PORT: plainRedis.port }, 69, NO_TLS, "or set redis.tls to false"],
    ]),
  clickhouse: ({ servers, strangerFile, expired, elsewhere }) =>
    casesFor("connecting to ClickHouse at ", [
      [{ GINKGO_CLICKHOUSE_TLS_CA: strangerFile }, 69, `${UNTRUSTED} clickhouse.tls_ca`],
      [
        secretOf("GINKGO_CLICKHOUSE_PASSWORD"),
        77,
        "ClickHouse refused the user or the password (516 AUTHENTICATION_FAILED): check clickhouse.user and clickhouse.password",
      ],
      [{ GINKGO_CLICKHOUSE_URL: `https://127.0.0.1:${expired}` }, 69, EXPIRED],
      [{ GINKGO_CLICKHOUSE_URL: `https://127.0.0.1:${elsewhere}` }, 69, ELSEWHERE],
      [
        { GINKGO_CLICKHOUSE_URL: servers.clickhouseUrl.replace("https:", "http:"), GINKGO_CLICKHOUSE_TLS_CA: "" },
        69,
        "the server expects TLS: set clickhouse.https to true, or write https:// in clickhouse.url, and name its authority with clickhouse.tls_ca where that is your own",
      ],
      [
        { GINKGO_CLICKHOUSE_URL: `https://127.0.0.1:${servers.clickhouse.port}` },
        69,
        `${NO_TLS} the port, or set clickhouse.https to false, or write http:// in clickhouse.url`,
      ],
    ]),
  mysql: ({ strangerFile, plainMySql }) =>
    casesFor("connecting to MySQL at 127.0.0.1:", [
      [{ GINKGO_MYSQL_TLS_CA: strangerFile }, 69, `${UNTRUSTED} mysql.tls_ca`],
      [
        secretOf("GINKGO_MYSQL_PASSWORD"),
        77,
        "MySQL refused the user or the password (",
        "check mysql.user and mysql.password, and what the user may do",
      ],
      [{}, 69, EXPIRED],
      [{}, 69, ELSEWHERE],
      [
        { GINKGO_MYSQL_TLS: "false", GINKGO_MYSQL_TLS_CA: "" },
        77,
        // MariaDB says no more than that.
        "MySQL refused the user or the password (",
        "if the server takes it with TLS only, set mysql.tls to true",
      ],
      [
        { GINKGO_MYSQL_PORT: plainMySql.port },
        69,
        "the server speaks no TLS: give it a certificate, or set mysql.tls to false",
      ],
    ]),
};

suite("what is said when a safe connection is not", () => {
  const opened = new AsyncDisposableStack();
  let places: Places | undefined;
  before(async (context) => {
    // The context of `before` is the suite's own, and can skip it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    places = await openPlaces(context as TestContext, opened);
  });
  after(() => opened.disposeAsync());

  for (const [server, casesOf] of Object.entries(CASES)) {
    for (const [index, is] of KINDS.entries()) {
      test(`${server}: ${is}`, async (t) => {
        if (places === undefined) {
          t.skip("a server is not to be had");
          return;
        }
        const { env, code, says } = casesOf(places)[index] ?? assert.fail("there is no such case");
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion
        const all = { ...baseOf(places, server as Server), ...env };
        await places.prepare(server, is);
        const startedMs = performance.now();
        const [started, examined] = await Promise.all([
          run(["start"], { app, env: { ...all, GINKGO_EMBEDDED_FOLDER: `${places.folder}/${server}-${index}` } }),
          run(["doctor", "--json"], { app, env: all }),
        ]);
        assert.ok(performance.now() - startedMs < SOON_MS, `took ${performance.now() - startedMs} ms`);
        isClear(started, code, says);
        const check = checkOf(examined.out, server);
        assert.equal(check.verdict, "fail", examined.out);
        const told = `${check.seen}; ${check.todo}`;
        for (const part of says) {
          assert.ok(told.includes(part), `doctor does not say ${JSON.stringify(part)} but ${told}`);
        }
        assert.ok(!(started.err + examined.out + examined.err).includes(WRONG), "the wrong password was said");
      });
    }
  }
});

type CaseRow = readonly [env: Env, code: number, ...says: string[]];

function casesFor(doing: string, rows: readonly CaseRow[]): readonly Case[] {
  return rows.map(([env, code, ...says], index) => ({ is: KINDS[index] ?? "", env, code, says: [doing, ...says] }));
}

/** A secret that is no file's. */
function secretOf(variable: string): Env {
  return { [variable]: WRONG, [`${variable}_FILE`]: "" };
}

/** What is right, and no more servers than it takes to come to this one. */
function baseOf({ servers: { env, secrets } }: Places, server: Server): Env {
  const parts = server === "mysql" ? { ...env.clickhouse, ...env.mysql } : env[server];
  const token = secrets.get("tushare.token") ?? "";
  // Without a broker the queue is a file; the engine is not to be opened in this process.
  const store = server === "kafka" || server === "redis" ? { GINKGO_CLICKHOUSE_URL: "http://127.0.0.1:9" } : {};
  return { GINKGO_HEALTH_PORT: "0", TUSHARE_TOKEN: token, ...store, ...withoutFiles(parts, secrets) };
}

/** The commands run in this process, in a world without files; each secret is said itself. */
function withoutFiles(env: Env, secrets: ReadonlyMap<string, string>): Env {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) =>
      name.endsWith("_FILE")
        ? [name.slice(0, -"_FILE".length), secrets.get(path.basename(value)) ?? ""]
        : [name, value],
    ),
  );
}

async function openPlaces(t: TestContext, opened: AsyncDisposableStack): Promise<Places | undefined> {
  const redis = await requireRedis(t);
  const mysql = await requireMySql(t);
  const servers = await openSecureServers(t);
  if (redis === undefined || mysql === undefined || servers === undefined) {
    return undefined;
  }
  opened.use(servers);
  const { authority, folder } = servers;
  const stranger = await makeAuthority(folder, "stranger");
  const expired = await authority.issue("expired", { isExpired: true });
  const elsewhere = await authority.issue("elsewhere", { names: "DNS:elsewhere.example" });
  // Nobody comes behind these fronts: the greeting fails.
  const expiredFront = opened.use(await startTlsFront(expired, servers.clickhouse.port));
  const elsewhereFront = opened.use(await startTlsFront(elsewhere, servers.clickhouse.port));
  const plainMySql = new URL(mysql);
  const admin = async (sql: string): Promise<void> => {
    const connection = await createConnection({ uri: servers.mariadb.url, ssl: { rejectUnauthorized: false } });
    await connection.query(sql);
    connection.destroy();
  };
  return {
    servers,
    folder,
    strangerFile: stranger.caFile,
    expired: expiredFront.port,
    elsewhere: elsewhereFront.port,
    plainRedis: new URL(redis),
    plainMySql,
    prepare: async (server, is) => {
      if (server !== "mysql") {
        return;
      }
      // Its TLS begins in the middle of a connection, so nothing can stand in front: the server itself changes.
      const shown = is === "an expired certificate" ? expired : is.includes("another host") ? elsewhere : undefined;
      const { cert, key } = shown ?? servers.certificate;
      await writeFile(servers.mariadbCertificate.certFile, cert);
      await writeFile(servers.mariadbCertificate.keyFile, key);
      await admin("FLUSH SSL");
      await admin(`SET GLOBAL require_secure_transport = ${is.startsWith("no TLS") ? "ON" : "OFF"}`);
    },
  };
}

interface SeenCheck {
  readonly name: string;
  readonly verdict: string;
  readonly seen: string;
  readonly todo: string;
}

function checkOf(out: string, name: string): SeenCheck {
  // The command's own words.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const checks = JSON.parse(out) as readonly SeenCheck[];
  return checks.find((check) => check.name === name) ?? assert.fail(`doctor has no check ${name}: ${out}`);
}
