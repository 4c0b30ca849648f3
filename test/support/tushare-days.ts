import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { TestContext } from "node:test";

import { parseDecimal, shiftDecimal } from "../../src/base/decimal.ts";
import { parseDay } from "../../src/domain/day.ts";
import { PROVIDER_SOURCES } from "../../src/domain/provider.ts";
import type { ClickHouse } from "../../src/store/clickhouse/client.ts";

const never = new AbortController().signal;

interface StoredBar {
  readonly day: string;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: string;
  readonly amount: string;
}

/** Days of 000001.SZ as TongDaXin's file has them and as Tushare does: the differences are known one by one. */
export async function compareWithTushare(t: TestContext, clickhouse: ClickHouse, data: string): Promise<void> {
  const stored = await clickhouse.query<StoredBar>(
    `SELECT toString(trading_day) AS day, toString(open) AS open, toString(high) AS high, toString(low) AS low,
     toString(close) AS close, toString(volume) AS volume, toString(amount) AS amount
     FROM ${clickhouse.database}.bar WHERE code = '000001.SZ' AND source = ${PROVIDER_SOURCES.tdx} ORDER BY day`,
    {},
    never,
  );
  const truth = await readTushareDays(path.join(data, "tushare/daily/000001.SZ.csv"));
  const unlike = { prices: new Set<string>(), volumes: new Set<string>(), amounts: new Set<string>() };
  for (const bar of stored) {
    const other = truth.get(bar.day);
    assert.ok(other !== undefined, `${bar.day} is in one recording only`);
    if ((["open", "high", "low", "close"] as const).some((name) => parseDecimal(bar[name]) !== other[name])) {
      unlike.prices.add(bar.day);
    }
    const volumeCut = bar.day >= "2020" ? 0 : 100;
    if (!isCutOf(bar.volume, shiftDecimal(other.volume, 2), volumeCut, bar.day >= "2020")) {
      unlike.volumes.add(bar.day);
    }
    if (!isCutOf(bar.amount, other.amount, bar.day >= "2018-07" ? 0 : 1_000)) {
      unlike.amounts.add(bar.day);
    }
  }
  t.diagnostic(
    `${stored.length} days compared; other prices ${unlike.prices.size}, volumes ${unlike.volumes.size}, turnovers ${unlike.amounts.size}`,
  );
  assert.equal(stored.length, 4_995);
  assert.equal(unlike.prices.size, 21);
  assert.ok([...unlike.prices].every((day) => day.startsWith("2000")));
  assert.deepEqual([...unlike.volumes], UNLIKE_IN_2000);
  assert.deepEqual([...unlike.amounts], UNLIKE_IN_2000);
}

/** Days on which the two recordings are of different trades. */
const UNLIKE_IN_2000 = ["07-04", "07-05", "07-24", "08-01", "08-07", "08-08", "08-16", "08-30", "09-06", "09-12"].map(
  (day) => `2000-${day}`,
);

/**
 * The file has a volume of whole lots until 2018 and turnover in whole thousands until then, and both went through a float
 * of 32 bits, exact ones excepted. Here numbers are compared with a bound, so a float is in its place.
 */
function isCutOf(stored: string, exact: string, cut: number, isExact = false): boolean {
  const step = isExact ? 0 : Number(exact) * 2 ** -23;
  const off = Number(stored) - Number(exact);
  return off >= -(cut + step) && off <= step;
}

interface TushareDay {
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly volume: ReturnType<typeof parseDecimal>;
  readonly amount: string;
}

async function readTushareDays(file: string): Promise<ReadonlyMap<string, TushareDay>> {
  const [head = "", ...lines] = (await readFile(file, "utf8")).trim().split(/\r?\n/);
  const names = head.split(",");
  return new Map(
    lines.map((line) => {
      const cells = line.split(",");
      const cell = (name: string): ReturnType<typeof parseDecimal> => parseDecimal(cells[names.indexOf(name)] ?? "");
      const day = parseDay(cells[names.indexOf("trade_date")] ?? "");
      return [
        day,
        {
          open: cell("open"),
          high: cell("high"),
          low: cell("low"),
          close: cell("close"),
          volume: cell("vol"),
          amount: shiftDecimal(cell("amount"), 3),
        },
      ];
    }),
  );
}
