import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

import { Temporal } from "temporal-polyfill";

import { systemClock, type Clock } from "../../base/clock.ts";
import { parseDay } from "../../domain/day.ts";
import { parseSecurityCode } from "../../domain/security-code.ts";
import { barsBody, BodyReader, hex, TdxRaw, ticksBody, type RawFrame } from "../../../test/support/tdx-raw.ts";
import { readBars, readLine, readQuote, readSnapshot, readTicks } from "../../../test/support/tdx-read.ts";
import { dataOf, recordedData, type RecordedCode } from "./recorded-data.ts";
import { startTdxSimulator } from "./simulator.ts";
import type { TdxBar, TdxData, TdxQuote, TdxTick } from "./tdx-data.ts";

// Captured bytes of real servers, from the tests and comments of public projects (protocol page, section 10).

const SZ000001 = parseSecurityCode("000001.SZ");
const SH000001 = parseSecurityCode("000001.SH");
const WHOLE = join(process.env["GINKGO_TEST_DATA"] ?? "../shared/data", "tdx");
const NO_RECORDING = existsSync(WHOLE) ? false : `no recording at ${WHOLE}`;

function clockAt(text: string): Clock {
  const now = Temporal.Instant.from(text);
  return { ...systemClock, now: () => now, nowMs: () => now.epochMilliseconds };
}

/** What a simulator with these data answers to a request given byte by byte. */
async function answerTo(request: Buffer, data: TdxData, at = "2026-12-01T08:00:00Z"): Promise<RawFrame> {
  await using simulator = await startTdxSimulator({ data, clock: clockAt(at) });
  using client = await TdxRaw.open(simulator.port);
  client.send(request);
  // Awaited here, since both go with this block.
  return await client.frame();
}

async function bodyOf(type: number, body: Buffer, data: TdxData, at?: string): Promise<string> {
  await using simulator = await startTdxSimulator({ data, clock: clockAt(at ?? "2026-12-01T08:00:00Z") });
  using client = await TdxRaw.open(simulator.port);
  return (await client.ask(type, body)).body.toString("hex");
}

function recorded(entry: Omit<RecordedCode, "code">, code = SZ000001): TdxData {
  return dataOf([{ code, ...entry }]);
}

/** A bar from yuan as the page writes them and a volume in lots. */
function dayBar(day: string, prices: readonly [string, string, string, string], lots: number, yuan: number): TdxBar {
  const [openMilli, highMilli, lowMilli, closeMilli] = prices.map(milli);
  return {
    day: parseDay(day),
    endMinute: 900,
    openMilli: openMilli ?? 0,
    highMilli: highMilli ?? 0,
    lowMilli: lowMilli ?? 0,
    closeMilli: closeMilli ?? 0,
    volume: lots * 100,
    turnoverCents: yuan * 100,
  };
}

function milli(yuan: string): number {
  const [whole = "", fraction = ""] = yuan.split(".");
  return Number.parseInt(whole + fraction.padEnd(3, "0"), 10);
}

test("handshake: the captured answer byte by byte but for its compression, which another zlib packs otherwise", async () => {
  const data = { ...dataOf([]), days: [parseDay("2024-10-11")] };
  const frame = await answerTo(hex("0c 00000000 01 0300 0300 0d00 01"), data, "2024-10-13T15:21:54Z");
  const captured = inflateSync(
    hex(`789c6378c1cecb252ace6066c5b4898987b9050ed1f90cc5b74c18a5bc18c1b43490fecff09c81819191f13fc3c9f3bb169f5e7dfefeb5ef57
      f7199a305009308208e5b32bb6bcbf70148712002d7f1e13`),
  );
  assert.equal(captured.length, 189);
  assert.equal(frame.body.toString("hex"), captured.toString("hex"));
  assert.deepEqual([frame.flags, frame.sequence, frame.type], [0x1c, 0, 0x000d]);
  assert.ok(frame.bytes.length < 16 + 100);
});

test("heartbeat: the captured frame", async () => {
  const data = { ...dataOf([]), days: [parseDay("2025-05-30")] };
  const frame = await answerTo(hex("0c 07189500 01 0200 0200 0400"), data);
  assert.equal(
    frame.bytes.toString("hex"),
    hex("b1cb7400 0c 07189500 00 0400 0a00 0a00 000000000000 a2ff3401").toString("hex"),
  );
});

test("security counts of both markets: the captured frames", async () => {
  const list = (count: number, suffix: string): TdxData["securities"] => {
    const entry = { name: "", decimals: 2, lotSize: 100, isIndex: false, preCloseMilli: 0 };
    const securities = Array.from({ length: count }, (_, index) => ({
      ...entry,
      code: parseSecurityCode(`${String(index).padStart(6, "0")}.${suffix}`),
    }));
    return () => securities;
  };
  const shenzhen = await answerTo(hex("0c 0c186c00 01 0800 0800 4e04 0000 75c73301"), {
    ...dataOf([]),
    securities: list(6_631, "SZ"),
  });
  const start = "b1cb7400 0c 0c186c00 00 4e04 0200 0200";
  assert.equal(shenzhen.bytes.toString("hex"), hex(`${start} e719`).toString("hex"));
  const shanghai = await answerTo(hex("0c 0c186c00 01 0800 0800 4e04 0100 75c73301"), {
    ...dataOf([]),
    securities: list(13_235, "SH"),
  });
  assert.equal(shanghai.bytes.toString("hex"), hex(`${start} b333`).toString("hex"));
});

test("list records: the captured ones, names in GBK", async () => {
  const entry = { decimals: 2, lotSize: 100, isIndex: true };
  const data: TdxData = {
    ...dataOf([]),
    securities: () => [
      {
        ...entry,
        code: parseSecurityCode("395001.SZ"),
        name: "主板Ａ股",
        preCloseMilli: 1_491_000,
        listUnknown: 0x8657,
      },
      { ...entry, code: parseSecurityCode("395002.SZ"), name: "主板Ｂ股", preCloseMilli: 38_000, listUnknown: 0x0752 },
    ],
  };
  assert.equal(
    await bodyOf(0x0450, hex("0000 0000"), data),
    hex(`0200
      3339353030316400d6f7b0e5a3c1b9c957860000020060ba4400000000
      3339353030326400d6f7b0e5a3c2b9c952070000020000184200000000`).toString("hex"),
  );
});

test("daily bars: the captured frame to the captured request, from the page's table", async () => {
  const bars = [
    dayBar("20170606", ["9.01", "9.06", "8.99", "9.04"], 355_341.53, 320_520_904),
    dayBar("20170607", ["9.02", "9.15", "9.01", "9.13"], 645_723.25, 587_357_696),
    dayBar("20170608", ["9.11", "9.15", "9.08", "9.13"], 383_004, 348_860_768),
    dayBar("20170609", ["9.15", "9.22", "9.12", "9.15"], 685_468, 628_281_664),
    dayBar("20170612", ["9.15", "9.19", "9.10", "9.11"], 504_578, 461_493_696),
    dayBar("20170613", ["9.11", "9.14", "9.05", "9.12"], 448_434.97, 407_876_704),
    dayBar("20170614", ["9.12", "9.13", "9.04", "9.08"], 375_444, 340_596_128),
    dayBar("20170615", ["9.08", "9.08", "9.03", "9.04"], 337_797, 305_610_496),
    dayBar("20170616", ["9.04", "9.08", "9.01", "9.02"], 285_991, 258_559_008),
    dayBar("20170619", ["9.03", "9.15", "9.02", "9.13"], 489_704, 446_000_768),
  ];
  const request = hex("0c01086401011c001c002d0500003030303030310900010000000a0000000000000000000000");
  const frame = await answerTo(request, recorded({ dayBars: bars }));
  assert.equal(frame.bytes.toString("hex"), hex(DAILY_FRAME).toString("hex"));
  // With a multiplier of 0 in place of 1 the captured answer is empty.
  request.writeUInt16LE(0, 22);
  const empty = await answerTo(request, recorded({ dayBars: bars }));
  assert.equal(empty.bytes.toString("hex"), "b1cb74000c01086401002d05020002000000");
});

test("daily bars of 2024: the captured body from what it says", async () => {
  const body = hex(DAILY_BODY_2024);
  const bars = readBars(body, false);
  assert.deepEqual(bars[0], dayBar("20241016", ["11.80", "12.18", "11.77", "12.06"], 1_914_493, 2_301_340_928));
  assert.deepEqual(bars[9], dayBar("20241029", ["11.62", "11.74", "11.53", "11.54"], 1_198_024, 1_391_150_208));
  assert.equal(
    await bodyOf(0x052d, barsBody(0, "000001", 9, 0, 10), recorded({ dayBars: bars })),
    body.toString("hex"),
  );
});

test("daily bars of an index: the captured body with its counts, from the page's values", async () => {
  const index = (...[bar, ups, downs]: readonly [TdxBar, number, number]): TdxBar => ({
    ...bar,
    volume: bar.volume * 100,
    ups,
    downs,
  });
  const bars = [
    index(dayBar("20260304", ["4087.63", "4106.04", "4055.41", "4082.47"], 7_651_695, 1_113_082_036_224), 612, 1686),
    index(dayBar("20260305", ["4109.78", "4125.62", "4090.62", "4108.57"], 6_897_465, 1_068_043_730_944), 1726, 562),
    index(dayBar("20260306", ["4085.90", "4129.46", "4085.90", "4124.19"], 6_467_657, 978_805_915_648), 1808, 492),
  ];
  const data = recorded({ dayBars: bars }, SH000001);
  const body =
    hex(`0300d02535018efdf203e850aa9f02dcf703de82e94a6e94815364029606d1253501aeaa03fa12a0f701d8ab02727ed24a5eac
    7853be063202d2253501cee20292d604a8a805009260c54a61e563531007ec01`).toString("hex");
  assert.equal(await bodyOf(0x052d, barsBody(1, "000001", 9, 0, 3), data), body);
  assert.equal(await bodyOf(0x052d, barsBody(1, "999999", 9, 0, 3), data), body);
});

test("quotes: the captured frame to the captured request, from what it says", async () => {
  const captured = hex(QUOTES_FRAME);
  const reader = new BodyReader(captured.subarray(16));
  reader.u16();
  const quotes = new Map<string, TdxQuote>();
  for (let left = reader.u16(); left > 0; left -= 1) {
    const suffix = reader.u8() === 0 ? "SZ" : "SH";
    quotes.set(`${reader.text(6)}.${suffix}`, readQuote(reader));
  }
  assert.ok(reader.isAtEnd);
  const first = quotes.get("000001.SZ");
  assert.ok(first !== undefined);
  assert.deepEqual(
    [first.price, first.preClose, first.open, first.high, first.low, first.volume, first.turnoverYuan],
    [1202, 1190, 1180, 1218, 1177, 1_377_271, 1_654_559_872],
  );
  assert.deepEqual(first.levels[4], { bid: 1198, ask: 1207, bidVolume: 2438, askVolume: 1029 });
  const data: TdxData = {
    ...dataOf([{ code: SZ000001 }, { code: parseSecurityCode("600008.SH") }]),
    quote: (code) => quotes.get(code),
  };
  const frame = await answerTo(
    hex("0c 02000000 01 1a00 1a00 3e05 0500000000000000 0200 00303030303031 01363030303038"),
    data,
  );
  assert.equal(frame.bytes.toString("hex"), captured.toString("hex"));
});

/** Minute, price in hundredths, lots, trades, side. */
type Print = readonly [string, number, number, number, number];

function tick([time, price, lots, trades, side]: Print): TdxTick {
  const minute = Number.parseInt(time.slice(0, 2), 10) * 60 + Number.parseInt(time.slice(3), 10);
  return { minute, priceMilli: price * 10, volume: lots * 100, trades, side };
}

test("ticks of today: the captured body, from the page's values", async () => {
  const body = hex(`0a008003bb10a6010b00008003008803060000800300b104080000800300110200008003003a0100008003419802060100
    8003019f02070000800341860107010081030109010000840341b0699f040200`);
  const prints = readTicks(body, "today");
  assert.deepEqual(
    [prints[0], prints[5], prints[9]],
    [tick(["14:56", 1083, 102, 11, 0]), tick(["14:56", 1082, 152, 6, 1]), tick(["15:00", 1082, 6768, 287, 2])],
  );
  const day = parseDay("2026-03-06");
  const data = recorded({ ticks: new Map([[day, prints]]) });
  const request = hex("0000 303030303031 0000 0a00");
  assert.equal(await bodyOf(0x0fc5, request, data, "2026-03-06T08:00:00Z"), body.toString("hex"));
});

test("ticks of a past day: the captured body with the close before, from the page's values", async () => {
  const day = parseDay("2026-03-05");
  const prints = (
    [
      ["14:56", 1082, 37, 0, 0],
      ["14:56", 1082, 37, 0, 0],
      ["14:56", 1082, 88, 0, 0],
      ["14:56", 1081, 145, 0, 1],
      ["14:56", 1082, 2, 0, 0],
      ["14:56", 1081, 5, 0, 1],
      ["14:56", 1081, 61, 0, 1],
      ["14:56", 1081, 35, 0, 1],
      ["14:57", 1082, 3, 0, 0],
      ["15:00", 1081, 10_321, 0, 2],
    ] as const
  ).map(tick);
  const data = recorded({
    ticks: new Map([[day, prints]]),
    dayBars: [dayBar("2026-03-04", ["10.71", "10.71", "10.71", "10.71"], 1, 1)],
  });
  const body =
    hex(`0a00295c2b418003ba1025000080030025000080030098010000800341910201008003010200008003410501008003003d0100
    80030023010081030103000084034191a1010200`);
  assert.equal(await bodyOf(0x0fb5, ticksBody(20_260_305, 0, "000001", 0, 10), data), body.toString("hex"));
});

test("minute lines of a past day and of today: the captured bodies from what they say, but for their negative zeros", async () => {
  const lines: { readonly past: string[]; readonly today: string[] } = JSON.parse(
    await readFile(new URL("../../../test/fixtures/tdx/minute-lines.json", import.meta.url), "utf8"),
  );
  const day = parseDay("2026-03-06");
  const before = dayBar("2026-03-05", ["10.81", "10.81", "10.81", "10.81"], 1, 1);

  const past = hex(lines.past.join(""));
  const pastReader = new BodyReader(past);
  assert.equal(pastReader.u16(), 240);
  assert.ok(Math.abs(pastReader.f32() - 10.81) < 1e-6);
  const pastBars = readLine(pastReader, day);
  assert.deepEqual(
    [0, 1, 3, 239].map((at) => [pastBars[at]?.closeMilli, pastBars[at]?.volume]),
    [
      [10_820, 1_655_700],
      [10_810, 980_000],
      [10_830, 1_899_900],
      [10_820, 676_800],
    ],
  );
  const served = { dayBars: [before], minuteBars: new Map([[day, pastBars]]) };
  const request = hex("5a 26 35 01 00 303030303031");
  request.writeUInt32LE(20_260_306, 0);
  assertEqualButNegativeZeros(hex(await bodyOf(0x0fb4, request, recorded(served))), past);

  const today = hex(lines.today.join(""));
  const reader = new BodyReader(today);
  assert.deepEqual([reader.u16(), reader.u16(), reader.u8(), reader.text(6)], [240, 0, 0, "000001"]);
  const quote = readSnapshot(reader);
  assert.equal(reader.at, 67);
  assert.deepEqual(
    [quote.price, quote.preClose, quote.volume, quote.currentVolume, quote.turnoverYuan, quote.outside],
    [1082, 1081, 476_576, 6_768, 514_733_536, 270_565],
  );
  const todays = recorded({ dayBars: [before], minuteBars: new Map([[day, readLine(reader, day)]]) });
  const answer = await bodyOf(
    0x051d,
    hex("0000 303030303031 00000000"),
    { ...todays, quote: () => quote },
    "2026-03-06T08:00:00Z",
  );
  assertEqualButNegativeZeros(hex(answer), today);
});

test("corporate actions: the whole captured body of 78 records", { skip: NO_RECORDING }, async () => {
  const captured = await readFile(join(WHOLE, "xdxr-sz000001.hex"), "latin1");
  const body = await bodyOf(0x000f, hex("0100 00 303030303031"), await recordedData(WHOLE));
  assert.equal(body, hex(captured).toString("hex"));
  assert.equal(body.length, 2 * 2_273);
});

test("finance: the captured body from what it says", async () => {
  const body = hex(FINANCE_BODY);
  const reader = new BodyReader(body);
  assert.deepEqual([reader.u16(), reader.u8(), reader.text(6)], [1, 0, "000001"]);
  const finance = {
    floatShares: reader.f32(),
    province: reader.u16(),
    industry: reader.u16(),
    updatedOn: reader.u32(),
    listedOn: reader.u32(),
    figures: Array.from({ length: 30 }, () => reader.f32()),
  };
  assert.ok(reader.isAtEnd);
  assert.deepEqual([finance.floatShares, finance.updatedOn, finance.listedOn], [1_691_799, 20_170_428, 19_910_403]);
  const data = { ...dataOf([{ code: SZ000001 }]), finance: () => finance };
  assert.equal(await bodyOf(0x0010, hex("0100 00 303030303031"), data), body.toString("hex"));
});

test("recorded files come over the wire: day records, minute records and ticks", { skip: NO_RECORDING }, async () => {
  const data = await recordedData(WHOLE);
  assert.deepEqual([data.dayBars("000001.SZ").length, data.minuteDays("688001.SH").length], [4_995, 12]);
  const days = readBars(hex(await bodyOf(0x052d, barsBody(0, "000001", 9, 4_994, 800), data)), false);
  assert.deepEqual(days, [dayBar("20000214", ["19.20", "20.38", "18.70", "20.37"], 233_709, 460_704_992)]);
  const first = hex(await bodyOf(0x052d, barsBody(1, "688001", 8, 2_879, 800), data));
  const reader = new BodyReader(first);
  const numbers = [reader.u16(), reader.u16(), reader.u16(), reader.varint(), reader.varint(), reader.varint()];
  assert.deepEqual(numbers, [1, 35_239, 571, 36_710, 90, 310]);
  assert.deepEqual([reader.varint(), reader.f32(), reader.f32()], [0, 7_000, 256_647]);
  const ticks = readTicks(hex(await bodyOf(0x0fb5, ticksBody(20_240_115, 0, "000001", 0, 2_000), data)), "past");
  assert.deepEqual(ticks[0], tick(["09:25", 916, 4_966, 0, 2]));
  assert.equal(ticks.length, 10);
});

function assertEqualButNegativeZeros(served: Buffer, captured: Buffer): void {
  assert.equal(served.length, captured.length);
  const different = [...captured.keys()].filter((at) => served[at] !== captured[at]);
  assert.deepEqual([...new Set(different.map((at) => [captured[at], served[at]].join()))], ["64,0"]);
}

const DAILY_FRAME = `b1cb74000c01086401002d05aa00aa00
  0a006ec73301b28c011e3254a081ad4816d6984d6fc7330154ae0182024ab0a51d4978090c4e70c733015414285e8003bb488b59a64d71c733011400
  86015ec059274945cb154e74c73301006828724060f648ae0edc4d75c73301000a1e7c40f6da48a37dc24d76c7330100680ad0018052b748ad68a24d
  77c7330100680072a0f0a448f8b9914d78c733010054285ee0a48b48c294764d7bc733010aa401b8014a001def4874abd44d`;

const DAILY_BODY_2024 = `0a0078da340198b8018404bc055ee8b3e949ad2b094f79da34010af801a002cc0260dec949859ded4e7ada34016882028e04e603b8f91e4a111f39
  4f7dda3401e401c20200f604f84d2b4ad4d0444f7eda3401721eaa0268d87bc549ee80e34e7fda34011e288601c601d08db849230ed54e80da3401
  727c32da013023584999a0784e81da3401147c0ad001d0fa86498d989a4e84da34015e6800d60278c28e491ca6a14e85da340154d001b801da0140
  3e924989d6a54e`;

const QUOTES_FRAME = `b1cb74000c02000000003e05af00af00
  0136020000303030303031320bb2124c56105987e6d10cf212b78fa801ae01293dc54e8bd740acb8670086ca1e0001af36ba0c4102b467b6054203a6
  8a0184094304891992114405862685108d0100000000e8ff320b0136303030303859098005464502468defd10cc005bed2668e05be15804d8ba12cb3
  b13a0083c3034100badc029d014201bc990384f70443029da503b7af074403a6e501b9db044504a6e2028dd5048d050000000000005909`;

const FINANCE_BODY = `010000303030303031b884ce4912000100bcc6330103cf2f018999d149c0f92f48e0bab94a700dd24b000000000000000052b89e3ee52e334f0000
  0000b0c5f74a6078904a203db54800000000000000009a65574c881d464d006dd34b00000000000000004019fb4a802b1549405cdbcc7157d7cc00
  000000e028fb4ae0a2bd4ae0a2bd4a3f87844c3d0a2f4100004040`;
