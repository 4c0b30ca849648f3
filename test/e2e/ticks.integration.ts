import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { z } from "zod";

import { app } from "../../src/app.ts";
import { silentLog } from "../../src/base/log.ts";
import { loadConfig } from "../../src/config.ts";
import { parseDay, type Day } from "../../src/domain/day.ts";
import { generateMarket } from "../../src/market/generate-market.ts";
import { marketData } from "../../src/simulators/tdx/market-data.ts";
import { recordedData } from "../../src/simulators/tdx/recorded-data.ts";
import { startTdxSimulator } from "../../src/simulators/tdx/simulator.ts";
import type { TdxData, TdxTick } from "../../src/simulators/tdx/tdx-data.ts";
import { readRecording } from "../../src/simulators/tushare/recording.ts";
import { requireRecordings } from "../support/services.ts";
import { openProvidersRig } from "./providers-rig.ts";
import { withIndex } from "./recorded-index.ts";
import { openWorkerRig, type WorkerRig } from "./worker-rig.ts";

const MARKET = { seed: 11, codes: 12, tradingDays: 4 };
const market = generateMarket(MARKET);
const [CODE = ""] = market.securities.flatMap(({ code, delistedOn }) => (delistedOn === undefined ? [code] : []));
const [FIRST, SECOND] = market.days;
assert.ok(FIRST !== undefined && SECOND !== undefined);

/** Ticks that a test gives and takes away; everything else is the market's. */
function withTicks(days: ReadonlyMap<string, readonly TdxTick[]>): TdxData {
  const data = marketData(market);
  return { ...data, ticks: (code, day) => (code === CODE ? (days.get(day) ?? []) : data.ticks(code, day)) };
}

/** A day of 5,000 prints and more: three pages, and in every minute three that are equal in everything. */
function busyDay(prints: number): TdxTick[] {
  const minutes = [...Array(120).keys()].map((at) => 570 + at).concat([...Array(120).keys()].map((at) => 780 + at));
  const trade = (minute: number, at: number): TdxTick => ({
    minute,
    priceMilli: 10_000 + 10 * (at % 3 === 0 ? 0 : at % 17),
    volume: at % 3 === 0 ? 500 : 100 * (1 + (at % 29)),
    trades: 1 + (at % 5),
    side: at % 2,
  });
  const ticks = minutes.flatMap((minute) => [...Array(Math.ceil(prints / 240)).keys()].map((at) => trade(minute, at)));
  return [
    { minute: 565, priceMilli: 10_000, volume: 12_300, trades: 30, side: 2 },
    ...ticks.slice(0, prints - 2),
    { minute: 900, priceMilli: 10_010, volume: 45_600, trades: 90, side: 2 },
  ];
}

const SIDES = [1, 2, 0];

function expected(day: Day, ticks: readonly TdxTick[]): readonly string[] {
  const places = new Map<number, number>();
  return ticks.map(({ minute, priceMilli, volume, side }) => {
    const place = places.get(minute) ?? 0;
    places.set(minute, place + 1);
    const clock = `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
    const price = String(priceMilli / 1_000);
    return `${day} ${clock}:00.000 ${place} ${price} ${volume} ${SIDES[side]}`;
  });
}

/** In the order that readers get. */
async function stored(rig: WorkerRig, view = "tick", where = `code = '${CODE}'`): Promise<readonly string[]> {
  const rows = await rig.select<{ readonly line: string }>(
    `SELECT concat(toString(timestamp), ' ', toString(sequence), ' ', toString(price), ' ', toString(volume), ' ', toString(direction)) AS line
     FROM @\`${view}\` WHERE ${where} ORDER BY timestamp, sequence`,
  );
  return rows.map(({ line }) => line);
}

async function rowCount(rig: WorkerRig): Promise<number> {
  const [row] = await rig.select<{ readonly rows: string }>("SELECT toString(count()) AS rows FROM @tick_row");
  return Number.parseInt(row?.rows ?? "0", 10);
}

test("three equal trades of a minute stay three, in wire order, over pages in reverse and one that is missing; a second run adds nothing", async (t) => {
  const days = new Map<string, readonly TdxTick[]>([
    [FIRST, busyDay(5_300)],
    [SECOND, busyDay(2_000)],
  ]);
  await using two = await openProvidersRig(t, {
    market: MARKET,
    tdx: { data: withTicks(days) },
    env: { GINKGO_WORKER_RETRY_WAIT_MS: "50", GINKGO_WORKER_RETRY_WAIT_MS_MAX: "200" },
  });
  if (two === undefined) {
    return;
  }
  const { rig, tdx } = two;
  // Whichever server is asked, its second page of the day is the one behind it.
  for (const server of tdx) {
    server.injectFault({ kind: "missing-page" }, { command: "ticks-past", skip: 1 });
  }
  const worker = rig.start();
  const ask = (params: Readonly<Record<string, unknown>>) => ({
    key: CODE,
    value: { command: "tick", params: { code: CODE, start_date: FIRST, end_date: SECOND, ...params } },
  });
  await rig.publish([ask({})]);
  await rig.untilSettled(1);
  const both = [FIRST, SECOND].flatMap((day) => expected(day, days.get(day) ?? []));
  assert.deepEqual(await stored(rig), both);
  const name = `${CODE.replace(".", "_")}_Tick`;
  assert.deepEqual(await stored(rig, name, "1"), both, "under the name that Ginkgo reads");
  assert.equal(await rowCount(rig), both.length);
  const triples = await rig.select<{ readonly most: string }>(
    "SELECT toString(max(n)) AS most FROM (SELECT count() AS n FROM @tick GROUP BY timestamp, price, volume, direction)",
  );
  assert.ok(Number.parseInt(triples[0]?.most ?? "0", 10) >= 3);

  const asked = (): number =>
    tdx.reduce((sum, one) => sum + one.requests.filter(({ command }) => command === "ticks-past").length, 0);
  const before = asked();
  await rig.publish([ask({})]);
  await rig.untilSettled(2);
  assert.equal(asked(), before, "what is known is not asked for");
  await rig.publish([ask({ overwrite: true })]);
  await rig.untilSettled(3);
  assert.ok(asked() > before, "overwrite asks again");
  assert.equal(await rowCount(rig), both.length, "and equal ticks are not written again");
  t.diagnostic(`${both.length} ticks, ${before} pages the first time`);

  // The provider has another day now: fewer trades, one of them at another price.
  const fewer = busyDay(4_000).map((tick, at) => (at === 7 ? { ...tick, priceMilli: 10_990 } : tick));
  days.set(FIRST, fewer);
  await rig.publish([ask({ overwrite: true })]);
  await rig.untilSettled(4);
  assert.deepEqual(
    await stored(rig),
    [FIRST, SECOND].flatMap((day) => expected(day, days.get(day) ?? [])),
    "the newer answer is the whole day",
  );
  await worker.stop();
  assert.equal(await rig.lag(), 0n);
});

test("a half-written day is completed, and a day is not done before it is whole", async (t) => {
  const days = new Map<string, readonly TdxTick[]>([[FIRST, busyDay(3_000)]]);
  await using two = await openProvidersRig(t, { market: MARKET, tdx: { data: withTicks(days) } });
  if (two === undefined) {
    return;
  }
  const { rig } = two;
  const message = { key: CODE, value: { command: "tick", params: { code: CODE, start_date: FIRST, end_date: FIRST } } };
  {
    // It ends when the rows are stored and nothing of it is known.
    const stored = Promise.withResolvers<void>();
    const end = Promise.withResolvers<void>();
    const ending = rig.start({
      reached: (point) => {
        if (point === "stored") {
          stored.resolve();
          return end.promise;
        }
        return undefined;
      },
    });
    await rig.publish([message]);
    await stored.promise;
    const dropped = ending.drop();
    end.reject(new Error("ended by the test"));
    await dropped;
  }
  // A half of what was written got through.
  const never = new AbortController().signal;
  await rig.clickhouse.command(
    `ALTER TABLE ${rig.config.clickhouse.database}.tick_row DELETE WHERE sequence % 2 = 1 SETTINGS mutations_sync = 2`,
    {},
    never,
  );
  const half = (await stored(rig)).length;
  assert.ok(half > 0 && half < 3_000, `${half} ticks are left`);
  const worker = rig.start();
  await rig.untilSettled(1);
  await rig.publish([message]);
  await rig.untilSettled(2);
  assert.deepEqual(await stored(rig), expected(FIRST, days.get(FIRST) ?? []));
  await worker.stop();
});

test("ticks that were set aside as not supported are sent back and stored once somebody has them", async (t) => {
  const days = new Map<string, readonly TdxTick[]>([[FIRST, busyDay(300)]]);
  await using two = await openProvidersRig(t, { market: MARKET, chain: "baostock", tdx: { data: withTicks(days) } });
  if (two === undefined) {
    return;
  }
  const { rig } = two;
  const before = rig.start();
  await rig.publish([
    { key: CODE, value: { command: "tick", params: { code: CODE, start_date: FIRST, end_date: FIRST } } },
  ]);
  await rig.untilSettled(1);
  await before.stop();
  assert.equal((await rig.messagesOf(`${rig.config.worker.topic}.dlq`)).length, 1);
  assert.deepEqual(await stored(rig), []);

  const env = { ...rig.env, GINKGO_PROVIDERS_CHAIN: "baostock,tdx" };
  const { config } = loadConfig({ flags: new Map(), env, readFile: () => undefined });
  const never = new AbortController().signal;
  const reports = await Array.fromAsync(
    app.redriveDeadLetters(
      config,
      { kind: "open", reason: "not-supported" },
      { isDryRun: false, isForced: false },
      silentLog,
      never,
    ),
  );
  assert.deepEqual([reports.at(-1)?.chosen, reports.at(-1)?.done], [1, 1]);
  const after = rig.start({}, config);
  await rig.untilSettled(2);
  assert.deepEqual(await stored(rig), expected(FIRST, days.get(FIRST) ?? []));
  await after.stop();
});

test("the recorded ticks of five days have the directions and the order of the wire", async (t) => {
  const recordings = requireRecordings(t);
  if (recordings === undefined) {
    return;
  }
  const folder = join(recordings, "tdx");
  const recorded = await recordedData(folder);
  await using tdx = await startTdxSimulator({ data: withIndex(recorded) });
  await using rig = await openWorkerRig(t, {
    data: await readRecording(join(recordings, "tushare")),
    env: { GINKGO_PROVIDERS_CHAIN: "tushare,tdx", GINKGO_TDX_HOSTS: `${tdx.host}:${tdx.port}` },
  });
  if (rig === undefined) {
    return;
  }
  const worker = rig.start();
  const params = { code: RECORDED, start_date: "20240115", end_date: "20240119" };
  await rig.publish([{ key: RECORDED, value: { command: "tick", params } }]);
  await rig.untilSettled(1);
  // Another client's reading of the same wire: time, price, lots, 0 buy, 1 sell, 2 neutral or auction.
  const text = await readFile(join(folder, "ticks-000001-2024-01.json"), "utf8");
  const days = Object.entries(z.record(z.string(), RECORDED_DAY).parse(JSON.parse(text)));
  const wanted = days.flatMap(([day, ofDay]) =>
    expected(
      parseDay(day),
      (ofDay?.data ?? []).map(({ time, price, vol, buyorsell }) => {
        const [hours = "", minutes = ""] = time.split(":");
        const minute = Number.parseInt(hours, 10) * 60 + Number.parseInt(minutes, 10);
        return { minute, priceMilli: Math.round(price * 1_000), volume: vol * 100, trades: 0, side: buyorsell };
      }),
    ),
  );
  assert.equal(wanted.length, 50);
  assert.deepEqual(await stored(rig, "tick", `code = '${RECORDED}'`), wanted);
  const sides = Map.groupBy(
    days.flatMap(([, ofDay]) => ofDay?.data ?? []),
    ({ buyorsell }) => buyorsell,
  );
  t.diagnostic([...sides].map(([side, ticks]) => `wire ${side} stored as ${SIDES[side]}: ${ticks.length}`).join(", "));
  await worker.stop();
});

const RECORDED = "000001.SZ";
const RECORDED_DAY = z
  .object({
    data: z.array(z.object({ time: z.string(), price: z.number(), vol: z.number(), buyorsell: z.number() })),
  })
  .nullable();
