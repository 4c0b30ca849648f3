import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { z } from "zod";

import { requestRecordSchema, type Fault, type RequestRecord } from "../clickhouse-http/faults.ts";
import type { StoreUser } from "../../../src/store/clickhouse/serve/users.ts";
import type { ServerOptions } from "../clickhouse-http/server.ts";

import { startChild, type ChildService } from "./child-service.ts";
import { withFreePorts } from "./free-port.ts";
import { openGuardedFolder } from "./guarded-folder.ts";

/**
 * ClickHouse's HTTP interface in a child process, for tests. The engine is the real one (chDB), the HTTP code is
 * ours and not ClickHouse's: `clickhouse-http/server.ts` says where it differs. What it has acknowledged is still
 * there after `kill` and `restart`.
 */
export interface ClickHouseHttpService extends ChildService, ClickHouseFaults {
  readonly port: number;
  /** For example `http://127.0.0.1:23456`, user `default` without a password. */
  readonly url: string;
  /** `SELECT version()`. */
  version(): Promise<string>;
}

/** Orders to a test server to do wrong, and what it was asked. With `match`, only statements that have this text in them. */
export interface ClickHouseFaults {
  /** The next insert is applied and the connection closed without an answer. */
  dropNextAnswer(match?: string): Promise<void>;
  /** The next insert is applied and its answer held until `release`. Its record then says "held". */
  holdNextAnswer(match?: string): Promise<void>;
  /** The next statement is neither run nor answered until `release`, which closes its connection. */
  hangNext(match?: string): Promise<void>;
  /** The next `count` inserts are answered with this error and not applied. */
  refuseNextInserts(refusal: Refusal): Promise<void>;
  /** Until `release`, inserts of more bytes than this are refused with 241. */
  limitMemory(bytesMax: number, match?: string): Promise<void>;
  /** Until `release`, so many of a hundred statements meet a fault of any kind; the same seed draws the same faults. */
  storm(storm: Storm): Promise<void>;
  /** Ends what is held or hangs, and forgets orders that nobody met. */
  release(): Promise<void>;
  /** What was asked, the oldest first; the last 5,000 at most. */
  requests(match?: string): Promise<readonly RequestRecord[]>;
}

export interface Refusal {
  /** ClickHouse's error code, 252 for instance. */
  readonly code: number;
  /** Its text, `Too many parts (301). … (TOO_MANY_PARTS)` for instance. */
  readonly text: string;
  readonly count?: number;
  readonly match?: string;
}

export interface Storm {
  readonly percent: number;
  readonly seed: number;
  readonly match?: string;
}

export interface ClickHouseHttpOptions {
  /** Default: `default` without a password, who may do everything. */
  readonly users?: readonly StoreUser[];
}

const MAIN = path.join(import.meta.dirname, "..", "clickhouse-http", "main.ts");
const DEFAULT_USERS: readonly StoreUser[] = [{ name: "default", password: "", may: "everything" }];

/** Why there can be no engine here; undefined when there can. */
export function whyNoClickHouse(): string | undefined {
  try {
    createRequire(import.meta.url).resolve("chdb/package.json");
    return undefined;
  } catch {
    return "the package chdb, which has the engine, is not installed";
  }
}

export function startClickHouseHttp(options: ClickHouseHttpOptions = {}): Promise<ClickHouseHttpService> {
  return withFreePorts(1, async ([port = 0]) => {
    const folder = await openGuardedFolder("clickhouse");
    const exchangeFolder = path.join(folder.path, "exchange");
    await mkdir(exchangeFolder);
    const serverOptions: ServerOptions = {
      port,
      dataFolder: path.join(folder.path, "data"),
      exchangeFolder,
      users: options.users ?? DEFAULT_USERS,
    };
    const url = `http://127.0.0.1:${port}`;
    const child = await startChild({
      name: "clickhouse",
      folder,
      command: process.execPath,
      args: [MAIN, JSON.stringify(serverOptions)],
      // A query holds a thread of the pool while it runs.
      env: { ...process.env, UV_THREADPOOL_SIZE: "16", TZ: "UTC", NODE_OPTIONS: "" },
      isReady: async () => (await fetch(`${url}/ping`, { signal: AbortSignal.timeout(2_000) })).ok,
    });
    const user = serverOptions.users[0];
    return Object.assign(child, clickHouseFaults(url), {
      port,
      url,
      version: () => askClickHouse(withUser(url, user)),
    });
  });
}

/** The orders for a test server that already runs, the suite's for instance. A real server refuses them with 404. */
export function clickHouseFaults(url: string): ClickHouseFaults {
  const ask = async (route: string, body?: Fault | object): Promise<string> => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(new URL(`/rig/${route}`, url), init);
    if (!response.ok) {
      throw new Error(`ordering ${route} of ${new URL(url).host} failed: ${response.status}; is it a test server?`);
    }
    return response.text();
  };
  const order = async (fault: Fault): Promise<void> => {
    await ask("faults", fault);
  };
  return {
    dropNextAnswer: (match = "") => order({ kind: "drop-answer", match }),
    holdNextAnswer: (match = "") => order({ kind: "hold-answer", match }),
    hangNext: (match = "") => order({ kind: "hang", match }),
    refuseNextInserts: ({ code, text, count = 1, match = "" }) => order({ kind: "refuse", code, text, count, match }),
    limitMemory: (bytesMax, match = "") => order({ kind: "short-of-memory", bytesMax, match }),
    storm: ({ percent, seed, match = "" }) => order({ kind: "storm", percent, seed, match }),
    release: async () => {
      await ask("release", {});
    },
    requests: async (match = "") =>
      z.array(requestRecordSchema).parse(JSON.parse(await ask(`requests?match=${encodeURIComponent(match)}`))),
  };
}

/** The version a running server tells. User and password stand in the URL, if any. */
export async function askClickHouse(url: string): Promise<string> {
  const address = new URL(url);
  const headers = new Headers();
  if (address.username !== "") {
    const pair = `${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`;
    headers.set("Authorization", `Basic ${Buffer.from(pair).toString("base64")}`);
  }
  address.username = "";
  address.password = "";
  address.searchParams.set("query", "SELECT version()");
  const response = await fetch(address, { headers, signal: AbortSignal.timeout(5_000) });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`asking ${address.host} for its version failed: ${text.trim()}`);
  }
  return text.trim();
}

function withUser(url: string, user: StoreUser | undefined): string {
  const address = new URL(url);
  address.username = user?.name === "default" ? "" : encodeURIComponent(user?.name ?? "");
  address.password = encodeURIComponent(user?.password ?? "");
  return address.href;
}
