import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { openClickHouse, type ClickHouse } from "../../src/store/clickhouse/client.ts";
import type { EncodedRows } from "../../src/store/clickhouse/encode/encoded-rows.ts";
import { startClickHouseHttp, whyNoClickHouse } from "../../test/support/services/clickhouse-http.ts";
import { openRawHttp } from "./raw-http.ts";

/** An engine to write to, and the cheapest way there is to hand it bytes that stand ready. */
export interface BenchTarget extends AsyncDisposable {
  readonly transport: "embedded" | "http";
  readonly clickhouse: ClickHouse;
  readonly engine: string;
  insertReady(table: string, columns: readonly string[], bytes: EncodedRows): Promise<void>;
}

const DATABASE = "gdw_bench";
const never = new AbortController().signal;

/** Tables stand in memory where there is a file system for it, so that the client and the engine are measured and no disk. */
export async function openEmbeddedTarget(): Promise<BenchTarget> {
  const path = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "gdw-bench-"));
  const clickhouse = await openClickHouse({ kind: "embedded", path, database: DATABASE });
  return {
    transport: "embedded",
    clickhouse,
    engine: `chDB ${clickhouse.serverVersion()}`,
    insertReady: (table, columns, bytes) => clickhouse.insertEncoded(table, columns, bytes, never),
    [Symbol.asyncDispose]: async () => {
      await clickhouse[Symbol.asyncDispose]();
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** `GINKGO_BENCH_CLICKHOUSE_URL`, or the tests' own server over chDB; undefined when neither is to be had. */
export async function openHttpTarget(): Promise<BenchTarget | undefined> {
  const named = process.env["GINKGO_BENCH_CLICKHOUSE_URL"];
  if (named !== undefined && named !== "") {
    return await openHttp(named, "ClickHouse", () => Promise.resolve());
  }
  if (whyNoClickHouse() !== undefined) {
    return undefined;
  }
  const server = await startClickHouseHttp();
  return await openHttp(server.url, "test server over chDB", async () => {
    await server[Symbol.asyncDispose]();
  });
}

async function openHttp(named: string, title: string, stop: () => Promise<void>): Promise<BenchTarget> {
  const url = new URL(named);
  const user = decodeURIComponent(url.username) || "default";
  const password = decodeURIComponent(url.password);
  url.username = "";
  url.password = "";
  const target = { kind: "http", url: url.toString(), user, password, database: DATABASE } as const;
  const clickhouse = await openClickHouse(target);
  const raw = openRawHttp(target.url, { user, password, wait_end_of_query: "1" });
  return {
    transport: "http",
    clickhouse,
    engine: `${title} ${clickhouse.serverVersion()}`,
    insertReady: (table, columns, { format, body }) => {
      if (!Buffer.isBuffer(body)) {
        throw new TypeError(`posting ready bytes: expected one buffer of ${format}`);
      }
      return raw.post(`INSERT INTO ${DATABASE}.${table} (${columns.join(", ")}) FORMAT ${format}`, body);
    },
    [Symbol.asyncDispose]: async () => {
      raw[Symbol.dispose]();
      await clickhouse.command(`DROP DATABASE IF EXISTS ${DATABASE}`, {}, never);
      await clickhouse[Symbol.asyncDispose]();
      await stop();
    },
  };
}
