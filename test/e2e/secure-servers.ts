import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { TestContext } from "node:test";

import { generateMarket, type Market } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tushare/market-data.ts";
import { startTushareSimulator } from "../../src/simulators/tushare/simulator.ts";
import { type SecureKafka, startSecureKafka } from "../contracts/queue-secure-kafka.ts";
import { type Authority, type Issued, makeAuthority, whyNoOpenssl } from "../support/certificates.ts";
import { AWKWARD, plantSecret } from "../support/planted-secrets.ts";
import { canRun } from "../support/services.ts";
import {
  type ClickHouseHttpService,
  startClickHouseHttp,
  whyNoClickHouse,
} from "../support/services/clickhouse-http.ts";
import { whyNoKafka } from "../support/services/kafka.ts";
import { type MariaDbService, startMariaDb, whyNoMariaDb } from "../support/services/mariadb.ts";
import { type RedisService, startRedis, whyNoRedis } from "../support/services/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { uniqueName } from "../support/unique-name.ts";

export type Env = Readonly<Record<string, string>>;

/**
 * Every server of the main job with TLS, a user and a password, all of one authority: Kafka's own listener (SCRAM),
 * Redis' and MariaDB's own TLS, and TLS in front of our test server of ClickHouse's interface, which has none.
 */
export interface SecureServers extends AsyncDisposable {
  readonly folder: string;
  readonly authority: Authority;
  readonly certificate: Issued;
  /** Of MariaDB alone, whose files a test may change. */
  readonly mariadbCertificate: Issued;
  readonly kafka: SecureKafka;
  readonly redis: RedisService;
  readonly clickhouse: ClickHouseHttpService;
  readonly clickhouseUrl: string;
  readonly mariadb: MariaDbService;
  readonly market: Market;
  /** By the setting's name, such as `kafka.password`. */
  readonly secrets: ReadonlyMap<string, string>;
  /** The settings of one server, its secret by file. */
  readonly env: Readonly<Record<"kafka" | "redis" | "clickhouse" | "mysql" | "tushare", Env>>;
}

export const CLICKHOUSE_USER = "gdw";

/** Undefined when a server is not to be had; the test is skipped then, loudly. */
export async function openSecureServers(t: TestContext): Promise<SecureServers | undefined> {
  for (const why of [whyNoOpenssl(), whyNoKafka(), whyNoRedis(), whyNoClickHouse(), whyNoMariaDb()]) {
    if (!canRun(t, why)) {
      return undefined;
    }
  }
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await temporaryFolder()).path;
  const authority = await makeAuthority(folder);
  const certificate = await authority.issue("server");
  const mariadbCertificate = await authority.issue("mariadb");
  const tls = { ...certificate, caFile: authority.caFile, ca: authority.ca };
  const market = generateMarket({ seed: 8, codes: 3, tradingDays: 10 });
  const given = {
    redis: plantSecret(AWKWARD),
    clickhouse: plantSecret(AWKWARD),
    mysql: plantSecret("/+%&="),
    token: plantSecret(),
  };
  const user = { name: CLICKHOUSE_USER, password: given.clickhouse, may: "everything" } as const;
  const [kafka, redis, clickhouse, mariadb, simulator] = await allOpened(
    opened,
    startSecureKafka({ certificate: tls }),
    startRedis({ user: "worker", password: given.redis, tls }),
    startClickHouseHttp({ users: [user] }),
    startMariaDb({ password: given.mysql, tls: mariadbCertificate }),
    startTushareSimulator({ data: marketData(market), tokens: [given.token] }),
  );
  const front = opened.use(await startTlsFront(certificate, clickhouse.port));
  const clickhouseUrl = `https://127.0.0.1:${front.port}`;
  const secrets = new Map([
    ["kafka.password", kafka.password],
    ["redis.password", given.redis],
    ["clickhouse.password", given.clickhouse],
    ["mysql.password", given.mysql],
    ["tushare.token", given.token],
  ]);
  for (const [name, secret] of secrets) {
    await writeFile(path.join(folder, name), `${secret}\n`, { mode: 0o600 });
  }
  const fileOf = (name: string): string => path.join(folder, name);
  const { caFile } = authority;
  const name = uniqueName("secure");
  const open = opened.move();
  return {
    folder,
    authority,
    certificate,
    mariadbCertificate,
    kafka,
    redis,
    clickhouse,
    clickhouseUrl,
    mariadb,
    market,
    secrets,
    env: {
      kafka: {
        GINKGO_KAFKA_BROKERS: kafka.secured,
        GINKGO_KAFKA_TLS: "true",
        GINKGO_KAFKA_TLS_CA: caFile,
        GINKGO_KAFKA_SASL_MECHANISM: "SCRAM-SHA-512",
        GINKGO_KAFKA_USER: "worker",
        GINKGO_KAFKA_PASSWORD_FILE: fileOf("kafka.password"),
        GINKGO_KAFKA_TOPICS: name,
        WORKER_GROUP_ID: name,
      },
      redis: {
        GINKGO_REDIS_HOST: "127.0.0.1",
        GINKGO_REDIS_PORT: `${redis.port}`,
        GINKGO_REDIS_TLS: "true",
        GINKGO_REDIS_TLS_CA: caFile,
        GINKGO_REDIS_USER: "worker",
        GINKGO_REDIS_PASSWORD_FILE: fileOf("redis.password"),
      },
      clickhouse: {
        GINKGO_CLICKHOUSE_URL: clickhouseUrl,
        GINKGO_CLICKHOUSE_TLS_CA: caFile,
        GINKGO_CLICKHOUSE_USER: CLICKHOUSE_USER,
        GINKGO_CLICKHOUSE_PASSWORD_FILE: fileOf("clickhouse.password"),
        GINKGO_CLICKHOUSE_DATABASE: name,
      },
      mysql: {
        GINKGO_MYSQL_HOST: "127.0.0.1",
        GINKGO_MYSQL_PORT: `${mariadb.port}`,
        GINKGO_MYSQL_TLS: "true",
        GINKGO_MYSQL_TLS_CA: caFile,
        GINKGO_MYSQL_USER: "ginkgo",
        GINKGO_MYSQL_PASSWORD_FILE: fileOf("mysql.password"),
        GINKGO_MYSQL_DATABASE: "ginkgo_test",
      },
      tushare: { GINKGO_TUSHARE_URL: simulator.url, TUSHARE_TOKEN_FILE: fileOf("tushare.token") },
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Waits for all that start side by side; when one cannot, those that could are closed with the stack. */
async function allOpened<Parts extends readonly AsyncDisposable[]>(
  stack: AsyncDisposableStack,
  ...starting: { readonly [Index in keyof Parts]: Promise<Parts[Index]> }
): Promise<Parts> {
  for (const result of await Promise.allSettled(starting)) {
    if (result.status === "fulfilled") {
      stack.use(result.value);
    }
  }
  // All of them are settled; the first that failed is thrown.
  return await Promise.all(starting);
}
