import { createHash } from "node:crypto";
import { open } from "node:fs/promises";

import { DataError } from "../../base/errors.ts";
import { compactDay, parseDay, type Day } from "../../domain/day.ts";
import { parseRecordFile, RECORD_SIZE, type FileBars, type RecordFrequency } from "./file-records.ts";
import type { RecordFile } from "./find-record-files.ts";

/** Records read at once; 128 KB, and about 4 MB as bars. */
const PIECE_RECORDS = 4_096;

/**
 * The bars of a file, piece by piece; a file whose records are in no order comes in one, since a record and its double may
 * lie anywhere. DataError when the file has become shorter.
 */
export async function* readRecordPieces(
  { path, code, frequency, size }: Pick<RecordFile, "path" | "code" | "frequency" | "size">,
  isSorted: boolean,
  signal: AbortSignal,
): AsyncGenerator<FileBars, undefined> {
  const records = isSorted ? PIECE_RECORDS : Math.max(1, Math.floor(size / RECORD_SIZE));
  let first = 0;
  for await (const bytes of readPieces(path, size, records * RECORD_SIZE, signal)) {
    yield parseRecordFile(bytes, code, frequency, first);
    first += Math.floor(bytes.length / RECORD_SIZE);
  }
}

/** What a file holds, without a look at its prices. */
export interface FileSurvey {
  /** SHA-256 of its bytes. */
  readonly digest: string;
  readonly records: number;
  /** Records whose day is none or lies after `today`. */
  readonly undated: number;
  /** Every record is later than the one before it. */
  readonly isSorted: boolean;
  /** Its days up to `today`, with how many records each has; sorted. */
  readonly days: ReadonlyMap<Day, number>;
}

/** Reads the file once, piece by piece. */
export async function surveyRecordFile(
  { path, frequency, size }: Pick<RecordFile, "path" | "frequency" | "size">,
  today: Day,
  signal: AbortSignal,
): Promise<FileSurvey> {
  const hash = createHash("sha256");
  const todayNumber = Number.parseInt(compactDay(today), 10);
  const counts = new Map<number, number>();
  let records = 0;
  let isSorted = true;
  let before = -1;
  for await (const bytes of readPieces(path, size, PIECE_RECORDS * RECORD_SIZE, signal)) {
    hash.update(bytes);
    for (let at = 0; at + RECORD_SIZE <= bytes.length; at += RECORD_SIZE) {
      const { day, minute } = readTime(bytes, at, frequency);
      const time = day * MINUTES_A_DAY + minute;
      isSorted &&= time > before;
      before = time;
      records += 1;
      // What cannot be a day is not remembered, so that a file of anything takes no memory.
      if (day >= FIRST_DAY && day <= todayNumber) {
        counts.set(day, (counts.get(day) ?? 0) + 1);
      }
    }
  }
  const days = new Map<Day, number>();
  let dated = 0;
  for (const number of [...counts.keys()].toSorted((left, right) => left - right)) {
    const day = toDay(number);
    const count = counts.get(number) ?? 0;
    if (day !== undefined) {
      days.set(day, count);
      dated += count;
    }
  }
  return { digest: hash.digest("hex"), records, undated: records - dated, isSorted, days };
}

/** Before the exchanges there were. */
const FIRST_DAY = 19_900_101;
/** Minutes are read from two bytes and may be more than a day has. */
const MINUTES_A_DAY = 65_536;

/** The day as a number such as 20240102, whether there is such a day or not. */
function readTime(
  bytes: Buffer,
  at: number,
  frequency: RecordFrequency,
): { readonly day: number; readonly minute: number } {
  if (frequency === "1d") {
    return { day: bytes.readUInt32LE(at), minute: 0 };
  }
  const packed = bytes.readUInt16LE(at);
  const year = Math.floor(packed / 2_048) + 2_004;
  return { day: year * 10_000 + (packed % 2_048), minute: bytes.readUInt16LE(at + 2) };
}

function toDay(number: number): Day | undefined {
  try {
    return parseDay(number.toString().padStart(8, "0"));
  } catch (error) {
    if (error instanceof DataError) {
      return undefined;
    }
    throw error;
  }
}

/** The first `size` bytes of a file. A piece is valid until the next one is asked for. */
async function* readPieces(
  path: string,
  size: number,
  pieceBytes: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, undefined> {
  await using file = await open(path, "r");
  const buffer = Buffer.alloc(Math.min(pieceBytes, size));
  for (let from = 0; from < size;) {
    signal.throwIfAborted();
    const wanted = Math.min(buffer.length, size - from);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await file.read(buffer, filled, wanted - filled, from + filled);
      if (bytesRead === 0) {
        throw new DataError(`reading ${path}: it had ${size} bytes and ends after ${from + filled} now`);
      }
      filled += bytesRead;
    }
    yield buffer.subarray(0, wanted);
    from += wanted;
  }
}
