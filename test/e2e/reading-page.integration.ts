import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { runSql } from "../../src/app/run-sql.ts";
import { systemClock } from "../../src/base/clock.ts";
import { fromScaled, parseDecimal, shiftDecimal, toScaled } from "../../src/base/decimal.ts";
import { silentLog } from "../../src/base/log.ts";
import { compactDay, parseDay } from "../../src/domain/day.ts";
import { SOURCE } from "../../src/domain/enums.ts";
import { parseSecurityCode } from "../../src/domain/security-code.ts";
import { readCsv } from "../../src/simulators/tushare/read-csv.ts";
import type { ClickHouse } from "../../src/store/clickhouse/client.ts";
import { openClickHouseLedger } from "../../src/store/clickhouse/ledger.ts";
import { ensureSchema } from "../../src/store/clickhouse/schema.ts";
import { createClickHouseStore } from "../../src/store/clickhouse/store.ts";
import { suiteOnEngines } from "../support/clickhouse-suite.ts";
import { barModel, calendarDayModel, factorModel, instrumentModel, provenance, tickModel } from "../support/models.ts";

const never = new AbortController().signal;
const PAGE = join(import.meta.dirname, "../../docs/reading.md");
const FIXTURE = join(import.meta.dirname, "../fixtures/tushare");
const CODE = parseSecurityCode("000001.SZ");
const OTHER = parseSecurityCode("600000.SH");

const PARQUET = "\nFORMAT Parquet\n";

/** Each with the sentence before it, which says what it is. */
const BLOCKS = [...readFileSync(PAGE, "utf8").matchAll(/([^\n]+)\n\n```sql\n([\s\S]*?)```/g)].map((match) => ({
  title: match[1] ?? "",
  sql: match[2] ?? "",
}));

suiteOnEngines("the page on reading", (open) => {
  test("there are at least ten queries", () => {
    assert.ok(BLOCKS.length >= 10, `${BLOCKS.length}`);
  });

  for (const { title, sql } of BLOCKS) {
    test(`runs as printed: ${title}`, async (t) => {
      const clickhouse = await open(t, "page");
      if (clickhouse === undefined) {
        return;
      }
      await fill(clickhouse);
      const here = sql.replaceAll("ginkgo.", `${clickhouse.database}.`);
      assert.notEqual(here, sql);
      if (here.endsWith(PARQUET)) {
        const bytes = await collect(clickhouse.raw(here.slice(0, -PARQUET.length), "Parquet", never));
        assert.equal(bytes.subarray(0, 4).toString("latin1"), "PAR1");
        assert.ok(bytes.length > 5_000);
        return;
      }
      const lines = (await collect(runSql(clickhouse, here, "json", never))).toString().trim().split("\n");
      const rows: unknown[] = lines.map((line) => JSON.parse(line) as unknown);
      assert.ok(rows.length > 0 && lines[0] !== "", title);
      t.diagnostic(`${rows.length} rows, the first ${lines[0]}`);
    });
  }

  test("the adjusted closes of the page are those of price × factor ÷ factor at the anchor", async (t) => {
    const clickhouse = await open(t, "page");
    const block = BLOCKS.find(({ title }) => title.startsWith("Close adjusted at an anchor"));
    assert.ok(block);
    if (clickhouse === undefined) {
      return;
    }
    await fill(clickhouse);
    const rows = await clickhouse.query<{ readonly trading_day: string; readonly adjusted_close: string }>(
      block.sql.replaceAll("ginkgo.", `${clickhouse.database}.`),
      {},
      never,
    );
    assert.equal(rows.length, 144);
    assert.deepEqual(rows.at(-1), { ...rows.at(-1), trading_day: "2024-12-31", adjusted_close: "11.7" });
    const closes = new Map(readTable("daily").map((row) => [row["trade_date"], row["close"]]));
    const factors = new Map(readTable("adj_factor").map((row) => [row["trade_date"], row["adj_factor"]]));
    const scaled = (text: string | undefined, scale: number): bigint => toScaled(parseDecimal(text), scale);
    for (const { trading_day: day, adjusted_close: adjusted } of rows) {
      const product =
        scaled(closes.get(compactDay(parseDay(day))), 4) * scaled(factors.get(compactDay(parseDay(day))), 8);
      const by = scaled(factors.get("20241231"), 8);
      assert.equal(adjusted, fromScaled((2n * product + by) / (2n * by), 4), day);
    }
  });

  test("no return of the page bridges a day without a factor, and days of unknown turnover are counted", async (t) => {
    const clickhouse = await open(t, "holes");
    if (clickhouse === undefined) {
      return;
    }
    const schema = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
    await ensureSchema(clickhouse, schema, silentLog, never);
    const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
    const days = ["2024-06-12", "2024-06-13", "2024-06-14", "2024-06-17"].map((day) => parseDay(day));
    const closes = ["10", "11", "12.1", "24.2"].map((close) => parseDecimal(close));
    const bars = days.map((day, index) => {
      const turnover = index === 1 ? undefined : parseDecimal("1000");
      return barModel({
        code: CODE,
        tradingDay: day,
        time: `${day} 00:00:00`,
        close: closes[index] ?? parseDecimal("1"),
        turnover,
      });
    });
    const factors = days.flatMap((day, index) =>
      index === 1 ? [] : [factorModel({ tradingDay: day, factor: parseDecimal("1") })],
    );
    await store.addBatch([...bars, ...factors], never);
    const ask = async (start: string): Promise<readonly unknown[]> => {
      const block = BLOCKS.find(({ title }) => title.startsWith(start));
      assert.ok(block, start);
      return await clickhouse.query(block.sql.replaceAll("ginkgo.", `${clickhouse.database}.`), {}, never);
    };
    assert.deepEqual(await ask("Daily returns over ex-days"), [
      { trading_day: "2024-06-12", daily_return: null },
      { trading_day: "2024-06-13", daily_return: null },
      { trading_day: "2024-06-14", daily_return: null },
      { trading_day: "2024-06-17", daily_return: 1 },
    ]);
    const [top] = await ask("The securities with the highest turnover");
    assert.deepEqual(top, {
      code: CODE,
      turnover: "3000",
      shares: String(4 * 123_400),
      days: "4",
      days_without_turnover: "1",
    });
  });
});

const filled = new Map<string, Promise<void>>();

function fill(clickhouse: ClickHouse): Promise<void> {
  const key = `${clickhouse.transport}/${clickhouse.database}`;
  const ready = filled.get(key) ?? write(clickhouse);
  filled.set(key, ready);
  return ready;
}

/** Two securities, one of them our excerpt of the recording, with a ledger and a row that was refused. */
async function write(clickhouse: ClickHouse): Promise<void> {
  const schema = { chain: [SOURCE.TUSHARE], ginkgoUnits: false, apply: true, createDatabase: true };
  await ensureSchema(clickhouse, schema, silentLog, never);
  const store = createClickHouseStore({ clickhouse, clock: systemClock, log: silentLog });
  const bars = readTable("daily").flatMap((row) => {
    const day = parseDay(row["trade_date"]);
    const bar = {
      tradingDay: day,
      time: `${day} 00:00:00`,
      open: parseDecimal(row["open"]),
      high: parseDecimal(row["high"]),
      low: parseDecimal(row["low"]),
      close: parseDecimal(row["close"]),
      preClose: parseDecimal(row["pre_close"]),
      volume: shiftDecimal(parseDecimal(row["vol"]), 2),
      turnover: shiftDecimal(parseDecimal(row["amount"]), 3),
    };
    return [barModel({ ...bar, code: CODE }), barModel({ ...bar, code: OTHER })];
  });
  const factors = readTable("adj_factor").map((row) =>
    factorModel({ tradingDay: parseDay(row["trade_date"]), factor: parseDecimal(row["adj_factor"]) }),
  );
  const day = parseDay("2024-06-03");
  const minutes = ["09:35:00", "09:40:00"].map((time) =>
    barModel({ frequency: "5m", tradingDay: day, time: `${day} ${time}`, preClose: undefined }),
  );
  const ticks = [0, 1, 2].map((sequence) => tickModel({ tradingDay: day, sequence }));
  await store.addBatch([...minutes, ...ticks], never);
  const days = [...new Set(bars.map(({ row }) => row.tradingDay))].map((day) => calendarDayModel({ day }));
  const lists = [instrumentModel(), instrumentModel({ code: OTHER, name: "浦发银行" })];
  await store.addBatch(bars, never);
  await store.addBatch([...factors, ...days, ...lists], never);
  await store.quarantine(
    [
      {
        dataSet: "bars",
        code: CODE,
        day: parseDay("2024-12-31"),
        reason: "price-not-positive",
        detail: "open is 0",
        raw: "[]",
      },
    ],
    provenance(1n),
    never,
  );
  const evidence = { provider: "tushare", callId: "c-1", version: 1n, note: "complete answer" } as const;
  const span = { from: parseDay("2024-06-03"), to: parseDay("2024-12-31"), state: "present", evidence } as const;
  await openClickHouseLedger(clickhouse, systemClock).write(
    [{ key: { dataSet: "bars", frequency: "1d", code: CODE }, change: () => [span] }],
    never,
  );
}

function readTable(name: string): readonly Readonly<Record<string, string>>[] {
  return readCsv(readFileSync(join(FIXTURE, name, `${CODE}.csv`), "utf8"));
}

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) {
    all.push(piece);
  }
  return Buffer.concat(all);
}
