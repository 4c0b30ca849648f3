import assert from "node:assert/strict";
import { test } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { silentLog } from "../../base/log.ts";
import { parseDay } from "../../domain/day.ts";
import { FREQUENCY, SOURCE } from "../../domain/enums.ts";
import { adoptSchema, type AdoptOptions } from "./adopt.ts";
import type { ClickHouse } from "./client.ts";
import { readObjects } from "./schema-compare.ts";
import { ensureSchema } from "./schema.ts";

const never = new AbortController().signal;
const OPTIONS: AdoptOptions = {
  chain: [SOURCE.TUSHARE, SOURCE.BAOSTOCK],
  ginkgoUnits: false,
  apply: true,
  createDatabase: true,
  copyRows: false,
  tickTables: false,
  today: parseDay("2026-11-24"),
};

suiteOnEngines("schema adopt", defineAdoptTests);

function defineAdoptTests(open: OpenDatabase): void {
  test("the original's tables are renamed, nothing is dropped, and the schema is then complete", async (t) => {
    const clickhouse = await open(t, "renamed");
    if (clickhouse === undefined) {
      return;
    }
    await createOriginal(clickhouse);
    const report = await adoptSchema(clickhouse, OPTIONS, silentLog, never);
    assert.deepEqual(
      report.filter(({ action }) => action === "renamed" || action === "left"),
      [
        {
          object: "table 000001_SZ_Tick",
          action: "left",
          note: "ticks of its code cannot be stored until it is renamed, with --tick-tables",
        },
        { object: "table adjustfactor", action: "renamed", note: "is adjustfactor_before_20261124 now" },
        { object: "table bar", action: "renamed", note: "is bar_before_20261124 now" },
      ],
    );
    assert.equal((await readObjects(clickhouse, never)).get("bar")?.engine, "View");
    assert.deepEqual(await count(clickhouse, "bar_before_20261124"), "9");
    assert.deepEqual(await count(clickhouse, "bar"), "0");
    const again = await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    assert.ok(again.every(({ action }) => action === "exists"));
  });

  test("rows are copied in our units, bad ones and repeats are counted, and copying again changes nothing", async (t) => {
    const clickhouse = await open(t, "copied");
    if (clickhouse === undefined) {
      return;
    }
    await createOriginal(clickhouse);
    const options = { ...OPTIONS, copyRows: true };
    const report = await adoptSchema(clickhouse, options, silentLog, never);
    const copied = report.filter(({ action }) => action === "copied");
    assert.deepEqual(copied, [
      {
        object: "table adjustfactor_before_20261124",
        action: "copied",
        note: "1 of 2 rows copied; refused: 1 with a factor that is not positive",
      },
      {
        object: "table bar_before_20261124",
        action: "copied",
        note: "4 of 9 rows copied; 1 repeats left out; refused: 1 with a code of no known market, 1 with an unknown frequency, 1 with an unknown source, 1 with a price that is not positive",
      },
    ]);
    const select = `SELECT code, toString(timestamp) AS at, open, close, volume, amount, source, flags, toString(version) AS version FROM ${clickhouse.database}.bar_row FINAL ORDER BY code, at, source`;
    const rows = await clickhouse.query(select, {}, never);
    assert.deepEqual(rows, [
      {
        code: "000001.SZ",
        at: "1991-07-01 00:00:00",
        open: "9",
        close: "9.5",
        volume: "1200",
        amount: "3456780",
        source: 7,
        flags: 4,
        version: "1",
      },
      {
        code: "000001.SZ",
        at: "2024-01-02 00:00:00",
        open: "9",
        close: "9.5",
        volume: "115863700",
        amount: "1076444620",
        source: 7,
        flags: 0,
        version: "1",
      },
      {
        code: "600000.SH",
        at: "2024-01-02 00:00:00",
        open: "9",
        close: "9.5",
        volume: "1234",
        amount: "5678.9",
        source: 4,
        flags: 4,
        version: "1",
      },
      {
        code: "600001.SH",
        at: "2024-01-02 00:00:00",
        open: "12",
        close: "9.5",
        volume: "300",
        amount: null,
        source: 7,
        flags: 33,
        version: "1",
      },
    ]);
    const factors = await clickhouse.query(
      `SELECT code, factor, toString(trading_day) AS day FROM ${clickhouse.database}.adjustfactor_row FINAL`,
      {},
      never,
    );
    assert.deepEqual(factors, [{ code: "000001.SZ", factor: "134.579421", day: "2024-01-02" }]);
    const again = await adoptSchema(clickhouse, options, silentLog, never);
    assert.deepEqual(
      again.filter(({ action }) => action === "renamed"),
      [],
    );
    assert.deepEqual(
      again.filter(({ action }) => action === "copied"),
      copied,
    );
    assert.deepEqual(await clickhouse.query(select, {}, never), rows);
  });

  test("each provider's units become shares and yuan, by its frequency where it has two", async (t) => {
    const clickhouse = await open(t, "units");
    if (clickhouse === undefined) {
      return;
    }
    await createOriginal(clickhouse);
    const { database } = clickhouse;
    await clickhouse.command(`TRUNCATE TABLE ${database}.bar`, {}, never);
    // Real bars: 000001.SZ of Tushare, TongDaXin and Eastmoney, 600000.SH of BaoStock, and minutes of 600000.SH.
    const rows = [
      [
        "000001.SZ",
        "9.41, 9.48, 9.34, 9.41",
        1055259,
        "993481.91",
        FREQUENCY.DAY,
        "2024-02-01 00:00:00",
        SOURCE.TUSHARE,
      ],
      ["000001.SZ", "9.42, 9.47, 9.07, 9.27", 1634214, "1520605696", FREQUENCY.DAY, "2024-02-02 00:00:00", SOURCE.TDX],
      [
        "000001.SZ",
        "9.33, 9.54, 9.27, 9.50",
        2162514,
        "2037648413.07",
        FREQUENCY.DAY,
        "2024-01-25 00:00:00",
        SOURCE.AKSHARE,
      ],
      ["600000.SH", "7.02, 7.02, 6.97, 6.99", 807500, "5649956", FREQUENCY.MIN1, "2023-08-25 09:31:00", SOURCE.TUSHARE],
      ["600000.SH", "6.99, 7.02, 6.99, 7.02", 236699, "1659260", FREQUENCY.MIN1, "2023-08-25 09:32:00", SOURCE.TDX],
      [
        "600000.SH",
        "6.63, 6.65, 6.60, 6.60",
        22066700,
        "146000000",
        FREQUENCY.DAY,
        "2024-01-02 00:00:00",
        SOURCE.BAOSTOCK,
      ],
    ] as const;
    const values = rows.map(
      ([code, prices, volume, amount, frequency, at, source]) =>
        `('u', '{}', '', '${code}', ${prices}, ${volume}, ${amount}, ${frequency}, '${at}', ${source})`,
    );
    await clickhouse.command(`INSERT INTO ${database}.bar VALUES ${values.join(", ")}`, {}, never);
    await adoptSchema(clickhouse, { ...OPTIONS, copyRows: true }, silentLog, never);
    const copied = await clickhouse.query<{ readonly text: string }>(
      `SELECT concat(toString(source), ' ', toString(frequency), ': ', toString(volume), ' ', toString(amount), ' ', toString(flags)) AS text
       FROM ${database}.bar_row FINAL ORDER BY source, frequency`,
      {},
      never,
    );
    assert.deepEqual(
      copied.map(({ text }) => text),
      [
        "4 1: 22066700 146000000 0",
        "5 1: 216251400 2037648413.07 0",
        "7 1: 105525900 993481910 0",
        "7 2: 807500 5649956 0",
        "8 1: 163421400 1520605696 0",
        "8 2: 236699 1659260 0",
      ],
    );
  });

  test("a second foreign table on one day gets a name of its own", async (t) => {
    const clickhouse = await open(t, "second");
    if (clickhouse === undefined) {
      return;
    }
    await createOriginal(clickhouse);
    await adoptSchema(clickhouse, OPTIONS, silentLog, never);
    await clickhouse.command(`DROP VIEW ${clickhouse.database}.bar`, {}, never);
    await clickhouse.command(
      `CREATE TABLE ${clickhouse.database}.bar (code String) ENGINE = MergeTree ORDER BY code`,
      {},
      never,
    );
    const report = await adoptSchema(clickhouse, { ...OPTIONS, copyRows: true }, silentLog, never);
    assert.ok(report.some(({ note }) => note === "is bar_before_20261124_2 now"));
    assert.ok(report.some(({ object, action }) => object === "table bar_before_20261124_2" && action === "left"));
  });

  test("tick tables are renamed when asked for", async (t) => {
    const clickhouse = await open(t, "ticks");
    if (clickhouse === undefined) {
      return;
    }
    await createOriginal(clickhouse);
    await adoptSchema(clickhouse, { ...OPTIONS, tickTables: true }, silentLog, never);
    const names = [...(await readObjects(clickhouse, never)).keys()];
    assert.ok(names.includes("000001_SZ_Tick_before_20261124") && !names.includes("000001_SZ_Tick"));
  });
}

/** The original's tables as the contract describes them, in a server whose zone is UTC. */
async function createOriginal(clickhouse: ClickHouse): Promise<void> {
  const { database } = clickhouse;
  const price = "Decimal(16, 2)";
  await clickhouse.command(`CREATE DATABASE ${database}`, {}, never);
  await clickhouse.command(
    `CREATE TABLE ${database}.bar (uuid String, meta String, desc String, code String, open ${price}, high ${price}, low ${price},
     close ${price}, volume Int32, amount ${price}, frequency Int8, timestamp DateTime('UTC'), source Int8)
     ENGINE = MergeTree ORDER BY (code, timestamp)`,
    {},
    never,
  );
  const rows = [
    ["000001.SZ", "9", 1158637, "1076444.62", 1, "2024-01-02 00:00:00", SOURCE.TUSHARE],
    ["000001.SZ", "9", 1158637, "1076444.62", 1, "2024-01-02 00:00:00", SOURCE.TUSHARE],
    ["000001.SZ", "9", 12, "3456.78", 1, "1991-07-01 00:00:00", SOURCE.TUSHARE],
    ["600000.SH", "9", 1234, "5678.90", 1, "2024-01-02 00:00:00", SOURCE.BAOSTOCK],
    ["600001.SH", "12", 3, "0", 1, "2024-01-02 15:00:00", SOURCE.TUSHARE],
    ["AAPL", "9", 3, "1", 1, "2024-01-02 00:00:00", SOURCE.YAHOO],
    ["600000.SH", "9", 3, "1", 99, "2024-01-02 00:00:00", SOURCE.TUSHARE],
    ["600000.SH", "9", 3, "1", 1, "2024-01-02 00:00:00", 77],
    ["600000.SH", "0", 3, "1", 1, "2024-01-02 00:00:00", SOURCE.TUSHARE],
  ] as const;
  const values = rows.map(
    ([code, open, volume, amount, frequency, at, source]) =>
      `('u', '{}', '', '${code}', ${open}, 10, 8, 9.5, ${volume}, ${amount}, ${frequency}, '${at}', ${source})`,
  );
  await clickhouse.command(`INSERT INTO ${database}.bar VALUES ${values.join(", ")}`, {}, never);
  await clickhouse.command(
    `CREATE TABLE ${database}.adjustfactor (uuid String, meta String, desc String, code String, foreadjustfactor Decimal(16, 6),
     backadjustfactor Decimal(16, 6), adjustfactor Decimal(16, 6), timestamp DateTime('UTC'), source Int8)
     ENGINE = MergeTree ORDER BY (code, timestamp)`,
    {},
    never,
  );
  await clickhouse.command(
    `INSERT INTO ${database}.adjustfactor VALUES ('u', '{}', '', '000001.SZ', 1, 1, 134.579421, '2024-01-02 00:00:00', 7),
     ('u', '{}', '', '000001.SZ', 1, 1, 0, '2024-01-03 00:00:00', 7)`,
    {},
    never,
  );
  await clickhouse.command(
    `CREATE TABLE ${database}.\`000001_SZ_Tick\` (code String, price ${price}, volume Int32, direction Int8, timestamp DateTime)
     ENGINE = MergeTree ORDER BY timestamp`,
    {},
    never,
  );
}

async function count(clickhouse: ClickHouse, table: string): Promise<string | undefined> {
  const [row] = await clickhouse.query<{ readonly rows: string }>(
    `SELECT toString(count()) AS rows FROM ${clickhouse.database}.${table}`,
    {},
    never,
  );
  return row?.rows;
}
