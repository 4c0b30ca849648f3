import { renameSync, writeFileSync } from "node:fs";

import { startClickHouseHttp } from "../services/clickhouse-http.ts";
import { startKafka } from "../services/kafka.ts";
import { startMariaDb } from "../services/mariadb.ts";
import { startRedis } from "../services/redis.ts";

/**
 * A program that starts one of each service, writes their process ids to the file it is given and then does nothing.
 * Named `owner.ts hold <file>` it stays until it is killed; `owner.ts leave <file>` ends by itself, stopping nothing.
 */
const [, , mode = "hold", file = ""] = process.argv;
const services = await Promise.all([startRedis(), startMariaDb(), startKafka(), startClickHouseHttp()]);
writeFileSync(
  `${file}.part`,
  JSON.stringify({
    owner: process.pid,
    services: services.map(({ pid }) => pid),
    ports: services.map(({ port }) => port),
  }),
);
renameSync(`${file}.part`, file);
if (mode === "hold") {
  setInterval(() => undefined, 60_000);
}
