import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { parseDay, type Day } from "../../domain/day.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import { foldBars } from "./fold-bars.ts";
import type { TdxAction, TdxBar, TdxData, TdxSecurity, TdxTick } from "./tdx-data.ts";

/** What a folder holds of one code. */
export interface RecordedCode {
  readonly code: SecurityCode;
  readonly dayBars?: readonly TdxBar[];
  readonly minuteBars?: ReadonlyMap<Day, readonly TdxBar[]>;
  readonly ticks?: ReadonlyMap<Day, readonly TdxTick[]>;
  readonly actions?: readonly TdxAction[];
}

/**
 * Serves the files of a folder: `sz000001.day` and `sh688001.lc1` as the terminal keeps them, `xdxr-sz000001.hex` (the
 * body of an answer) and `ticks-000001-….json`. A code without day bars has those that its minutes make.
 */
export async function recordedData(folder: string): Promise<TdxData> {
  const names = (await readdir(folder)).toSorted();
  const codes = new Map<SecurityCode, RecordedCode>();
  for (const name of names) {
    const read = READERS.find(({ pattern }) => pattern.test(name));
    const [, exchange, digits = ""] = read?.pattern.exec(name) ?? [];
    if (read !== undefined) {
      const code = parseSecurityCode(`${digits}.${(exchange ?? exchangeOfDigits(digits)).toUpperCase()}`);
      const known = codes.get(code) ?? { code };
      codes.set(code, { ...known, ...read.parse(await readFile(join(folder, name)), code) });
    }
  }
  if (codes.size === 0) {
    throw new RangeError(`reading a recording: ${folder} has no .day, .lc1, xdxr-….hex or ticks-….json`);
  }
  return dataOf([...codes.values()]);
}

/** Serves rows as they are given. */
export function dataOf(codes: readonly RecordedCode[]): TdxData {
  const known = new Map<string, RecordedCode>(codes.map((entry) => [entry.code, entry]));
  const madeOfMinutes = new Map(
    codes.map(({ code, minuteBars }) => [String(code), [...(minuteBars?.values() ?? [])].map(toDayBar)]),
  );
  const dayBarsOf = (code: string): readonly TdxBar[] => known.get(code)?.dayBars ?? madeOfMinutes.get(code) ?? [];
  const securities: readonly TdxSecurity[] = codes
    .map(({ code }) => ({
      code,
      name: code.slice(0, 6),
      decimals: kindOf(code) === "etf" || kindOf(code) === "fund" ? 3 : 2,
      lotSize: 100,
      isIndex: kindOf(code) === "index",
      preCloseMilli: dayBarsOf(code).at(-1)?.closeMilli ?? 0,
    }))
    .toSorted((left, right) => (left.code < right.code ? -1 : 1));
  const days = new Set(
    codes.flatMap(({ dayBars, minuteBars, ticks }) => [
      ...(dayBars ?? []).map(({ day }) => day),
      ...(minuteBars?.keys() ?? []),
      ...(ticks?.keys() ?? []),
    ]),
  );
  return {
    days: [...days].toSorted(),
    securities: () => securities,
    security: (code) => securities.find((own) => own.code === code),
    dayBars: dayBarsOf,
    minuteDays: (code) => [...(known.get(code)?.minuteBars ?? [])].map(([day, bars]) => ({ day, rows: bars.length })),
    minuteBars: (code, day) => known.get(code)?.minuteBars?.get(day) ?? [],
    ticks: (code, day) => known.get(code)?.ticks?.get(day) ?? [],
    actions: (code) => known.get(code)?.actions ?? [],
  };
}

function toDayBar(minutes: readonly TdxBar[]): TdxBar {
  return { ...foldBars(minutes), endMinute: CLOSE };
}

interface Reader {
  readonly pattern: RegExp;
  parse(file: Buffer, code: SecurityCode): Partial<RecordedCode>;
}

const READERS: readonly Reader[] = [
  {
    pattern: /^(s[hz]|bj)(\d{6})\.day$/,
    parse: (file, code) => ({ dayBars: recordsOf(file).map((record) => readDayRecord(record, code)) }),
  },
  {
    pattern: /^(s[hz]|bj)(\d{6})\.lc1$/,
    parse: (file) => ({ minuteBars: Map.groupBy(recordsOf(file).map(readMinuteRecord), ({ day }) => day) }),
  },
  { pattern: /^xdxr-(s[hz]|bj)(\d{6})\.hex$/, parse: (file) => ({ actions: readActions(file) }) },
  { pattern: /^ticks-(?:(s[hz]|bj))?(\d{6})-[\w-]+\.json$/, parse: (file) => ({ ticks: readTicks(file) }) },
];

/** Shanghai's stocks begin with 6, its funds with 5. */
function exchangeOfDigits(digits: string): string {
  return /^[56]/.test(digits) ? "sh" : "sz";
}

const RECORD_BYTES = 32;
const CLOSE = 15 * 60;

function recordsOf(file: Buffer): readonly Buffer[] {
  if (file.length % RECORD_BYTES !== 0) {
    throw new RangeError(`reading a recording: ${file.length} bytes are no whole number of records`);
  }
  return Array.from({ length: file.length / RECORD_BYTES }, (_, index) =>
    file.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES),
  );
}

/** Day, four prices in hundredths (thousandths of a fund), turnover as a float, shares (lots of an index). */
function readDayRecord(record: Buffer, code: SecurityCode): TdxBar {
  const kind = kindOf(code);
  const millis = kind === "etf" || kind === "fund" || kind === "bond" ? 1 : 10;
  const [open = 0, high = 0, low = 0, close = 0] = [4, 8, 12, 16].map((at) => record.readUInt32LE(at) * millis);
  return {
    day: parseDay(String(record.readUInt32LE(0))),
    endMinute: CLOSE,
    openMilli: open,
    highMilli: high,
    lowMilli: low,
    closeMilli: close,
    turnoverCents: Math.round(record.readFloatLE(20) * 100),
    volume: record.readUInt32LE(24) * (kind === "index" ? 100 : 1),
  };
}

/** Day and minute packed, four prices and the turnover as floats, shares. */
function readMinuteRecord(record: Buffer): TdxBar {
  const packed = record.readUInt16LE(0);
  const [open = 0, high = 0, low = 0, close = 0] = [4, 8, 12, 16].map((at) =>
    Math.round(record.readFloatLE(at) * 1_000),
  );
  return {
    day: parseDay(String((Math.floor(packed / 2_048) + 2004) * 10_000 + (packed % 2_048))),
    endMinute: record.readUInt16LE(2),
    openMilli: open,
    highMilli: high,
    lowMilli: low,
    closeMilli: close,
    turnoverCents: Math.round(record.readFloatLE(20) * 100),
    volume: record.readUInt32LE(24),
  };
}

const ACTIONS_HEADER_BYTES = 11;
const ACTION_BYTES = 29;

function readActions(file: Buffer): readonly TdxAction[] {
  const body = Buffer.from(file.toString("latin1").replaceAll(/\s/g, ""), "hex");
  return Array.from({ length: body.readUInt16LE(ACTIONS_HEADER_BYTES - 2) }, (_, index) => {
    const at = ACTIONS_HEADER_BYTES + index * ACTION_BYTES;
    return {
      day: parseDay(String(body.readUInt32LE(at + 8))),
      category: body.readUInt8(at + 12),
      payload: body.subarray(at + 13, at + ACTION_BYTES),
    };
  });
}

/** As a client printed them: days as names, each with its rows or null. */
const ticksSchema = z.record(
  z.string(),
  z
    .object({
      data: z.array(
        z.object({
          time: z.string().regex(/^\d\d:\d\d$/),
          price: z.number(),
          vol: z.int(),
          buyorsell: z.int(),
        }),
      ),
    })
    .nullable(),
);

function readTicks(file: Buffer): ReadonlyMap<Day, readonly TdxTick[]> {
  const recorded = ticksSchema.parse(JSON.parse(file.toString("utf8")));
  const days = Object.entries(recorded).flatMap(([day, table]) =>
    table === null
      ? []
      : [
          [
            parseDay(day),
            table.data.map(({ time, price, vol, buyorsell }) => ({
              minute: Number.parseInt(time.slice(0, 2), 10) * 60 + Number.parseInt(time.slice(3), 10),
              priceMilli: Math.round(price * 1_000),
              volume: vol * 100,
              trades: 0,
              side: buyorsell,
            })),
          ] as const,
        ],
  );
  return new Map(days);
}
