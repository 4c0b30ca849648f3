import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../test/support/clickhouse-suite.ts";
import { barModel, factorModel, weekdays } from "../../test/support/models.ts";
import { recordingsFolder } from "../../test/support/services.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { systemClock } from "../base/clock.ts";
import { fromScaled, parseDecimal, shiftDecimal, toScaled } from "../base/decimal.ts";
import { DataError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { parseDay } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import { readCsv, type CsvRecord } from "../simulators/tushare/read-csv.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { ensureSchema, type SchemaOptions } from "../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../store/clickhouse/store.ts";
import type { BarsReport, BarsRequest } from "./app-api.ts";
import { readBarsOf } from "./read-bars.ts";

const never = new AbortController().signal;
const CODE = parseSecurityCode("000001.SZ");
const SCHEMA: SchemaOptions = {
  chain: [SOURCE.TUSHARE],
  // The views answer in lots and two decimals; bars are read in stored units all the same.
  ginkgoUnits: true,
  apply: true,
  createDatabase: true,
};
const ASK: BarsRequest = {
  code: CODE,
  frequency: "1d",
  from: undefined,
  to: undefined,
  adjust: undefined,
  anchor: undefined,
};

/** The whole recording where it is to be had, our excerpt of it otherwise. */
const recorded = join(recordingsFolder(), "tushare");
const isWhole = existsSync(recorded);
const folder = isWhole ? recorded : join(import.meta.dirname, "../../test/fixtures/tushare");
const bars = readTable("daily");
const factors = new Map(readTable("adj_factor").map((row) => [dayOf(row), textOf(row, "adj_factor")]));

suiteOnEngines("reading bars", (open) => {
  test("forward adjusted prices of the recorded history equal price × factor ÷ latest factor, and days without a factor are counted", async (t) => {
    const ask = await prepare(t, open, "recorded");
    if (ask === undefined) {
      return;
    }
    const report = await ask({ adjust: "forward" });
    assert.equal(report.rows.length, bars.length);
    assert.deepEqual(report.anchor, { day: "2024-12-31", factor: "127.7841", source: SOURCE.TUSHARE });
    assertAdjusted(report, "127.7841");
    const adjusted = report.rows.filter((row) => row["adjusted_close"] !== null).length;
    assert.equal(report.withoutFactor?.days, bars.length - adjusted);
    if (isWhole) {
      assert.deepEqual([adjusted, report.withoutFactor?.days], [1_212, 7_030]);
      assert.deepEqual([report.withoutFactor?.from, report.withoutFactor?.to], ["1991-04-04", "2025-11-28"]);
    } else {
      t.diagnostic(`NOT RUN on the whole history: no recording at ${recorded}; our excerpt has ${adjusted} such days`);
      assert.equal(adjusted, 144);
    }
  });

  test("another anchor gives another series, and backward ones are not divided unless an anchor is named", async (t) => {
    const ask = await prepare(t, open, "recorded");
    if (ask === undefined) {
      return;
    }
    const anchor = parseDay("2024-06-03");
    const factor = factors.get(anchor) ?? "";
    const atAnchor = await ask({ adjust: "forward", anchor, from: anchor });
    assertAdjusted(atAnchor, factor);
    assert.equal(atAnchor.rows[0]?.["adjusted_close"], atAnchor.rows[0]?.["close"]);
    const latest = await ask({ adjust: "forward", from: anchor });
    assert.notEqual(latest.rows[0]?.["adjusted_close"], atAnchor.rows[0]?.["adjusted_close"]);
    const backward = await ask({ adjust: "backward", from: anchor });
    assert.equal(backward.anchor, undefined);
    assertAdjusted(backward, "1");
    const both = await ask({ adjust: "backward", anchor, from: anchor });
    assert.deepEqual(both.rows, atAnchor.rows);
  });

  test("the series does not depend on the days asked for", async (t) => {
    const ask = await prepare(t, open, "recorded");
    if (ask === undefined) {
      return;
    }
    const [from, to] = [parseDay("2024-06-10"), parseDay("2024-06-20")];
    const some = await ask({ adjust: "forward", from, to });
    const all = await ask({ adjust: "forward" });
    const within = all.rows.filter(({ trading_day: day }) => String(day) >= from && String(day) <= to);
    assert.ok(within.length >= 7);
    assert.deepEqual(some.rows, within);
  });

  test("rows come in shares and yuan, whatever the views answer", async (t) => {
    const ask = await prepare(t, open, "recorded");
    if (ask === undefined) {
      return;
    }
    const { rows, columns } = await ask({});
    assert.deepEqual(columns, "code trading_day open high low close pre_close volume amount flags".split(" "));
    for (const [index, bar] of bars.entries()) {
      const row = rows[index];
      assert.ok(row);
      assert.equal(row["trading_day"], dayOf(bar));
      for (const name of ["open", "high", "low", "close", "pre_close"]) {
        assert.equal(row[name], parseDecimal(textOf(bar, name)), `${name} of ${dayOf(bar)}`);
      }
      assert.equal(row["volume"], shiftDecimal(parseDecimal(textOf(bar, "vol")), 2));
      assert.equal(row["amount"], shiftDecimal(parseDecimal(textOf(bar, "amount")), 3));
    }
  });

  test("an anchor without a factor is refused and names the nearest earlier day that has one", async (t) => {
    const ask = await prepare(t, open, "recorded");
    if (ask === undefined) {
      return;
    }
    const sunday = parseDay("2024-06-30");
    await assert.rejects(
      ask({ adjust: "forward", anchor: sunday }),
      (error) => error instanceof DataError && /nearest earlier day that has one is 2024-06-28/.test(error.message),
    );
    await assert.rejects(
      ask({ adjust: "backward", anchor: parseDay("1991-04-04") }),
      /the first day that has one is 20/,
    );
    const other = parseSecurityCode("600000.SH");
    await assert.rejects(ask({ code: other, adjust: "forward", anchor: sunday }), /gdw request --kind factors/);
  });

  test("without rows it says what else is stored of the code", async (t) => {
    const ask = await prepare(t, open, "recorded");
    if (ask === undefined) {
      return;
    }
    const early = await ask({ to: parseDay("1991-01-01") });
    assert.deepEqual([early.rows, early.stored?.from, early.stored?.to], [[], "1991-04-04", "2025-11-28"]);
    const other = await ask({ code: parseSecurityCode("600000.SH") });
    assert.deepEqual([other.rows, other.stored], [[], undefined]);
  });

  test("a Parquet file read back has the same rows, decimals exact", async (t) => {
    const ask = await prepare(t, open, "recorded");
    const clickhouse = await open(t, "recorded");
    if (ask === undefined || clickhouse === undefined) {
      return;
    }
    const pieces: Uint8Array[] = [];
    const report = await ask({
      adjust: "forward",
      parquet: (piece) => {
        pieces.push(piece);
        return Promise.resolve();
      },
    });
    const bytes = Buffer.concat(pieces);
    assert.equal(bytes.subarray(0, 4).toString("latin1"), "PAR1");
    assert.equal(bytes.subarray(-4).toString("latin1"), "PAR1");
    await using temporary = await temporaryFolder();
    assert.deepEqual(await readParquet(clickhouse, bytes, temporary.path), report.rows);
  });

  test("rounding is that of the exact quotient, half away from zero, also for hostile digits", async (t) => {
    const ask = await prepare(t, open, "rounding");
    const clickhouse = await open(t, "rounding");
    if (ask === undefined || clickhouse === undefined) {
      return;
    }
    const code = parseSecurityCode("600001.SH");
    const anchors = ["3", "7.00000001", "0.00000003", "127.7841", "2", "999999999.99999999"];
    const days = weekdays("2024-01-01", 120);
    const models = days.flatMap((day, index) => {
      // Halves exactly (price × 1 ÷ 2), long quotients, the widest prices and factors that the columns hold.
      const price = parseDecimal(
        ["0.0001", "1.0003", "99999999999999.9999", "10.1235", "3.3333", "48.76"][index % 6] ?? "1",
      );
      const factor = parseDecimal(
        [anchors[index % anchors.length], "1", "0.00000001", "9999999999.99999999", "134.5794", "108.031"][
          Math.trunc(index / 6) % 6
        ] ?? "1",
      );
      const prices = { open: price, high: price, low: price, close: price, preClose: undefined };
      return [
        barModel({ code, tradingDay: day, time: `${day} 00:00:00`, ...prices }),
        factorModel({ code, tradingDay: day, factor }),
      ];
    });
    const anchorDays = anchors.map((factor, index) => ({ day: parseDay(`2023-01-0${index + 2}`), factor }));
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    await store.addBatch(
      [
        ...models,
        ...anchorDays.map(({ day, factor }) => factorModel({ code, tradingDay: day, factor: parseDecimal(factor) })),
      ],
      never,
    );
    for (const { day, factor } of anchorDays) {
      const { rows } = await ask({ code, adjust: "forward", anchor: day });
      assert.equal(rows.length, days.length);
      for (const row of rows) {
        assert.equal(
          row["adjusted_close"],
          adjusted(row["close"], row["factor"], factor),
          JSON.stringify([row, factor]),
        );
      }
    }
    const backward = await ask({ code, adjust: "backward" });
    for (const row of backward.rows) {
      assert.equal(row["adjusted_open"], adjusted(row["open"], row["factor"], "1"));
    }
  });

  test("factors of two sources are never mixed: those of a code are of the best source that has any, and other days have no adjusted price", async (t) => {
    const ask = await prepare(t, open, "rounding");
    const clickhouse = await open(t, "rounding");
    if (ask === undefined || clickhouse === undefined) {
      return;
    }
    const code = parseSecurityCode("600003.SH");
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const [first, second, last] = ["2024-06-12", "2024-06-13", "2024-06-14"].map((day) => parseDay(day));
    assert.ok(first && second && last);
    await store.addBatch(
      [
        ...[first, second, last].map((day) =>
          barModel({ code, tradingDay: day, time: `${day} 00:00:00`, close: parseDecimal("10") }),
        ),
        factorModel({ code, tradingDay: first, factor: parseDecimal("127.7841") }),
        factorModel({ code, tradingDay: second, factor: parseDecimal("127.7841") }),
        factorModel({ code, tradingDay: last, factor: parseDecimal("1.5"), source: SOURCE.BAOSTOCK }),
      ],
      never,
    );
    const closes = ({ rows }: BarsReport): unknown => rows.map((row) => row["adjusted_close"]);
    const forward = await ask({ code, adjust: "forward" });
    assert.deepEqual(closes(forward), ["10", "10", null]);
    assert.deepEqual(forward.withoutFactor, { days: 1, from: last, to: last, hasOtherSource: false });
    assert.deepEqual(closes(await ask({ code, adjust: "forward", anchor: second })), ["10", "10", null]);
    assert.deepEqual(closes(await ask({ code, adjust: "backward" })), ["1277.841", "1277.841", null]);
  });

  test("minutes are read by their time, adjusted by the factor of their day, and never taken for days", async (t) => {
    const ask = await prepare(t, open, "rounding");
    const clickhouse = await open(t, "rounding");
    if (ask === undefined || clickhouse === undefined) {
      return;
    }
    const code = parseSecurityCode("600004.SH");
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const [first, second] = [parseDay("2024-01-31"), parseDay("2024-02-01")];
    const minute = (tradingDay: typeof first, time: string, close: string) =>
      barModel({
        code,
        frequency: "5m",
        tradingDay,
        time: `${tradingDay} ${time}`,
        close: parseDecimal(close),
        preClose: undefined,
      });
    const models = [
      minute(first, "15:00:00", "10"),
      minute(first, "09:35:00", "9.5"),
      minute(second, "09:35:00", "5"),
      barModel({ code, frequency: "1m", tradingDay: first, time: `${first} 09:31:00` }),
      factorModel({ code, tradingDay: first, factor: parseDecimal("1") }),
      factorModel({ code, tradingDay: second, factor: parseDecimal("2") }),
    ];
    await store.addBatch(models, never);
    const { columns, rows } = await ask({ code, frequency: "5m", adjust: "forward" });
    assert.deepEqual(columns.slice(0, 3), ["code", "trading_day", "time"]);
    assert.deepEqual(
      rows.map((row) => [row["time"], row["close"], row["adjusted_close"]]),
      [
        ["2024-01-31 09:35:00", "9.5", "4.75"],
        ["2024-01-31 15:00:00", "10", "5"],
        ["2024-02-01 09:35:00", "5", "5"],
      ],
    );
    const daily = await ask({ code });
    assert.deepEqual([daily.rows.length, daily.stored], [0, undefined]);
    const outside = await ask({ code, frequency: "5m", to: parseDay("2023-12-31") });
    assert.deepEqual(outside.stored, { from: first, to: second, bars: "2" });
    const [counted] = await clickhouse.query(
      `SELECT arraySort(groupUniqArray(partition)) AS partitions FROM system.parts WHERE database = '${clickhouse.database}' AND table = 'bar_row'
       AND active AND partition LIKE '2024__'`,
      {},
      never,
    );
    assert.deepEqual(counted, { partitions: ["202401", "202402"] }, "a partition a month");
  });

  test("weeks and months are read, and where a provider gives no turnover there is none", async (t) => {
    const ask = await prepare(t, open, "rounding");
    const clickhouse = await open(t, "rounding");
    if (ask === undefined || clickhouse === undefined) {
      return;
    }
    const code = parseSecurityCode("600002.SH");
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const days = ["2024-01-29", "2024-01-30", "2024-02-01", "2024-02-02"].map((day) => parseDay(day));
    await store.addBatch(
      days.map((day) => barModel({ code, tradingDay: day, time: `${day} 00:00:00`, turnover: undefined })),
      never,
    );
    const weeks = await ask({ code, frequency: "1w" });
    assert.deepEqual(
      weeks.rows.map((row) => [row["trading_day"], row["volume"], row["amount"], row["trading_days"], row["is_final"]]),
      [["2024-02-02", "493600", null, "4", true]],
    );
    const months = await ask({ code, frequency: "1M", from: parseDay("2024-02-01") });
    assert.deepEqual(
      months.rows.map((row) => [row["trading_day"], row["trading_days"], row["is_final"]]),
      [["2024-02-02", "2", false]],
    );
  });
});

type Ask = (changes: Partial<BarsRequest>) => Promise<BarsReport>;

const prepared = new Map<string, Promise<void>>();

/** Tables with the recording in them, written by the store's own writer; once for each engine and word. */
async function prepare(t: TestContext, open: OpenDatabase, word: string): Promise<Ask | undefined> {
  const clickhouse = await open(t, word);
  if (clickhouse === undefined) {
    return undefined;
  }
  const key = `${clickhouse.transport}/${clickhouse.database}`;
  const ready = prepared.get(key) ?? fill(clickhouse);
  prepared.set(key, ready);
  await ready;
  const views = { ...SCHEMA, database: clickhouse.database };
  return (changes) => readBarsOf(clickhouse, views, { ...ASK, ...changes }, never);
}

async function fill(clickhouse: ClickHouse): Promise<void> {
  await ensureSchema(clickhouse, SCHEMA, silentLog, never);
  const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
  const models = bars.map((bar) => {
    const day = parseDay(dayOf(bar));
    return barModel({
      code: CODE,
      tradingDay: day,
      time: `${day} 00:00:00`,
      open: parseDecimal(textOf(bar, "open")),
      high: parseDecimal(textOf(bar, "high")),
      low: parseDecimal(textOf(bar, "low")),
      close: parseDecimal(textOf(bar, "close")),
      preClose: parseDecimal(textOf(bar, "pre_close")),
      volume: shiftDecimal(parseDecimal(textOf(bar, "vol")), 2),
      turnover: shiftDecimal(parseDecimal(textOf(bar, "amount")), 3),
    });
  });
  await store.addBatch(models, never);
  await store.addBatch(
    [...factors].map(([day, factor]) => factorModel({ tradingDay: parseDay(day), factor: parseDecimal(factor) })),
    never,
  );
}

/** Every price of every row by whole numbers, on the texts of the recorded file. */
function assertAdjusted(report: BarsReport, divisor: string): void {
  const raw = new Map(bars.map((bar) => [dayOf(bar), bar]));
  for (const row of report.rows) {
    const day = String(row["trading_day"]);
    const bar = raw.get(day);
    assert.ok(bar, day);
    const factor = factors.get(day);
    for (const name of ["open", "high", "low", "close"]) {
      const wanted: string | null = factor === undefined ? null : adjusted(textOf(bar, name), factor, divisor);
      assert.equal(row[`adjusted_${name}`], wanted, `${name} of ${day}`);
    }
  }
}

/** price × factor ÷ divisor, to four digits, half away from zero. */
function adjusted(price: unknown, factor: unknown, divisor: string): string {
  const product = toScaled(parseDecimal(price), 4) * toScaled(parseDecimal(factor), 8);
  const by = toScaled(parseDecimal(divisor), 8);
  return fromScaled((2n * product + by) / (2n * by), 4);
}

async function readParquet(clickhouse: ClickHouse, bytes: Buffer, path: string): Promise<readonly unknown[]> {
  const file = join(path, "bars.parquet");
  await writeFile(file, bytes);
  return await clickhouse.query(`SELECT * FROM file('${file}', 'Parquet')`, {}, never);
}

function readTable(name: string): readonly CsvRecord[] {
  const rows = readCsv(readFileSync(join(folder, name, `${CODE}.csv`), "utf8"));
  return rows.toSorted((left, right) => (dayOf(left) < dayOf(right) ? -1 : 1));
}

function dayOf(row: CsvRecord): string {
  return parseDay(row["trade_date"]);
}

function textOf(row: CsvRecord, name: string): string {
  return row[name] ?? assert.fail(`no ${name}`);
}
