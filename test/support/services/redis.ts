import { createClient } from "redis";

import { findExecutable } from "../../../scripts/lib/find-executable.ts";
import { startChild, type ChildService } from "./child-service.ts";
import { withFreePorts } from "./free-port.ts";
import { openGuardedFolder } from "./guarded-folder.ts";

export interface RedisService extends ChildService {
  readonly port: number;
  /** For example `redis://127.0.0.1:23456`. */
  readonly url: string;
  version(): Promise<string>;
}

export interface RedisServiceOptions {
  /** With a user of this name, or without one the password of everybody. */
  readonly password?: string;
  readonly user?: string;
  /** Speaks TLS, and nothing else. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly caFile: string; readonly ca: string };
}

/** Why there can be no Redis here; undefined when there can. */
export function whyNoRedis(): string | undefined {
  return findExecutable("redis-server") === undefined ? "redis-server is not installed" : undefined;
}

/** A Redis of its own. What it has acknowledged is still there after `kill` and `restart`. */
export function startRedis(options: RedisServiceOptions = {}): Promise<RedisService> {
  const { user, password, tls } = options;
  return withFreePorts(1, async ([port = 0]) => {
    const folder = await openGuardedFolder("redis");
    const credentials = password === undefined ? "" : `${user ?? ""}:${encodeURIComponent(password)}@`;
    const url = `${tls === undefined ? "redis" : "rediss"}://${credentials}127.0.0.1:${port}`;
    const child = await startChild({
      name: "redis",
      folder,
      command: findExecutable("redis-server") ?? "redis-server",
      args: [
        ...(tls === undefined
          ? ["--port", `${port}`]
          : ["--port", "0", "--tls-port", `${port}`, "--tls-cert-file", tls.certFile, "--tls-key-file", tls.keyFile]),
        ...(tls === undefined ? [] : ["--tls-ca-cert-file", tls.caFile, "--tls-auth-clients", "no"]),
        "--bind",
        "127.0.0.1",
        "--dir",
        folder.path,
        "--daemonize",
        "no",
        "--save",
        "",
        // Written before the answer and never synced: safe from a kill of the process, and fast.
        "--appendonly",
        "yes",
        "--appendfsync",
        "no",
        ...(password !== undefined && user === undefined ? ["--requirepass", password] : []),
        ...(password !== undefined && user !== undefined ? [...USER_OFF, ...userWords(user, password)] : []),
      ],
      isReady: async () => (await askRedis(url, tls?.ca)) !== "",
    });
    return Object.assign(child, { port, url, version: () => askRedis(url, tls?.ca) });
  });
}

/** Nobody without a name; one who may do everything. */
const USER_OFF = ["--user", "default", "off"];

function userWords(user: string, password: string): readonly string[] {
  return ["--user", user, "on", `>${password}`, "~*", "&*", "+@all"];
}

/** The version a running Redis tells. */
export async function askRedis(url: string, ca?: string): Promise<string> {
  const patience = { reconnectStrategy: false, connectTimeout: 2_000 } as const;
  const client = createClient({ url, socket: ca === undefined ? patience : { ...patience, tls: true, ca } });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const info = await client.info("server");
    return /redis_version:(\S+)/.exec(info)?.[1] ?? "";
  } finally {
    client.destroy();
  }
}
