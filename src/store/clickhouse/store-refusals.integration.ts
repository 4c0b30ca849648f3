import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { barModel, DAY, provenance, weekdays } from "../../../test/support/models.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { PermanentError, TransientError } from "../../base/errors.ts";
import { silentLog, type Log } from "../../base/log.ts";
import { addDays } from "../../domain/day.ts";
import { SOURCE } from "../../domain/enums.ts";
import { StorePressureError } from "../pressure-error.ts";
import type { ClickHouse } from "./client.ts";
import { ensureSchema } from "./schema.ts";
import { createClickHouseStore } from "./store.ts";

const never = new AbortController().signal;

suiteOnEngines("store, refusals and repeats", defineRefusalTests);

function defineRefusalTests(openDatabase: OpenDatabase): void {
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

  test("values that fit no column go to quarantine with the value named, their neighbours are stored", async (t) => {
    const clickhouse = await open(t, "unfit");
    if (clickhouse === undefined) {
      return;
    }
    const models = [
      barModel({ tradingDay: addDays(DAY, 1) }),
      barModel({ close: parseDecimal("123456789012345.1") }),
      barModel({ tradingDay: addDays(DAY, 2), volume: parseDecimal("1.5") }),
      barModel({ tradingDay: addDays(DAY, 3), source: 99 as never }),
    ];
    assert.deepEqual(await storeOver(clickhouse).addBatch(models, never), ["new", "rejected", "rejected", "rejected"]);
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 1);
    const rows = await clickhouse.query<Record<string, string>>(
      `SELECT data_set, code, reason, detail, raw, version, call_id FROM ${clickhouse.database}.quarantine_row ORDER BY detail`,
      {},
      never,
    );
    assert.deepEqual(
      rows.map(({ detail }) => detail),
      [
        'close "123456789012345.1" does not fit Decimal(18, 4)',
        "source 99 is not one of Ginkgo's numbers",
        'volume "1.5" has more than 0 digits behind the point',
      ],
    );
    assert.equal(rows[0]?.["reason"], "store-refused");
    assert.equal(rows[0]?.["call_id"], "call-10");
    assert.equal(JSON.parse(rows[0]?.["raw"] ?? "").close, "123456789012345.1");
  });

  test("a row that only the engine refuses is found by halving and set aside with the engine's words", async (t) => {
    const clickhouse = await open(t, "refused");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(
      `ALTER TABLE ${clickhouse.database}.bar_row ADD CONSTRAINT no_thirteen CHECK close != 13`,
      {},
      never,
    );
    const days = weekdays("2024-01-02", 100);
    const models = days.map((tradingDay, index) =>
      barModel({ tradingDay, close: parseDecimal(index === 41 || index === 77 ? "13" : "12") }),
    );
    const outcomes = await storeOver(clickhouse).addBatch(models, never);
    assert.deepEqual(
      outcomes.flatMap((outcome, index) => (outcome === "rejected" ? [index] : [])),
      [41, 77],
    );
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 98);
    const rows = await clickhouse.query<{ readonly detail: string }>(
      `SELECT detail FROM ${clickhouse.database}.quarantine_row`,
      {},
      never,
    );
    assert.equal(rows.length, 2);
    assert.match(rows[0]?.detail ?? "", /469 VIOLATED_CONSTRAINT.*no_thirteen/);
  });

  test("an engine that refuses everything is not a batch of bad rows", async (t) => {
    const clickhouse = await open(t, "hostile");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(
      `ALTER TABLE ${clickhouse.database}.bar_row ADD CONSTRAINT nothing CHECK close < 0`,
      {},
      never,
    );
    const models = weekdays("2024-01-02", 40).map((tradingDay) => barModel({ tradingDay }));
    await assert.rejects(storeOver(clickhouse).addBatch(models, never), PermanentError);
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.quarantine_row`), 0);
  });

  test("when the newer of two rows is refused, the older one is stored", async (t) => {
    const clickhouse = await open(t, "fallback");
    if (clickhouse === undefined) {
      return;
    }
    const older = barModel({}, 11n);
    const newer = barModel({ close: parseDecimal("1.23456") }, 12n);
    assert.deepEqual(await storeOver(clickhouse).addBatch([older, newer], never), ["new", "rejected"]);
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar_row`), 1);
  });

  test("an insert that was applied and not answered is repeated with the same bytes and the first outcomes", async (t) => {
    const clickhouse = await open(t, "repeat");
    if (clickhouse === undefined) {
      return;
    }
    const bodies: string[] = [];
    let failures = 2;
    const flaky: ClickHouse = {
      ...clickhouse,
      async insertEncoded(table, columns, encoded, signal) {
        await clickhouse.insertEncoded(table, columns, encoded, signal);
        assert.ok(Buffer.isBuffer(encoded.body));
        bodies.push(encoded.body.toString("hex"));
        if (failures > 0) {
          failures -= 1;
          throw new TransientError("inserting: the connection was reset");
        }
      },
    };
    let nowMs = 1_700_000_000_000;
    const clock = { ...systemClock, nowMs: () => (nowMs += 1000) };
    const store = createClickHouseStore({ clickhouse: flaky, clock, log: silentLog });
    const models = [barModel(), barModel({ tradingDay: addDays(DAY, 1) })];
    await assert.rejects(store.addBatch(models, never), TransientError);
    await assert.rejects(store.addBatch(models, never), TransientError);
    assert.deepEqual(await store.addBatch(models, never), ["new", "new"]);
    assert.equal(new Set(bodies).size, 1);
    assert.equal(bodies.length, 3);
    assert.equal(await countRows(clickhouse, `${clickhouse.database}.bar`), 2);
    assert.deepEqual(await store.addBatch(models, never), ["same", "same"]);
  });

  test("an insert that was given up and is applied late, after a newer value of its rows, changes nothing", async (t) => {
    const clickhouse = await open(t, "late");
    if (clickhouse === undefined) {
      return;
    }
    let applyLate: (() => Promise<void>) | undefined;
    const slow: ClickHouse = {
      ...clickhouse,
      async insertEncoded(table, columns, encoded, signal) {
        if (applyLate === undefined) {
          applyLate = () => clickhouse.insertEncoded(table, columns, encoded, never);
          throw new StorePressureError("inserting: no acknowledgement in time", "time");
        }
        await clickhouse.insertEncoded(table, columns, encoded, signal);
      },
    };
    const store = createClickHouseStore({ clickhouse: slow, clock: systemClock, log: silentLog });
    const first = [barModel({}, 11n), barModel({ tradingDay: addDays(DAY, 1) }, 11n)];
    await assert.rejects(store.addBatch(first, never), StorePressureError);
    assert.deepEqual(await store.addBatch(first, never), ["new", "new"]);
    assert.deepEqual(await store.addBatch([barModel({ close: parseDecimal("10.5") }, 12n)], never), ["revised"]);
    await applyLate?.();
    const rows = await clickhouse.query(
      `SELECT toString(trading_day) AS day, toString(close) AS close FROM ${clickhouse.database}.bar ORDER BY day`,
      {},
      never,
    );
    assert.deepEqual(rows, [
      { day: DAY, close: "10.5" },
      { day: addDays(DAY, 1), close: "10.9999" },
    ]);
  });

  test("a rejected row is kept with its reason and provenance, once however often it comes", async (t) => {
    const clickhouse = await open(t, "quarantined");
    if (clickhouse === undefined) {
      return;
    }
    const store = storeOver(clickhouse);
    const row = {
      dataSet: "bars",
      code: "0000\u00001.SZ",
      day: DAY,
      reason: "price-not-positive",
      detail: "close is -1",
      raw: JSON.stringify({ close: -1, text: "x".repeat(3000) }),
    } as const;
    await store.quarantine([row], provenance(10n), never);
    await store.quarantine([row], provenance(11n), never);
    const rows = await clickhouse.query<Record<string, string>>(
      `SELECT data_set, code, toString(day) AS day, reason, detail, length(raw) AS size, version FROM ${clickhouse.database}.quarantine_row FINAL`,
      {},
      never,
    );
    assert.deepEqual(rows, [
      {
        data_set: "bars",
        code: "00001.SZ",
        day: DAY,
        reason: "price-not-positive",
        detail: "close is -1",
        size: "2000",
        version: "11",
      },
    ]);
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
