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

/** Why there can be no Redis here; undefined when there can. */
export function whyNoRedis(): string | undefined {
  return findExecutable("redis-server") === undefined ? "redis-server is not installed" : undefined;
}

/** A Redis of its own. What it has acknowledged is still there after `kill` and `restart`. */
export function startRedis(options: { readonly password?: string } = {}): Promise<RedisService> {
  return withFreePorts(1, async ([port = 0]) => {
    const folder = await openGuardedFolder("redis");
    const url = `redis://${options.password === undefined ? "" : `:${options.password}@`}127.0.0.1:${port}`;
    const child = await startChild({
      name: "redis",
      folder,
      command: findExecutable("redis-server") ?? "redis-server",
      args: [
        "--port",
        `${port}`,
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
        ...(options.password === undefined ? [] : ["--requirepass", options.password]),
      ],
      isReady: async () => (await askRedis(url)) !== "",
    });
    return Object.assign(child, { port, url, version: () => askRedis(url) });
  });
}

/** The version a running Redis tells. */
export async function askRedis(url: string): Promise<string> {
  const client = createClient({ url, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
  client.on("error", () => undefined);
  await client.connect();
  try {
    const info = await client.info("server");
    return /redis_version:(\S+)/.exec(info)?.[1] ?? "";
  } finally {
    client.destroy();
  }
}
