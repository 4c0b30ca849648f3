import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { isWorkerThere } from "../queue/remote/client.ts";

/** Where the worker that holds an embedded folder is found by other programs on this machine. */
export interface WorkerFile {
  readonly pid: number;
  readonly nodeId: string;
  readonly startedAt: string;
  /** The worker's own port, and what a request to its queue must carry. */
  readonly url: string;
  readonly token: string;
  /** The engine in the folder, over ClickHouse's own interface. Absent when the worker's store is a server. */
  readonly store?: StoreAddress | undefined;
  /** True when the queue is in the folder. */
  readonly hasQueue: boolean;
}

export interface StoreAddress {
  /** The engine's folder, absolute. */
  readonly path: string;
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

const NAME = "worker.json";
const PING_MS_MAX = 2_000;

const schema = z.object({
  pid: z.int(),
  nodeId: z.string(),
  startedAt: z.string(),
  url: z.string(),
  token: z.string(),
  store: z.object({ path: z.string(), url: z.string(), user: z.string(), password: z.string() }).optional(),
  hasQueue: z.boolean(),
});

/** Readable by this user only, and whole or not there. Disposing takes it away, unless it is another worker's by then. */
export async function writeWorkerFile(folder: string, file: WorkerFile): Promise<AsyncDisposable> {
  const path = join(folder, NAME);
  // With Kafka and an engine elsewhere nobody else makes it.
  await mkdir(folder, { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
  return {
    [Symbol.asyncDispose]: async () => {
      if ((await readWorkerFile(folder))?.token === file.token) {
        await rm(path, { force: true });
      }
    },
  };
}

/** The worker that holds the folder and answers; what a killed one left behind is nobody. */
export async function findWorker(folder: string): Promise<WorkerFile | undefined> {
  const file = await readWorkerFile(folder);
  return file !== undefined && (await isWorkerThere(file, PING_MS_MAX)) ? file : undefined;
}

async function readWorkerFile(folder: string): Promise<WorkerFile | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, NAME), "utf8");
  } catch {
    return undefined;
  }
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  const file = schema.safeParse(read);
  return file.success ? file.data : undefined;
}
