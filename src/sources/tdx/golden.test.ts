import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parseDay } from "../../domain/day.ts";
import { TICK_DIRECTION } from "../../domain/enums.ts";
import { TICK_FLAGS } from "../../domain/rows.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { corporateActions, readCorporateActions } from "./corporate-actions.ts";
import { encodeRequest, FrameReader, unpackBody, type Frame } from "./frame.ts";
import { kLines, readKLines } from "./k-lines.ts";
import { readSecurityList, securityCount, securityList } from "./lists.ts";
import { mapKLines, mapTicks } from "./mapping.ts";
import { minuteLineOfDay, minuteLineOfToday, readPastMinuteLine, readTodaysMinuteLine } from "./minute-lines.ts";
import { clockText, roundDecimal } from "./primitives.ts";
import { quotes, readQuotes } from "./quotes.ts";
import { HANDSHAKE, HEARTBEAT } from "./session-commands.ts";
import { readTicks, ticksOfDay, ticksOfToday } from "./ticks.ts";
import { HollowAnswerError } from "./errors.ts";
import type { Command } from "./command.ts";

/** Real frames and bodies, and the values that the projects they come from say they mean. */
const GOLDEN = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../../test/fixtures/tdx/golden-samples.json"), "utf8"),
) as Readonly<Record<string, Readonly<Record<string, string>>>>;
const RECORDINGS = join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "tdx");
const BANK = parseSecurityCode("000001.SZ");
const INDEX = parseSecurityCode("000001.SH");

function sample(name: string, part: string): Buffer {
  const found = GOLDEN[name]?.[part];
  assert.ok(found !== undefined && found.length > 0, `${name}.${part} is no sample`);
  return Buffer.from(found, "hex");
}

function frameOf(bytes: Buffer): Frame {
  const [frame, ...others] = new FrameReader().push(bytes);
  assert.ok(frame !== undefined && others.length === 0);
  return frame;
}

function bodyOf(name: string): Buffer {
  return unpackBody(frameOf(sample(name, "answer")));
}

function request(sequence: number, { type, body }: Command<unknown>): string {
  return encodeRequest({ sequence, type, body }).toString("hex");
}

function hex(spaced: string): string {
  return spaced.replaceAll(" ", "");
}

test("the greeting is byte for byte the one of known clients, and its answer names server and time", () => {
  assert.equal(request(0x00941802, HANDSHAKE), GOLDEN["handshake"]?.["request"]);
  assert.equal(bodyOf("handshake").length, 189);
  assert.deepEqual(HANDSHAKE.read(bodyOf("handshake")), {
    serverName: "上海双线主站1",
    serverTime: "2025-06-01 14:25:25",
  });
  assert.deepEqual(HANDSHAKE.read(bodyOf("handshakeOther")), {
    serverName: "上海双线主站14",
    serverTime: "2024-10-13 23:21:54",
  });
});

test("a heartbeat is answered with the current date", () => {
  assert.equal(request(0x00951807, HEARTBEAT), GOLDEN["heartbeat"]?.["request"]);
  const frame = frameOf(sample("heartbeat", "answer"));
  assert.deepEqual([frame.sequence, frame.type], [0x00951807, 0x0004]);
  assert.equal(HEARTBEAT.read(unpackBody(frame)), "2025-05-30");
});

test("counts of both markets", () => {
  const day = parseDay("2017-06-13");
  assert.equal(request(0x006c180c, securityCount(0, day)), GOLDEN["countShenzhen"]?.["request"]);
  assert.equal(request(0x006c180c, securityCount(1, day)), GOLDEN["countShanghai"]?.["request"]);
  const { read } = securityCount(0, day);
  assert.equal(read(bodyOf("countShenzhen")), 6_631);
  assert.equal(read(sample("countBodies", "shanghai")), 13_235);
  assert.equal(read(sample("countBodies", "2026")), 22_736);
});

test("records of the security list", () => {
  assert.equal(request(1, securityList(1, 1_000)), hex("0c010000000106000600 5004 0100e803"));
  assert.deepEqual(readSecurityList(sample("securityList", "body")), [
    { digits: "395001", name: "主板Ａ股", lotSize: 100, decimals: 2, preClose: "1491" },
    { digits: "395002", name: "主板Ｂ股", lotSize: 100, decimals: 2, preClose: "38" },
  ]);
});

test("daily bars: request and answer, prices in thousandths, lots to shares", () => {
  const command = kLines({ code: BANK, interval: "1d", start: 0, count: 10, isIndex: false });
  assert.equal(request(0x01640801, command), GOLDEN["dailyFrames"]?.["request"]);
  const { bars, rejected, suspensions } = mapKLines(command.read(bodyOf("dailyFrames")), BANK, "1d");
  assert.deepEqual([rejected, suspensions], [[], []]);
  const table = bars.map((bar) =>
    [bar.tradingDay, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover].join(" "),
  );
  assert.deepEqual(table, [
    "2017-06-06 9.01 9.06 8.99 9.04 35534100 320520896",
    "2017-06-07 9.02 9.15 9.01 9.13 64572300 587357696",
    "2017-06-08 9.11 9.15 9.08 9.13 38300400 348860768",
    "2017-06-09 9.15 9.22 9.12 9.15 68546800 628281664",
    "2017-06-12 9.15 9.19 9.1 9.11 50457800 461493696",
    "2017-06-13 9.11 9.14 9.05 9.12 44843400 407876704",
    "2017-06-14 9.12 9.13 9.04 9.08 37544400 340596128",
    "2017-06-15 9.08 9.08 9.03 9.04 33779700 305610496",
    "2017-06-16 9.04 9.08 9.01 9.02 28599100 258559008",
    "2017-06-19 9.03 9.15 9.02 9.13 48970400 446000768",
  ]);
});

test("daily bars of 2024, the first and the last", () => {
  const rows = readKLines(sample("daily2024", "body"), { category: 9, isIndex: false, askedMax: 800 });
  const { bars } = mapKLines(rows, BANK, "1d");
  assert.equal(bars.length, 10);
  const brief = (index: number): unknown[] => {
    const bar = bars.at(index);
    return [bar?.tradingDay, bar?.open, bar?.high, bar?.low, bar?.close, bar?.volume, bar?.turnover];
  };
  assert.deepEqual(brief(0), ["2024-10-16", "11.8", "12.18", "11.77", "12.06", "191449300", "2301340928"]);
  assert.deepEqual(brief(-1), ["2024-10-29", "11.62", "11.74", "11.53", "11.54", "119802400", "1391150208"]);
});

test("bars of an index have two fields more, and are read right also when the kind is guessed wrong", () => {
  for (const isIndex of [true, false]) {
    const rows = readKLines(sample("indexDaily", "body"), { category: 9, isIndex, askedMax: 800 });
    const { bars } = mapKLines(rows, INDEX, "1d");
    const table = bars.map((bar) =>
      [bar.tradingDay, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover].join(" "),
    );
    assert.deepEqual(table, [
      "2026-03-04 4087.63 4106.04 4055.41 4082.47 76516950000 1113082036224",
      "2026-03-05 4109.78 4125.62 4090.62 4108.57 68974650000 1068043730944",
      "2026-03-06 4085.9 4129.46 4085.9 4124.19 64676570000 978805915648",
    ]);
  }
});

test("a count without rows is a hollow answer, a count of none is an empty one", () => {
  const form = { category: 9, isIndex: false, askedMax: 800 };
  assert.deepEqual(readKLines(bodyOf("hollow"), form), []);
  assert.throws(() => readKLines(Buffer.from([0x0a, 0x00]), form), HollowAnswerError);
  assert.throws(() => readTicks(Buffer.from([0x0a, 0x00]), { isToday: false, askedMax: 2_000 }), HollowAnswerError);
});

test("quotes of two codes with five levels", () => {
  const codes = [BANK, parseSecurityCode("600008.SH")];
  assert.equal(request(2, quotes(codes)), GOLDEN["quotes"]?.["request"]);
  const [bank, water] = readQuotes(bodyOf("quotes"));
  assert.ok(bank !== undefined && water !== undefined);
  const brief = [bank.digits, bank.price, bank.preClose, bank.open, bank.high, bank.low, bank.serverTime, bank.lots];
  assert.deepEqual(brief, ["000001", 1_202, 1_190, 1_180, 1_218, 1_177, 13_252_999, 1_377_271]);
  assert.deepEqual(
    [bank.lastLots, bank.amount, bank.sellLots, bank.buyLots, bank.openAmount],
    [110, "1654559872", 529_867, 847_404, 250_502],
  );
  assert.deepEqual(bank.levels[0], { bid: 1_202, ask: 1_203, bidLots: 3_503, askLots: 826 });
  assert.deepEqual(bank.levels[4], { bid: 1_198, ask: 1_207, bidLots: 2_438, askLots: 1_029 });
  assert.deepEqual([bank.speed, bank.activity], [-24, 2_866]);
  assert.deepEqual([water.price, water.preClose, water.open, water.high, water.low], [320, 314, 315, 322, 314]);
  assert.deepEqual([water.lots, water.amount], [840_894, "268613568"]);
  assert.deepEqual(water.levels[0], { bid: 319, ask: 320, bidLots: 22_330, askLots: 93 });
});

test("ticks of today: directions by the wire's own codes, the auction flagged, trades counted", () => {
  assert.equal(
    request(0, ticksOfToday({ code: BANK, start: 0, count: 10 })),
    hex("0c0000000001 0e000e00 c50f 0000 303030303031 00000a00"),
  );
  const { ticks: wire } = readTicks(sample("ticksToday", "body"), { isToday: true, askedMax: 1_800 });
  const { ticks, rejected } = mapTicks(wire, BANK, parseDay("2026-03-06"));
  assert.deepEqual(rejected, []);
  const table = ticks.map((tick) =>
    [tick.time.slice(11), tick.sequence, tick.price, tick.volume, tick.trades, tick.direction, tick.flags].join(" "),
  );
  const { ACTIVEBUY: buy, ACTIVESELL: sell, NEUTRAL: neutral } = TICK_DIRECTION;
  assert.equal(table[0], `14:56:00 0 10.83 10200 11 ${buy} 0`);
  assert.deepEqual(
    wire.map(({ lots }) => lots),
    [102, 200, 305, 17, 58, 152, 159, 70, 9, 6_768],
  );
  assert.equal(table[5], `14:56:00 5 10.82 15200 6 ${sell} 0`);
  assert.equal(table[7], `14:56:00 7 10.82 7000 7 ${sell} 0`);
  assert.equal(table[8], `14:57:00 0 10.83 900 1 ${buy} 0`);
  assert.equal(table[9], `15:00:00 0 10.82 676800 287 ${neutral} ${TICK_FLAGS.auction}`);
});

test("ticks of a past day: request, previous close, directions, places in the minute", () => {
  const question = { code: BANK, start: 0, count: 100 };
  assert.equal(request(0, ticksOfDay(question, parseDay("2024-10-28"))), GOLDEN["ticksPast"]?.["request"]);
  const answer = readTicks(sample("ticksPast", "body"), { isToday: false, askedMax: 100 });
  assert.equal(answer.preClose?.slice(0, 5), "10.71");
  const { ticks } = mapTicks(answer.ticks, BANK, parseDay("2026-03-05"));
  const table = ticks.map(({ time, sequence, price, volume, direction, flags, trades }) =>
    [time.slice(11, 16), sequence, price, volume, direction, flags, trades ?? "-"].join(" "),
  );
  assert.deepEqual(table, [
    "14:56 0 10.82 3700 1 0 -",
    "14:56 1 10.82 3700 1 0 -",
    "14:56 2 10.82 8800 1 0 -",
    "14:56 3 10.81 14500 2 0 -",
    "14:56 4 10.82 200 1 0 -",
    "14:56 5 10.81 500 2 0 -",
    "14:56 6 10.81 6100 2 0 -",
    "14:56 7 10.81 3500 2 0 -",
    "14:57 0 10.82 300 1 0 -",
    "15:00 0 10.81 1032100 0 1 -",
  ]);
});

test("no ticks come as two bytes or as six", () => {
  for (const empty of ["0000", "000000000000"]) {
    const { ticks } = readTicks(Buffer.from(empty, "hex"), { isToday: false, askedMax: 2_000 });
    assert.deepEqual(ticks, []);
  }
});

test("the minute line of a past day: 240 minutes, prices and volumes", () => {
  assert.equal(
    request(0, minuteLineOfDay(BANK, parseDay("2026-03-06"))),
    hex("0c0000000001 0d000d00 b40f d2253501 00 303030303031"),
  );
  const { points, preClose } = readPastMinuteLine(sample("minuteLinePast", "body"));
  assert.equal(preClose?.slice(0, 5), "10.81");
  const table = points.map(({ minutes, price, lots }) => `${clockText(minutes)} ${price} ${lots}`);
  assert.equal(points.length, 240);
  assert.deepEqual(table.slice(0, 4), ["09:31 1082 16557", "09:32 1081 9800", "09:33 1079 4543", "09:34 1083 18999"]);
  assert.deepEqual(table.slice(-3), ["14:58 1083 9", "14:59 1083 0", "15:00 1082 6768"]);
  assert.equal(
    points.reduce((sum, { lots }) => sum + lots, 0),
    476_577,
  );
});

test("the minute line of today has a snapshot before the same minutes", () => {
  assert.equal(request(0, minuteLineOfToday(BANK)), hex("0c0000000001 0e000e00 1d05 0000 303030303031 00000000"));
  const { points, snapshot } = readTodaysMinuteLine(sample("minuteLineToday", "body"));
  const past = readPastMinuteLine(sample("minuteLinePast", "body"));
  assert.equal(points.length, 240);
  const differing = points.flatMap(({ price, lots, minutes }, index) => {
    const other = past.points[index];
    return price === other?.price && lots === other.lots ? [] : [[clockText(minutes), lots, other?.lots]];
  });
  // Two lots stand on the other side of the noon break, in the recorded bytes themselves.
  assert.deepEqual(differing, [
    ["11:30", 701, 699],
    ["13:01", 3_336, 3_338],
  ]);
  assert.ok(snapshot !== undefined);
  const { price, preClose, open, high, low, serverTime, lots, lastLots, amount, sellLots, buyLots } = snapshot;
  assert.deepEqual([price, preClose, open, high, low], [1_082, 1_081, 1_078, 1_084, 1_077]);
  assert.deepEqual([serverTime, lots, lastLots, amount], [15_330_719, 476_576, 6_768, "514733536"]);
  assert.deepEqual([sellLots, buyLots, snapshot.openAmount], [206_012, 270_565, 47_123]);
});

test("corporate actions: the recorded records", (t) => {
  assert.equal(request(0, corporateActions(BANK)), hex("0c0000000001 0b000b00 0f00 010000303030303031"));
  const expected = [
    "1990-03-01 1 0,3.56,0,1",
    "1991-04-03 5 0,0,2650,4850.017",
    "1991-05-02 1 3,0,4,0",
    "1991-05-02 2 2650,4850.017,3949.072,8975.164",
    "1991-08-17 1 0,0,10,0",
    "1992-03-23 1 2,0,5,0",
  ];
  const file = join(RECORDINGS, "xdxr-sz000001.hex");
  const begin = Buffer.from(sample("corporateActions", "bodyBegin"));
  begin.writeUInt16LE(10, 9);
  const line = (rows: ReturnType<typeof readCorporateActions>): readonly string[] =>
    rows.map(
      ({ date, category, values }) => `${date} ${category} ${values.map((value) => roundDecimal(value, 3)).join(",")}`,
    );
  assert.deepEqual(line(readCorporateActions(begin)).slice(0, 6), expected);
  if (!existsSync(file)) {
    t.diagnostic(`NOT RUN: the whole body, no recording at ${file}, set GINKGO_TEST_DATA`);
    return;
  }
  const all = readCorporateActions(Buffer.from(readFileSync(file, "utf8").trim(), "hex"));
  assert.equal(all.length, 78);
  assert.equal(all.filter(({ category }) => category === 1).length, 31);
  assert.deepEqual(line(all).slice(0, 6), expected);
  const last = line(all).slice(-5);
  assert.deepEqual(
    [last[0], ...last.slice(2)],
    [
      "2024-10-10 1 2.46,0,0,0",
      "2025-06-12 1 3.62,0,0,0",
      "2025-06-30 5 1940557.125,1940591.875,1940560.125,1940591.875",
      "2025-10-15 1 2.36,0,0,0",
    ],
  );
  t.diagnostic("78 corporate actions read");
});

test("recorded ticks of five days: the direction of every one", (t) => {
  const file = join(RECORDINGS, "ticks-000001-2024-01.json");
  if (!existsSync(file)) {
    t.skip(`NOT RUN: no recording at ${file}, set GINKGO_TEST_DATA`);
    return;
  }
  interface Recorded {
    readonly data: readonly { time: string; price: number; vol: number; buyorsell: number }[];
  }
  const days = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, Recorded | null>>;
  const counts = { buy: 0, sell: 0, neutral: 0, auction: 0 };
  for (const [day, recorded] of Object.entries(days)) {
    const wire = (recorded?.data ?? []).map(({ time, price, vol, buyorsell }) => ({
      minutes: Number(time.slice(0, 2)) * 60 + Number(time.slice(3)),
      price: Math.round(price * 100),
      lots: vol,
      trades: undefined,
      side: buyorsell,
    }));
    const { ticks, rejected } = mapTicks(wire, BANK, parseDay(day));
    assert.deepEqual(rejected, []);
    for (const [index, tick] of ticks.entries()) {
      const row = recorded?.data[index];
      assert.ok(row !== undefined);
      const expected = ["ACTIVEBUY", "ACTIVESELL", "NEUTRAL"] as const;
      assert.equal(tick.direction, TICK_DIRECTION[expected[row.buyorsell] ?? "VOID"]);
      assert.equal(tick.flags, row.time === "09:25" ? TICK_FLAGS.auction : 0);
      assert.equal(tick.volume, `${row.vol * 100}`);
      counts.buy += tick.direction === TICK_DIRECTION.ACTIVEBUY ? 1 : 0;
      counts.sell += tick.direction === TICK_DIRECTION.ACTIVESELL ? 1 : 0;
      counts.neutral += tick.direction === TICK_DIRECTION.NEUTRAL ? 1 : 0;
      counts.auction += tick.flags === TICK_FLAGS.auction ? 1 : 0;
    }
  }
  assert.equal(counts.buy + counts.sell + counts.neutral, 50);
  assert.equal(counts.auction, 5);
  t.diagnostic(`50 recorded ticks: ${JSON.stringify(counts)}`);
});
