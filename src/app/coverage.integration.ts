import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { suiteOnEngines, type OpenDatabase } from "../../test/support/clickhouse-suite.ts";
import { barModel, instrumentModel } from "../../test/support/models.ts";
import { systemClock } from "../base/clock.ts";
import { DataError } from "../base/errors.ts";
import { silentLog } from "../base/log.ts";
import { SHANGHAI, parseDay, type Day } from "../domain/day.ts";
import { SOURCE } from "../domain/enums.ts";
import type { Instrument } from "../domain/rows.ts";
import { parseSecurityCode, type SecurityCode } from "../domain/security-code.ts";
import type { ReferenceStore } from "../ports/store.ts";
import type { ClickHouse } from "../store/clickhouse/client.ts";
import { openClickHouseLedger } from "../store/clickhouse/ledger.ts";
import { ensureSchema } from "../store/clickhouse/schema.ts";
import { createClickHouseStore } from "../store/clickhouse/store.ts";
import type { CoverageOptions, CoverageReport } from "./app-api.ts";
import { readCoverage } from "./coverage.ts";

const never = new AbortController().signal;
/** More than are compared day by day at once. */
const CODES = Array.from({ length: 300 }, (_, index) => parseSecurityCode(`${600_000 + index}.SH`));
const VERSION = 2_000_000_000_000_000n;
const LAST = parseDay("2025-06-27");
const BEFORE = parseDay("2025-06-26");
const EVENING_MS = Date.parse("2025-06-27T08:30:00Z");
const MARKET_OPTIONS: CoverageOptions = { dataSet: "bars", codes: "listed", from: undefined, to: undefined };

suiteOnEngines("coverage", (open) => {
  test("of a whole market, a row on a pending day is no difference, and it hides no row that was lost", async (t) => {
    const clickhouse = await market(t, open, "rows");
    if (clickhouse === undefined) {
      return;
    }
    const evening = await cover(clickhouse, MARKET_OPTIONS, EVENING_MS);
    assert.deepEqual(counted(evening), { present: 300, pending: 300, lost: 0, notCompared: 0, unknown: 0 });
    assert.equal(evening.isExplained, true);
    const few = await cover(clickhouse, { ...MARKET_OPTIONS, codes: CODES.slice(0, 9) }, EVENING_MS);
    assert.deepEqual(counted(few), { present: 9, pending: 9, lost: 0, notCompared: 0, unknown: 0 });

    const nextMs = EVENING_MS + 24 * 60 * 60_000;
    assert.equal((await cover(clickhouse, MARKET_OPTIONS, nextMs)).isExplained, true);
    const overdue = await cover(clickhouse, MARKET_OPTIONS, nextMs + 60 * 60_000);
    assert.deepEqual(overdue.overdue, { days: 300, since: LAST });
    assert.deepEqual([overdue.isExplained, overdue.warning?.missing], [false, 300]);

    const lost = CODES.slice(10, 30);
    await clickhouse.command(
      `DELETE FROM ${clickhouse.database}.bar_row WHERE trading_day = '${BEFORE}' AND code IN {codes:Array(String)}`,
      { codes: lost },
      never,
    );
    const holed = await cover(clickhouse, MARKET_OPTIONS, EVENING_MS);
    assert.deepEqual(counted(holed), { present: 280, pending: 300, lost: 20, notCompared: 0, unknown: 0 });
    assert.deepEqual(
      holed.codes.filter(({ counts }) => counts["row-missing"] > 0).map(({ code }) => code),
      lost,
    );
    assert.equal(holed.isExplained, false);
  });

  test("beyond the calendar's end nothing is guessed: a range behind it is refused, one across it is cut and says so", async (t) => {
    const clickhouse = await market(t, open, "calendar");
    if (clickhouse === undefined) {
      return;
    }
    const nowMs = Date.parse("2027-01-08T12:00:00Z");
    const [beyond, inside] = [parseDay("2027-01-04"), parseDay("2026-12-30")];
    await assert.rejects(
      cover(clickhouse, { ...MARKET_OPTIONS, codes: CODES.slice(0, 1), from: beyond }, nowMs),
      (error) => error instanceof DataError && /ends on 2026-12-31.*gdw request --kind calendar/.test(error.message),
    );
    const late = (instrument: Instrument): Instrument => ({ ...instrument, listedOn: parseDay("2027-01-05") });
    const across = { ...MARKET_OPTIONS, codes: CODES.slice(0, 2), from: inside, to: beyond };
    const cut = await cover(clickhouse, across, nowMs, late);
    assert.deepEqual(cut.range, { from: inside, to: "2026-12-31", isNamed: true, namedTo: beyond });
    assert.deepEqual([cut.expected, cut.codes.length], [0, 2]);
  });
});

function counted({ counts, codesNotCompared, rowsUnknown }: CoverageReport): unknown {
  return {
    present: counts.present,
    pending: counts.pending,
    lost: counts["row-missing"],
    notCompared: codesNotCompared,
    unknown: rowsUnknown,
  };
}

/** Every code has a row of both days; the ledger calls the first present, and the last was asked for too early. */
async function market(t: TestContext, open: OpenDatabase, word: string): Promise<ClickHouse | undefined> {
  const clickhouse = await open(t, word);
  if (clickhouse === undefined) {
    return undefined;
  }
  const schema = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
  await ensureSchema(clickhouse, schema, silentLog, never);
  const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
  const evidence = { provider: "tushare", callId: "call", version: VERSION, note: "note" } as const;
  const askAgainAtMs = Date.parse("2025-06-27T09:00:00Z");
  await openClickHouseLedger(clickhouse, systemClock).write(
    CODES.map((code) => ({
      key: { dataSet: "bars", frequency: "1d", code },
      change: () => [
        { from: BEFORE, to: BEFORE, state: "present", evidence },
        { from: LAST, to: LAST, state: "pending", evidence, askAgainAtMs },
      ],
    })),
    never,
  );
  await store.addBatch(
    CODES.flatMap((code) => [bar(code, BEFORE), bar(code, LAST)]),
    never,
  );
  return clickhouse;
}

function bar(code: SecurityCode, day: Day): ReturnType<typeof barModel> {
  return barModel({ code, tradingDay: day, time: `${day} 00:00:00` }, VERSION);
}

async function cover(
  clickhouse: ClickHouse,
  options: CoverageOptions,
  nowMs: number,
  change: (instrument: Instrument) => Instrument = (same) => same,
): Promise<CoverageReport> {
  const listed = CODES.map((code) => change(instrumentModel({ code, listedOn: parseDay("2000-01-04") }).row));
  const reference: Pick<ReferenceStore, "calendar" | "instruments"> = {
    calendar: () => Promise.resolve([]),
    instruments: () => Promise.resolve(listed),
  };
  const parts = {
    clickhouse,
    ledger: openClickHouseLedger(clickhouse, systemClock),
    reference,
    quality: { enabled: true, missingThresholdError: 0.1, missingThresholdWarning: 0.01 },
    nowMs,
    publicationOf: () => ({ completeFrom: "17:00", zone: SHANGHAI }),
  };
  return await readCoverage(parts, options, never);
}
