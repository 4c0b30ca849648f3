import { mkdir, utimes, writeFile } from "node:fs/promises";
import path from "node:path";

export interface WrittenRecord {
  /** `20240102`. */
  readonly day: number;
  /** Minutes since midnight; of days left out. */
  readonly minute?: number;
  /** In yuan; 10.5 throughout unless it is said. */
  readonly price?: number;
  readonly volume?: number;
  readonly amount?: number;
}

/** A `.day` record in the client's own layout, prices in hundredths. */
export function dayRecord({ day, price = 10.5, volume = 1_000, amount = 10_500 }: WrittenRecord): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(day, 0);
  for (let at = 4; at < 20; at += 4) {
    bytes.writeUInt32LE(Math.round(price * 100), at);
  }
  bytes.writeFloatLE(amount, 20);
  bytes.writeUInt32LE(volume, 24);
  return bytes;
}

/** A `.lc1` or `.lc5` record. */
export function minuteRecord(record: WrittenRecord): Buffer {
  const { day, minute = 571, price = 10.5, volume = 1_000, amount = 10_500 } = record;
  const bytes = Buffer.alloc(32);
  bytes.writeUInt16LE((Math.floor(day / 10_000) - 2_004) * 2_048 + (day % 10_000), 0);
  bytes.writeUInt16LE(minute, 2);
  for (let at = 4; at < 20; at += 4) {
    bytes.writeFloatLE(price, at);
  }
  bytes.writeFloatLE(amount, 20);
  bytes.writeUInt32LE(volume, 24);
  return bytes;
}

/** The 240 ends of the minutes of a trading day, or every fifth of them. */
export function minutesOfDay(step: 1 | 5 = 1): readonly number[] {
  const ends: number[] = [];
  for (const from of [570, 780]) {
    for (let minute = from + step; minute <= from + 120; minute += step) {
      ends.push(minute);
    }
  }
  return ends;
}

/** Writes a file, with folders where its name has some; `modifiedAt` is when the client is said to have written it. */
export async function writeRecords(
  folder: string,
  name: string,
  records: readonly Buffer[],
  modifiedAt?: string,
): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, Buffer.concat(records));
  if (modifiedAt !== undefined) {
    const at = new Date(modifiedAt);
    await utimes(file, at, at);
  }
  return file;
}
