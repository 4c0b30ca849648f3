import { DataError, HeldError, PermanentError, TransientError } from "../../base/errors.ts";
import { findHolder } from "../../base/find-holder.ts";

/**
 * Somebody else holds the file. A caller may try again for a moment, because a command may hold it only briefly; a
 * worker holds it for as long as it runs.
 */
export class EmbeddedQueueHeldError extends HeldError {
  override readonly name = "EmbeddedQueueHeldError";
  readonly file: string;
  /** Undefined where the system does not tell. */
  readonly holderPid: number | undefined;

  constructor(doing: string, file: string, holderPid: number | undefined) {
    super(`${doing}: ${toHeldText(holderPid)}`, "queue");
    this.file = file;
    this.holderPid = holderPid;
  }
}

/**
 * The kind of an error of SQLite, or of the file system, about the queue's file. The message also says what to do, so
 * `saysWhatToDo` is true of all that are made here.
 *
 * A full disk is transient: DESIGN's answer to a store that is short of something is back-pressure, and room can be made
 * while we run. Nothing was stored of what was refused, and what is in the file stays whole. An error of the disk
 * itself is permanent: after a failed sync nobody knows what the disk has, and trying again may succeed falsely, while
 * the next opening reads the log's checksums and is right.
 */
export function translate(error: unknown, doing: string, file: string): unknown {
  if (!(error instanceof Error) || !("code" in error)) {
    return error;
  }
  if (error.code === "ERR_SQLITE_ERROR" && "errcode" in error && typeof error.errcode === "number") {
    return ofSqlite(error, error.errcode & PRIMARY_CODE, doing, file);
  }
  const text = typeof error.code === "string" ? FILE_SYSTEM[error.code] : undefined;
  if (text === undefined) {
    return error;
  }
  return error.code === "ENOSPC"
    ? new TellingTransientError(`${doing}: ${FULL}: ${error.message}`, { cause: error })
    : new TellingPermanentError(`${doing}: ${error.message}; ${text}`, "queue", { cause: error });
}

/** A PermanentError whose message also says what to do. */
export class TellingPermanentError extends PermanentError {
  readonly saysWhatToDo = true;
}

class TellingTransientError extends TransientError {
  readonly saysWhatToDo = true;
}

/** Extended codes of SQLite carry the primary one in their lowest byte. */
const PRIMARY_CODE = 0xff;
const FULL = "its disk, or the bound of the file, is full: make room; nothing that was stored is lost";
const RIGHTS = "see that its folder exists and that this user may read and write both folder and file";

/** SQLite's numbers, which `node:sqlite` does not name. */
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const NO_MEMORY = 7;
const READ_ONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const DISK_FULL = 13;
const CANNOT_OPEN = 14;
const TOO_BIG = 18;
const AUTHORIZATION = 23;
const NOT_A_DATABASE = 26;

const FILE_SYSTEM: Readonly<Record<string, string>> = {
  EACCES: RIGHTS,
  EPERM: RIGHTS,
  EROFS: "the disk is read-only: take another folder",
  ENOTDIR: "a part of the path is a file: take another folder",
  EEXIST: "a part of the path is a file: take another folder",
  ENOSPC: FULL,
};

function ofSqlite(error: Error, code: number, doing: string, file: string): unknown {
  const why = error.message;
  switch (code) {
    case BUSY:
    case LOCKED:
      return new EmbeddedQueueHeldError(doing, file, findHolder(file));
    case DISK_FULL:
      return new TellingTransientError(`${doing}: ${FULL}: ${why}`, { cause: error });
    case NO_MEMORY:
      return new TransientError(`${doing}: ${why}`, { cause: error });
    case TOO_BIG:
      return new DataError(`${doing}: larger than the queue's file takes: ${why}`, "$", { cause: error });
    case IO_ERROR:
      return permanent(`${doing}: ${why}; look at the disk, then start again: what was acknowledged is kept`, error);
    case CORRUPT:
      return permanent(
        `${doing}: the file is damaged: ${why}; put back a copy of it, or move it away and request again what it held`,
        error,
      );
    case NOT_A_DATABASE:
      return permanent(`${doing}: it is no file of this queue: ${why}; move it away or take another folder`, error);
    case READ_ONLY:
    case CANNOT_OPEN:
    case PERM:
    case AUTHORIZATION:
      return permanent(`${doing}: ${why}; ${RIGHTS}`, error);
    default:
      // A constraint or wrong SQL: a defect of ours.
      return error;
  }
}

function permanent(message: string, cause: Error): PermanentError {
  return new TellingPermanentError(message, "queue", { cause });
}

function toHeldText(holderPid: number | undefined): string {
  if (holderPid === process.pid) {
    return "this process has it open already, and it is opened once (database is locked); close it first";
  }
  const who =
    holderPid === undefined ? "another worker or command" : `another worker or command, process ${holderPid},`;
  return (
    `${who} holds it, and one process at a time may (database is locked); ` +
    "stop that one or wait for its end, ask it over its HTTP address, or take another folder"
  );
}
