import { readFile } from "node:fs/promises";
import path from "node:path";

import { parseDay } from "../../../src/domain/day.ts";
import { parseSecurityCode } from "../../../src/domain/security-code.ts";
import { encodeBars } from "../../../src/simulators/tdx/encode-bars.ts";
import { encodeTicks } from "../../../src/simulators/tdx/encode-ticks.ts";
import { encodeFrame } from "../../../src/simulators/tdx/frames.ts";
import { categoryOf } from "../../../src/simulators/tdx/select-bars.ts";
import type { TdxBar, TdxTick } from "../../../src/simulators/tdx/tdx-data.ts";
import { parseRecordFile, type RecordFrequency } from "../../../src/sources/tdx/file-records.ts";
import { FrameReader, unpackBody } from "../../../src/sources/tdx/frame.ts";
import { K_LINE_CATEGORIES, K_LINE_ROWS_MAX, readKLines } from "../../../src/sources/tdx/k-lines.ts";
import { mapKLines, mapTicks } from "../../../src/sources/tdx/mapping.ts";
import { readTicks, TICK_ROWS_MAX } from "../../../src/sources/tdx/ticks.ts";
import { checkedBars, checkedTicks, toThousandths, type Checksum, type DecodeCase } from "./decode-case.ts";
import { readRecordedTicks } from "./recorded-ticks.ts";

const BANK = parseSecurityCode("000001.SZ");
const STAR = parseSecurityCode("688001.SH");
const RECORD = 32;
const K_LINES_TYPE = 0x052d;
const TICKS_TYPE = 0x0fb5;
const SIDES = { B: 0, S: 1, M: 2 } as const;

/** The client's files as recorded; answers of the wire with the same rows, in the captured layout. */
export async function tdxCases(data: string): Promise<readonly DecodeCase[]> {
  const folder = path.join(data, "tdx");
  const days = await readFile(path.join(folder, "sz000001.day"));
  const minutes = await readFile(path.join(folder, "sh688001.lc1"));
  return [
    kLinesCase(days),
    await ticksCase(data),
    fileCase(days, BANK, "1d", ".day file"),
    fileCase(minutes, STAR, "1m", ".lc1 file"),
  ];
}

function kLinesCase(file: Buffer): DecodeCase {
  const bars = readDays(file).slice(-K_LINE_ROWS_MAX);
  const category = K_LINE_CATEGORIES["1d"];
  const kind = categoryOf(category);
  if (kind === undefined) {
    throw new RangeError("the simulator has no days");
  }
  const body = encodeBars(bars, { category: kind, isIndex: false, stampOf: () => 0, isAbsolute: false });
  const bytes = encodeFrame({ sequence: 1, type: K_LINES_TYPE }, body);
  return {
    provider: "tdx",
    dataSet: "bars",
    frequency: "1d",
    form: "K-line frame",
    bytes: bytes.length,
    expected: {
      rows: bars.length,
      values: sum(bars, ({ closeMilli }) => BigInt(closeMilli)),
      // Days come in lots that went through a float of 32 bits.
      counts: sum(bars, ({ volume }) => BigInt(Math.fround(Math.floor(volume / 100))) * 100n),
    },
    decode: () => {
      const lines = readKLines(bodyOf(bytes), { category, isIndex: false, askedMax: K_LINE_ROWS_MAX });
      const { bars: mapped, rejected } = mapKLines(lines, BANK, "1d");
      return checkedBars(mapped, rejected, BANK, "1d");
    },
  };
}

/** A page of a past day: the recorded ticks in turn, twelve a minute. */
async function ticksCase(data: string): Promise<DecodeCase> {
  const recorded = await readRecordedTicks(data);
  const ticks = Array.from({ length: TICK_ROWS_MAX.past }, (_, index): TdxTick => {
    const tick = recorded[index % recorded.length];
    if (tick === undefined) {
      throw new RangeError("no tick is recorded");
    }
    const minute = 571 + Math.floor(index / 12);
    return {
      minute: minute <= 690 ? minute : minute + 90,
      priceMilli: Number(toThousandths(tick.price)),
      volume: Number(tick.lots) * 100,
      trades: 0,
      side: SIDES[tick.side],
    };
  });
  const body = encodeTicks({ ticks, layout: "past", preCloseMilli: 9_150, millisAUnit: 10 });
  const bytes = encodeFrame({ sequence: 1, type: TICKS_TYPE }, body);
  const day = parseDay("2024-01-15");
  return {
    provider: "tdx",
    dataSet: "ticks",
    frequency: "1d",
    form: "page of ticks",
    bytes: bytes.length,
    expected: {
      rows: ticks.length,
      values: sum(ticks, ({ priceMilli }) => BigInt(priceMilli)),
      counts: sum(ticks, ({ volume }) => BigInt(volume)),
    },
    decode: () => {
      const answer = readTicks(bodyOf(bytes), { isToday: false, askedMax: TICK_ROWS_MAX.past });
      const mapped = mapTicks(answer.ticks, BANK, day);
      return checkedTicks(mapped.ticks, mapped.rejected, BANK);
    },
  };
}

function fileCase(file: Buffer, code: typeof BANK, frequency: RecordFrequency, form: string): DecodeCase {
  return {
    provider: "tdx",
    dataSet: "bars",
    frequency,
    form,
    bytes: file.length,
    expected: fileChecksum(file, frequency),
    decode: () => {
      const { bars, rejected } = parseRecordFile(file, code, frequency);
      return checkedBars(bars, rejected, code, frequency);
    },
  };
}

function fileChecksum(file: Buffer, frequency: RecordFrequency): Checksum {
  let prices = 0n;
  let volume = 0n;
  for (let at = 0; at < file.length; at += RECORD) {
    const close =
      frequency === "1d" ? file.readUInt32LE(at + 16) * 10 : Math.round(file.readFloatLE(at + 16) * 100) * 10;
    prices += BigInt(close);
    volume += BigInt(file.readUInt32LE(at + 24));
  }
  return { rows: file.length / RECORD, values: prices, counts: volume };
}

function bodyOf(bytes: Buffer): Buffer {
  const [frame] = new FrameReader().push(bytes);
  if (frame === undefined) {
    throw new RangeError("the frame is not whole");
  }
  return unpackBody(frame);
}

function readDays(file: Buffer): readonly TdxBar[] {
  return Array.from({ length: file.length / RECORD }, (_, index): TdxBar => {
    const u32 = (at: number): number => file.readUInt32LE(index * RECORD + at);
    return {
      day: parseDay(u32(0).toString()),
      endMinute: 900,
      openMilli: u32(4) * 10,
      highMilli: u32(8) * 10,
      lowMilli: u32(12) * 10,
      closeMilli: u32(16) * 10,
      volume: u32(24),
      turnoverCents: file.readFloatLE(index * RECORD + 20) * 100,
    };
  });
}

function sum<Item>(items: readonly Item[], of: (item: Item) => bigint): bigint {
  return items.reduce((total, item) => total + of(item), 0n);
}
