import { HeldError, PermanentError, tellingWhatToDo, TransientError } from "../../base/errors.ts";
import { tlsTroubleOf } from "../../base/tls-trouble.ts";
import { StorePressureError } from "../pressure-error.ts";
import { CLICKHOUSE_CODES } from "./error-codes.ts";

/** Some row of an insert cannot be stored; which one, halving the batch will show. Of any other statement it is a defect. */
export class BadRowsError extends Error {
  override readonly name = "BadRowsError";
}

/** One insert touched more partitions than the engine takes at once: cut it now, waiting does not help. */
export class TooManyPartitionsError extends TransientError {
  override readonly name = "TooManyPartitionsError";
}

/**
 * Gives what the client library, the engine or the network threw its kind. `doing` says what was being done. A TypeError or
 * RangeError comes back as it is: it is a defect of ours.
 */
export function translate(error: unknown, doing: string): Error {
  if (!(error instanceof Error)) {
    return new TransientError(`${doing}: ${String(error)}`, { cause: error });
  }
  if (isTranslated(error)) {
    return error;
  }
  const code = exceptionCode(error);
  return code === undefined ? translateLocal(error, doing) : translateCode(code, error, doing);
}

/** What the engine itself said, of an error that `translate` made; undefined where it said nothing. */
export function saidByEngine(error: unknown): { readonly code: number; readonly text: string } | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined;
  const code = cause === undefined ? undefined : exceptionCode(cause);
  return cause === undefined || code === undefined ? undefined : { code, text: oneLine(cause.message) };
}

function isTranslated(error: Error): boolean {
  return error instanceof TransientError || error instanceof PermanentError || error instanceof BadRowsError;
}

const UNKNOWN_TABLE = 60;
const UNKNOWN_DATABASE = 81;

function translateCode(code: number, error: Error, doing: string): Error {
  const [name, kind] = CLICKHOUSE_CODES[code] ?? ["unknown code", undefined];
  const message = `${doing}: ClickHouse says ${code} ${name}: ${oneLine(error.message)}`;
  const details = { cause: error };
  if (code === UNKNOWN_TABLE || code === UNKNOWN_DATABASE) {
    return tellingWhatToDo(
      new PermanentError(
        `${doing}: there are no tables yet (${code} ${name}): run gdw schema ensure, or start a worker`,
        "store",
        details,
      ),
    );
  }
  if (kind === "bad-rows") {
    return new BadRowsError(message, details);
  }
  if (kind === "parts" && /too many partitions/i.test(error.message)) {
    return new TooManyPartitionsError(message, details);
  }
  if (kind === "parts" || kind === "memory" || kind === "time" || kind === "queries") {
    return new StorePressureError(message, kind, details);
  }
  if (kind === "transient") {
    return new TransientError(message, details);
  }
  if (kind === "credentials") {
    const refused = `ClickHouse refused the user or the password (${code} ${name})`;
    return credentials(`${doing}: ${refused}: check clickhouse.user and clickhouse.password`, error);
  }
  if (kind === "rights") {
    const refused = `ClickHouse says that the user may not do that (${code} ${name}, ${cut(error.message, 200)})`;
    return credentials(`${doing}: ${refused}: give it the right, or name another with clickhouse.user`, error);
  }
  // A schema that is not ours, and what we have never heard of, want a person.
  return new PermanentError(message, "store", details);
}

/** Who we are, or what we may do, was refused; both end with the same exit code. */
function credentials(message: string, cause: Error): PermanentError {
  return tellingWhatToDo(new PermanentError(message, "store", { cause, isCredentials: true }));
}

const TLS_SETTINGS = {
  ca: "clickhouse.tls_ca",
  on: "clickhouse.https",
  off: "set clickhouse.https to false, or write http:// in clickhouse.url",
};

/** The engine prints that it cannot lock the folder's status file, and chDB only says that there is no connection. */
const HELD_FOLDER = /cannot lock file|failed to create connection for path|only one active data directory/i;

function translateLocal(error: Error, doing: string): Error {
  const message = `${doing}: ${oneLine(error.message)}`;
  if (HELD_FOLDER.test(error.message)) {
    return new HeldError(
      `${doing}: another process holds the folder, and one at a time may: stop it, or take another folder`,
      "store",
      {
        cause: error,
      },
    );
  }
  const tls = tlsTroubleOf(error, TLS_SETTINGS);
  if (tls !== undefined) {
    return tellingWhatToDo(new PermanentError(`${doing}: ${tls}`, "store", { cause: error }));
  }
  if (/connection is closed/i.test(error.message)) {
    return new PermanentError(message, "store", { cause: error });
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return error;
  }
  // What is left are resets, refusals, time-outs and the pages of proxies: whoever sent them was not our engine.
  return new TransientError(message, { cause: error });
}

/** The client library keeps the code of newer servers; older ones (before 20.x) say it in words that it does not know. */
function exceptionCode(error: Error): number | undefined {
  const known = "code" in error && typeof error.code === "string" ? /^\d{1,4}$/.exec(error.code) : null;
  const said = known ?? /\bCode: (\d{1,4})\b/.exec(error.message);
  const digits = said?.[1] ?? said?.[0];
  return digits === undefined ? undefined : parseInt(digits, 10);
}

/**
 * Of the first question there is: whether the answer came from something else than ClickHouse's HTTP interface, or from
 * nobody. ClickHouse's own refusals have a code, those of the network one of Node's.
 */
export function isStranger(error: unknown): boolean {
  if (!(error instanceof Error) || exceptionCode(error) !== undefined) {
    return false;
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const isSpokenOtherwise =
    code.startsWith("HPE_") || /socket hang up|before secure TLS connection/.test(error.message);
  return isSpokenOtherwise || (code === "" && !/^timeout error/i.test(error.message));
}

/** Whether the other side took the connection and cut it off. */
export function isReset(error: unknown): boolean {
  const cause = error instanceof TransientError ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNRESET";
}

function oneLine(text: string): string {
  return cut(text, 500);
}

/** On one line, and so long at most; what was cut off shows as `…`. */
export function cut(text: string, charactersMax: number): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  return line.length > charactersMax ? `${line.slice(0, charactersMax).trimEnd()}…` : line;
}
