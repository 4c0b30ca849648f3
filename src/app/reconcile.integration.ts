import assert from "node:assert/strict";
import { test } from "node:test";

import { suiteOnEngines } from "../../test/support/clickhouse-suite.ts";
import { barModel, factorModel, weekdays } from "../../test/support/models.ts";
import { systemClock } from "../base/clock.ts";
import { parseDecimal } from "../base/decimal.ts";
import { silentLog } from "../base/log.ts";
import { parseDay, type Day } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import { BAR_FLAGS, type Bar } from "../domain/rows.ts";
import { parseSecurityCode } from "../domain/security-code.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { openClickHouseLedger } from "../store/clickhouse/ledger.ts";
import { PAIR_ROWS_MAX } from "../store/clickhouse/read-pairs.ts";
import { ensureSchema } from "../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../store/clickhouse/store.ts";
import type { Finding, ReconcileOptions, ReconcileProgress, ReconcileReport } from "./reconcile-api.ts";
import { servedProvider } from "./provider-table.ts";
import { reconcile } from "./reconcile.ts";
import { loadConfig } from "../config.ts";

const never = new AbortController().signal;
const { config } = loadConfig({ flags: new Map(), env: {}, settings: {}, readFile: () => undefined });
const CODE = parseSecurityCode("000001.SZ");
const OTHER = parseSecurityCode("600000.SH");
const [FIRST, SECOND, THIRD, FOURTH] = [
  parseDay("2024-01-02"),
  parseDay("2024-01-03"),
  parseDay("2024-01-04"),
  parseDay("2024-01-05"),
];
/** 2024-01-10 08:00:00 UTC, in microseconds. */
const VERSION = 1_704_873_600_000_000n;
const ASK: ReconcileOptions = {
  dataSet: "bars",
  frequency: "1d",
  providers: ["tushare", "tdx"],
  codes: [CODE],
  from: undefined,
  to: undefined,
  listMax: 50,
};

interface Ran {
  readonly report: ReconcileReport;
  readonly found: readonly Finding[];
  readonly progress: readonly ReconcileProgress[];
}

async function run(clickhouse: ClickHouse, changes: Partial<ReconcileOptions> = {}): Promise<Ran> {
  const found: Finding[] = [];
  const progress: ReconcileProgress[] = [];
  const parts = {
    clickhouse,
    ledger: openClickHouseLedger(clickhouse, systemClock),
    capabilitiesOf: (provider: ReconcileOptions["providers"][0]) => servedProvider(provider).capabilities(config),
  };
  const watch = {
    progress: (one: ReconcileProgress) => progress.push(one),
    finding: (one: Finding) => found.push(one),
  };
  const report = await reconcile(parts, { ...ASK, ...changes }, watch, never);
  return { report, found, progress };
}

function bar(day: Day, changes: Partial<Bar> = {}, version = VERSION): ReturnType<typeof barModel> {
  return barModel({ code: CODE, tradingDay: day, time: `${day} 00:00:00`, ...changes }, version);
}

/** As TongDaXin says the same bar: lots, a float, no previous close. */
function tdxBar(day: Day, changes: Partial<Bar> = {}, version = VERSION): ReturnType<typeof barModel> {
  const said = { source: SOURCE.TDX, preClose: undefined, turnover: parseDecimal("1345000.5") } as const;
  return bar(day, { ...said, ...changes }, version);
}

suiteOnEngines("reconciling", (open) => {
  test("bars of two providers: rounding, differences with their rows, days of one side with what the ledger says", async (t) => {
    const clickhouse = await open(t, "reconcile");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(
      clickhouse,
      { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true },
      silentLog,
      never,
    );
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    await store.addBatch(
      [
        bar(FIRST, { volume: parseDecimal("123456") }),
        tdxBar(FIRST, { volume: parseDecimal("123400") }),
        // An older version that was wrong, and the newer one that is right: the newest counts.
        bar(SECOND, { close: parseDecimal("9.99") }, VERSION - 10n),
        bar(SECOND),
        tdxBar(SECOND),
        bar(THIRD, { turnover: parseDecimal("1345001") }),
        tdxBar(THIRD, { low: parseDecimal("10.011"), turnover: parseDecimal("1345001.25") }, VERSION + 1_000_000n),
        bar(FOURTH),
        bar(FIRST, { code: OTHER }),
        // Another provider's rows are of no concern.
        bar(FOURTH, { source: SOURCE.BAOSTOCK, close: parseDecimal("10.02") }),
        bar(FIRST, { source: SOURCE.YAHOO, turnover: undefined, flags: BAR_FLAGS.noTurnover, preClose: undefined }),
      ],
      never,
    );
    const evidence = {
      provider: "tushare",
      callId: "c-9",
      version: VERSION,
      note: "complete answer of 4 rows",
    } as const;
    await openClickHouseLedger(clickhouse, systemClock).write(
      [
        {
          key: { dataSet: "bars", frequency: "1d", code: CODE },
          change: () => [{ from: FIRST, to: FOURTH, state: "present", evidence }],
        },
      ],
      never,
    );

    const { report, found, progress } = await run(clickhouse);
    const counts = (equal: number, rounded: number, different: number, notGiven: number) => ({
      equal,
      rounded,
      different,
      "not-given": notGiven,
    });
    assert.deepEqual(report.cells, {
      open: counts(3, 0, 0, 0),
      high: counts(3, 0, 0, 0),
      low: counts(2, 0, 1, 0),
      close: counts(3, 0, 0, 0),
      pre_close: counts(0, 0, 0, 3),
      volume: counts(2, 1, 0, 0),
      amount: counts(2, 1, 0, 0),
    });
    const said = { requestId: "request-1", provider: "tushare", value: "10.01", rounding: "" };
    assert.deepEqual(found, [
      {
        kind: "cell",
        code: CODE,
        day: THIRD,
        time: "",
        cell: "low",
        said: [
          { ...said, fetchedAt: "2024-01-10 08:00:00", callId: `call-${VERSION}` },
          {
            ...said,
            provider: "tdx",
            value: "10.011",
            fetchedAt: "2024-01-10 08:00:01",
            callId: `call-${VERSION + 1_000_000n}`,
          },
        ],
      },
      {
        kind: "days",
        code: CODE,
        day: FOURTH,
        to: FOURTH,
        days: 1,
        only: "tushare",
        missing: "tdx",
        ledger: "present, tushare, call c-9: complete answer of 4 rows",
      },
    ]);
    assert.deepEqual([report.isEqual, report.common, report.findings, report.listed], [false, 3, 2, found]);
    assert.deepEqual(report.missing, [
      { provider: "tdx", isEmpty: false, codes: [CODE], days: 1, from: FOURTH, to: FOURTH, unserved: [] },
    ]);
    assert.deepEqual(progress.at(-1), { codes: 1, codesDone: 1, findings: 2 });

    const equal = await run(clickhouse, { from: FIRST, to: SECOND });
    assert.deepEqual([equal.report.isEqual, equal.report.common, equal.found], [true, 2, []]);

    const yahoo = await run(clickhouse, { providers: ["yahoo", "tushare"], from: FIRST, to: FIRST });
    assert.deepEqual(
      [yahoo.report.cells.amount, yahoo.report.cells.pre_close],
      [counts(0, 0, 0, 1), counts(0, 0, 0, 1)],
    );

    const all = await run(clickhouse, { codes: "all", listMax: 1 });
    assert.deepEqual(
      all.report.codes.map(({ code }) => code),
      [CODE, OTHER],
    );
    assert.deepEqual([all.report.findings, all.report.listed.length, all.found.length], [3, 1, 3]);

    const none = await run(clickhouse, { providers: ["tushare", "akshare"], codes: [OTHER], from: FIRST, to: SECOND });
    assert.deepEqual(
      [none.report.isEqual, none.report.missing],
      [false, [{ provider: "akshare", isEmpty: true, codes: [OTHER], days: 1, from: FIRST, to: FIRST, unserved: [] }]],
    );
    const nobody = parseSecurityCode("920002.BJ");
    const neither = await run(clickhouse, { providers: ["tushare", "baostock"], codes: [nobody] });
    assert.deepEqual(
      [neither.report.isEqual, neither.report.withoutRows, neither.report.missing],
      [
        false,
        [nobody],
        [
          {
            provider: "tushare",
            isEmpty: true,
            codes: [nobody],
            days: 0,
            from: undefined,
            to: undefined,
            unserved: [],
          },
          {
            provider: "baostock",
            isEmpty: true,
            codes: [],
            days: 0,
            from: undefined,
            to: undefined,
            unserved: [nobody],
          },
        ],
      ],
    );

    await store.addBatch(
      [
        factorModel({ tradingDay: FIRST, factor: parseDecimal("108.031") }, VERSION),
        factorModel({ tradingDay: SECOND, factor: parseDecimal("111.049") }, VERSION),
        factorModel({ tradingDay: THIRD, factor: parseDecimal("120") }, VERSION),
        factorModel({ tradingDay: FIRST, factor: parseDecimal("11.949786"), source: SOURCE.BAOSTOCK }, VERSION),
        factorModel({ tradingDay: SECOND, factor: parseDecimal("12.283622"), source: SOURCE.BAOSTOCK }, VERSION),
        factorModel({ tradingDay: THIRD, factor: parseDecimal("13.5"), source: SOURCE.BAOSTOCK }, VERSION),
      ],
      never,
    );
    const factors = await run(clickhouse, { dataSet: "adjustment-factors", providers: ["tushare", "baostock"] });
    assert.deepEqual(factors.report.cells, { factor: counts(1, 1, 1, 0) });
    assert.deepEqual(
      factors.found.map((one) => (one.kind === "cell" ? one.said.map(({ value, ratio }) => `${value} ${ratio}`) : one)),
      [["120 1.11079", "13.5 1.12973"]],
    );
  });

  test("more rows than one question answers: codes in batches, a code by months, and minutes with their clock", async (t) => {
    const clickhouse = await open(t, "batches");
    if (clickhouse === undefined) {
      return;
    }
    await ensureSchema(
      clickhouse,
      { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true },
      silentLog,
      never,
    );
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const codes = Array.from({ length: 300 }, (_, index) => parseSecurityCode(`${600_100 + index}.SH`));
    await store.addBatch(
      codes.flatMap((code) => [bar(FIRST, { code }), tdxBar(FIRST, { code })]),
      never,
    );
    const days = await run(clickhouse, { codes: "all" });
    assert.deepEqual([days.report.isEqual, days.report.common], [true, 300]);
    assert.deepEqual(
      days.progress.map(({ codesDone }) => codesDone),
      [250, 300, 300],
    );

    // A year of a hundred bars a day and side; one bar of the last day differs, one is missing.
    const year = weekdays("2024-01-02", 250);
    const last = year.at(-1) ?? FIRST;
    const clock = (index: number): string =>
      `${String(10 + Math.floor(index / 60))}:${String(index % 60).padStart(2, "0")}:00`;
    const minutes = (day: Day, make: typeof bar, count: number) =>
      Array.from({ length: count }, (_, index) =>
        make(day, { frequency: "1m", time: `${day} ${clock(index)}`, preClose: undefined }),
      );
    for (const day of year) {
      await store.addBatch([...minutes(day, bar, 100), ...minutes(day, tdxBar, day === last ? 99 : 100)], never);
    }
    await store.addBatch(
      [
        tdxBar(
          last,
          { frequency: "1m", time: `${last} 10:00:00`, preClose: undefined, high: parseDecimal("12") },
          VERSION + 5n,
        ),
      ],
      never,
    );
    assert.ok(year.length * 200 > PAIR_ROWS_MAX);
    const within = await run(clickhouse, { frequency: "1m" });
    assert.ok(within.progress.length > 1);
    assert.equal(within.report.common, year.length * 100 - 1);
    assert.deepEqual(
      within.found.map((one) => (one.kind === "days" ? one : [one.kind, one.day, one.time])),
      [
        ["cell", last, `${last} 10:00:00`],
        ["bar", last, `${last} 11:39:00`],
      ],
    );
    assert.deepEqual(within.report.missing[0]?.from, last);
  });
});
