import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { barModel, CODE, DAY, tickModel, weekdays } from "../../../test/support/models.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { PermanentError } from "../../base/errors.ts";
import { silentLog } from "../../base/log.ts";
import { digestOfDay } from "../../domain/day-digest.ts";
import { parseDay } from "../../domain/day.ts";
import { SOURCE, TICK_DIRECTION } from "../../domain/enums.ts";
import { TICK_FLAGS, type Tick } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { Store } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { readStoredDays } from "./coverage-counts.ts";
import { openClickHouseLedger } from "./ledger.ts";
import { ensureSchema, type SchemaOptions } from "./schema.ts";
import { createClickHouseStore } from "./store.ts";
import { verifyLedger } from "./verify.ts";

const never = new AbortController().signal;
const NEXT_DAY = parseDay("2024-01-03");
const OTHER = parseSecurityCode("600000.SH");
const OPTIONS: SchemaOptions = {
  chain: [SOURCE.TDX, SOURCE.BAOSTOCK],
  ginkgoUnits: false,
  apply: true,
  createDatabase: true,
};

suiteOnEngines("ticks", defineTickTests);

function defineTickTests(openDatabase: OpenDatabase): void {
  const open = async (t: TestContext, name: string) => {
    const clickhouse = await openDatabase(t, name);
    if (clickhouse === undefined) {
      return undefined;
    }
    await ensureSchema(clickhouse, OPTIONS, silentLog, never);
    return { clickhouse, store: storeOver(clickhouse) };
  };

  test("three equal trades of one minute stay three, in the order of the wire, and every field comes back", async (t) => {
    const opened = await open(t, "equal");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const models = [
      tickModel({ sequence: 0, price: parseDecimal("10.501") }),
      ...[1, 2, 3].map((sequence) => tickModel({ sequence })),
      tickModel({ sequence: 4, price: parseDecimal("10.5"), trades: undefined, direction: TICK_DIRECTION.ACTIVESELL }),
      tickModel({ time: `${DAY} 15:00:00`, flags: TICK_FLAGS.auction, direction: TICK_DIRECTION.NEUTRAL }),
    ];
    assert.deepEqual(
      await store.addBatch(models.toReversed(), never),
      models.map(() => "new"),
    );
    const { database } = clickhouse;
    const rows = await clickhouse.query(
      `SELECT code, toString(timestamp) AS time, trading_day, zone, sequence, price, volume, trades, direction, source, flags
       FROM ${database}.tick WHERE code = '${CODE}'`,
      {},
      never,
    );
    const first = {
      code: CODE,
      time: "2024-01-02 09:31:00.000",
      trading_day: DAY,
      zone: "Asia/Shanghai",
      sequence: 0,
      price: "10.501",
      volume: "1200",
      trades: 3,
      direction: TICK_DIRECTION.ACTIVEBUY,
      source: SOURCE.TDX,
      flags: 0,
    };
    assert.deepEqual(rows, [
      first,
      ...[1, 2, 3].map((sequence) => ({ ...first, sequence, price: "10.51" })),
      { ...first, sequence: 4, price: "10.5", trades: null, direction: TICK_DIRECTION.ACTIVESELL },
      {
        ...first,
        time: "2024-01-02 15:00:00.000",
        price: "10.51",
        flags: TICK_FLAGS.auction,
        direction: TICK_DIRECTION.NEUTRAL,
      },
    ]);
    const uuids = await clickhouse.query<{ readonly n: string }>(
      `SELECT toString(uniqExact(uuid)) AS n FROM ${database}.tick`,
      {},
      never,
    );
    assert.equal(uuids[0]?.n, "6");
  });

  test("an equal answer writes nothing, a changed tick is revised, and what was removed is in no view and may come back", async (t) => {
    const opened = await open(t, "again");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const day = (version: bigint) => [0, 1, 2].map((sequence) => tickModel({ sequence }, version));
    await store.addBatch(day(10n), never);
    const before = await countRows(clickhouse);
    assert.deepEqual(await storeOver(clickhouse).addBatch(day(20n), never), ["same", "same", "same"]);
    assert.deepEqual(await countRows(clickhouse), before);

    const removed = tickModel({ sequence: 2, flags: TICK_FLAGS.removed }, 30n);
    const changed = tickModel({ sequence: 1, volume: parseDecimal("100") }, 30n);
    assert.deepEqual(await store.addBatch([changed, removed], never), ["revised", "revised"]);
    const stored = () => store.storedTicks(CODE, DAY, SOURCE.TDX, never);
    assert.deepEqual(await stored(), [
      { time: "2024-01-02 09:31:00", sequence: 0 },
      { time: "2024-01-02 09:31:00", sequence: 1 },
    ]);
    assert.deepEqual(await shown(clickhouse), ["0 1200", "1 100"]);
    assert.deepEqual(await store.addBatch([tickModel({ sequence: 2 }, 20n)], never), ["same"], "a late answer");
    assert.deepEqual(await shown(clickhouse), ["0 1200", "1 100"]);
    assert.deepEqual(await store.addBatch([tickModel({ sequence: 2 }, 40n)], never), ["revised"]);
    assert.deepEqual(await shown(clickhouse), ["0 1200", "1 100", "2 1200"]);
    assert.deepEqual(await dayCounts(clickhouse), ["000001.SZ 2024-01-02 8 3"]);
  });

  test("stored ticks are those of one day, code and source", async (t) => {
    const opened = await open(t, "stored");
    if (opened === undefined) {
      return;
    }
    const { store } = opened;
    await store.addBatch(
      [
        tickModel({ time: `${DAY} 15:00:00` }),
        tickModel({ time: `${DAY} 09:25:00` }),
        tickModel({ tradingDay: NEXT_DAY }),
        tickModel({ code: OTHER }),
        tickModel({ source: SOURCE.SIM }),
      ],
      never,
    );
    assert.deepEqual(await store.storedTicks(CODE, DAY, SOURCE.TDX, never), [
      { time: "2024-01-02 09:25:00", sequence: 0 },
      { time: "2024-01-02 15:00:00", sequence: 0 },
    ]);
    assert.deepEqual(await store.storedTicks(CODE, parseDay("2024-01-04"), SOURCE.TDX, never), []);
  });

  test("of two sources a day shows one alone, the best that has any tick of it", async (t) => {
    const opened = await open(t, "mixed");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const of = (source: Tick["source"], sequence: number, changes: Partial<Tick> = {}, version = 10n) =>
      tickModel({ source, sequence, volume: parseDecimal(source === SOURCE.TDX ? "800" : "400"), ...changes }, version);
    const next = { tradingDay: NEXT_DAY };
    await store.addBatch(
      [
        of(SOURCE.TDX, 0),
        // The other one has a tick that the best one has not, and one more in another minute.
        of(SOURCE.BAOSTOCK, 0),
        of(SOURCE.BAOSTOCK, 1),
        of(SOURCE.BAOSTOCK, 0, { time: `${DAY} 10:00:00` }),
        of(SOURCE.SIM, 0, next),
        of(SOURCE.BAOSTOCK, 0, next),
      ],
      never,
    );
    const sources = () => select(clickhouse, "concat(toString(trading_day), ' ', toString(source))");
    assert.deepEqual(await sources(), ["2024-01-02 8", "2024-01-03 4"]);
    // A condition on the time never brings out what the best source does not have.
    assert.deepEqual(
      await select(clickhouse, "toString(source)", `timestamp > '${DAY} 09:59:00' AND trading_day = '${DAY}'`),
      [],
    );

    await store.addBatch([of(SOURCE.TDX, 0, { flags: TICK_FLAGS.removed }, 20n)], never);
    assert.deepEqual(await sources(), ["2024-01-02 4", "2024-01-02 4", "2024-01-02 4", "2024-01-03 4"]);
    await ensureSchema(clickhouse, { ...OPTIONS, chain: [SOURCE.SIM] }, silentLog, never);
    assert.deepEqual((await sources()).at(-1), "2024-01-03 1");
  });

  test("what is no trade is stored, and left out of the views", async (t) => {
    const opened = await open(t, "notrade");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    await store.addBatch(
      [
        tickModel({ sequence: 0, flags: TICK_FLAGS.snapshot, volume: parseDecimal("0") }),
        tickModel({ sequence: 1, flags: TICK_FLAGS.cancel }),
        tickModel({ sequence: 2, flags: TICK_FLAGS.afterHours }),
      ],
      never,
    );
    assert.deepEqual(await shown(clickhouse), ["2 1200"]);
    assert.equal((await store.storedTicks(CODE, DAY, SOURCE.TDX, never)).length, 3);
  });

  test("ticks of many months are cut by partition, and a tick that fits no column is set aside alone", async (t) => {
    const opened = await open(t, "months");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const months = Array.from(
      { length: 120 },
      (_, at) => `${2014 + Math.floor(at / 12)}-${String((at % 12) + 1).padStart(2, "0")}`,
    );
    const models = months.map((month) => tickModel({ tradingDay: parseDay(`${month}-15`) }));
    const bad = [
      tickModel({ sequence: 7, price: parseDecimal("1234567890123456.7") }),
      tickModel({ sequence: 8, trades: -1 }),
      tickModel({ sequence: 4_294_967_296 }),
      tickModel({ time: `${DAY} 25:00:00` }),
    ];
    const outcomes = await store.addBatch([...models, ...bad], never);
    assert.deepEqual(outcomes, [...models.map(() => "new"), ...bad.map(() => "rejected")]);
    const { database } = clickhouse;
    const [counted] = await clickhouse.query(
      `SELECT toString(uniqExact(partition)) AS partitions FROM system.parts WHERE database = '${database}' AND table = 'tick_row' AND active`,
      {},
      never,
    );
    assert.deepEqual(counted, { partitions: "120" });
    const refused = await clickhouse.query(`SELECT data_set, code, reason FROM ${database}.quarantine_row`, {}, never);
    assert.deepEqual(
      refused,
      bad.map(() => ({ data_set: "ticks", code: CODE, reason: "store-refused" })),
    );
    const key = { dataSet: "ticks", frequency: "1d", code: CODE } as const;
    assert.equal((await store.storedDays(key, parseDay("2014-01-01"), parseDay("2023-12-31"), never)).length, 120);
  });

  test("a batch that was stored and not counted is counted when it comes again", async (t) => {
    const opened = await open(t, "recount");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const failing: ClickHouse = {
      ...clickhouse,
      insertEncoded: (table, columns, encoded, signal) =>
        table === "tick_day_row"
          ? Promise.reject(new PermanentError("the process ends here", "store"))
          : clickhouse.insertEncoded(table, columns, encoded, signal),
    };
    await assert.rejects(storeOver(failing).addBatch([tickModel(), tickModel({ sequence: 1 })], never), /ends here/);
    assert.deepEqual(await shown(clickhouse), []);
    assert.deepEqual(await store.addBatch([tickModel({}, 20n), tickModel({ sequence: 1 }, 20n)], never), [
      "same",
      "same",
    ]);
    assert.deepEqual(await shown(clickhouse), ["0 1200", "1 1200"]);
  });

  test("a day counts as stored while a tick of it stands", async (t) => {
    const opened = await open(t, "days");
    if (opened === undefined) {
      return;
    }
    const { store } = opened;
    const key = { dataSet: "ticks", frequency: "1d", code: CODE } as const;
    const days = weekdays("2024-01-02", 3);
    await store.addBatch(
      days.map((tradingDay) => tickModel({ tradingDay })),
      never,
    );
    const [first = DAY, second = DAY, third = DAY] = days;
    assert.deepEqual(await store.storedDays(key, second, third, never), [second, third]);
    await store.addBatch([tickModel({ tradingDay: second, flags: TICK_FLAGS.removed }, 20n)], never);
    assert.deepEqual(await store.storedDays(key, first, third, never), [first, third]);
  });

  test("`verify` finds days of ticks and minutes that ledger and tables say different things of", async (t) => {
    const opened = await open(t, "verify");
    if (opened === undefined) {
      return;
    }
    const { clickhouse, store } = opened;
    const tradingDays = weekdays("2024-01-02", 4);
    const [first = DAY, second = DAY, third = DAY] = tradingDays;
    const minute = (tradingDay: typeof first) =>
      barModel({ frequency: "5m", tradingDay, time: `${tradingDay} 09:35:00`, preClose: undefined });
    await store.addBatch(
      [first, second].flatMap((tradingDay) => [tickModel({ tradingDay }), minute(tradingDay)]),
      never,
    );
    await store.addBatch([tickModel({ tradingDay: second, flags: TICK_FLAGS.removed }, 20n)], never);
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    const evidence = { provider: "tdx", callId: "c-1", version: 1n, note: "complete answer" } as const;
    const span = { from: second, to: third, state: "present", evidence } as const;
    const keys = [
      { dataSet: "ticks", frequency: "1d" },
      { dataSet: "bars", frequency: "5m" },
    ] as const;
    await ledger.write(
      keys.map((key) => ({ key: { ...key, code: CODE }, change: () => [span] })),
      never,
    );
    const compare = (key: (typeof keys)[number]) => verifyLedger(clickhouse, ledger, { ...key, tradingDays }, never);
    const [ticks, minutes] = [await compare(keys[0]), await compare(keys[1])];
    assert.deepEqual(
      ticks.differences.map(({ presentWithoutRow, rowWithoutPresent }) => [presentWithoutRow, rowWithoutPresent]),
      [[[second, third], [first]]],
    );
    assert.deepEqual(
      minutes.differences.map(({ presentWithoutRow, rowWithoutPresent }) => [presentWithoutRow, rowWithoutPresent]),
      [[[third], [first]]],
    );
    assert.deepEqual(await store.storedDays({ ...keys[1], code: CODE }, first, third, never), [first, second]);
    const counted = await readStoredDays(clickhouse, "ticks", "1d", { from: first, to: third }, [second], never);
    assert.deepEqual([...counted], [[CODE, { digest: digestOfDay(first), open: [] }]]);
  });
}

function storeOver(clickhouse: ClickHouse): Store {
  return createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
}

/** Sequence and volume of what the view shows. */
async function shown(clickhouse: ClickHouse): Promise<readonly string[]> {
  return await select(clickhouse, "concat(toString(sequence), ' ', toString(volume))");
}

async function select(clickhouse: ClickHouse, expression: string, where = "1"): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ readonly x: string }>(
    `SELECT ${expression} AS x FROM ${clickhouse.database}.tick WHERE code = '${CODE}' AND ${where}`,
    {},
    never,
  );
  return rows.map(({ x }) => x);
}

async function dayCounts(clickhouse: ClickHouse): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ readonly x: string }>(
    `SELECT concat(code, ' ', toString(trading_day), ' ', toString(source), ' ', toString(ticks)) AS x
     FROM ${clickhouse.database}.tick_day_row FINAL ORDER BY x`,
    {},
    never,
  );
  return rows.map(({ x }) => x);
}

/** Rows that were written to the ticks and to their days, versions included. */
async function countRows(clickhouse: ClickHouse): Promise<readonly string[]> {
  const rows = await clickhouse.query<{ readonly n: string }>(
    `SELECT n FROM (${["tick_row", "tick_day_row"]
      .map((name) => `SELECT toString(count()) AS n, '${name}' AS x FROM ${clickhouse.database}.${name}`)
      .join(" UNION ALL ")}) ORDER BY x DESC`,
    {},
    never,
  );
  return rows.map(({ n }) => n);
}
