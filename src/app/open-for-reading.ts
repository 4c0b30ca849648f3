import { existsSync } from "node:fs";

import { PermanentError, tellingWhatToDo } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import { maskUrl } from "../config/reader.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { BAR_ROW } from "../store/clickhouse/tables.ts";
import { openOurClickHouse } from "./open-store.ts";

/** The store with our tables in it; PermanentError says where it looked when they are not there yet. */
export async function openForReading(config: Config, log: Log, signal: AbortSignal): Promise<ClickHouse> {
  const { url, embeddedPath, database } = config.clickhouse;
  needStoreFolder(config);
  await using opened = new AsyncDisposableStack();
  const clickhouse = opened.use(await openOurClickHouse(config, log, signal));
  const tables = await clickhouse.query(
    "SELECT name FROM system.tables WHERE database = {database:String} AND name = {name:String}",
    { database: clickhouse.database, name: BAR_ROW.name },
    signal,
  );
  if (tables.length === 0) {
    const place = url === undefined ? `the folder ${embeddedPath}` : maskUrl(url);
    throw nothingThere(`${place} has no tables of ours in the database ${database}, so nothing is stored there`);
  }
  opened.move();
  return clickhouse;
}

/**
 * PermanentError where the store would be a folder that is not there: the engine would make it, and an empty one would be
 * left wherever somebody asked.
 */
export function needStoreFolder({ clickhouse: { url, embeddedPath } }: Config): void {
  if (url === undefined && !existsSync(embeddedPath)) {
    throw nothingThere(`there is no folder ${embeddedPath}, so nothing is stored here`);
  }
}

function nothingThere(what: string): PermanentError {
  const todo =
    "run gdw schema ensure, or start a worker, which makes them; or check clickhouse.host, clickhouse.embedded_path and clickhouse.database";
  return tellingWhatToDo(new PermanentError(`reading: no tables yet: ${what}: ${todo}`, "store"));
}
