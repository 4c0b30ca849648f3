import { renameSync, writeFileSync } from "node:fs";
import { test } from "node:test";

import { requireClickHouse, requireKafka, requireMySql, requireRedis } from "../services.ts";
import { startRedis } from "../services/redis.ts";

/** A file of tests whose only test never ends: what Ctrl-C is tried on. It says who runs in the file it is given. */
test("waits until it is interrupted", async (t) => {
  const own = await startRedis();
  const addresses = [await requireKafka(t), await requireRedis(t), await requireMySql(t), await requireClickHouse(t)];
  const file = process.env["GINKGO_RIG_FILE"] ?? "";
  writeFileSync(
    `${file}.part`,
    JSON.stringify({ owner: process.pid, services: [own.pid], ports: [own.port, ...addresses.map(portOf)] }),
  );
  renameSync(`${file}.part`, file);
  await new Promise((resolve) => {
    setTimeout(resolve, 600_000);
  });
});

function portOf(address = ""): number {
  return Number.parseInt(/:(\d+)(?:\/\w*)?$/.exec(address)?.[1] ?? "0", 10);
}
