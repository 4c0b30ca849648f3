import { existsSync } from "node:fs";

import { describeError, PermanentError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { ClickHouse } from "../../store/clickhouse/client.ts";
import { missingRights } from "../../store/clickhouse/missing-rights.ts";
import { ensureSchema } from "../../store/clickhouse/schema.ts";
import { openMySqlReference } from "../../store/mysql/reference.ts";
import { clickhouseAt } from "../places.ts";
import { mySqlTarget } from "../mysql-target.ts";
import { schemaOptions } from "../open-store.ts";
import { lookAtClock } from "./clock-check.ts";
import type { Finding } from "./doctor-api.ts";
import { type CheckPlan, fail, ok, skipped, warn } from "./run-checks.ts";

/** `open` gives the same connection however often it is asked. */
export function storeChecks(
  config: Config,
  open: (signal: AbortSignal) => Promise<ClickHouse>,
  log: Log,
): readonly CheckPlan[] {
  const { clickhouse, schema } = config;
  const isServer = clickhouse.url !== undefined;
  return [
    {
      name: "clickhouse",
      todo: "see that the server runs at clickhouse.host, and check clickhouse.user and clickhouse.password",
      look: async (signal) => {
        if (!isServer && !existsSync(clickhouse.embeddedPath)) {
          return skipped(`there is no folder ${clickhouse.embeddedPath} yet: the first start makes it`);
        }
        const store = await openOrSayReadOnly(config, open, signal);
        if ("verdict" in store) {
          return store;
        }
        const { insertMode, partitionsPerInsertMax } = store.settings;
        return ok(
          `${clickhouseAt(config)}: ${store.serverVersion()}, inserts ${insertMode}, ${partitionsPerInsertMax === Infinity ? "any number of" : partitionsPerInsertMax} partitions an insert`,
        );
      },
    },
    {
      name: "clickhouse rights",
      after: "clickhouse",
      todo: "see what the user may do",
      look: async (signal) => {
        const missing = await missingRights(await open(signal), signal);
        if (missing === undefined) {
          return skipped("the server does not tell what the user may do");
        }
        const grants = missing.join(", ");
        return missing.length === 0
          ? ok(`may read, insert and create in ${clickhouse.database}`)
          : fail(
              `the user ${clickhouse.user} may not ${grants} in ${clickhouse.database}`,
              `GRANT ${grants} ON ${clickhouse.database}.* TO ${clickhouse.user}, and a profile without readonly`,
            );
      },
    },
    {
      name: "tables",
      after: "clickhouse",
      todo: "gdw schema ensure, or gdw schema adopt for tables of Ginkgo's own",
      look: async (signal) => {
        try {
          const report = await ensureSchema(await open(signal), schemaOptions(config, false), log, signal);
          const notes = report.map(({ note }) => note).filter((note) => note !== "");
          return ok(`all ${report.length} as they should be${notes.length === 0 ? "" : `; ${notes.join("; ")}`}`);
        } catch (error) {
          // What is only missing is made by the next start, where it may.
          if (error instanceof PermanentError && error.message.startsWith("checking the schema") && schema.auto) {
            return warn(describeError(error), "nothing: the next start makes them, gdw schema ensure as well");
          }
          throw error;
        }
      },
    },
    {
      name: "clickhouse clock",
      after: "clickhouse",
      todo: "",
      look: async (signal) => {
        if (!isServer) {
          return skipped("the engine is on this machine");
        }
        const store = await open(signal);
        return await lookAtClock("ClickHouse", async () => {
          const sql = "SELECT toString(toUnixTimestamp64Milli(now64(3))) AS ms";
          const [row] = await store.query<{ readonly ms: string }>(sql, {}, signal);
          return Number.parseInt(row?.ms ?? "", 10);
        });
      },
    },
    {
      name: "mysql",
      todo: "see that the server runs at mysql.host, and check mysql.user, mysql.password and mysql.database",
      look: async (signal) => {
        const target = await mySqlTarget(config);
        if (target === undefined) {
          return skipped("mysql.host is not set: lists are kept in the store");
        }
        await using reference = openMySqlReference(target, log);
        const tables = await reference.ensureTables(false, signal);
        const { host, port, database } = target;
        return ok(`${host}:${port}, database ${database}: ${tables.map(({ object }) => object).join(", ")} are there`);
      },
    },
  ];
}

/** A profile with `readonly = 1` refuses even the settings that we read with. */
async function openOrSayReadOnly(
  { clickhouse }: Config,
  open: (signal: AbortSignal) => Promise<ClickHouse>,
  signal: AbortSignal,
): Promise<ClickHouse | Finding> {
  try {
    return await open(signal);
  } catch (error) {
    if (error instanceof PermanentError && /\bREADONLY\b/.test(error.message)) {
      const seen = `the profile of the user ${clickhouse.user} lets it read only`;
      return { ...fail(seen, "give the user a profile without readonly"), error };
    }
    throw error;
  }
}
