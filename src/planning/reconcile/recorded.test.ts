import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { requireRecordings } from "../../../test/support/services.ts";
import { fromScaled, parseDecimal, shiftDecimal } from "../../base/decimal.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import type { StoredPair, StoredSide } from "../../ports/stored-pair.ts";
import { readCsv } from "../../simulators/tushare/read-csv.ts";
import { TDX_FACTS } from "../../sources/tdx/facts.ts";
import { TUSHARE_FACTS } from "../../sources/tushare/facts.ts";
import { addCells, type Finding } from "./findings.ts";
import { Reconciliation } from "./reconcile.ts";

const CODE = parseSecurityCode("000001.SZ");
/** Days on which the two recordings say another price, all in 2000: a few cents, and one low. */
const PRICE_DAYS = 21;
/**
 * Days whose volume or turnover is another one than rounding explains. Since 2001 there are four, of turnover: of 75 and 35
 * yuan, and of 1 and 0.3 yuan at the edge of a thousand.
 */
const TRADE_DAYS = [
  "2000-04-18",
  "2000-07-04",
  "2000-07-05",
  "2000-07-24",
  "2000-08-01",
  "2000-08-07",
  "2000-08-08",
  "2000-08-16",
  "2000-08-30",
  "2000-09-06",
  "2000-09-12",
  "2010-05-13",
  "2011-02-10",
  "2012-04-26",
  "2012-06-04",
];

test("twenty years recorded from Tushare and from TongDaXin differ where the recordings do, and rounding explains the rest", (t) => {
  const folder = requireRecordings(t);
  if (folder === undefined) {
    return;
  }
  const left = readTushare(join(folder, "tushare/daily/000001.SZ.csv"));
  const right = readDayFile(join(folder, "tdx/sz000001.day"));
  const days = [...right.keys()].filter((day) => left.has(day)).toSorted();
  const found: Finding[] = [];
  const reconciliation = new Reconciliation({
    frequency: "1d",
    facts: [TUSHARE_FACTS, TDX_FACTS],
    listMax: 10,
    found: (finding) => found.push(finding),
  });
  reconciliation.take(
    days.map((day): StoredPair => ({ code: CODE, day, time: "", left: left.get(day), right: right.get(day) })),
    () => [],
  );
  const { codes } = reconciliation.end();
  const daysOf = (...cells: readonly string[]): readonly string[] => [
    ...new Set(found.filter((one) => one.kind === "cell" && cells.includes(one.cell)).map(({ day }) => day)),
  ];
  assert.equal(codes[0]?.common, 4_995);
  const { volume, amount, close } = addCells(codes);
  t.diagnostic(JSON.stringify({ close, volume, amount }));
  assert.equal(daysOf("open", "high", "low", "close").length, PRICE_DAYS);
  for (const f of found)
    if (f.kind === "cell" && !["open", "high", "low", "close"].includes(f.cell) && f.day > "2001")
      assert.deepEqual(daysOf("volume", "amount"), TRADE_DAYS);
});

function side(cells: StoredSide["cells"]): StoredSide {
  return { cells, fetchedAt: "", callId: "", requestId: "" };
}

function readTushare(path: string): ReadonlyMap<Day, StoredSide> {
  const rows = readCsv(readFileSync(path, "utf8"));
  return new Map(
    rows.map((row) => {
      const cell = (name: string) => parseDecimal(row[name] ?? "");
      const day = (row["trade_date"] ?? "").replaceAll("-", "").slice(0, 8);
      const { open, high, low, close } = {
        open: cell("open"),
        high: cell("high"),
        low: cell("low"),
        close: cell("close"),
      };
      const [volume, amount] = [shiftDecimal(cell("vol"), 2), shiftDecimal(cell("amount"), 3)];
      return [parseDay(day), side({ open, high, low, close, pre_close: cell("pre_close"), volume, amount })];
    }),
  );
}

/** Records of 32 bytes as an import reads them: shares, and the turnover's float to the fen. */
function readDayFile(path: string): ReadonlyMap<Day, StoredSide> {
  const bytes = readFileSync(path);
  const days = new Map<Day, StoredSide>();
  for (let at = 0; at < bytes.length; at += 32) {
    const price = (offset: number) => fromScaled(BigInt(bytes.readUInt32LE(at + offset)), 2);
    days.set(
      parseDay(String(bytes.readUInt32LE(at))),
      side({
        open: price(4),
        high: price(8),
        low: price(12),
        close: price(16),
        pre_close: null,
        volume: String(bytes.readUInt32LE(at + 24)),
        amount: fromScaled(BigInt(Math.round(bytes.readFloatLE(at + 20) * 100)), 2),
      }),
    );
  }
  return days;
}
