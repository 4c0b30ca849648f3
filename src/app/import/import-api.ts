import type { Log } from "../../base/log.ts";
import type { Config } from "../../config.ts";
import type { Day } from "../../domain/day.ts";
import type { InstrumentKind } from "../../domain/instrument-kind.ts";
import type { Tally } from "../../domain/outcome.ts";
import type { SecurityCode } from "../../domain/security-code.ts";

export interface ImportApi {
  /** What an import would do, file by file; nothing is opened but the files. DataError where there is no such path. */
  planImport(config: Config, request: ImportRequest, watch: ImportWatch, signal: AbortSignal): Promise<ImportPlan>;
  /**
   * Does it: rows of all files that are not refused, then what the ledger learns from them. Told to stop it leaves what is
   * durable and no word in the ledger of what is not, so that the same import goes on where it was.
   */
  importFiles(
    config: Config,
    request: ImportRequest,
    watch: ImportWatch,
    log: Log,
    signal: AbortSignal,
  ): Promise<ImportReport>;
}

export interface ImportRequest {
  /** Folders and files. */
  readonly paths: readonly string[];
  /** Undefined is every code there is. */
  readonly codes: readonly SecurityCode[] | undefined;
  /** Days, both inclusive. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
}

/** Hears how far it has come; called often. */
export type ImportWatch = (progress: ImportProgress) => void;

export interface ImportProgress {
  /** `looking`: at every byte, for what the files hold; `storing`: their rows. */
  readonly phase: "looking" | "storing";
  readonly files: number;
  readonly filesDone: number;
  /** Records of all files, and those behind which it is; the same as files while looking. */
  readonly records: number;
  readonly recordsDone: number;
}

export type ImportFrequency = "1d" | "1m" | "5m";

export const FILE_REFUSALS = {
  empty: "it has 0 bytes",
  "wrong-size": "its size is no multiple of a record's 32 bytes, so it is cut off or no record file",
  "too-large": "it is larger than any record file can be",
  "no-code": "its name is not exchange and code, such as sz000001.day",
  "unknown-kind": "only .day, .lc1 and .lc5 can be imported",
  "other-market": "records of other markets have another form",
  "no-days": "none of its records has a day",
  "no-order": "its records are in no order, and it is too large to be read at once",
  copy: "it is a copy of a file of another security or kind, and nobody can tell whose it is",
  "two-files": "there are two different files of this security and kind",
  renumbered: "its code was given up for another one, which has a file of its own",
  unreadable: "it cannot be read",
  changed: "it changed while it was read",
} as const;
export type FileRefusal = keyof typeof FILE_REFUSALS;

export interface RefusedFile {
  readonly path: string;
  readonly reason: FileRefusal;
  /** What was seen, such as the other files that are meant. */
  readonly detail: string;
}

export interface PlannedFile {
  readonly path: string;
  /** Under which its rows are stored; not the one of the name where that was given up. */
  readonly code: SecurityCode;
  readonly kind: InstrumentKind;
  readonly frequency: ImportFrequency;
  readonly records: number;
  /** Records of the days that were asked for; a bad one may be among them. */
  readonly rows: number;
  readonly days: number;
  /** Undefined where none of its days was asked for. */
  readonly from: Day | undefined;
  readonly to: Day | undefined;
  /** Its last day, where that was not over yet when the file was written or is not over now; left out. */
  readonly unfinished: Day | undefined;
  /** Records whose day is none or lies in the future. */
  readonly undated: number;
}

export interface ImportPlan {
  /** By path. */
  readonly files: readonly PlannedFile[];
  readonly refused: readonly RefusedFile[];
  /** Files that are the same as another one of the same security and kind; they are read once. */
  readonly repeated: readonly string[];
  /** Files of other kinds in the folders, by ending; `#` stands for those of other markets. */
  readonly others: Readonly<Record<string, number>>;
  /** Files of codes that were not asked for. */
  readonly otherCodes: number;
  /** Codes that were asked for and of which there is no file. */
  readonly codesWithoutFile: readonly SecurityCode[];
}

export interface ImportedFile extends PlannedFile {
  /** `revised` where a stored value was changed, else `new` where any row was, else `same`: nothing was written. */
  readonly outcome: "new" | "same" | "revised";
  readonly tally: Tally;
  /** How many rows carry each flag, by the flag's name; flags that none carries are absent. */
  readonly flagged: Readonly<Record<string, number>>;
  /** Days of which the ledger now says present, or suspended, and did not before. */
  readonly daysLearned: number;
  /** Of minutes: days with fewer bars than a day has, which are stored and not said to be present. */
  readonly daysInPart: number;
}

export interface ImportReport extends Omit<ImportPlan, "files"> {
  readonly requestId: string;
  readonly files: readonly ImportedFile[];
}
