import assert from "node:assert/strict";
import { test } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { PermanentError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { SOURCE } from "../../domain/enums.ts";
import type { ClickHouse } from "./client.ts";
import { loadMigrations, renderMigrationTable, renderStatements } from "./migrations.ts";
import { readObjects } from "./schema-compare.ts";
import { ensureSchema, type SchemaOptions } from "./schema.ts";
import { insertColumns, TABLES } from "./tables.ts";
import { VIEW_NAMES } from "./views.ts";

const never = new AbortController().signal;
const OPTIONS: SchemaOptions = {
  chain: [SOURCE.TUSHARE, SOURCE.BAOSTOCK],
  ginkgoUnits: false,
  apply: true,
  createDatabase: true,
};

suiteOnEngines("schema", defineSchemaTests);

function defineSchemaTests(open: OpenDatabase): void {
  test("an empty server gets database, tables and views, which are as `tables.ts` says", async (t) => {
    const clickhouse = await open(t, "fresh");
    if (clickhouse === undefined) {
      return;
    }
    const report = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.ok(report.every(({ action }) => action === "created"));
    const objects = await readObjects(clickhouse, never);
    for (const table of TABLES) {
      const stored = objects.get(table.name);
      assert.deepEqual(
        [...(stored?.columns ?? [])],
        table.columns.map(({ name, type }) => [name, type]),
      );
      assert.match(stored?.engineFull ?? "", /non_replicated_deduplication_window = 1000/);
    }
    assert.deepEqual(await readCodecs(clickhouse), TABLES.flatMap(codecsOf).toSorted());
    assert.match(objects.get("outcome_row")?.engineFull ?? "", /TTL toDateTime\(settled_at\) \+ toIntervalDay\(90\)/);
    for (const name of VIEW_NAMES) {
      assert.equal(objects.get(name)?.engine, "View");
    }
  });

  test("ensuring a second time changes nothing and says so", async (t) => {
    const clickhouse = await open(t, "twice");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    const before = await readObjects(clickhouse, never);
    const report = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.deepEqual(new Set(report.map(({ action }) => action)), new Set(["exists"]));
    assert.deepEqual(await readObjects(clickhouse, never), before);
  });

  test("workers that start at once all find the schema complete", async (t) => {
    const workers = [await open(t, "crowd"), await open(t, "crowd"), await open(t, "crowd")].filter(
      (clickhouse) => clickhouse !== undefined,
    );
    await Promise.all(workers.map((clickhouse) => ensureSchema(clickhouse, OPTIONS, silentLog, never)));
    const [clickhouse] = workers;
    if (clickhouse === undefined) {
      return;
    }
    const report = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.deepEqual(new Set(report.map(({ action }) => action)), new Set(["exists"]));
  });

  test("a schema of before there were ticks is brought up by several workers at once, and rows that are there stay", async (t) => {
    const workers = [await open(t, "older"), await open(t, "older"), await open(t, "older")].filter(
      (clickhouse) => clickhouse !== undefined,
    );
    const [clickhouse] = workers;
    if (clickhouse === undefined) {
      return;
    }
    const { database } = clickhouse;
    await clickhouse.command(`CREATE DATABASE ${database}`, {}, never);
    await clickhouse.command(renderMigrationTable({ database }), {}, never);
    for (const migration of (await loadMigrations()).filter(({ version }) => version < 7)) {
      for (const statement of renderStatements(migration, { database })) {
        await clickhouse.command(statement, {}, never);
      }
      await clickhouse.command(
        `INSERT INTO ${database}.schema_migration (version, name) VALUES (${migration.version}, 'x')`,
        {},
        never,
      );
    }
    await clickhouse.command(
      `INSERT INTO ${database}.tick_row VALUES ('000001.SZ', '2024-01-02 09:31:00', '2024-01-02', 0, 10.5, 100, 1, 8, 10, now(), '', '')`,
      {},
      never,
    );
    await Promise.all(workers.map((worker) => ensureSchema(worker, OPTIONS, silentLog, never)));
    const read = () => clickhouse.query(`SELECT zone, price, trades, flags FROM ${database}.tick`, {}, never);
    assert.deepEqual(await read(), [{ zone: "Asia/Shanghai", price: "10.5", trades: null, flags: 0 }]);
    await clickhouse.command(`DROP TABLE ${database}.tick_day_row`, {}, never);
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.equal((await read()).length, 1, "the counts of a table that went come from the ticks");
  });

  test("a schema newer than the program is refused", async (t) => {
    const clickhouse = await open(t, "newer");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.schema_migration (version, name) VALUES (999, 'later')`,
      {},
      never,
    );
    await assert.rejects(ensureSchema(clickhouse, OPTIONS, silentLog, never), (error) => {
      assert.ok(error instanceof PermanentError);
      assert.match(error.message, / has schema 999, this program knows 7/);
      return true;
    });
  });

  test("Ginkgo's own `bar` is named and nothing is created beside it", async (t) => {
    const clickhouse = await open(t, "foreign");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(`CREATE DATABASE ${clickhouse.database}`, {}, never);
    await clickhouse.command(
      `CREATE TABLE ${clickhouse.database}.bar (uuid String, code String, close Decimal(16, 2), timestamp DateTime) ENGINE = MergeTree ORDER BY (code, timestamp)`,
      {},
      never,
    );
    await assert.rejects(
      ensureSchema(clickhouse, OPTIONS, silentLog, never),
      /\.bar \(MergeTree\) is not of this program.*schema adopt/,
    );
    assert.deepEqual([...(await readObjects(clickhouse, never)).keys()], ["bar"]);
  });

  test("a table of ours with another engine, key, type or without a column is refused with each difference named", async (t) => {
    const clickhouse = await open(t, "differs");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(`CREATE DATABASE ${clickhouse.database}`, {}, never);
    await clickhouse.command(
      `CREATE TABLE ${clickhouse.database}.trade_day_row (market Int8, trading_day Date, timestamp DateTime('UTC'), is_open Bool, source Int8,
       ingested_at DateTime64(3, 'UTC'), request_id String, call_id String) ENGINE = MergeTree ORDER BY (market, trading_day)`,
      {},
      never,
    );
    await assert.rejects(ensureSchema(clickhouse, OPTIONS, silentLog, never), (error) => {
      assert.ok(error instanceof PermanentError);
      assert.match(error.message, /\.trade_day_row: the engine is MergeTree, expected ReplacingMergeTree/);
      assert.match(error.message, /the key is \(market, trading_day\), expected \(market, trading_day, source\)/);
      assert.match(error.message, /the column timestamp is DateTime\('UTC'\), expected DateTime\('Asia\/Shanghai'\)/);
      assert.match(error.message, /the column version is missing/);
      return true;
    });
  });

  test("a changed chain or changed units recreate the views they touch and nothing else", async (t) => {
    const clickhouse = await open(t, "chain");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    const chain = [SOURCE.BAOSTOCK, SOURCE.TUSHARE];
    const report = await ensureSchema(clickhouse, { ...OPTIONS, chain }, silentLog, never);
    const recreated = report.filter(({ action }) => action === "recreated").map(({ object }) => object);
    assert.deepEqual(
      recreated,
      VIEW_NAMES.map((name) => `view ${name}`),
    );
    const units = await ensureSchema(clickhouse, { ...OPTIONS, chain, ginkgoUnits: true }, silentLog, never);
    assert.ok(units.some(({ object, action }) => object === "view bar" && action === "recreated"));
    assert.ok(units.every(({ object, action }) => !object.startsWith("table") || action === "exists"));
  });

  test("without `schema.auto` a missing schema is an error, a complete one is not", async (t) => {
    const clickhouse = await open(t, "manual");
    if (clickhouse === undefined) {
      return;
    }
    const manual = { ...OPTIONS, apply: false };
    await assert.rejects(ensureSchema(clickhouse, manual, silentLog, never), /the database \w+ does not exist/);
    await clickhouse.command(`CREATE DATABASE ${clickhouse.database}`, {}, never);
    await assert.rejects(ensureSchema(clickhouse, manual, silentLog, never), /the tables bar_row.*are missing/);
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    await ensureSchema(clickhouse, manual, silentLog, never);
  });

  test("a database that may not be created is named", async (t) => {
    const clickhouse = await open(t, "absent");
    if (clickhouse === undefined) {
      return;
    }
    await assert.rejects(
      ensureSchema(clickhouse, { ...OPTIONS, createDatabase: false }, silentLog, never),
      /the database \w+ does not exist and may not be created/,
    );
  });

  test("a table that was dropped is made again", async (t) => {
    const clickhouse = await open(t, "dropped");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    await clickhouse.command(`DROP TABLE ${clickhouse.database}.tick_row`, {}, never);
    const report = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.deepEqual(
      report.filter(({ action }) => action !== "exists").map(({ object, action }) => [object, action]),
      [["table tick_row", "created"]],
    );
  });

  test("a bad row refused twice is one row of the quarantine", async (t) => {
    const clickhouse = await open(t, "quarantined");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    const table = TABLES.find(({ name }) => name === "quarantine_row");
    assert.ok(table !== undefined);
    const row = ["2024-01-02 03:04:05.678", "bars", "000001.SZ", "2024-01-02", "price-not-positive", "open is 0", "{}"];
    for (const version of ["1700000000000000", "1700000000000001"]) {
      const body = `${JSON.stringify([...row, version, `r-${version}`, "c"])}\n`;
      await clickhouse.insertEncoded(
        table.name,
        insertColumns(table),
        { format: "JSONCompactEachRow", body, rows: 1 },
        never,
      );
    }
    const rows = await clickhouse.query(
      `SELECT code, toString(version) AS version FROM ${clickhouse.database}.quarantine_row FINAL`,
      {},
      never,
    );
    assert.deepEqual(rows, [{ code: "000001.SZ", version: "1700000000000001" }]);
  });
}

function codecsOf(table: (typeof TABLES)[number]): readonly string[] {
  return table.columns.flatMap(({ name, codec }) =>
    codec === undefined ? [] : [`${table.name}.${name} CODEC(${codec})`],
  );
}

async function readCodecs(clickhouse: ClickHouse): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ readonly line: string }>(
    `SELECT concat(table, '.', name, ' ', compression_codec) AS line FROM system.columns
     WHERE database = {database:String} AND compression_codec != ''`,
    { database: clickhouse.database },
    never,
  );
  return rows.map(({ line }) => line).toSorted();
}
