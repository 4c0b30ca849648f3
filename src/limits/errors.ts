import { ErrorReply, ReconnectStrategyError } from "redis";

import { PermanentError, tellingWhatToDo, TransientError } from "../base/errors.ts";
import { tlsTroubleOf } from "../base/tls-trouble.ts";

/** Gives what the Redis client throws its kind. A defect of ours, a broken script included, passes through as it is. */
export function translate(error: unknown, doing: string): unknown {
  if (error instanceof TransientError || error instanceof PermanentError || !(error instanceof Error)) {
    return error;
  }
  const cause = error instanceof ReconnectStrategyError ? error.originalError : error;
  if (isRefusal(cause)) {
    return new PermanentError(`${doing}: redis refused our credentials (${cause.message})`, "budget", {
      cause,
      isCredentials: true,
    });
  }
  const tls = tlsTroubleOf(cause, { ca: "redis.tls_ca", on: "redis.tls" });
  if (tls !== undefined) {
    return tellingWhatToDo(new PermanentError(`${doing}: ${tls}`, "budget", { cause }));
  }
  if (cause instanceof ErrorReply) {
    // The server lives and cannot serve now: it is loading, a replica, out of memory, or busy with a script.
    return /^(LOADING|READONLY|OOM|BUSY|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|MISCONF|NOREPLICAS)\b/.test(cause.message)
      ? new TransientError(`${doing}: redis cannot serve now (${cause.message})`, { cause })
      : error;
  }
  return isOfConnection(cause) ? new TransientError(`${doing}: redis is away (${textOf(cause)})`, { cause }) : error;
}

/**
 * As `translate`, for a connection that was never there before: whatever answers otherwise than Redis does is another
 * service, which may be replaced by the right one while we wait.
 */
export function translateOpening(error: unknown, doing: string): unknown {
  const cause = error instanceof ReconnectStrategyError ? error.originalError : error;
  const translated = translate(cause, doing);
  const isKnown = translated instanceof TransientError || translated instanceof PermanentError;
  if (isKnown && !(cause instanceof Error && cause.constructor.name === "SocketClosedUnexpectedlyError")) {
    return translated;
  }
  return isDefect(cause) ? cause : notRedis(doing, cause);
}

/** The port speaks TLS and we spoke without, or the other way round. Waiting does not help. */
export function tlsMismatch(doing: string, isTlsOn: boolean, cause: unknown): PermanentError {
  const text = isTlsOn
    ? "TLS was spoken to a port that answers without: check redis.port, or set redis.tls to false"
    : "the server expects TLS: set redis.tls to true, and redis.tls_ca where its authority is your own";
  return tellingWhatToDo(new PermanentError(`${doing}: ${text}`, "budget", cause === undefined ? {} : { cause }));
}

/** Something took the connection and spoke otherwise, or not at all. */
export function notRedis(doing: string, cause: unknown): TransientError {
  const text = `${doing}: something answers there, but it is not Redis, or it expects TLS`;
  return tellingWhatToDo(
    new TransientError(`${text}: check redis.host, redis.port and redis.tls`, cause === undefined ? {} : { cause }),
  );
}

/** Whether something took the connection of an opening and let it go without an answer of Redis. */
export function isStranger(error: unknown): boolean {
  const cause = error instanceof ReconnectStrategyError ? error.originalError : error;
  const isReset = cause instanceof Error && "code" in cause && (cause.code === "ECONNRESET" || cause.code === "EPIPE");
  return isReset || (cause instanceof Error && cause.constructor.name === "SocketClosedUnexpectedlyError");
}

function isDefect(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError;
}

/** True when a person has to look: a wrong password or user, or a right that is missing. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid password|AUTH|Client sent AUTH))\b/i.test(error.message)
  );
}

const CONNECTION_ERRORS: ReadonlySet<string> = new Set([
  "AbortError",
  "ClientClosedError",
  "ClientOfflineError",
  "ConnectionTimeoutError",
  "DisconnectsClientError",
  "SocketClosedUnexpectedlyError",
  "SocketTimeoutError",
]);

function isOfConnection(error: Error): boolean {
  const isSystem = "code" in error && typeof error.code === "string" && /^E[A-Z]+/.test(error.code);
  return isSystem || CONNECTION_ERRORS.has(error.constructor.name);
}

function textOf(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return error.message || code || error.constructor.name;
}
