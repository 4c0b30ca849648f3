import { AuthenticationError, ProtocolError, UserError } from "@platformatic/kafka";

import { DataError, describeError, PermanentError, TransientError } from "../../base/errors.ts";

/**
 * The kind of an error of the Kafka client. The client wraps: what matters may be deep inside `errors` or `cause`
 * (a wrong password comes as the cause of a network error that looks worth retrying), so the whole tree is searched.
 */
export function translate(error: unknown, doing: string): Error {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof DataError) {
    return error;
  }
  const tree = [...causesOf(error)];
  const authentication = tree.find((one) => one instanceof AuthenticationError || isRefused(one, AUTHENTICATION));
  if (authentication !== undefined) {
    const why = tree.map((one) => serverMessageOf(one)).find((text) => text !== "") ?? authentication.message;
    return permanent(`${doing}: the broker refused user name or password: ${why}`, error, true);
  }
  const refused = tree.find((one) => apiIdOf(one).endsWith("_AUTHORIZATION_FAILED"));
  if (refused !== undefined) {
    return permanent(`${doing}: the broker refused the right to do it: ${apiIdOf(refused)}`, error, true);
  }
  const tls = tree.find((one) => isTls(one));
  if (tls !== undefined) {
    return permanent(`${doing}: TLS failed: ${tls.message.replaceAll(/\s+/g, " ").trim()}`, error);
  }
  const large = tree.find((one) => isRefused(one, TOO_LARGE));
  if (large !== undefined) {
    return new DataError(`${doing}: larger than the topic takes: ${apiIdOf(large)}`, "$", { cause: error });
  }
  const hopeless = tree.find((one) => isRefused(one, HOPELESS));
  if (hopeless !== undefined) {
    return permanent(`${doing}: ${apiIdOf(hopeless)}: ${hopeless.message}`, error);
  }
  const misused = tree.find((one) => one instanceof UserError && !/clos|^Unknown topic /i.test(one.message));
  if (misused !== undefined) {
    return permanent(`${doing}: ${misused.message}`, error);
  }
  return new TransientError(`${doing}: ${describeTree(error, tree)}`, { cause: error });
}

/** Whether the broker said one of these names of Kafka errors, anywhere in the tree. */
export function isKafkaError(error: unknown, ...apiIds: readonly string[]): boolean {
  return [...causesOf(error)].some((one) => apiIds.includes(apiIdOf(one)));
}

/** The client replaces what the broker said about a missing topic by an error of its own, without code. */
export function isUnknownTopic(error: unknown): boolean {
  return [...causesOf(error)].some(
    (one) =>
      apiIdOf(one) === "UNKNOWN_TOPIC_OR_PARTITION" ||
      (one instanceof UserError && one.message.startsWith("Unknown topic ")),
  );
}

const AUTHENTICATION: readonly string[] = [
  "SASL_AUTHENTICATION_FAILED",
  "UNSUPPORTED_SASL_MECHANISM",
  "ILLEGAL_SASL_STATE",
];
const TOO_LARGE: readonly string[] = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"];
const HOPELESS: readonly string[] = [
  "INVALID_TOPIC_EXCEPTION",
  "INVALID_GROUP_ID",
  "INVALID_SESSION_TIMEOUT",
  "INCONSISTENT_GROUP_PROTOCOL",
  "UNSUPPORTED_VERSION",
  "POLICY_VIOLATION",
  "INVALID_REPLICATION_FACTOR",
  "INVALID_CONFIG",
  "INVALID_PARTITIONS",
];
const TLS_CODE = /^(?:CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|EPROTO)/;
const ERRORS_MAX = 50;

function* causesOf(error: unknown): Generator<Error> {
  const open: unknown[] = [error];
  for (let seen = 0; open.length > 0 && seen < ERRORS_MAX; seen += 1) {
    const current = open.shift();
    if (current instanceof Error) {
      yield current;
      open.push(current.cause);
      if (current instanceof AggregateError) {
        open.push(...current.errors);
      }
    }
  }
}

function apiIdOf(error: Error): string {
  return error instanceof ProtocolError ? String(error["apiId"]) : "";
}

function serverMessageOf(error: Error): string {
  const text: unknown = error instanceof ProtocolError ? error["serverErrorMessage"] : undefined;
  return typeof text === "string" ? text : "";
}

function isRefused(error: Error, apiIds: readonly string[]): boolean {
  return apiIds.includes(apiIdOf(error));
}

function isTls(error: Error): boolean {
  return "code" in error && typeof error.code === "string" && TLS_CODE.test(error.code);
}

function permanent(message: string, cause: unknown, isCredentials = false): PermanentError {
  return new PermanentError(message, "queue", { cause, isCredentials });
}

/** The client's outermost text says only how often it tried; the leaves say why. */
function describeTree(error: unknown, tree: readonly Error[]): string {
  const leaf = tree.findLast((one) => one.message !== "");
  const outer = describeError(error);
  return leaf === undefined || outer.includes(leaf.message) ? outer : `${outer}: ${leaf.message}`;
}
