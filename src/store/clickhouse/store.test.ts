import assert from "node:assert/strict";
import { test } from "node:test";

import { barModel, weekdays } from "../../../test/support/models.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { StorePressureError } from "../pressure-error.ts";
import type { ClickHouse } from "./client.ts";
import { INSERT_LIMITS_DEFAULT } from "./insert.ts";
import { createClickHouseStore } from "./store.ts";

const never = new AbortController().signal;
const refuse = () => Promise.reject(new StorePressureError("241", "memory"));

/** An engine that is short of memory, whatever it is asked. */
const short: ClickHouse = {
  transport: "http",
  database: "ginkgo",
  settings: { insertMode: "sync", partitionsPerInsertMax: 100, insertQuorum: "0" },
  query: refuse,
  command: refuse,
  raw: () => {
    throw new TypeError("not asked for here");
  },
  insertEncoded: refuse,
  serverVersion: () => "26.7.2.1",
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

test("a refusal tells the size of the statement that was refused, which is seldom that of the batch", async () => {
  const models = weekdays("2000-01-03", 2_000).map((tradingDay) => barModel({ tradingDay }));
  const parts = { clickhouse: short, clock: systemClock, log: silentLog };
  const rowsOf = async (adding: Promise<unknown>): Promise<number | undefined> => {
    const error: unknown = await adding.catch((thrown: unknown) => thrown);
    return error instanceof StorePressureError ? error.rows : -1;
  };
  const cut = createClickHouseStore({
    ...parts,
    compare: false,
    limits: { ...INSERT_LIMITS_DEFAULT, partitionsMax: 1 },
  });
  const rows = await rowsOf(cut.addBatch(models, never));
  assert.ok(rows !== undefined && rows > 0 && rows < 300, `one partition has ${rows} rows`);
  const comparing = createClickHouseStore(parts);
  assert.equal(await rowsOf(comparing.addBatch(models, never, { rowsPerInsertMax: 500 })), 500);
});
