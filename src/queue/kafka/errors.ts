import { AuthenticationError, NetworkError, ProtocolError, TimeoutError, UserError } from "@platformatic/kafka";

import { DataError, PermanentError, tellingWhatToDo, TransientError } from "../../base/errors.ts";
import { tlsTroubleOf } from "../../base/tls-trouble.ts";

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
  const tls = tree.map((one) => tlsTroubleOf(one, { ca: "kafka.tls_ca", on: "kafka.tls" })).find(isThere);
  if (tls !== undefined) {
    return tellingWhatToDo(permanent(`${doing}: ${tls}`, error));
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
  if (misused !== undefined && misused.message.includes("TLS")) {
    return tellingWhatToDo(permanent(`${doing}: ${tlsSentence(misused.message)}`, error));
  }
  if (misused !== undefined) {
    return permanent(`${doing}: ${misused.message}`, error);
  }
  // An aggregate that gathered nothing has no words of its own.
  const why = describeLeaves(tree);
  return new TransientError(`${doing}: ${why === "" ? "no broker answered, and the client does not say why" : why}`, {
    cause: error,
  });
}

/**
 * Whether something took the connection and gave no Kafka answer to the first question there is: another service, TLS
 * where we speak without, or a broker that hangs.
 */
export function isStranger(error: unknown): boolean {
  return [...causesOf(error)].some(
    (one) =>
      (one instanceof NetworkError || one instanceof TimeoutError) &&
      /^(?:Connection closed|Request timed out)/.test(one.message) &&
      one.cause === undefined,
  );
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
const ERRORS_MAX = 50;
const LEAVES_MAX = 5;

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

export const TLS_EXPECTED =
  "the broker expects TLS: set kafka.tls to true, and kafka.tls_ca where its authority is your own";

/** The library's two sentences about it do not say what to set. */
function tlsSentence(said: string): string {
  return said.startsWith("Broker requires")
    ? TLS_EXPECTED
    : "TLS was spoken to a port that answers without: check the port, or set kafka.tls to false";
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function permanent(message: string, cause: unknown, isCredentials = false): PermanentError {
  return new PermanentError(message, "queue", { cause, isCredentials });
}

/** The client's outer texts say only how often it tried what; the leaves say why. */
function describeLeaves(tree: readonly Error[]): string {
  const leaves = tree.filter(
    (one) =>
      one.message !== "" && !(one.cause instanceof Error) && !(one instanceof AggregateError && one.errors.length > 0),
  );
  const texts = leaves.map(({ message }) => message.replaceAll(/\s+/g, " ").replace(/\.$/, ""));
  return [...new Set(texts)].slice(0, LEAVES_MAX).join(", ");
}
