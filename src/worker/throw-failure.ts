import { DataError, PermanentError } from "../base/errors.ts";

/**
 * Throws what one of several things done side by side for a message failed with; returns when none has. What the message
 * is not to blame for goes first: a message that is given back, or whose worker stops, must not be set aside for a part
 * of it while another part is still to be done.
 */
export function throwFailure(results: readonly PromiseSettledResult<unknown>[]): void {
  const failures = results.filter((result) => result.status === "rejected");
  const failure = failures.find(({ reason }) => !isOfMessage(reason)) ?? failures[0];
  if (failure !== undefined) {
    throw failure.reason;
  }
}

/** It will make the message a dead letter. */
function isOfMessage(error: unknown): boolean {
  return error instanceof DataError || (error instanceof PermanentError && error.scope === "api");
}
