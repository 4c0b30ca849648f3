import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { BAR_ROW } from "../store/clickhouse/tables.ts";
import { openOurClickHouse } from "./open-store.ts";

/** The store with our tables in it; PermanentError says where it looked when they are not there yet. */
export async function openForReading(config: Config, log: Log, signal: AbortSignal): Promise<ClickHouse> {
  await using opened = new AsyncDisposableStack();
  const clickhouse = opened.use(await openOurClickHouse(config, log, signal));
  const tables = await clickhouse.query(
    "SELECT name FROM system.tables WHERE database = {database:String} AND name = {name:String}",
    { database: clickhouse.database, name: BAR_ROW.name },
    signal,
  );
  if (tables.length === 0) {
    const place = config.clickhouse.url ?? `the folder ${config.clickhouse.embeddedPath}`;
    const error = new PermanentError(
      `reading from ${place}: it has no tables of ours in the database ${clickhouse.database}, so nothing was stored there; ` +
        "check clickhouse.host, clickhouse.embedded_path and clickhouse.database, or start a worker, which makes them",
      "store",
    );
    throw Object.assign(error, { saysWhatToDo: true });
  }
  opened.move();
  return clickhouse;
}
