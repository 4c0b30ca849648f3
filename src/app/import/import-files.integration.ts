import assert from "node:assert/strict";
import path from "node:path";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../../test/support/clickhouse-suite.ts";
import { dayRecord, minuteRecord, minutesOfDay, writeRecords } from "../../../test/support/record-files.ts";
import { requireRecordings } from "../../../test/support/services.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { compareWithTushare } from "../../../test/support/tushare-days.ts";
import { systemClock } from "../../base/clock.ts";
import { parseDecimal } from "../../base/decimal.ts";
import { RETRY_WAITS_DEFAULT } from "../../base/jitter.ts";
import { silentLog } from "../../base/log.ts";
import { parseDay, SHANGHAI } from "../../domain/day.ts";
import type { Bar } from "../../domain/rows.ts";
import { SOURCE } from "../../domain/enums.ts";
import { NO_ROWS } from "../../domain/outcome.ts";
import type { LedgerKey, Span } from "../../domain/ledger.ts";
import { ledgerKeyText } from "../../domain/ledger.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { bundledCalendar } from "../../planning/trading-calendar.ts";
import { openClickHouseLedger } from "../../store/clickhouse/ledger.ts";
import { ensureSchema, type SchemaOptions } from "../../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../../store/clickhouse/store.ts";
import type { ClickHouse } from "../../store/clickhouse/client.ts";
import { runVerify } from "../run-verify.ts";
import { importFiles, type Imported, type ImportParts } from "./import-files.ts";
import { planTdxImport } from "./plan-import.ts";

const never = new AbortController().signal;
const SCHEMA: SchemaOptions = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
const BANK = parseSecurityCode("000001.SZ");
const STAR = parseSecurityCode("688001.SH");

const FETCHED: Omit<Bar, "tradingDay" | "time"> = {
  code: BANK,
  frequency: "1d",
  zone: SHANGHAI,
  open: parseDecimal("10.5"),
  high: parseDecimal("10.7"),
  low: parseDecimal("10.5"),
  close: parseDecimal("10.7"),
  preClose: undefined,
  volume: parseDecimal("1000"),
  turnover: parseDecimal("10600"),
  source: SOURCE.TDX,
  flags: 0,
};

interface Rig {
  readonly clickhouse: ClickHouse;
  readonly parts: ImportParts;
  run(paths: readonly string[], signal?: AbortSignal, parts?: Partial<ImportParts>): Promise<Imported>;
  spans(code: string, frequency: LedgerKey["frequency"]): Promise<readonly Span[]>;
  /** Rows of our tables, written ones and not merged ones. */
  rowsWritten(): Promise<unknown>;
}

async function openRig(t: TestContext, open: OpenDatabase, word: string): Promise<Rig | undefined> {
  const clickhouse = await open(t, word);
  if (clickhouse === undefined) {
    return undefined;
  }
  await ensureSchema(clickhouse, SCHEMA, silentLog, never);
  const ledger = openClickHouseLedger(clickhouse, systemClock);
  const parts: ImportParts = {
    store: createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog }),
    ledger,
    calendar: bundledCalendar(),
    requestId: "r-1",
    clock: systemClock,
    log: silentLog,
    waits: RETRY_WAITS_DEFAULT,
  };
  return {
    clickhouse,
    parts,
    run: async (paths, signal = never, more = {}) => {
      const request = { paths, codes: undefined, from: undefined, to: undefined };
      const { readable } = await planTdxImport(request, systemClock.nowMs(), () => undefined, never);
      return await importFiles(readable, { ...parts, ...more }, () => undefined, signal);
    },
    spans: async (code, frequency) => {
      const key: LedgerKey = { dataSet: "bars", frequency, code: parseSecurityCode(code) };
      return (await ledger.read([key], never)).get(ledgerKeyText(key)) ?? [];
    },
    rowsWritten: () =>
      clickhouse.query(
        `SELECT (SELECT count() FROM ${clickhouse.database}.bar_row) AS bars,
         (SELECT count() FROM ${clickhouse.database}.ledger_row) AS ledger,
         (SELECT count() FROM ${clickhouse.database}.quarantine_row FINAL) AS quarantined`,
        {},
        never,
      ),
  };
}

suiteOnEngines("importing record files", (open) => {
  test("the recorded files: every day and minute is there, a second import writes nothing, and the ledger agrees", async (t) => {
    const data = requireRecordings(t);
    const rig = data === undefined ? undefined : await openRig(t, open, "recorded");
    if (data === undefined || rig === undefined) {
      return;
    }
    const { clickhouse } = rig;
    const paths = [path.join(data, "tdx/sz000001.day"), path.join(data, "tdx/sh688001.lc1")];
    const brief = ({ files, refused }: Imported): unknown => [
      files.map(({ code, outcome, tally, daysLearned, daysInPart }) => [code, outcome, tally, daysLearned, daysInPart]),
      refused,
    ];
    const tallyOf = (word: "new" | "same", count: number): unknown => ({ ...NO_ROWS, [word]: count });
    assert.deepEqual(brief(await rig.run(paths)), [
      [
        [STAR, "new", tallyOf("new", 2_880), 12, 0],
        [BANK, "new", tallyOf("new", 4_995), 4_995, 0],
      ],
      [],
    ]);
    const written = await rig.rowsWritten();
    assert.deepEqual(brief(await rig.run(paths)), [
      [
        [STAR, "same", tallyOf("same", 2_880), 0, 0],
        [BANK, "same", tallyOf("same", 4_995), 0, 0],
      ],
      [],
    ]);
    assert.deepEqual(await rig.rowsWritten(), written);

    const reference = { calendar: () => Promise.resolve([]), instruments: () => Promise.resolve([]) };
    const verified = await runVerify(
      { clickhouse, ledger: openClickHouseLedger(clickhouse, systemClock), reference },
      "tushare",
      { reopen: false },
      never,
    );
    assert.deepEqual([verified.differences, verified.days], [[], 5_007]);
    for (const span of [...(await rig.spans(BANK, "1d")), ...(await rig.spans(STAR, "1m"))]) {
      const name = span.evidence.callId.replace("file:", "");
      assert.deepEqual(
        [span.state, span.evidence.provider, span.evidence.note],
        ["present", "tdx", `imported from ${name}`],
      );
    }
    await compareWithTushare(t, clickhouse, data);
  });

  test("what is rejected is in quarantine once, and its day is not present; its neighbours are", async (t) => {
    const rig = await openRig(t, open, "rejected");
    if (rig === undefined) {
      return;
    }
    await using folder = await temporaryFolder();
    const days = [20_240_104, 20_240_105, 20_240_108, 20_240_109];
    await writeRecords(folder.path, "sz000001.day", [
      ...days.map((day) => dayRecord({ day, price: day === 20_240_108 ? 0 : 10.5 })),
      dayRecord({ day: 20_240_110, volume: 0, amount: 0 }),
      dayRecord({ day: 20_240_231 }),
      // A Saturday: stored and flagged, and no day of the ledger.
      dayRecord({ day: 20_240_302 }),
    ]);
    for (let run = 0; run < 2; run += 1) {
      const imported: Imported = await rig.run([folder.path]);
      const [{ tally, flagged } = {}] = imported.files;
      assert.deepEqual([tally?.rejected, flagged?.["dayNotInCalendar"]], [2, 1]);
      assert.deepEqual(tally?.[run === 0 ? "new" : "same"], 4);
    }
    const quarantined = await rig.clickhouse.query(
      `SELECT reason, toString(day) AS day, call_id FROM ${rig.clickhouse.database}.quarantine_row FINAL ORDER BY reason`,
      {},
      never,
    );
    assert.deepEqual(quarantined, [
      { reason: "not-parseable", day: null, call_id: "file:sz000001.day" },
      { reason: "price-not-positive", day: "2024-01-08", call_id: "file:sz000001.day" },
    ]);
    assert.deepEqual(
      (await rig.spans(BANK, "1d")).map(({ from, to, state }) => [from, to, state]),
      [
        ["2024-01-04", "2024-01-05", "present"],
        ["2024-01-09", "2024-01-09", "present"],
        ["2024-01-10", "2024-01-10", "suspended"],
      ],
    );
  });

  test("two records of one time that differ are both rejected wherever they stand, equal ones are one", async (t) => {
    const rig = await openRig(t, open, "doubles");
    if (rig === undefined) {
      return;
    }
    await using folder = await temporaryFolder();
    await writeRecords(folder.path, "sz000001.day", [
      ...[20_240_104, 20_240_105, 20_240_108].map((day) => dayRecord({ day })),
      dayRecord({ day: 20_240_104, price: 11 }),
      dayRecord({ day: 20_240_105 }),
    ]);
    const { files } = await rig.run([folder.path]);
    assert.deepEqual(
      files.map(({ tally, daysLearned }) => [tally.new, tally.rejected, daysLearned]),
      [[2, 2, 2]],
    );
    assert.deepEqual(
      (await rig.spans(BANK, "1d")).map(({ from, to }) => [from, to]),
      [["2024-01-05", "2024-01-08"]],
    );
  });

  test("a day of minutes is present only when all of them are there", async (t) => {
    const rig = await openRig(t, open, "minutes");
    if (rig === undefined) {
      return;
    }
    await using folder = await temporaryFolder();
    const minutes = minutesOfDay(5);
    await writeRecords(folder.path, "sz000001.lc5", [
      ...minutes.map((minute) => minuteRecord({ day: 20_240_108, minute })),
      ...minutes.slice(1).map((minute) => minuteRecord({ day: 20_240_109, minute })),
    ]);
    const { files } = await rig.run([folder.path]);
    assert.deepEqual(
      files.map(({ tally, daysLearned, daysInPart }) => [tally.new, daysLearned, daysInPart]),
      [[95, 1, 1]],
    );
    assert.deepEqual(
      (await rig.spans(BANK, "5m")).map(({ from, to, state }) => [from, to, state]),
      [["2024-01-08", "2024-01-08", "present"]],
    );
  });

  test("a file never beats what was fetched after its last day, and beats what is older; the ledger keeps its evidence", async (t) => {
    const rig = await openRig(t, open, "versions");
    if (rig === undefined) {
      return;
    }
    await using folder = await temporaryFolder();
    await writeRecords(folder.path, "sz000001.day", [dayRecord({ day: 20_240_108 }), dayRecord({ day: 20_240_109 })]);
    await rig.run([folder.path]);
    const [row] = await rig.clickhouse.query<{ readonly version: string }>(
      `SELECT toString(max(version)) AS version FROM ${rig.clickhouse.database}.bar_row`,
      {},
      never,
    );
    assert.equal(row?.version, String(Date.parse("2024-01-09T16:00:00+08:00") * 1000));
    const closeOf = async (day: string): Promise<unknown> => {
      const rows = await rig.clickhouse.query<{ readonly close: string }>(
        `SELECT toString(close) AS close FROM ${rig.clickhouse.database}.bar WHERE trading_day = {day:String}`,
        { day },
        never,
      );
      return rows.map(({ close }) => close);
    };
    // A longer file has a younger word on the days before, a shorter one an older.
    await writeRecords(folder.path, "sz000001.day", [
      dayRecord({ day: 20_240_108, price: 10.6, amount: 10_600 }),
      dayRecord({ day: 20_240_109 }),
      dayRecord({ day: 20_240_110 }),
    ]);
    assert.deepEqual(
      (await rig.run([folder.path])).files.map(({ outcome }) => outcome),
      ["revised"],
    );
    assert.deepEqual(await closeOf("2024-01-08"), ["10.6"]);
    await writeRecords(folder.path, "sz000001.day", [dayRecord({ day: 20_240_108 })]);
    const older = await rig.run([folder.path]);
    assert.deepEqual(
      older.files.map(({ outcome, tally }) => [outcome, tally.same]),
      [["same", 1]],
    );
    assert.deepEqual(await closeOf("2024-01-08"), ["10.6"]);

    // An answer that was fetched since says another thing of a day: no file of before undoes it.
    const fetchedBar: Bar = { ...FETCHED, tradingDay: parseDay("2024-01-09"), time: "2024-01-09 00:00:00" };
    const provenance = { version: BigInt(systemClock.nowMs()) * 1000n, callId: "c-1", requestId: "r-0" };
    await rig.parts.store.addBatch([{ model: "bar", row: fetchedBar, provenance }], never);
    assert.deepEqual(await closeOf("2024-01-09"), ["10.7"]);
    await writeRecords(
      folder.path,
      "sz000001.day",
      [20_240_109, 20_240_110].map((day) => dayRecord({ day })),
    );
    assert.deepEqual(
      (await rig.run([folder.path])).files.map(({ outcome, tally }) => [outcome, tally.same]),
      [["same", 2]],
    );
    assert.deepEqual(await closeOf("2024-01-09"), ["10.7"]);

    const key: LedgerKey = { dataSet: "bars", frequency: "1d", code: BANK };
    const fetched: Span = {
      from: parseDay("2024-01-11"),
      to: parseDay("2024-01-11"),
      state: "present",
      evidence: { provider: "tushare", callId: "c-1", version: 5n, note: "fetched" },
    };
    const failed: Span = { ...fetched, from: parseDay("2024-01-12"), to: parseDay("2024-01-12"), state: "failed" };
    await rig.parts.ledger.write([{ key, change: (stored) => [...stored, fetched, failed] }], never);
    await writeRecords(folder.path, "sz000001.day", [dayRecord({ day: 20_240_111 }), dayRecord({ day: 20_240_112 })]);
    assert.deepEqual(
      (await rig.run([folder.path])).files.map(({ daysLearned }) => daysLearned),
      [1],
    );
    assert.deepEqual(
      (await rig.spans(BANK, "1d")).slice(-2).map(({ from, state, evidence }) => [from, state, evidence.provider]),
      [
        ["2024-01-11", "present", "tushare"],
        ["2024-01-12", "present", "tdx"],
      ],
    );
  });

  test("an import that is stopped leaves no word of what is not stored, and the next one completes it", async (t) => {
    const rig = await openRig(t, open, "stopped");
    if (rig === undefined) {
      return;
    }
    await using folder = await temporaryFolder();
    const codes = ["sz000001", "sz000002", "sz000004"];
    const days = [20_240_104, 20_240_105, 20_240_108];
    for (const [index, name] of codes.entries()) {
      await writeRecords(
        folder.path,
        `${name}.day`,
        days.map((day) => dayRecord({ day, price: 10 + index })),
      );
    }
    const stop = new AbortController();
    const store: ImportParts["store"] = {
      ...rig.parts.store,
      addBatch: async (models, signal) => {
        const outcomes = await rig.parts.store.addBatch(models.slice(0, 4), signal);
        stop.abort(new Error("stopped"));
        signal.throwIfAborted();
        return outcomes;
      },
    };
    await assert.rejects(rig.run([folder.path], stop.signal, { store }), /stopped/);
    assert.deepEqual(await rig.spans(BANK, "1d"), []);
    const { files } = await rig.run([folder.path]);
    assert.deepEqual(
      files.map(({ code, tally, daysLearned }) => [code, tally.new, tally.same, daysLearned]),
      [
        ["000001.SZ", 0, 3, 3],
        ["000002.SZ", 2, 1, 3],
        ["000004.SZ", 3, 0, 3],
      ],
    );
  });
});
