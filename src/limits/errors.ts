import { ErrorReply, ReconnectStrategyError } from "redis";

import { PermanentError, TransientError } from "../base/errors.ts";

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
  if (cause instanceof ErrorReply) {
    // The server lives and cannot serve now: it is loading, a replica, out of memory, or busy with a script.
    return /^(LOADING|READONLY|OOM|BUSY|MASTERDOWN|TRYAGAIN|CLUSTERDOWN|MISCONF|NOREPLICAS)\b/.test(cause.message)
      ? new TransientError(`${doing}: redis cannot serve now (${cause.message})`, { cause })
      : error;
  }
  return isOfConnection(cause) ? new TransientError(`${doing}: redis is away (${textOf(cause)})`, { cause }) : error;
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
