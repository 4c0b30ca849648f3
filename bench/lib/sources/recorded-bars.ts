import { readFile } from "node:fs/promises";
import path from "node:path";

import { readCapture, repeatRows } from "./captured-k-lines.ts";
import { toThousandths, type Checksum } from "./decode-case.ts";

/** A bar as it was traded, in the texts that answers are written with. */
export interface RecordedBar {
  /** `2024-01-02` */
  readonly day: string;
  /** `09:35`, when the interval ends; undefined of a day. */
  readonly endsAt: string | undefined;
  readonly open: string;
  readonly high: string;
  readonly low: string;
  readonly close: string;
  readonly shares: bigint;
  /** Whole, as far as all recordings have them. */
  readonly yuan: bigint;
}

/** Days of 000001.SZ, oldest first. */
export async function readDays(data: string): Promise<readonly RecordedBar[]> {
  const text = await readFile(path.join(data, "tushare/daily/000001.SZ.csv"), "utf8");
  const [head = "", ...lines] = text.trim().split(/\r?\n/);
  const fields = head.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    const cell = (name: string): string => cells[fields.indexOf(name)] ?? "";
    return {
      day: cell("trade_date").replace(/^(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3"),
      endsAt: undefined,
      open: cell("open"),
      high: cell("high"),
      low: cell("low"),
      close: cell("close"),
      // Lots with two decimals; what is smaller than a share is no recorded volume.
      shares: toThousandths(cell("vol")) / 10n,
      // Thousands with three decimals.
      yuan: toThousandths(cell("amount")),
    };
  });
}

/** Two days of five minutes of 600000.SH in turn, oldest first, with prices of two digits. */
export async function readFiveMinutes(data: string, rows: number): Promise<readonly RecordedBar[]> {
  const captured = await readCapture(path.join(data, "baostock/query_history_k_data_plus_5min"));
  const bars = repeatRows(captured, rows, 2).map((cells): RecordedBar => {
    const cell = (name: string): string => cells[captured.fields.indexOf(name)] ?? "";
    return {
      day: cell("date"),
      endsAt: `${cell("time").slice(8, 10)}:${cell("time").slice(10, 12)}`,
      open: cell("open"),
      high: cell("high"),
      low: cell("low"),
      close: cell("close"),
      shares: BigInt(cell("volume")),
      yuan: toThousandths(cell("amount")) / 1_000n,
    };
  });
  return bars.toSorted((left, right) => (left.day < right.day ? -1 : left.day > right.day ? 1 : 0));
}

const RECORD = 32;

/** Minutes of 688001.SH, oldest first. */
export async function readMinutes(data: string): Promise<readonly RecordedBar[]> {
  const file = await readFile(path.join(data, "tdx/sh688001.lc1"));
  return Array.from({ length: file.length / RECORD }, (_, index): RecordedBar => {
    const at = index * RECORD;
    const [date, minute] = [file.readUInt16LE(at), file.readUInt16LE(at + 2)];
    const monthAndDay = (date % 2_048).toString().padStart(4, "0");
    const price = (offset: number): string => (Math.round(file.readFloatLE(at + offset) * 100) / 100).toFixed(2);
    return {
      day: `${2_004 + Math.floor(date / 2_048)}-${monthAndDay.slice(0, 2)}-${monthAndDay.slice(2)}`,
      endsAt: `${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}`,
      open: price(4),
      high: price(8),
      low: price(12),
      close: price(16),
      shares: BigInt(file.readUInt32LE(at + 24)),
      yuan: BigInt(Math.round(file.readFloatLE(at + 20))),
    };
  });
}

export function recordedSums(bars: readonly RecordedBar[]): Checksum {
  return {
    rows: bars.length,
    values: bars.reduce((sum, { close }) => sum + toThousandths(close), 0n),
    counts: bars.reduce((sum, { shares }) => sum + shares, 0n),
  };
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, "0");
}
