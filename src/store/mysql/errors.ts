import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";

/** Server errors that pass by themselves, by their symbol. */
const TRANSIENT = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "PROTOCOL_CONNECTION_LOST",
  "PROTOCOL_SEQUENCE_TIMEOUT",
  "ER_CON_COUNT_ERROR",
  "ER_TOO_MANY_USER_CONNECTIONS",
  "ER_SERVER_SHUTDOWN",
  "ER_NORMAL_SHUTDOWN",
  "ER_CONNECTION_KILLED",
  "ER_QUERY_INTERRUPTED",
  "ER_LOCK_DEADLOCK",
  "ER_LOCK_WAIT_TIMEOUT",
  "ER_OPTION_PREVENTS_STATEMENT",
  "ER_DISK_FULL",
  "ER_OUT_OF_RESOURCES",
]);

const CREDENTIALS = new Set([
  "ER_ACCESS_DENIED_ERROR",
  "ER_ACCESS_DENIED_NO_PASSWORD_ERROR",
  "ER_NOT_SUPPORTED_AUTH_MODE",
]);

/** Need a person: a missing database, table, column or right. */
const PERMANENT = new Set([
  "ER_DBACCESS_DENIED_ERROR",
  "ER_TABLEACCESS_DENIED_ERROR",
  "ER_COLUMNACCESS_DENIED_ERROR",
  "ER_SPECIFIC_ACCESS_DENIED_ERROR",
  "ER_BAD_DB_ERROR",
  "ER_NO_SUCH_TABLE",
  "ER_BAD_FIELD_ERROR",
  "ER_NO_DEFAULT_FOR_FIELD",
  "HANDSHAKE_SSL_ERROR",
  "HANDSHAKE_NO_SSL_SUPPORT",
]);

/** The server refuses this row's values. */
const DATA = new Set([
  "ER_DATA_TOO_LONG",
  "ER_TRUNCATED_WRONG_VALUE",
  "ER_TRUNCATED_WRONG_VALUE_FOR_FIELD",
  "ER_WARN_DATA_OUT_OF_RANGE",
  "WARN_DATA_TRUNCATED",
  "ER_BAD_NULL_ERROR",
  "ER_CONSTRAINT_FAILED",
  "ER_CHECK_CONSTRAINT_VIOLATED",
]);

/** Gives an error of `mysql2` its kind; what it does not know comes out as a plain Error, a defect. */
export function translate(error: unknown, doing: string): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof DataError) {
    return error;
  }
  const code = codeOf(error);
  const message = `${doing}: ${describeError(error) || code}`;
  if (CREDENTIALS.has(code)) {
    return new PermanentError(message, "store", { cause: error, isCredentials: true });
  }
  if (PERMANENT.has(code)) {
    return new PermanentError(message, "store", { cause: error });
  }
  if (DATA.has(code)) {
    return new DataError(message, "", { cause: error });
  }
  if (TRANSIENT.has(code) || isFatal(error)) {
    return new TransientError(message, { cause: error });
  }
  return new Error(message, { cause: error });
}

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** `mysql2` marks what ended its connection. */
function isFatal(error: unknown): boolean {
  return typeof error === "object" && error !== null && "fatal" in error && error.fatal === true;
}
