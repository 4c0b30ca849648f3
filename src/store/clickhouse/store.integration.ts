import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import {
  barModel,
  calendarDayModel,
  CODE,
  DAY,
  factorModel,
  instrumentModel,
  weekdays,
} from "../../../test/support/models.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { silentLog, type Log, type LogFields } from "../../base/log.ts";
import { addDays, parseDay, type ZoneName } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Model } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { ensureSchema } from "./schema.ts";
import { createClickHouseStore } from "./store.ts";

const never = new AbortController().signal;

suiteOnEngines("store", defineStoreTests);

function defineStoreTests(openDatabase: OpenDatabase): void {
  const open = async (t: TestContext, name: string): Promise<ClickHouse | undefined> => {
    const clickhouse = await openDatabase(t, name);
    if (clickhouse === undefined) {
      return undefined;
    }
    const chain = [SOURCE.TUSHARE, SOURCE.BAOSTOCK];
    await ensureSchema(clickhouse, { chain, ginkgoUnits: false, apply: true, createDatabase: true }, silentLog, never);
    return clickhouse;
  };
  const storeOver = (clickhouse: ClickHouse, log: Log = silentLog) =>
    createClickHouseStore({ clickhouse, clock: systemClock, log });

  test("a batch of mixed models is stored to the digit, each in its table", async (t) => {
    const clickhouse = await open(t, "mixed");
    if (clickhouse === undefined) {
      return;
    }
    const extremes = {
      open: parseDecimal("0.1234"),
      high: parseDecimal("99999999999999.9999"),
      low: parseDecimal("-99999999999999.9999"),
      close: parseDecimal("1e3"),
      preClose: undefined,
      volume: parseDecimal("9007199254740993"),
      turnover: parseDecimal("123456789012.3456"),
      flags: 4_294_967_295,
    };
    const models: readonly Model[] = [
      barModel(extremes, 18_446_744_073_709_551_615n),
      factorModel({ factor: parseDecimal("0.00000001") }),
      instrumentModel({ name: "万\t科\u0000A 'x' \\" }),
      calendarDayModel(),
    ];
    assert.deepEqual(await storeOver(clickhouse).addBatch(models, never), ["new", "new", "new", "new"]);
    const [bar] = await clickhouse.query<Record<string, unknown>>(
      `SELECT * FROM ${clickhouse.database}.bar_row`,
      {},
      never,
    );
    const { ingested_at: ingestedAt, ...stored } = bar ?? {};
    assert.match(String(ingestedAt), /^20\d\d-/);
    assert.deepEqual(stored, {
      code: "000001.SZ",
      frequency: 1,
      timestamp: "2024-01-02 00:00:00",
      trading_day: "2024-01-02",
      zone: "Asia/Shanghai",
      open: "0.1234",
      high: "99999999999999.9999",
      low: "-99999999999999.9999",
      close: "1000",
      pre_close: null,
      volume: "9007199254740993",
      amount: "123456789012.3456",
      source: 7,
      flags: 4_294_967_295,
      version: "18446744073709551615",
      request_id: "request-1",
      call_id: "call-18446744073709551615",
    });
    const [factor] = await clickhouse.query(
      `SELECT code, trading_day, timestamp, factor FROM ${clickhouse.database}.adjustfactor_row`,
      {},
      never,
    );
    assert.deepEqual(factor, {
      code: "000001.SZ",
      trading_day: "2024-01-02",
      timestamp: "2024-01-02 00:00:00",
      factor: "0.00000001",
    });
    const [instrument] = await clickhouse.query(
      `SELECT code, code_name, industry, currency, market, status, list_date, delist_date FROM ${clickhouse.database}.stock_info_row`,
      {},
      never,
    );
    assert.deepEqual(instrument, {
      code: "000001.SZ",
      code_name: "万 科A 'x' \\",
      industry: "银行",
      currency: 1,
      market: 1,
      status: "listed",
      list_date: "1991-04-03",
      delist_date: null,
    });
    const [day] = await clickhouse.query(
      `SELECT market, trading_day, timestamp, is_open FROM ${clickhouse.database}.trade_day_row`,
      {},
      never,
    );
    assert.deepEqual(day, { market: 1, trading_day: "2024-01-02", timestamp: "2024-01-02 00:00:00", is_open: true });
    assert.deepEqual(await storeOver(clickhouse).addBatch([...models], never), ["same", "same", "same", "same"]);
  });

  test("wall clocks of summers with and without summer time come back as they were", async (t) => {
    const clickhouse = await open(t, "clocks");
    if (clickhouse === undefined) {
      return;
    }
    const days = [
      "1990-12-19",
      "1991-04-13",
      "1991-04-14",
      "1991-04-15",
      "1991-07-01",
      "1991-09-15",
      "1991-09-16",
      "2024-07-01",
    ];
    const daily = days.map((day) => barModel({ tradingDay: parseDay(day) }));
    const intraday = days.map((day) =>
      barModel({ tradingDay: parseDay(day), frequency: "1m", time: `${day} 14:57:00` }),
    );
    await storeOver(clickhouse).addBatch([...daily, ...intraday], never);
    const rows = await clickhouse.query<{ readonly t: string; readonly d: string }>(
      `SELECT toString(timestamp) AS t, toString(trading_day) AS d FROM ${clickhouse.database}.bar_row ORDER BY frequency, timestamp`,
      {},
      never,
    );
    assert.deepEqual(rows, [
      ...days.map((d) => ({ t: `${d} 00:00:00`, d })),
      ...days.map((d) => ({ t: `${d} 14:57:00`, d })),
    ]);
  });

  test("a bar of another zone is stored at its instant", async (t) => {
    const clickhouse = await open(t, "zones");
    if (clickhouse === undefined) {
      return;
    }
    await storeOver(clickhouse).addBatch(
      [barModel({ frequency: "1m", time: "2024-01-02 16:00:00", zone: "America/New_York" as ZoneName })],
      never,
    );
    const [row] = await clickhouse.query(
      `SELECT toString(timestamp, 'UTC') AS t, zone FROM ${clickhouse.database}.bar_row`,
      {},
      never,
    );
    assert.deepEqual(row, { t: "2024-01-02 21:00:00", zone: "America/New_York" });
  });

  test("only a changed value is written again, and the log says old and new", async (t) => {
    const clickhouse = await open(t, "revised");
    if (clickhouse === undefined) {
      return;
    }
    const lines: LogFields[] = [];
    const log: Log = { ...silentLog, warn: (_event, fields) => lines.push(fields ?? {}) };
    const store = storeOver(clickhouse, log);
    const next = barModel({ tradingDay: addDays(DAY, 1) });
    await store.addBatch([barModel(), next], never);
    const changed = barModel({ close: parseDecimal("11") }, 11n);
    assert.deepEqual(await store.addBatch([changed, barModel({ tradingDay: addDays(DAY, 1) }, 11n)], never), [
      "revised",
      "same",
    ]);
    assert.deepEqual(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 3);
    assert.deepEqual(lines, [
      { table: "bar_row", key: "000001.SZ 1 1704124800 7", close: { old: "10.9999", new: "11" } },
    ]);
    const bars = await clickhouse.query(
      `SELECT toString(close) AS close FROM ${clickhouse.database}.bar ORDER BY timestamp`,
      {},
      never,
    );
    assert.deepEqual(bars, [{ close: "11" }, { close: "10.9999" }]);
  });

  test("a late answer of an older call changes nothing", async (t) => {
    const clickhouse = await open(t, "late");
    if (clickhouse === undefined) {
      return;
    }
    const store = storeOver(clickhouse);
    await store.addBatch([barModel({}, 20n)], never);
    assert.deepEqual(await store.addBatch([barModel({ close: parseDecimal("1") }, 19n)], never), ["same"]);
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 1);
  });

  test("of two rows of one key in a batch the newer version is stored and both have an outcome", async (t) => {
    const clickhouse = await open(t, "twins");
    if (clickhouse === undefined) {
      return;
    }
    const newer = barModel({ close: parseDecimal("2") }, 12n);
    const older = barModel({ close: parseDecimal("1") }, 11n);
    assert.deepEqual(await storeOver(clickhouse).addBatch([newer, older, older], never), ["revised", "new", "same"]);
    assert.deepEqual(
      await clickhouse.query(`SELECT toString(close) AS c FROM ${clickhouse.database}.bar_row`, {}, never),
      [{ c: "2" }],
    );
  });

  test("one history of 60 years and one of 60 months go in although each touches more partitions than one insert may", async (t) => {
    const clickhouse = await open(t, "wide");
    if (clickhouse === undefined) {
      return;
    }
    const years = Array.from({ length: 60 }, (_, index) => parseDay(`${1975 + index}-06-03`));
    const months = Array.from({ length: 60 }, (_, index) =>
      parseDay(`${2015 + Math.floor(index / 12)}-${String((index % 12) + 1).padStart(2, "0")}-05`),
    );
    const models = [
      ...years.map((tradingDay) => barModel({ tradingDay })),
      ...months.map((tradingDay) => barModel({ tradingDay, frequency: "1m", time: `${tradingDay} 10:00:00` })),
    ];
    const outcomes = await storeOver(clickhouse).addBatch(models, never);
    assert.deepEqual(new Set(outcomes), new Set(["new"]));
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 120);
    assert.deepEqual(new Set(await storeOver(clickhouse).addBatch(models, never)), new Set(["same"]));
  });

  test("a batch larger than one comparison is compared whole, also where a key comes twice", async (t) => {
    const clickhouse = await open(t, "large");
    if (clickhouse === undefined) {
      return;
    }
    const days = weekdays("2000-01-03", 3000);
    const codes = ["000001.SZ", "000002.SZ", "600000.SH", "600001.SH", "920002.BJ"].map((text) =>
      parseSecurityCode(text),
    );
    const models = codes.flatMap((code) => days.map((tradingDay) => barModel({ code, tradingDay })));
    const twice = [...models, barModel({ tradingDay: days[5] ?? DAY })];
    const outcomes = await storeOver(clickhouse).addBatch(twice, never);
    assert.equal(outcomes.filter((outcome) => outcome === "new").length, 15_000);
    assert.equal(outcomes.at(-1), "same");
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 15_000);
    const again = await storeOver(clickhouse).addBatch(models, never);
    assert.deepEqual(new Set(again), new Set(["same"]));
  });

  test("stored days are those of the rows, whichever source they are of", async (t) => {
    const clickhouse = await open(t, "days");
    if (clickhouse === undefined) {
      return;
    }
    const store = storeOver(clickhouse);
    const [first, second, third] = weekdays("2024-01-02", 3);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await store.addBatch(
      [
        barModel({ tradingDay: third }),
        barModel({ tradingDay: first }),
        barModel({ tradingDay: first, source: SOURCE.BAOSTOCK }),
        barModel({ tradingDay: second, frequency: "1m", time: `${second} 09:31:00` }),
        factorModel({ tradingDay: second }),
      ],
      never,
    );
    const bars = { dataSet: "bars", frequency: "1d", code: CODE } as const;
    assert.deepEqual(await store.storedDays(bars, first, third, never), [first, third]);
    assert.deepEqual(await store.storedDays(bars, second, third, never), [third]);
    const factors = { dataSet: "adjustment-factors", frequency: "1d", code: CODE } as const;
    assert.deepEqual(await store.storedDays(factors, first, third, never), [second]);
  });
}

async function countRows(clickhouse: ClickHouse, table: string): Promise<number> {
  const [row] = await clickhouse.query<{ readonly c: string }>(
    `SELECT toString(count()) AS c FROM ${table}`,
    {},
    never,
  );
  return Number.parseInt(row?.c ?? "-1", 10);
}
