import { existsSync } from "node:fs";
import { access, constants, readFile, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import { getHeapStatistics } from "node:v8";

import type { Config } from "../../config.ts";
import { isEngineInstalled } from "../../store/clickhouse/is-engine-installed.ts";
import { findWorker } from "../worker-file.ts";
import type { Finding } from "./doctor-api.ts";
import { type CheckPlan, fail, ok, skipped, warn } from "./run-checks.ts";

const MEBIBYTE = 1024 * 1024;
const DISK_BYTES_WARN = 1024 * MEBIBYTE;
const DISK_BYTES_FAIL = 100 * MEBIBYTE;
const HEAP_BYTES_MIN = 192 * MEBIBYTE;
/** Sockets to brokers, store and Redis, files of the engine. */
const FILES_MIN = 1024;
const NODE_MIN = 24;

export function machineChecks(config: Config): readonly CheckPlan[] {
  const { mode, embedded, clickhouse, logging } = config;
  const isStoreHere = clickhouse.url === undefined;
  return [
    { name: "node", todo: "", look: async () => lookAtNode() },
    { name: "memory", todo: "", look: async () => lookAtMemory() },
    { name: "open files", todo: "", look: lookAtOpenFiles },
    { name: "health port", todo: "set health.port and health.host", look: () => lookAtPort(config) },
    {
      name: "engine",
      todo: "npm install chdb, or set clickhouse.host",
      look: async () => {
        if (!isStoreHere) {
          return skipped("the store is a server");
        }
        return isEngineInstalled()
          ? ok("chdb is installed")
          : fail(
              "the package chdb is not installed",
              "npm install chdb (Linux with glibc, macOS), or set clickhouse.host",
            );
      },
    },
    {
      name: "embedded folder",
      todo: "check embedded.folder and its rights",
      look: async () =>
        mode === "embedded" || isStoreHere ? lookAtFolder(embedded.folder) : skipped("queue and store are servers"),
    },
    {
      name: "log file",
      todo: "check logging.file and the rights of its folder",
      look: async () =>
        logging.file === undefined ? skipped("logging.file is not set") : lookAtDisk(dirname(resolve(logging.file))),
    },
  ];
}

function lookAtNode(): Finding {
  const { node } = process.versions;
  return Number.parseInt(node, 10) >= NODE_MIN ? ok(node) : fail(node, `install Node ${NODE_MIN} or newer`);
}

function lookAtMemory(): Finding {
  const heap = getHeapStatistics().heap_size_limit;
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < Number.MAX_SAFE_INTEGER;
  const seen = `heap up to ${toText(heap)}${isLimited ? `, memory limited to ${toText(limit)}` : ""}`;
  if (heap < HEAP_BYTES_MIN) {
    return warn(seen, "a backfill needs about 200 MB: raise --max-old-space-size in NODE_OPTIONS");
  }
  return isLimited && heap > limit
    ? warn(seen, "the heap may outgrow the limit and the process be killed: set --max-old-space-size in NODE_OPTIONS")
    : ok(seen);
}

async function lookAtOpenFiles(): Promise<Finding> {
  const limits = await readFile("/proc/self/limits", "utf8").catch(() => "");
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(limits)?.[1];
  if (soft === undefined) {
    return skipped("this system does not say");
  }
  return soft !== "unlimited" && Number.parseInt(soft, 10) < FILES_MIN
    ? warn(`at most ${soft}`, `raise it with ulimit -n ${FILES_MIN}`)
    : ok(`at most ${soft}`);
}

async function lookAtPort({ health }: Config): Promise<Finding> {
  const { host, port } = health;
  const { promise, resolve: found, reject } = Promise.withResolvers<Finding>();
  const server = createServer();
  server.once("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") {
      found(warn(`${host}:${port} is taken`, "right if a worker runs here; another one needs its own health.port"));
    } else {
      reject(error);
    }
  });
  server.listen({ host, port }, () => {
    server.close(() => found(ok(`${host}:${port} is free`)));
  });
  return await promise;
}

async function lookAtFolder(folder: string): Promise<Finding> {
  const disk = await lookAtDisk(folder);
  if (disk.verdict !== "ok") {
    return disk;
  }
  const worker = await findWorker(folder);
  const who =
    worker === undefined ? "no worker runs in it" : `a worker runs in it, process ${worker.pid}, at ${worker.url}`;
  return ok(`${disk.seen}; ${who}`);
}

/** The folder itself, or what it would be made in. */
async function lookAtDisk(folder: string): Promise<Finding> {
  let there = resolve(folder);
  while (!existsSync(there) && dirname(there) !== there) {
    there = dirname(there);
  }
  await access(there, constants.W_OK);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  const seen = `${folder}: ${toText(free)} free`;
  const todo = "make room on the disk, or take another folder";
  if (free < DISK_BYTES_FAIL) {
    return fail(seen, todo);
  }
  return free < DISK_BYTES_WARN ? warn(seen, todo) : ok(seen);
}

function toText(bytes: number): string {
  return bytes >= 1024 * MEBIBYTE ? `${(bytes / 1024 / MEBIBYTE).toFixed(1)} GB` : `${Math.round(bytes / MEBIBYTE)} MB`;
}
