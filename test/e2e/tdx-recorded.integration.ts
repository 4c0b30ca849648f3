import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { SOURCE } from "../../src/domain/enums.ts";
import { recordedData } from "../../src/simulators/tdx/recorded-data.ts";
import { startTdxSimulator } from "../../src/simulators/tdx/simulator.ts";
import { readCsv } from "../../src/simulators/tushare/read-csv.ts";
import { readRecording } from "../../src/simulators/tushare/recording.ts";
import { requireRecordings } from "../support/services.ts";
import { withIndex } from "./recorded-index.ts";
import { openWorkerRig } from "./worker-rig.ts";

const CODE = "000001.SZ";
const ROWS = 4_995;

/** Twenty-one closes of 2000 differ by one to three cents, and one day's low: two recordings of the same days. */
const PRICE_DAYS = [
  "2000-02-15 close -2",
  "2000-03-02 close -2",
  "2000-03-08 close -1",
  "2000-03-09 close -1",
  "2000-04-07 close -1",
  "2000-04-12 close -2",
  "2000-04-17 close 3",
  "2000-04-18 close -1",
  "2000-04-28 close -1",
  "2000-05-19 close -2",
  "2000-05-25 close -1",
  "2000-07-04 close -1",
  "2000-07-31 close -1",
  "2000-08-01 close -1",
  "2000-08-08 close -1",
  "2000-08-11 close -1",
  "2000-08-18 close 2",
  "2000-08-29 close 1",
  "2000-08-30 close -1",
  "2000-09-06 low 2, close 1",
  "2000-09-12 close -1",
];
/**
 * Ten days of 2000 whose volume differs by more than a lot and whose turnover by more than whole thousands of yuan, and two
 * days whose turnover is 75 and 35 yuan more.
 */
const TRADE_DAYS = [
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
  "2012-04-26",
];

test("a recorded day file through the simulated servers differs from Tushare's recording as the two recordings do", async (t) => {
  const recordings = requireRecordings(t);
  if (recordings === undefined) {
    return;
  }
  const folder = join(recordings, "tushare");
  await using tdx = await startTdxSimulator({ data: withIndex(await recordedData(join(recordings, "tdx"))) });
  await using rig = await openWorkerRig(t, {
    data: await readRecording(folder),
    env: {
      GINKGO_PROVIDERS_CHAIN: "tushare,tdx",
      GINKGO_TDX_HOSTS: `${tdx.host}:${tdx.port}`,
      GINKGO_TDX_CALLS_PER_MINUTE: "100000",
    },
  });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const params = { code: CODE, start_date: "20000214", end_date: "20210514", provider: "tdx" };
  await rig.publish([{ key: CODE, value: { command: "bar_snapshot", params } }]);
  await rig.untilSettled(1);
  const stored = await rig.select<Stored>(
    `SELECT toString(trading_day) AS day, toString(open) AS open, toString(high) AS high, toString(low) AS low,
      toString(close) AS close, toString(volume) AS volume, toString(amount) AS amount
     FROM @bar_row FINAL WHERE source = ${SOURCE.TDX} AND code = '${CODE}' ORDER BY trading_day`,
  );
  assert.equal(stored.length, ROWS);

  const file = readDayFile(await readFile(join(recordings, "tdx", "sz000001.day")));
  const tushare = await readTushare(join(folder, "daily", `${CODE}.csv`));
  const prices: string[] = [];
  const trades: string[] = [];
  let [equalVolumes, cutTurnovers, exactTurnovers] = [0, 0, 0];
  for (const row of stored) {
    const recorded = file.get(row.day);
    const other = tushare.get(row.day);
    assert.ok(recorded !== undefined && other !== undefined, row.day);
    // What the servers have arrives as the wire carries it: prices to the cent, whole lots, the turnover's 24 bits.
    assert.deepEqual(
      [...PRICES.map((name) => cents(row[name])), BigInt(row.volume), row.amount],
      [...PRICES.map((name) => recorded[name]), lots(recorded.shares) * 100n, text24(recorded.turnover)],
      row.day,
    );
    const off = PRICES.flatMap((name) => {
      const by = cents(row[name]) - other[name];
      return by === 0n ? [] : [`${name} ${by}`];
    });
    if (off.length > 0) {
      prices.push(`${row.day} ${off.join(", ")}`);
    }
    const lotsOff = BigInt(row.volume) / 100n - lots(other.shares);
    const centsOff = centsOf(row.amount) - other.turnoverCents;
    // Half of the last of 24 bits, either way, below whole thousands of yuan.
    const bit = other.turnoverCents / 2n ** 24n + 1n;
    const isCut = centsOff <= bit && centsOff > -100_000n - bit;
    if (lotsOff > 1n || lotsOff < -1n || !isCut) {
      trades.push(row.day);
    }
    equalVolumes += lotsOff === 0n ? 1 : 0;
    cutTurnovers += isCut ? 1 : 0;
    exactTurnovers += text24(Math.fround(Number.parseFloat(String(other.turnoverCents)) / 100)) === row.amount ? 1 : 0;
  }
  assert.deepEqual(prices, PRICE_DAYS);
  assert.deepEqual(trades, TRADE_DAYS);
  t.diagnostic(
    `${stored.length} days: prices equal but on ${prices.length}; volume in lots equal on ${equalVolumes}, within one lot but on ` +
      `${trades.length}; turnover equal to 24 bits on ${exactTurnovers}, cut by less than 1,000 yuan on ${cutTurnovers - exactTurnovers}`,
  );
  assert.deepEqual(await rig.select("SELECT DISTINCT outcome FROM @outcome_row FINAL"), [{ outcome: "stored" }]);
  await worker.stop();
});

type Stored = Readonly<Record<"day" | "open" | "high" | "low" | "close" | "volume" | "amount", string>>;
const PRICES = ["open", "high", "low", "close"] as const;

interface Recorded {
  readonly open: bigint;
  readonly high: bigint;
  readonly low: bigint;
  readonly close: bigint;
  readonly shares: bigint;
  readonly turnover: number;
}

/** By the layout that `datasets.md` gives, with nothing of the sources or the simulator. */
function readDayFile(bytes: Buffer): ReadonlyMap<string, Recorded> {
  const days = new Map<string, Recorded>();
  for (let at = 0; at < bytes.length; at += 32) {
    const day = String(bytes.readUInt32LE(at));
    days.set(`${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`, {
      open: BigInt(bytes.readUInt32LE(at + 4)),
      high: BigInt(bytes.readUInt32LE(at + 8)),
      low: BigInt(bytes.readUInt32LE(at + 12)),
      close: BigInt(bytes.readUInt32LE(at + 16)),
      turnover: bytes.readFloatLE(at + 20),
      shares: BigInt(bytes.readUInt32LE(at + 24)),
    });
  }
  return days;
}

async function readTushare(
  path: string,
): Promise<ReadonlyMap<string, Omit<Recorded, "turnover"> & { readonly turnoverCents: bigint }>> {
  const rows = readCsv(await readFile(path, "utf8"));
  return new Map(
    rows.map((row) => {
      const cell = (name: string): string => row[name] ?? "";
      const day = cell("trade_date").replaceAll("-", "").slice(0, 8);
      return [
        `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`,
        {
          open: cents(cell("open")),
          high: cents(cell("high")),
          low: cents(cell("low")),
          close: cents(cell("close")),
          shares: centsOf(cell("vol")),
          turnoverCents: scaled(cell("amount"), 5),
        },
      ];
    }),
  );
}

function lots(shares: bigint): bigint {
  return shares / 100n;
}

const cents = (text: string): bigint => scaled(text, 2);
const centsOf = cents;

function scaled(text: string, places: number): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(`${whole}${fraction.slice(0, places).padEnd(places, "0")}`);
}

/** A float of 32 bits as yuan and cents, half up: exact, since it has fewer bits than one of 64 when multiplied by 100. */
function text24(value: number): string {
  const text = String(BigInt(Math.round(value * 100))).padStart(3, "0");
  const fraction = text.slice(-2).replace(/0+$/, "");
  return fraction === "" ? text.slice(0, -2) : `${text.slice(0, -2)}.${fraction}`;
}
