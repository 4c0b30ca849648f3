import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { MARKET, SOURCE } from "../../domain/enums.ts";
import { ledgerKeyText, type LedgerKey, type LedgerState, type Span } from "../../domain/ledger.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { LedgerChange, OutcomeRecord } from "../../ports/store.ts";
import type { ClickHouse } from "./client.ts";
import { openClickHouseLedger } from "./ledger.ts";
import { openClickHouseOutcomes } from "./outcomes.ts";
import { openClickHouseReference } from "./reference.ts";
import { ensureSchema } from "./schema.ts";
import { verifyLedger } from "./verify.ts";

const never = new AbortController().signal;

suiteOnEngines("bookkeeping", defineBookkeepingTests);

function defineBookkeepingTests(open: OpenDatabase): void {
  const prepare = async (t: TestContext, word: string): Promise<ClickHouse | undefined> => {
    const clickhouse = await open(t, word);
    if (clickhouse === undefined) {
      return undefined;
    }
    await ensureSchema(
      clickhouse,
      { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true },
      silentLog,
      never,
    );
    return clickhouse;
  };

  test("the ledger gives back the spans that were put, with their evidence", async (t) => {
    const clickhouse = await prepare(t, "ledger_put");
    if (clickhouse === undefined) {
      return;
    }
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    const spans = [
      span("1901-02-03", "1991-04-02", "before-listing"),
      span("1991-04-03", "2024-01-02", "present"),
      { ...span("2024-01-03", "2024-01-03", "pending"), askAgainAtMs: 1_704_273_600_123 },
    ];
    await ledger.write([put(keyOf("000001.SZ"), spans)], never);
    const read = await ledger.read([keyOf("000001.SZ"), keyOf("600000.SH")], never);
    assert.deepEqual([...read.keys()], [ledgerKeyText(keyOf("000001.SZ"))]);
    assert.deepEqual(withoutVersion(read.get(ledgerKeyText(keyOf("000001.SZ")))), spans);
  });

  test("a span that is removed or replaced does not come back", async (t) => {
    const clickhouse = await prepare(t, "ledger_replace");
    if (clickhouse === undefined) {
      return;
    }
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    const key = keyOf("000001.SZ");
    await ledger.write(
      [put(key, [span("2024-01-02", "2024-01-05", "present"), span("2024-01-08", "2024-01-09", "failed")])],
      never,
    );
    await ledger.write([put(key, [span("2024-01-02", "2024-01-09", "present")])], never);
    assert.deepEqual(await readSpans(ledger, key), [["2024-01-02", "2024-01-09", "present"]]);
    await ledger.write([without(key, "2024-01-02")], never);
    assert.deepEqual(await readSpans(ledger, key), []);
  });

  test("what two writers put at once is folded, the newer write winning a day, and can then be reopened", async (t) => {
    const clickhouse = await prepare(t, "ledger_race");
    if (clickhouse === undefined) {
      return;
    }
    const key = keyOf("000001.SZ");
    await insertRaw(clickhouse, "2024-01-02", "2024-01-31", "present", 100);
    await insertRaw(clickhouse, "2024-01-10", "2024-01-12", "failed", 200);
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    assert.deepEqual(await readSpans(ledger, key), [
      ["2024-01-02", "2024-01-09", "present"],
      ["2024-01-10", "2024-01-12", "failed"],
      ["2024-01-13", "2024-01-31", "present"],
    ]);
    // Taking the middle span away must not uncover the older one beneath it.
    await ledger.write([without(key, "2024-01-10")], never);
    assert.deepEqual(await readSpans(ledger, key), [
      ["2024-01-02", "2024-01-09", "present"],
      ["2024-01-13", "2024-01-31", "present"],
    ]);
    await ledger.write([without(key, "2024-01-13")], never);
    assert.deepEqual(await readSpans(ledger, key), [["2024-01-02", "2024-01-09", "present"]]);
  });

  test("a change counts from what is stored when it is written, not from what its writer had read", async (t) => {
    const clickhouse = await prepare(t, "ledger_late");
    if (clickhouse === undefined) {
      return;
    }
    const key = keyOf("000001.SZ");
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    await ledger.write([put(key, [span("2024-01-02", "2024-01-19", "present")])], never);
    // A worker plans; verify reopens a day; the worker is done.
    await ledger.read([key], never);
    const reopened = [
      span("2024-01-02", "2024-01-09", "present"),
      span("2024-01-10", "2024-01-10", "failed"),
      span("2024-01-11", "2024-01-19", "present"),
    ];
    await openClickHouseLedger(clickhouse, systemClock).write([put(key, reopened)], never);
    await ledger.write([{ key, change: (stored) => [...stored, span("2024-01-22", "2024-01-22", "present")] }], never);
    assert.deepEqual(await readSpans(ledger, key), [
      ["2024-01-02", "2024-01-09", "present"],
      ["2024-01-10", "2024-01-10", "failed"],
      ["2024-01-11", "2024-01-19", "present"],
      ["2024-01-22", "2024-01-22", "present"],
    ]);
  });

  test("a whole window of 8,192 keys is written and read in one call", async (t) => {
    const clickhouse = await prepare(t, "ledger_window");
    if (clickhouse === undefined) {
      return;
    }
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    const keys = Array.from({ length: 8192 }, (_, index) => keyOf(`${(600000 + index).toString()}.SH`));
    await ledger.write(
      keys.map((key) => put(key, [span("2024-01-02", "2024-01-31", "present")])),
      never,
    );
    const read = await ledger.read(keys, never);
    assert.equal(read.size, 8192);
    assert.ok([...read.values()].every((spans) => spans.length === 1));
  });

  test("outcomes are found again by partition and by request, and the last record of a message counts", async (t) => {
    const clickhouse = await prepare(t, "outcomes");
    if (clickhouse === undefined) {
      return;
    }
    const outcomes = openClickHouseOutcomes(clickhouse);
    // Records of more than 90 days ago would be gone at once.
    const now = systemClock.nowMs();
    const first = outcome(7n, "a", "r-1", now - 2000);
    const second = outcome(9007199254740993n, "b", "r-1", now - 1999);
    const anew = outcome(7n, "c", "r-2", now);
    await outcomes.record([first, second], never);
    await outcomes.record([first, anew], never);
    const settled = await outcomes.settledFrom("ginkgo.data.update", 3, 7n, never);
    assert.deepEqual(
      [...settled],
      [
        [7n, new Set(["c", "a"])],
        [9007199254740993n, new Set(["b"])],
      ],
    );
    assert.deepEqual([...(await outcomes.settledFrom("ginkgo.data.update", 3, 8n, never)).keys()], [9007199254740993n]);
    assert.equal((await outcomes.settledFrom("ginkgo.data.update", 4, 0n, never)).size, 0);
    assert.deepEqual(await outcomes.byRequest("r-1", never), [first, second]);
    assert.deepEqual(await outcomes.byRequest("it's none", never), []);
  });

  test("reference tables answer one row a key, the newest of the best source", async (t) => {
    const clickhouse = await prepare(t, "reference");
    if (clickhouse === undefined) {
      return;
    }
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.stock_info_row (code, code_name, industry, currency, market, status, list_date, delist_date, source, version)
       VALUES ('000001.SZ', '平安', '银行', 1, 1, 'listed', '1991-04-03', NULL, 7, 10), ('000001.SZ', '平安银行', '银行', 1, 1, 'listed', '1991-04-03', NULL, 7, 20),
       ('000001.SZ', 'other', '', 1, 1, 'listed', '1991-04-03', NULL, 4, 30), ('000003.SZ', 'PT金田A', '', 1, 1, 'delisted', '1991-07-03', '2002-06-14', 7, 10)`,
      {},
      never,
    );
    await clickhouse.command(
      `INSERT INTO ${clickhouse.database}.trade_day_row (market, trading_day, timestamp, is_open, source, version)
       VALUES (1, '2024-01-02', '2024-01-02 00:00:00', true, 7, 10), (1, '2024-01-01', '2024-01-01 00:00:00', true, 7, 10),
       (1, '2024-01-01', '2024-01-01 00:00:00', false, 7, 20), (2, '2024-01-02', '2024-01-02 00:00:00', true, 7, 10)`,
      {},
      never,
    );
    const store = openClickHouseReference(clickhouse, { chain: [SOURCE.TUSHARE] });
    const instruments = await store.instruments(never);
    assert.deepEqual(
      instruments.map(({ code, name, status, delistedOn }) => [code, name, status, delistedOn]),
      [
        ["000001.SZ", "平安银行", "listed", undefined],
        ["000003.SZ", "PT金田A", "delisted", "2002-06-14"],
      ],
    );
    assert.deepEqual(await store.calendar(MARKET.CHINA, never), [
      { market: 1, day: "2024-01-01", isOpen: false, source: 7 },
      { market: 1, day: "2024-01-02", isOpen: true, source: 7 },
    ]);
    const views = await clickhouse.query(
      `SELECT code, toString(delist_date) AS delisted, is_del FROM ${clickhouse.database}.stock_info ORDER BY code`,
      {},
      never,
    );
    assert.deepEqual(views, [
      { code: "000001.SZ", delisted: "2099-12-31", is_del: false },
      { code: "000003.SZ", delisted: "2002-06-14", is_del: false },
    ]);
  });

  test("verify finds rows that are gone, rows the ledger does not know, and nothing else", async (t) => {
    const clickhouse = await prepare(t, "verify");
    if (clickhouse === undefined) {
      return;
    }
    const ledger = openClickHouseLedger(clickhouse, systemClock);
    // Two weeks with a weekend between; no trading on the 15th.
    const tradingDays = ["08", "09", "10", "11", "12", "16", "17", "18", "19"].map((date) => day(`2024-01-${date}`));
    const stored: Readonly<Record<string, readonly Day[]>> = {
      "000001.SZ": tradingDays,
      "000002.SZ": tradingDays.filter((at) => at !== "2024-01-10" && at !== "2024-01-12"),
      "000003.SZ": [day("2024-01-08"), day("2024-01-17")],
      "000004.SZ": [day("2024-01-13")],
    };
    for (const [code, days] of Object.entries(stored)) {
      await insertDays(clickhouse, code, days, 10);
    }
    await insertDays(clickhouse, "000005.SZ", tradingDays, 1);
    const all = span("2024-01-08", "2024-01-19", "present");
    await ledger.write(
      [
        put(keyOf("000001.SZ"), [all]),
        put(keyOf("000002.SZ"), [all]),
        put(keyOf("000003.SZ"), [
          span("2024-01-08", "2024-01-09", "present"),
          span("2024-01-10", "2024-01-19", "no-trade"),
        ]),
        put(keyOf("000006.SZ"), [span("2024-01-19", "2024-01-19", "present")]),
      ],
      never,
    );
    const request = { dataSet: "bars", frequency: "1d", tradingDays } as const;
    const { differences } = await verifyLedger(clickhouse, ledger, request, never);
    assert.deepEqual(
      differences.map(({ key, presentWithoutRow, rowWithoutPresent }) => ({
        key,
        presentWithoutRow,
        rowWithoutPresent,
      })),
      [
        { key: keyOf("000002.SZ"), presentWithoutRow: ["2024-01-10", "2024-01-12"], rowWithoutPresent: [] },
        { key: keyOf("000003.SZ"), presentWithoutRow: ["2024-01-09"], rowWithoutPresent: ["2024-01-17"] },
        { key: keyOf("000004.SZ"), presentWithoutRow: [], rowWithoutPresent: ["2024-01-13"] },
        { key: keyOf("000006.SZ"), presentWithoutRow: ["2024-01-19"], rowWithoutPresent: [] },
      ],
    );
    const one = await verifyLedger(clickhouse, ledger, { ...request, codes: [parseSecurityCode("000001.SZ")] }, never);
    assert.deepEqual(one, { differences: [], codes: 1, days: 9 });
  });
}

function day(text: string): Day {
  return parseDay(text);
}

function keyOf(code: string): LedgerKey {
  return { dataSet: "bars", frequency: "1d", code: parseSecurityCode(code) };
}

function span(from: string, to: string, state: LedgerState): Span {
  const evidence = {
    provider: "tushare",
    callId: "call-1",
    version: 1_700_000_000_000_001n,
    note: 'it\'s "complete"\n',
  } as const;
  return { from: day(from), to: day(to), state, evidence };
}

function withoutVersion(spans: readonly Span[] | undefined): readonly Span[] {
  return (spans ?? []).map(({ from, to, state, evidence, askAgainAtMs }) => ({
    from,
    to,
    state,
    evidence,
    ...(askAgainAtMs === undefined ? {} : { askAgainAtMs }),
  }));
}

async function readSpans(
  ledger: ReturnType<typeof openClickHouseLedger>,
  key: LedgerKey,
): Promise<readonly (readonly string[])[]> {
  const read = await ledger.read([key], never);
  return (read.get(ledgerKeyText(key)) ?? []).map(({ from, to, state }) => [from, to, state]);
}

/** From now on the key has these spans and no others. */
function put(key: LedgerKey, spans: readonly Span[]): LedgerChange {
  return { key, change: () => spans };
}

function without(key: LedgerKey, from: string): LedgerChange {
  return { key, change: (stored) => stored.filter((one) => one.from !== from) };
}

async function insertRaw(
  clickhouse: ClickHouse,
  from: string,
  to: string,
  state: LedgerState,
  version: number,
): Promise<void> {
  await clickhouse.command(
    `INSERT INTO ${clickhouse.database}.ledger_row (data_set, frequency, code, first_day, last_day, state, provider, version)
     VALUES ('bars', 1, '000001.SZ', '${from}', '${to}', '${state}', 'tushare', ${version})`,
    {},
    never,
  );
}

async function insertDays(clickhouse: ClickHouse, code: string, days: readonly Day[], version: number): Promise<void> {
  const values = days.map(
    (at) => `('${code}', 1, '${at} 00:00:00', '${at}', 'Asia/Shanghai', 1, 1, 1, 1, 100, 7, ${version})`,
  );
  await clickhouse.command(
    `INSERT INTO ${clickhouse.database}.bar_row (code, frequency, timestamp, trading_day, zone, open, high, low, close, volume, source, version)
     VALUES ${values.join(", ")}`,
    {},
    never,
  );
}

function outcome(offset: bigint, fingerprint: string, requestId: string, settledAtMs: number): OutcomeRecord {
  return {
    message: { topic: "ginkgo.data.update", partition: 3, offset, fingerprint },
    requestId,
    command: "sync-bars",
    codes: [parseSecurityCode("000001.SZ"), parseSecurityCode("600000.SH")],
    outcome: {
      word: "dead-letter",
      rows: { new: 5, same: 4, revised: 3, rejected: 2 },
      callIds: ["c-1"],
      provider: "tushare",
      ms: 12.5,
      pendingDays: 6,
      unexplainedDays: 7,
      reason: "attempts-exhausted",
    },
    settledAtMs,
    reason: "attempts-exhausted",
  };
}
