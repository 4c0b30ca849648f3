import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { ClickHouseClientConfigOptions } from "@clickhouse/client";

import { describeError, HeldError, PermanentError, tellingWhatToDo } from "../../base/errors.ts";
import { findHolder } from "../../base/find-holder.ts";
import { translate } from "./errors.ts";

type ClientConnection = NonNullable<ClickHouseClientConfigOptions["connection"]>;

export interface EmbeddedConnection {
  readonly connection: ClientConnection;
  /** Resolves when the engine has let go of the folder. */
  readonly drain: () => Promise<void>;
}

/**
 * The engine in this process. `chdb` is half a gigabyte and an optional peer of the package, so it is loaded when it is
 * asked for and not before. An aborted statement still runs to its end, and a second engine cannot open before: hence
 * `drain`.
 */
export async function openEmbeddedConnection(path: string): Promise<EmbeddedConnection> {
  const doing = `opening the embedded ClickHouse in ${path}`;
  const { createChdbConnection, drainPending } = await loadChdb(doing);
  // Only now: without the engine nothing is to be left behind.
  await mkdir(path, { recursive: true });
  // The engine would say so too, and print a line of its own at each try.
  const holder = findHolder(join(path, "status"));
  if (holder !== undefined && holder !== process.pid) {
    throw new HeldError(
      `${doing}: another process holds the folder, process ${holder}, and one at a time may: stop it, or take another folder`,
      "store",
    );
  }
  try {
    // chDB implements the interface of the client library's own package of types. It has the same declarations twice, and
    // a private field makes the two unlike for the compiler, so only a cast can say that they are one.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const connection = createChdbConnection({ path }) as unknown as ClientConnection;
    return { connection, drain: drainPending };
  } catch (error) {
    throw translate(error, doing);
  }
}

async function loadChdb(doing: string) {
  try {
    const [{ createChdbConnection }, { drainPending }] = await Promise.all([import("chdb/connection"), import("chdb")]);
    return { createChdbConnection, drainPending };
  } catch (error) {
    const why =
      error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND"
        ? "is not there"
        : `cannot be loaded (${describeError(error)})`;
    throw tellingWhatToDo(
      new PermanentError(
        `${doing}: the package chdb ${why}: add it with npm install chdb (Linux with glibc, macOS), or name a server with clickhouse.host`,
        "store",
        { cause: error },
      ),
    );
  }
}
