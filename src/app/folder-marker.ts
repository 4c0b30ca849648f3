import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { PermanentError } from "../base/errors.ts";
import type { Config } from "../config.ts";
import { providersInUse } from "../domain/chain-rule.ts";
import { servedProvider } from "./provider-table.ts";

/** Whose data an embedded folder holds. */
export type FolderData = "simulated" | "real";

const MARKER = "data.json";
const LOOPBACK = /^(?:127(?:\.\d+){3}|localhost|\[::1\])$/;

/**
 * Says whose data the folder is to hold, or throws: generated prices and real ones in one folder would be a lie that
 * nobody could see afterwards.
 */
export async function markFolder(folder: string, data: FolderData): Promise<void> {
  const holds = await dataOf(folder);
  if (holds === undefined) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, MARKER), `${JSON.stringify({ data })}\n`);
  } else if (holds !== data) {
    throw new PermanentError(
      `${folder} holds ${describe(holds)}, which is not to be mixed with ${describe(data)}: name another folder with embedded.folder (--embedded-folder), or delete this one`,
      "settings",
    );
  }
}

/** For a worker that keeps its rows in the folder. Providers on this machine are taken for simulated ones. */
export async function checkFolder(config: Config): Promise<void> {
  const { embedded, clickhouse, providers } = config;
  if (clickhouse.url === undefined && (await dataOf(embedded.folder)) === "simulated") {
    const hosts = providersInUse(providers).flatMap((provider) => servedProvider(provider).hosts(config));
    await markFolder(embedded.folder, hosts.every((host) => LOOPBACK.test(host)) ? "simulated" : "real");
  }
}

/** Undefined for a folder that has no data; one with data and no marker is from a worker of its own. */
async function dataOf(folder: string): Promise<FolderData | undefined> {
  const names = await readdir(folder).catch((): string[] => []);
  if (!names.includes(MARKER)) {
    return names.includes("clickhouse") ? "real" : undefined;
  }
  const text = await readFile(join(folder, MARKER), "utf8");
  return text.includes('"simulated"') ? "simulated" : "real";
}

function describe(data: FolderData): string {
  return data === "simulated" ? "a generated market" : "data of a real provider";
}
