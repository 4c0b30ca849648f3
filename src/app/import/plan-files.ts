import { Temporal } from "temporal-polyfill";

import { canonicalCode } from "../../domain/code-alias.ts";
import { addDays, dayAt, maxDay, minDay, parseDay, SHANGHAI, type Day } from "../../domain/day.ts";
import { kindOf } from "../../domain/instrument-kind.ts";
import type { SecurityCode } from "../../domain/security-code.ts";
import { askAgainAtMs, isFinal, lastFinalDay, type Publication } from "../../planning/final-day.ts";
import { RECORD_SIZE } from "../../sources/tdx/file-records.ts";
import type { RecordFile } from "../../sources/tdx/find-record-files.ts";
import type { FileSurvey } from "../../sources/tdx/read-record-file.ts";
import type { FileRefusal, PlannedFile, RefusedFile } from "./import-api.ts";

/** Of minutes of forty years there are 80 MB. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
/** A file in no order is read at once. */
const UNSORTED_BYTES_MAX = 4 * 1024 * 1024;

/** A file that was read, with no more kept of it than the plan needs: of days alone there are thousands in each. */
export interface JudgedFile {
  readonly file: RecordFile;
  /** SHA-256 of its bytes. */
  readonly digest: string;
  readonly judged: ReadableFile | RefusedFile;
}

/** A file as the import reads it. */
export interface ReadableFile {
  readonly file: RecordFile;
  readonly planned: PlannedFile;
  readonly isSorted: boolean;
  /** Days to store. */
  readonly from: Day;
  readonly to: Day;
  /** Of its rows: when what it says was known at the earliest, in microseconds since the epoch. */
  readonly version: bigint;
}

export interface DayBounds {
  readonly from: Day | undefined;
  readonly to: Day | undefined;
}

export interface JudgeParts {
  readonly bounds: DayBounds;
  readonly publication: Publication;
  readonly nowMs: number;
}

/** What is wrong with a file that need not be opened for it. */
export function refuseBySize({ path, size }: Pick<RecordFile, "path" | "size">): RefusedFile | undefined {
  if (size === 0) {
    return refuse(path, "empty", "");
  }
  if (size % RECORD_SIZE !== 0) {
    return refuse(path, "wrong-size", `${size} bytes`);
  }
  return size > FILE_BYTES_MAX ? refuse(path, "too-large", `${size} bytes`) : undefined;
}

export interface Sorted {
  readonly kept: readonly JudgedFile[];
  readonly refused: readonly RefusedFile[];
  /** Paths of equal files of one security and kind, all but the first. */
  readonly repeated: readonly string[];
}

/**
 * Tells files apart that cannot all be what they are called. Files with the same bytes under different codes or kinds are
 * all refused: one of them may be right, and nothing in them says which. So are different files of one code and kind, unless
 * only one has the code that is in use now; equal ones are one.
 */
export function separateCopies(judged: readonly JudgedFile[]): Sorted {
  const refused = new Map<string, RefusedFile>();
  const repeated: string[] = [];
  const kept: JudgedFile[] = [];
  for (const same of Map.groupBy(judged, ({ digest }) => digest).values()) {
    if (new Set(same.map(({ file }) => seriesOf(file))).size > 1) {
      for (const { file } of same) {
        const others = same.filter((other) => seriesOf(other.file) !== seriesOf(file)).map((other) => other.file.path);
        refused.set(file.path, refuse(file.path, "copy", `the same bytes as ${listOf(others)}`));
      }
    }
  }
  const rest = judged.filter(({ file }) => !refused.has(file.path));
  for (const ofSeries of Map.groupBy(rest, ({ file }) => seriesOf(file)).values()) {
    const [first, ...others] = ofSeries;
    if (first === undefined || others.every(({ digest }) => digest === first.digest)) {
      kept.push(...(first === undefined ? [] : [first]));
      repeated.push(...others.map(({ file }) => file.path));
      continue;
    }
    const current = ofSeries.filter(({ file }) => canonicalCode(file.code) === file.code);
    const only = current.length === 1 ? current[0] : undefined;
    kept.push(...(only === undefined ? [] : [only]));
    for (const one of ofSeries.filter((other) => other !== only)) {
      const paths = ofSeries.flatMap((other) => (other === one ? [] : [other.file.path]));
      const { path } = one.file;
      refused.set(
        path,
        only === undefined
          ? refuse(path, "two-files", `another one is ${listOf(paths)}`)
          : refuse(path, "renumbered", only.file.path),
      );
    }
  }
  return { kept, refused: [...refused.values()], repeated };
}

/** How a file is read, or why it is not. */
export function judgeFile(file: RecordFile, survey: FileSurvey, parts: JudgeParts): ReadableFile | RefusedFile {
  const { path, size } = file;
  const newest = [...survey.days.keys()].at(-1);
  if (newest === undefined) {
    return refuse(path, "no-days", `${survey.records} records`);
  }
  if (!survey.isSorted && size > UNSORTED_BYTES_MAX) {
    return refuse(path, "no-order", `${size} bytes`);
  }
  const finished = lastFinished(file, newest, parts);
  const from = parts.bounds.from ?? FIRST_DAY;
  const to = minDay(parts.bounds.to ?? finished, finished);
  const wanted = [...survey.days].filter(([day]) => from <= day && day <= to);
  const code = canonicalCode(file.code);
  return {
    file,
    isSorted: survey.isSorted,
    from,
    to,
    version: versionOf(
      [...survey.days.keys()].findLast((day) => day <= finished),
      parts,
    ),
    planned: {
      path,
      code,
      kind: kindOf(code),
      frequency: file.frequency,
      records: survey.records,
      rows: wanted.reduce((sum, [, count]) => sum + count, 0),
      days: wanted.length,
      from: wanted[0]?.[0],
      to: wanted.at(-1)?.[0],
      unfinished: newest > finished ? newest : undefined,
      undated: survey.undated,
    },
  };
}

export function refuse(path: string, reason: FileRefusal, detail: string): RefusedFile {
  return { path, reason, detail };
}

/** Files of one series say the same thing, if they are what they are called. */
function seriesOf({ code, frequency }: Pick<RecordFile, "code" | "frequency">): string {
  return `${canonicalCode(code)} ${frequency}`;
}

/** Before the exchanges there were. */
const FIRST_DAY = parseDay("1990-01-01");

/**
 * The last day whose record can be whole. Not a day that is not over now; nor the file's last one where the file was last
 * written on that very day before it was over: its record is of a part of the day. A copied file is younger than what
 * it says, never older, so a time before the file's last day is no time of writing and says nothing.
 */
function lastFinished({ modifiedAtMs }: RecordFile, newest: Day, { publication, nowMs }: JudgeParts): Day {
  const final = lastFinalDay(publication, nowMs);
  const writtenOn = dayAt(Temporal.Instant.fromEpochMilliseconds(Math.trunc(modifiedAtMs)), SHANGHAI);
  const wasWrittenDuring = writtenOn === newest && !isFinal(newest, publication, modifiedAtMs);
  return wasWrittenDuring ? minDay(final, addDays(newest, -1)) : final;
}

/**
 * A file carries no time of its own, and that of the file system is the copy's. It was written after its last day was
 * over, so all it says was known then; that instant is its version. An answer that was fetched later is therefore never
 * undone by an old file, a longer file counts before a shorter one, and the same file has the same version each time.
 */
function versionOf(lastDay: Day | undefined, { publication, nowMs }: JudgeParts): bigint {
  const atMs = lastDay === undefined ? 0 : Math.min(askAgainAtMs(maxDay(lastDay, FIRST_DAY), publication), nowMs);
  return BigInt(Math.trunc(atMs)) * 1000n;
}

/** As many as a line holds. */
const NAMED_MAX = 5;

function listOf(paths: readonly string[]): string {
  const named = paths.slice(0, NAMED_MAX).join(", ");
  return paths.length > NAMED_MAX ? `${named} and ${paths.length - NAMED_MAX} more` : named;
}

export function codesWithoutFile(
  wanted: readonly SecurityCode[] | undefined,
  files: readonly Pick<RecordFile, "code">[],
): readonly SecurityCode[] {
  const there = new Set(files.map(({ code }) => canonicalCode(code)));
  return (wanted ?? []).filter((code) => !there.has(code));
}
