import { existsSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";

import { projectFolder } from "../../scripts/lib/project.ts";
import { startClickHouseHttp, whyNoClickHouse } from "./services/clickhouse-http.ts";
import { startKafka, whyNoKafka } from "./services/kafka.ts";
import { startMariaDb, whyNoMariaDb } from "./services/mariadb.ts";
import { whyNoPromtool } from "./services/promtool.ts";
import { startRedis, whyNoRedis } from "./services/redis.ts";

/**
 * How a test gets a real service: `npm test` starts one of each and hands its address down in a variable; the same
 * variable names a service of your own; a test file run by hand starts what it needs for itself and ends it with the
 * process. Where none can be had the test skips and says why, or fails when `REQUIRE_SERVICES=1`.
 */

export const serviceNames = ["kafka", "redis", "mysql", "clickhouse"] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface ServiceEntry {
  readonly title: string;
  /** The variable that names a service that runs already. */
  readonly variable: string;
  /** The variable in which `npm test` says why there is none, so that no test tries again. */
  readonly missingVariable: string;
  /** The functions by which tests ask for it, which tells which tests need it. */
  readonly words: readonly string[];
  readonly whyNot: () => string | undefined;
  readonly start: () => Promise<AsyncDisposable & { readonly address: string }>;
}

export const serviceTable: Readonly<Record<ServiceName, ServiceEntry>> = {
  kafka: {
    title: "Kafka",
    variable: "GINKGO_TEST_KAFKA",
    missingVariable: "GINKGO_TEST_KAFKA_MISSING",
    words: ["requireKafka", "whyNoKafka"],
    whyNot: whyNoKafka,
    start: startKafka,
  },
  redis: {
    title: "Redis",
    variable: "GINKGO_TEST_REDIS_URL",
    missingVariable: "GINKGO_TEST_REDIS_MISSING",
    words: ["requireRedis", "whyNoRedis"],
    whyNot: whyNoRedis,
    start: async () => addressed(await startRedis()),
  },
  mysql: {
    title: "MariaDB",
    variable: "GINKGO_TEST_MYSQL_URL",
    missingVariable: "GINKGO_TEST_MYSQL_MISSING",
    words: ["requireMySql", "whyNoMariaDb"],
    whyNot: whyNoMariaDb,
    start: async () => addressed(await startMariaDb()),
  },
  clickhouse: {
    title: "ClickHouse over HTTP",
    variable: "GINKGO_TEST_CLICKHOUSE_URL",
    missingVariable: "GINKGO_TEST_CLICKHOUSE_MISSING",
    words: ["requireClickHouse", "whyNoClickHouse"],
    whyNot: whyNoClickHouse,
    start: async () => addressed(await startClickHouseHttp()),
  },
};

/** The brokers' addresses, comma-separated; undefined after `t.skip`. */
export function requireKafka(t: TestContext): Promise<string | undefined> {
  return requireService(t, "kafka");
}

/** A URL such as `redis://127.0.0.1:23456`; undefined after `t.skip`. The server is shared: use keys of your own. */
export function requireRedis(t: TestContext): Promise<string | undefined> {
  return requireService(t, "redis");
}

/** A URL such as `mysql://ginkgo:secret@127.0.0.1:23456/ginkgo_test`; undefined after `t.skip`. Make a database of your own. */
export function requireMySql(t: TestContext): Promise<string | undefined> {
  return requireService(t, "mysql");
}

/** A URL such as `http://127.0.0.1:23456`; undefined after `t.skip`. Make a database of your own. */
export function requireClickHouse(t: TestContext): Promise<string | undefined> {
  return requireService(t, "clickhouse");
}

/** The folder of recorded provider data (`GINKGO_TEST_DATA`); undefined after `t.skip`. */
export function requireRecordings(t: TestContext): string | undefined {
  const folder = recordingsFolder();
  if (existsSync(folder)) {
    return folder;
  }
  return doWithout(t, `the recordings are not at ${folder} (GINKGO_TEST_DATA names another place)`);
}

export function recordingsFolder(): string {
  return path.resolve(projectFolder, process.env["GINKGO_TEST_DATA"] ?? "../shared/data");
}

/** Answers whether Prometheus's own checks can run; false after `t.skip`. */
export function requirePromtool(t: TestContext): boolean {
  return canRun(t, whyNoPromtool());
}

/**
 * Skips the test unless `reason` is undefined: for a test that starts a service of its own, with
 * `whyNoKafka()` and its kind. Answers whether the test can run.
 */
export function canRun(t: TestContext, reason: string | undefined): boolean {
  if (reason !== undefined) {
    doWithout(t, `${reason}; run npm run services`);
  }
  return reason === undefined;
}

/** One start per process at most, however many tests ask. */
const started = new Map<ServiceName, Promise<string | { readonly reason: string }>>();

async function requireService(t: TestContext, name: ServiceName): Promise<string | undefined> {
  const { title, variable, missingVariable } = serviceTable[name];
  const given = process.env[variable];
  if (given !== undefined && given !== "") {
    return given;
  }
  const missing = process.env[missingVariable];
  if (missing !== undefined && missing !== "") {
    return doWithout(t, `no ${title}: ${missing}`);
  }
  let own = started.get(name);
  if (own === undefined) {
    own = startOwn(name);
    started.set(name, own);
  }
  const outcome = await own;
  return typeof outcome === "string" ? outcome : doWithout(t, `no ${title}: ${outcome.reason}`);
}

/** Nobody stops this one: its guard does when the process ends. */
async function startOwn(name: ServiceName): Promise<string | { readonly reason: string }> {
  const { whyNot, start } = serviceTable[name];
  const reason = whyNot();
  if (reason !== undefined) {
    return { reason: `${reason}; run npm run services` };
  }
  return (await start()).address;
}

function doWithout(t: TestContext, reason: string): undefined {
  if (process.env["REQUIRE_SERVICES"] === "1") {
    throw new Error(`REQUIRE_SERVICES=1 and ${reason}`);
  }
  t.skip(reason);
  return undefined;
}

function addressed<Service extends { readonly url: string }>(service: Service): Service & { readonly address: string } {
  return Object.assign(service, { address: service.url });
}
