import { Temporal } from "temporal-polyfill";

import { canonicalCode } from "../../domain/code-alias.ts";
import { dayAt, SHANGHAI } from "../../domain/day.ts";
import { DataError } from "../../base/errors.ts";
import type { Capability } from "../../ports/source.ts";
import { findRecordFiles, type MisnamedFile, type RecordFile } from "../../sources/tdx/find-record-files.ts";
import { surveyRecordFile } from "../../sources/tdx/read-record-file.ts";
import { tdxCapabilities } from "../../sources/tdx/source.ts";
import type {
  FileRefusal,
  ImportFrequency,
  ImportPlan,
  ImportRequest,
  ImportWatch,
  RefusedFile,
} from "./import-api.ts";
import {
  codesWithoutFile,
  judgeFile,
  refuse,
  refuseBySize,
  separateCopies,
  type JudgedFile,
  type ReadableFile,
} from "./plan-files.ts";

export interface ImportPlanned {
  readonly plan: ImportPlan;
  /** The files of the plan, in its order. */
  readonly readable: readonly ReadableFile[];
}

/** Looks for files, reads each once, and says what becomes of them. Nothing is stored. */
export async function planTdxImport(
  request: ImportRequest,
  nowMs: number,
  watch: ImportWatch,
  signal: AbortSignal,
): Promise<ImportPlanned> {
  const found = await findRecordFiles(request.paths, signal);
  const wanted = request.codes === undefined ? undefined : new Set<string>(request.codes);
  const isWanted = ({ code }: RecordFile): boolean => wanted === undefined || wanted.has(canonicalCode(code));
  const own = found.files.filter(isWanted);
  // Who asks for codes does not ask for what lies beside them.
  const refused = found.misnamed.filter(({ isNamed }) => isNamed || wanted === undefined).map(toRefused);
  const sound = own.filter((file) => {
    const refusal = refuseBySize(file);
    refused.push(...(refusal === undefined ? [] : [refusal]));
    return refusal === undefined;
  });
  // A file of another code is looked at where it can be a copy.
  const sizes = new Set(sound.map(({ size }) => size));
  const others = found.files.filter((file) => !isWanted(file) && sizes.has(file.size));
  const read: JudgedFile[] = [];
  const today = dayAt(Temporal.Instant.fromEpochMilliseconds(nowMs), SHANGHAI);
  const files = [...sound, ...others];
  for (const [done, file] of files.entries()) {
    watch({ phase: "looking", files: files.length, filesDone: done, records: files.length, recordsDone: done });
    try {
      const survey = await surveyRecordFile(file, today, signal);
      const publication = barsCapability(file.frequency);
      const judged = judgeFile(file, survey, { bounds: request, publication, nowMs });
      read.push({ file, digest: survey.digest, judged });
    } catch (error) {
      refused.push(refuseUnread(file, error));
    }
  }
  const { kept, refused: unclear, repeated } = separateCopies(read);
  const ours = new Set(own.map(({ path }) => path));
  refused.push(...unclear.filter(({ path }) => ours.has(path)));
  const readable: ReadableFile[] = [];
  for (const { judged } of kept.filter(({ file }) => ours.has(file.path)).toSorted(byPath)) {
    if ("reason" in judged) {
      refused.push(judged);
    } else {
      readable.push(judged);
    }
  }
  const plan: ImportPlan = {
    files: readable.map(({ planned }) => planned),
    refused: refused.toSorted((left, right) => (left.path < right.path ? -1 : 1)),
    repeated: repeated.filter((path) => ours.has(path)).toSorted(),
    others: Object.fromEntries([...found.others].toSorted(([left], [right]) => (left < right ? -1 : 1))),
    otherCodes: found.files.length - own.length,
    codesWithoutFile: codesWithoutFile(request.codes, found.files),
  };
  return { plan, readable };
}

/** When TongDaXin's bars of a day are whole, and how many they are. */
export function barsCapability(frequency: ImportFrequency): Capability {
  const found = tdxCapabilities().find((one) => one.dataSet === "bars" && one.frequency === frequency);
  if (found === undefined) {
    throw new RangeError(`importing: tdx has no bars at ${frequency}`);
  }
  return found;
}

/** What could not be read is refused and the other files go on; anything else is thrown. */
export function refuseUnread({ path }: Pick<RecordFile, "path">, error: unknown): RefusedFile {
  if (error instanceof DataError) {
    return refuse(path, "changed", error.message);
  }
  if (error instanceof Error && "syscall" in error) {
    return refuse(path, "unreadable", error.message);
  }
  throw error;
}

const MISNAMED: Readonly<Record<MisnamedFile["is"], FileRefusal>> = {
  "no-code": "no-code",
  "other-market": "other-market",
  "other-kind": "unknown-kind",
};

function toRefused({ path, is }: MisnamedFile): RefusedFile {
  return refuse(path, MISNAMED[is], "");
}

function byPath({ file: left }: JudgedFile, { file: right }: JudgedFile): number {
  return left.path < right.path ? -1 : left.path > right.path ? 1 : 0;
}
