import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { silentLog } from "../../base/log.ts";
import { FREQUENCY, SOURCE } from "../../domain/enums.ts";
import type { ClickHouse } from "./client.ts";
import { ensureSchema, type SchemaOptions } from "./schema.ts";

const never = new AbortController().signal;
const OPTIONS: SchemaOptions = {
  chain: [SOURCE.TUSHARE, SOURCE.BAOSTOCK],
  ginkgoUnits: false,
  apply: true,
  createDatabase: true,
};

suiteOnEngines("views", defineViewTests);

function defineViewTests(open: OpenDatabase): void {
  const prepare = async (
    t: TestContext,
    word: string,
    options: Partial<SchemaOptions> = {},
  ): Promise<ClickHouse | undefined> => {
    const clickhouse = await open(t, word);
    if (clickhouse === undefined) {
      return undefined;
    }
    await ensureSchema(clickhouse, { ...OPTIONS, ...options }, silentLog, never);
    return clickhouse;
  };

  test("`bar` shows one row a key: the newest version of the best source, whatever was inserted in which order", async (t) => {
    const clickhouse = await prepare(t, "versions");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { source: SOURCE.BAOSTOCK, close: "9.5", version: 900 });
    await insertBar(clickhouse, { source: SOURCE.TUSHARE, close: "9.7", version: 300 });
    await insertBar(clickhouse, { source: SOURCE.TUSHARE, close: "9.6", version: 200 });
    await insertBar(clickhouse, { source: SOURCE.SIM, close: "1.1", version: 950 });
    await insertBar(clickhouse, { source: SOURCE.BAOSTOCK, close: "8.8", version: 10, day: "2024-01-03" });
    const rows = await clickhouse.query(
      `SELECT toString(trading_day) AS day, close, source FROM ${clickhouse.database}.bar ORDER BY day`,
      {},
      never,
    );
    assert.deepEqual(rows, [
      { day: "2024-01-02", close: "9.7", source: SOURCE.TUSHARE },
      { day: "2024-01-03", close: "8.8", source: SOURCE.BAOSTOCK },
    ]);
  });

  test("a fetched bar of any source beats one copied from an older table", async (t) => {
    const clickhouse = await prepare(t, "copied");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { source: SOURCE.TUSHARE, close: "9.7", version: 1 });
    await insertBar(clickhouse, { source: SOURCE.BAOSTOCK, close: "9.5", version: 300 });
    assert.deepEqual(await clickhouse.query(`SELECT close FROM ${clickhouse.database}.bar`, {}, never), [
      { close: "9.5" },
    ]);
  });

  test("a refetch of equal values leaves `SELECT *` on every view unchanged", async (t) => {
    const clickhouse = await prepare(t, "refetch");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { version: 100 });
    await insertFactor(clickhouse, "2024-01-02", "134.5794", 100);
    const before = await readAll(clickhouse);
    await insertBar(clickhouse, { version: 200 });
    await insertFactor(clickhouse, "2024-01-02", "134.5794", 200);
    assert.deepEqual(await readAll(clickhouse), before);
    assert.deepEqual(
      before.map((rows) => rows.length),
      [1, 1, 1, 1],
    );
  });

  test("`bar` has the columns that Ginkgo selects, ours, and nothing about when a row came", async (t) => {
    const clickhouse = await prepare(t, "columns");
    if (clickhouse === undefined) {
      return;
    }
    const rows = await clickhouse.query<{ readonly name: string; readonly type: string }>(
      `DESCRIBE TABLE ${clickhouse.database}.bar`,
      {},
      never,
    );
    assert.deepEqual(
      rows.map(({ name }) => name).toSorted(),
      "amount close code desc flags frequency high low meta open pre_close source timestamp trading_day uuid volume zone".split(
        " ",
      ),
    );
  });

  test("turnover that a provider does not give is NULL in the row, 0 and flagged in the view", async (t) => {
    const clickhouse = await prepare(t, "turnover");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { amount: "NULL", flags: 1 });
    const rows = await clickhouse.query(`SELECT amount, flags FROM ${clickhouse.database}.bar`, {}, never);
    assert.deepEqual(rows, [{ amount: "0", flags: 33 }]);
  });

  test("exact values come out to the digit", async (t) => {
    const clickhouse = await prepare(t, "digits");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, {
      close: "0.1234",
      volume: "9007199254740993",
      amount: "toDecimal128('123456789012.3456', 4)",
    });
    const rows = await clickhouse.query(`SELECT close, volume, amount FROM ${clickhouse.database}.bar`, {}, never);
    assert.deepEqual(rows, [{ close: "0.1234", volume: "9007199254740993", amount: "123456789012.3456" }]);
  });

  test("a bar of the summer of 1991 stands at midnight of Shanghai, which was then nine hours ahead", async (t) => {
    const clickhouse = await prepare(t, "summer");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { day: "1991-07-01" });
    await insertBar(clickhouse, { day: "1991-12-02" });
    const rows = await clickhouse.query(
      `SELECT toString(timestamp) AS local, toString(toTimeZone(timestamp, 'UTC')) AS utc, toString(trading_day) AS day
       FROM ${clickhouse.database}.bar WHERE timestamp = '1991-07-01 00:00:00' OR timestamp = '1991-12-02 00:00:00' ORDER BY timestamp`,
      {},
      never,
    );
    assert.deepEqual(rows, [
      { local: "1991-07-01 00:00:00", utc: "1991-06-30 15:00:00", day: "1991-07-01" },
      { local: "1991-12-02 00:00:00", utc: "1991-12-01 16:00:00", day: "1991-12-02" },
    ]);
  });

  test("a daily history of 35 years has a partition a year, intraday bars one a month, cut in Shanghai's time", async (t) => {
    const clickhouse = await prepare(t, "partitions");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.bar_row (code, frequency, timestamp, trading_day, zone, open, high, low, close, volume, source, version)
       SELECT '000001.SZ', 1, toDateTime(toString(day), 'Asia/Shanghai'), day, 'Asia/Shanghai', 1, 1, 1, 1, 100, 7, 5
       FROM (SELECT toDate('1991-01-01') + number AS day FROM numbers(365 * 35 + 9)) SETTINGS max_partitions_per_insert_block = 50`,
      {},
      never,
    );
    const daily = await readPartitions(clickhouse);
    assert.equal(daily.length, 35);
    assert.deepEqual([daily[0], daily.at(-1)], ["1991", "2025"]);
    // 00:30 in Shanghai is the evening before in UTC: the month is that of Shanghai.
    await insertBar(clickhouse, { frequency: 3, day: "2024-01-01", time: "00:30:00" });
    assert.deepEqual(
      (await readPartitions(clickhouse)).filter((id) => id.length === 6),
      ["202401"],
    );
  });

  test("conditions on code and timestamp reach the primary key and the partitions through the views", async (t) => {
    const clickhouse = await prepare(t, "explain");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.bar_row (code, frequency, timestamp, trading_day, zone, open, high, low, close, volume, source, version)
       SELECT concat(toString(600000 + intDiv(number, 500)), '.SH'), 1, toDateTime(toString(toDate('2023-06-01') + number % 500), 'Asia/Shanghai'),
       toDate('2023-06-01') + number % 500, 'Asia/Shanghai', 1, 1, 1, 1, 100, 7, 5 FROM numbers(50000)`,
      {},
      never,
    );
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.adjustfactor_row (code, timestamp, trading_day, factor, source, version)
       SELECT code, timestamp, trading_day, 1, source, version FROM ${clickhouse.database}.bar_row`,
      {},
      never,
    );
    const condition =
      "code = '600050.SH' AND frequency = 1 AND timestamp >= '2023-06-05 00:00:00' AND timestamp < '2023-07-01 00:00:00'";
    const bars = await explain(clickhouse, `SELECT * FROM ${clickhouse.database}.bar WHERE ${condition}`);
    assert.match(bars, /PrimaryKey\s+Keys:\s+code\s+frequency\s+timestamp/);
    assert.match(bars, /Parts: 1\/2/);
    assert.match(bars, /PrimaryKey[\s\S]*Granules: 1\/[2-9]/);
    const factors = await explain(
      clickhouse,
      `SELECT * FROM ${clickhouse.database}.adjustfactor WHERE code = '600050.SH'`,
    );
    assert.match(factors, /PrimaryKey\s+Keys:\s+code/);
    assert.match(factors, /PrimaryKey[\s\S]*Granules: 2\/[4-9]/);
    const weeks = await explain(clickhouse, `SELECT * FROM ${clickhouse.database}.bar_1w WHERE code = '600050.SH'`);
    assert.match(weeks, /PrimaryKey\s+Keys:\s+code\s+frequency/);
  });

  test("the forward factor is price × factor ÷ the latest factor, whatever days are asked for", async (t) => {
    const clickhouse = await prepare(t, "factors");
    if (clickhouse === undefined) {
      return;
    }
    await insertFactor(clickhouse, "2024-01-02", "100.5", 10);
    await insertFactor(clickhouse, "2024-06-03", "134", 10);
    await insertFactor(clickhouse, "2024-06-04", "201", 10);
    const rows = await clickhouse.query(
      `SELECT toString(trading_day) AS day, foreadjustfactor AS fore, backadjustfactor AS back, adjustfactor AS factor
       FROM ${clickhouse.database}.adjustfactor WHERE code = '000001.SZ' AND timestamp < '2024-06-04 00:00:00' ORDER BY timestamp`,
      {},
      never,
    );
    assert.deepEqual(rows, [
      { day: "2024-01-02", fore: "0.5", back: "100.5", factor: "100.5" },
      { day: "2024-06-03", fore: "0.666666666667", back: "134", factor: "134" },
    ]);
  });

  test("weeks and months are built from daily bars and stand at their last bar", async (t) => {
    const clickhouse = await prepare(t, "periods");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, {
      day: "2024-01-30",
      open: "10",
      high: "11",
      low: "9",
      close: "10.5",
      preClose: "9.9",
      volume: "100",
      amount: "1000",
    });
    await insertBar(clickhouse, {
      day: "2024-01-31",
      open: "10.5",
      high: "12.5",
      low: "10",
      close: "12",
      preClose: "10.5",
      volume: "200",
      amount: "NULL",
    });
    await insertBar(clickhouse, {
      day: "2024-02-01",
      open: "12",
      high: "12",
      low: "8.5",
      close: "9",
      preClose: "12",
      volume: "300",
      amount: "3000",
    });
    await insertBar(clickhouse, {
      day: "2024-02-01",
      open: "1",
      high: "1",
      low: "1",
      close: "1",
      source: SOURCE.BAOSTOCK,
    });
    assert.deepEqual(await readPeriods(clickhouse, "bar_1w"), [
      {
        at: "2024-02-01 00:00:00",
        frequency: 9,
        open: "10",
        high: "12.5",
        low: "8.5",
        close: "9",
        pre_close: "9.9",
        volume: "600",
        amount: "0",
        flags: 32,
        source: 7,
        n: "3",
        is_final: 0,
      },
    ]);
    assert.deepEqual(await readPeriods(clickhouse, "bar_1M"), [
      {
        at: "2024-01-31 00:00:00",
        frequency: 10,
        open: "10",
        high: "12.5",
        low: "9",
        close: "12",
        pre_close: "9.9",
        volume: "300",
        amount: "0",
        flags: 32,
        source: 7,
        n: "2",
        is_final: 1,
      },
      {
        at: "2024-02-01 00:00:00",
        frequency: 10,
        open: "12",
        high: "12",
        low: "8.5",
        close: "9",
        pre_close: "12",
        volume: "300",
        amount: "3000",
        flags: 0,
        source: 7,
        n: "1",
        is_final: 0,
      },
    ]);
  });

  test("a week or month is final with the bar of its last trading day, and not before", async (t) => {
    const clickhouse = await prepare(t, "final");
    if (clickhouse === undefined) {
      return;
    }
    const days = [
      // A week that ends on a Thursday: Friday and the weekend are holidays. The year before the calendar is not known.
      ...["2024-02-05", "2024-02-06", "2024-02-07", "2024-02-08"].map((day) => [day, true] as const),
      ...["2024-02-09", "2024-02-10", "2024-02-11"].map((day) => [day, false] as const),
      ...["2024-02-19", "2024-02-20", "2024-02-21", "2024-02-22", "2024-02-23"].map((day) => [day, true] as const),
      ...["2024-02-24", "2024-02-25"].map((day) => [day, false] as const),
      // Known to its Tuesday only.
      ...["2024-02-26", "2024-02-27"].map((day) => [day, true] as const),
    ];
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.trade_day_row (market, trading_day, timestamp, is_open, source, version) VALUES ${days
        .map(([day, isOpen]) => `(1, '${day}', '${day} 00:00:00', ${isOpen}, 7, 1)`)
        .join(", ")}`,
      {},
      never,
    );
    const isFinal = async (view: string, code: string): Promise<readonly unknown[]> =>
      (
        await clickhouse.query<{ readonly day: string; readonly is_final: number }>(
          `SELECT toString(trading_day) AS day, is_final FROM ${clickhouse.database}.${view} WHERE code = '${code}' ORDER BY day`,
          {},
          never,
        )
      ).map(({ day, is_final }) => [day, is_final]);
    for (const day of ["2024-02-05", "2024-02-08", "2024-02-19", "2024-02-27"]) {
      await insertBar(clickhouse, { day });
    }
    assert.deepEqual(await isFinal("bar_1w", "000001.SZ"), [
      ["2024-02-08", 1],
      ["2024-02-19", 0],
      ["2024-02-27", 0],
    ]);
    assert.deepEqual(await isFinal("bar_1M", "000001.SZ"), [["2024-02-27", 0]]);
    // Where the calendar is not known a period ends with its last weekday: a holiday there leaves it open.
    for (const day of ["2023-09-22", "2023-09-28", "2023-10-09", "2023-10-13", "2023-10-31"]) {
      await insertBar(clickhouse, { day, code: "000002.SZ" });
    }
    assert.deepEqual(await isFinal("bar_1w", "000002.SZ"), [
      ["2023-09-22", 1],
      ["2023-09-28", 0],
      ["2023-10-13", 1],
      ["2023-10-31", 0],
    ]);
    assert.deepEqual(await isFinal("bar_1M", "000002.SZ"), [
      ["2023-09-28", 0],
      ["2023-10-31", 1],
    ]);
    // 000002.SZ has a bar on a Sunday.
    await insertBar(clickhouse, { day: "2024-02-25", code: "000002.SZ" });
    assert.deepEqual((await isFinal("bar_1w", "000002.SZ")).at(-1), ["2024-02-25", 1]);
  });

  test("`compat.ginkgoUnits` answers lots and thousand yuan in two decimals and leaves the rows alone", async (t) => {
    const clickhouse = await prepare(t, "lots", { ginkgoUnits: true });
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { close: "9.2151", volume: "115863756", amount: "1076444617.12" });
    const [row] = await clickhouse.query(
      `SELECT close, volume, amount, toTypeName(close) AS price, toTypeName(volume) AS int, toTypeName(amount) AS money FROM ${clickhouse.database}.bar`,
      {},
      never,
    );
    assert.deepEqual(row, {
      close: "9.22",
      volume: 1158637,
      amount: "1076444.62",
      price: "Decimal(16, 2)",
      int: "Int32",
      money: "Decimal(16, 2)",
    });
    assert.deepEqual(await clickhouse.query(`SELECT volume FROM ${clickhouse.database}.bar_row`, {}, never), [
      { volume: "115863756" },
    ]);
  });

  test("`compat.ginkgoUnits` leaves minutes in shares and yuan, and the daily bars of providers that give those", async (t) => {
    const clickhouse = await prepare(t, "minutes", { ginkgoUnits: true });
    if (clickhouse === undefined) {
      return;
    }
    const values = { volume: "235500", amount: "1660275" };
    await insertBar(clickhouse, { ...values, frequency: FREQUENCY.MIN1, time: "15:00:00" });
    await insertBar(clickhouse, { ...values, frequency: FREQUENCY.DAY });
    await insertBar(clickhouse, { ...values, code: "600000.SH", source: SOURCE.BAOSTOCK });
    await insertBar(clickhouse, { ...values, code: "600001.SH", source: SOURCE.AKSHARE });
    const read = (view: string): Promise<readonly unknown[]> =>
      clickhouse.query(
        `SELECT toString(code) AS code, frequency, volume, amount FROM ${clickhouse.database}.${view} ORDER BY code, frequency`,
        {},
        never,
      );
    assert.deepEqual(await read("bar"), [
      { code: "000001.SZ", frequency: FREQUENCY.DAY, volume: 2355, amount: "1660.28" },
      { code: "000001.SZ", frequency: FREQUENCY.MIN1, volume: 235_500, amount: "1660275" },
      { code: "600000.SH", frequency: FREQUENCY.DAY, volume: 235_500, amount: "1660275" },
      { code: "600001.SH", frequency: FREQUENCY.DAY, volume: 2355, amount: "1660275" },
    ]);
    assert.deepEqual((await read("bar_1w"))[0], {
      code: "000001.SZ",
      frequency: FREQUENCY.WEEK,
      volume: 2355,
      amount: "1660.28",
    });
  });

  test("the uuid is 32 hexadecimal digits that depend on the key alone", async (t) => {
    const clickhouse = await prepare(t, "uuids");
    if (clickhouse === undefined) {
      return;
    }
    await insertBar(clickhouse, { close: "1", source: SOURCE.BAOSTOCK });
    const before = await clickhouse.query<{ readonly uuid: string }>(
      `SELECT uuid FROM ${clickhouse.database}.bar`,
      {},
      never,
    );
    await insertBar(clickhouse, { close: "2", source: SOURCE.TUSHARE });
    assert.deepEqual(await clickhouse.query(`SELECT uuid FROM ${clickhouse.database}.bar`, {}, never), before);
    assert.match(before[0]?.uuid ?? "", /^[0-9a-f]{32}$/);
  });

  test("the views cannot be written to", async (t) => {
    const clickhouse = await prepare(t, "readonly");
    if (clickhouse === undefined) {
      return;
    }
    await assert.rejects(
      clickhouse.command(`INSERT INTO ${clickhouse.database}.bar (code) VALUES ('000001.SZ')`, {}, never),
    );
  });
}

interface BarValues {
  readonly code?: string;
  readonly day?: string;
  readonly time?: string;
  readonly frequency?: number;
  readonly open?: string;
  readonly high?: string;
  readonly low?: string;
  readonly close?: string;
  readonly preClose?: string;
  readonly volume?: string;
  readonly amount?: string;
  readonly source?: number;
  readonly flags?: number;
  readonly version?: number;
}

async function insertBar(clickhouse: ClickHouse, values: BarValues): Promise<void> {
  const day = values.day ?? "2024-01-02";
  await clickhouse.command(
    `INSERT INTO ${clickhouse.database}.bar_row (code, frequency, timestamp, trading_day, zone, open, high, low, close, pre_close,
     volume, amount, source, flags, version, ingested_at, request_id, call_id)
     SELECT '${values.code ?? "000001.SZ"}', ${values.frequency ?? 1}, toDateTime('${day} ${values.time ?? "00:00:00"}', 'Asia/Shanghai'), '${day}', 'Asia/Shanghai',
     toDecimal64('${values.open ?? "9"}', 4), toDecimal64('${values.high ?? "10"}', 4), toDecimal64('${values.low ?? "8"}', 4),
     toDecimal64('${values.close ?? "9.5"}', 4), toDecimal64('${values.preClose ?? "9"}', 4), ${values.volume ?? "100"},
     ${values.amount ?? "950"}, ${values.source ?? SOURCE.TUSHARE}, ${values.flags ?? 0}, ${values.version ?? 1000},
     now64(3), generateUUIDv4(), 'call'`,
    {},
    never,
  );
}

async function insertFactor(clickhouse: ClickHouse, day: string, factor: string, version: number): Promise<void> {
  await clickhouse.command(
    `INSERT INTO ${clickhouse.database}.adjustfactor_row (code, timestamp, trading_day, factor, source, version, ingested_at, request_id)
     SELECT '000001.SZ', toDateTime('${day} 00:00:00', 'Asia/Shanghai'), '${day}', toDecimal64('${factor}', 8), 7, ${version}, now64(3), generateUUIDv4()`,
    {},
    never,
  );
}

async function readPeriods(clickhouse: ClickHouse, view: string): Promise<readonly unknown[]> {
  return clickhouse.query(
    `SELECT toString(timestamp) AS at, frequency, open, high, low, close, pre_close, volume, amount, flags, source, trading_days AS n, is_final
     FROM ${clickhouse.database}.${view} ORDER BY at`,
    {},
    never,
  );
}

async function readAll(clickhouse: ClickHouse): Promise<readonly (readonly unknown[])[]> {
  const views = ["bar", "adjustfactor", "bar_1w", "bar_1M"];
  return Promise.all(views.map((view) => clickhouse.query(`SELECT * FROM ${clickhouse.database}.${view}`, {}, never)));
}

async function readPartitions(clickhouse: ClickHouse): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ readonly id: string }>(
    "SELECT DISTINCT partition AS id FROM system.parts WHERE database = {database:String} AND table = 'bar_row' AND active ORDER BY id",
    { database: clickhouse.database },
    never,
  );
  return rows.map(({ id }) => id);
}

async function explain(clickhouse: ClickHouse, sql: string): Promise<string> {
  const rows = await clickhouse.query<{ readonly explain: string }>(`EXPLAIN indexes = 1 ${sql}`, {}, never);
  // The branches of the tree are no words of the plan.
  return rows.map((row) => row.explain.replaceAll(/[│├└─]/g, " ")).join("\n");
}
