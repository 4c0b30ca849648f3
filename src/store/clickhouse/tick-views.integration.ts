import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { CODE, DAY, tickModel } from "../../../test/support/models.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { PermanentError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { SOURCE, TICK_DIRECTION } from "../../domain/enums.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Store } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { openClickHouseLedger } from "./ledger.ts";
import { ensureSchema, type SchemaOptions } from "./schema.ts";
import { readObjects } from "./schema-compare.ts";
import { createClickHouseStore } from "./store.ts";

const never = new AbortController().signal;
const OTHER = parseSecurityCode("600000.SH");
const OPTIONS: SchemaOptions = { chain: [SOURCE.TDX], ginkgoUnits: false, apply: true, createDatabase: true };

suiteOnEngines("views of one code's ticks", defineViewTests);

function defineViewTests(openDatabase: OpenDatabase): void {
  const open = async (t: TestContext, name: string, options: Partial<SchemaOptions> = {}) => {
    const clickhouse = await openDatabase(t, name);
    if (clickhouse === undefined) {
      return undefined;
    }
    await ensureSchema(clickhouse, { ...OPTIONS, ...options }, silentLog, never);
    return { clickhouse, store: storeOver(clickhouse) };
  };

  test("a code's first ticks make its view under Ginkgo's name, whoever stores them, and only one asks for it once", async (t) => {
    const opened = await open(t, "named");
    if (opened === undefined) {
      return;
    }
    const { clickhouse } = opened;
    const commands: string[] = [];
    const counting: ClickHouse = {
      ...clickhouse,
      command: (sql, params, signal) => {
        commands.push(sql);
        return clickhouse.command(sql, params, signal);
      },
      query: (sql, params, signal) => {
        commands.push(sql);
        return clickhouse.query(sql, params, signal);
      },
    };
    const store = storeOver(counting);
    await Promise.all(
      [store, storeOver(clickhouse), storeOver(clickhouse)].map((each) =>
        each.addBatch([tickModel(), tickModel({ code: OTHER, direction: TICK_DIRECTION.ACTIVESELL })], never),
      ),
    );
    const rows = await clickhouse.query(
      `SELECT * FROM ${clickhouse.database}.\`600000_SH_Tick\` WHERE timestamp >= '${DAY} 09:30:00'`,
      {},
      never,
    );
    const { uuid, ...row } = Object.fromEntries(Object.entries(rows[0] ?? {}));
    assert.match(String(uuid), /^[0-9a-f]{32}$/);
    assert.deepEqual(row, {
      meta: "{}",
      desc: "",
      code: OTHER,
      price: "10.51",
      volume: "1200",
      direction: TICK_DIRECTION.ACTIVESELL,
      timestamp: "2024-01-02 09:31:00.000",
      source: SOURCE.TDX,
      sequence: 0,
      trades: 3,
    });
    assert.equal(rows.length, 1);
    commands.length = 0;
    await store.addBatch([tickModel({ sequence: 1 })], never);
    assert.deepEqual(
      commands.filter((sql) => /VIEW|system\.tables/.test(sql)),
      [],
    );
  });

  test("`schema ensure` makes a view of ticks anew when its definition changed, and says so in one line", async (t) => {
    const opened = await open(t, "refresh");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    await store.addBatch([tickModel(), tickModel({ code: OTHER })], never);
    const { database } = clickhouse;
    const name = `${database}.\`000001_SZ_Tick\``;
    await clickhouse.command(
      `CREATE OR REPLACE VIEW ${name} AS SELECT code FROM ${database}.tick COMMENT 'ginkgo-data-worker view older'`,
      {},
      never,
    );
    const report = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.deepEqual(
      report.filter(({ action }) => action !== "exists"),
      [{ object: "views of ticks", action: "recreated", note: "2 in all, 0 created, 1 recreated" }],
    );
    assert.deepEqual(await clickhouse.query(`SELECT price FROM ${name}`, {}, never), [{ price: "10.51" }]);
    assert.equal((await readObjects(clickhouse, never)).get("000001_SZ_Tick")?.engine, "View");
  });

  test("`schema ensure` makes the views that a worker without `schema.auto` could not make, by what the ledger has", async (t) => {
    const opened = await open(t, "manual");
    if (opened === undefined) {
      return;
    }
    const { clickhouse } = opened;
    const manual = { ...OPTIONS, apply: false };
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog, tickViews: manual });
    await store.addBatch([tickModel()], never);
    const evidence = { provider: "tdx", callId: "c-1", version: 1n, note: "complete answer" } as const;
    const span = { from: DAY, to: DAY, state: "present", evidence } as const;
    await openClickHouseLedger(clickhouse, systemClock).write(
      [{ key: { dataSet: "ticks", frequency: "1d", code: CODE }, change: () => [span] }],
      never,
    );
    await assert.rejects(
      ensureSchema(clickhouse, manual, silentLog, never),
      /the views of ticks such as 000001_SZ_Tick \(1 in all\) are missing/,
    );
    const report = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.deepEqual(report.at(-1), {
      object: "views of ticks",
      action: "created",
      note: "1 in all, 1 created, 0 recreated",
    });
    assert.equal(
      (await clickhouse.query(`SELECT * FROM ${clickhouse.database}.\`000001_SZ_Tick\``, {}, never)).length,
      1,
    );
  });

  test("with Ginkgo's units both views answer in lots and two decimals", async (t) => {
    const opened = await open(t, "units", { ginkgoUnits: true });
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    await store.addBatch([tickModel({ price: parseDecimal("10.516") })], never);
    for (const name of ["tick", "`000001_SZ_Tick`"]) {
      assert.deepEqual(await clickhouse.query(`SELECT price, volume FROM ${clickhouse.database}.${name}`, {}, never), [
        { price: "10.52", volume: 12 },
      ]);
    }
  });

  test("a table of somebody else under the name is refused before anything is stored", async (t) => {
    const opened = await open(t, "foreign");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const { database } = clickhouse;
    await clickhouse.command(
      `CREATE TABLE ${database}.\`000001_SZ_Tick\` (price Decimal(16, 2)) ENGINE = MergeTree ORDER BY tuple()`,
      {},
      never,
    );
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    await assert.rejects(store.addBatch([tickModel()], never), (error) => {
      assert.ok(error instanceof PermanentError);
      assert.match(error.message, /\.000001_SZ_Tick \(MergeTree\) is not of this program.*schema adopt --tick-tables/);
      return true;
    });
    assert.deepEqual(await clickhouse.query(`SELECT code FROM ${database}.tick_row`, {}, never), []);
    assert.deepEqual(await store.addBatch([tickModel({ code: OTHER })], never), ["new"]);
  });
}

function storeOver(clickhouse: ClickHouse): Store {
  return createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog, tickViews: OPTIONS });
}
