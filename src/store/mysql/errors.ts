import { DataError, describeError, PermanentError, tellingWhatToDo, TransientError } from "../../base/errors.ts";
import { tlsTroubleOf } from "../../base/tls-trouble.ts";

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

/**
 * Gives an error of `mysql2` its kind; what it does not know comes out as a plain Error, a defect. A server that wants TLS
 * may say no more than that access is denied, so without TLS that is thought of.
 */
export function translate(error: unknown, doing: string, isTlsOn: boolean): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof DataError) {
    return error;
  }
  const code = codeOf(error);
  const message = `${doing}: ${describeError(error) || code}`;
  if (CREDENTIALS.has(code)) {
    const refused = `${doing}: MySQL refused the user or the password (${describeError(error)})`;
    const details = { cause: error, isCredentials: true };
    const todo = `check mysql.user and mysql.password, and what the user may do${isTlsOn ? "" : WANTS_TLS}`;
    return tellingWhatToDo(new PermanentError(`${refused}: ${todo}`, "store", details));
  }
  const tls = tlsPhrase(code, error);
  if (tls !== undefined) {
    return tellingWhatToDo(new PermanentError(`${doing}: ${tls}`, "store", { cause: error }));
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

const WANTS_TLS = "; if the server takes it with TLS only, set mysql.tls to true";
const SETTINGS = { ca: "mysql.tls_ca", on: "mysql.tls" };

function tlsPhrase(code: string, error: unknown): string | undefined {
  if (code === "HANDSHAKE_NO_SSL_SUPPORT") {
    return "the server speaks no TLS: give it a certificate, or set mysql.tls to false";
  }
  if (code === "ER_SECURE_TRANSPORT_REQUIRED") {
    return "the server expects TLS: set mysql.tls to true, and mysql.tls_ca where its authority is your own";
  }
  if (code !== "HANDSHAKE_SSL_ERROR" || !(error instanceof Error)) {
    return undefined;
  }
  // The client puts a code of its own in the place of OpenSSL's, so what it was is read from the words.
  const said = VERIFY_CODES.find(([words]) => words.test(error.message))?.[1] ?? "ERR_TLS_HANDSHAKE";
  const cert: unknown = "cert" in error ? error.cert : undefined;
  return tlsTroubleOf(Object.assign(new Error(error.message), { code: said, cert }), SETTINGS);
}

const VERIFY_CODES: readonly (readonly [RegExp, string])[] = [
  [/certificate has expired/i, "CERT_HAS_EXPIRED"],
  [/certificate is not yet valid/i, "CERT_NOT_YET_VALID"],
  [/does not match certificate's altnames/i, "ERR_TLS_CERT_ALTNAME_INVALID"],
  [/self[- ]signed certificate|unable to (?:get|verify)|certificate not trusted/i, "CERT_UNTRUSTED"],
];

function codeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** `mysql2` marks what ended its connection. */
function isFatal(error: unknown): boolean {
  return typeof error === "object" && error !== null && "fatal" in error && error.fatal === true;
}
