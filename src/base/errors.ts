/**
 * The kinds of failure the worker tells apart. Anything thrown that is none of these is a defect of
 * ours. A message says what was being done, then what happened, with the value, and no full stop.
 */

export interface ErrorDetails {
  readonly cause?: unknown;
  /** How long to wait before it is worth trying again, where the other side said so. */
  readonly retryAfterMs?: number;
  /** The other side answered this very request with a failure of its own: perhaps it asks too much at once. */
  readonly isAnswered?: boolean;
}

/** Passes by itself: a timeout, a reset, a rate limit, too many parts. Uses up no message. */
export class TransientError extends Error {
  override readonly name: string = "TransientError";
  readonly retryAfterMs: number | undefined;
  readonly isAnswered: boolean;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.retryAfterMs = details.retryAfterMs;
    this.isAnswered = details.isAnswered ?? false;
  }
}

/** What a permanent failure is about, which decides who has to stop. */
export type PermanentScope = "store" | "queue" | "budget" | "provider" | "api" | "settings";

/** Needs a person: refused credentials, a missing table, a missing right. */
export class PermanentError extends Error {
  override readonly name: string = "PermanentError";
  readonly scope: PermanentScope;
  /** True when the other side refused who we are; the process then ends with exit code 77. */
  readonly isCredentials: boolean;

  constructor(
    message: string,
    scope: PermanentScope,
    details: ErrorDetails & { readonly isCredentials?: boolean } = {},
  ) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.scope = scope;
    this.isCredentials = details.isCredentials ?? false;
  }
}

/** Another process holds a file or folder that one process at a time may have; perhaps for a moment only. */
export class HeldError extends PermanentError {
  override readonly name: string = "HeldError";
  /** The message ends with it, so no hint is added. */
  readonly saysWhatToDo: boolean = true;
}

/** This message, request or row is wrong and its neighbours are fine. */
export class DataError extends Error {
  override readonly name: string = "DataError";
  /** Where in the input, as a JSON path such as `$.params.code`; empty when it is about the whole. */
  readonly path: string;

  constructor(message: string, path = "", details: ErrorDetails = {}) {
    super(message, "cause" in details ? { cause: details.cause } : undefined);
    this.path = path;
  }
}

/** Marks an error whose message also says what to do, so that no general advice is added to it. */
export function tellingWhatToDo<Kind extends Error>(error: Kind): Kind {
  return Object.assign(error, { saysWhatToDo: true });
}

/**
 * The text of anything thrown, with the chain of causes, on one line. An error of ours that says what happened has
 * said what a foreign cause of it means, so that is left to the stack.
 */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 5; depth += 1) {
    const text = current instanceof Error ? current.message || current.name : textOf(current);
    if (text !== "" && !parts.some((part) => part.includes(text))) {
      parts.push(text);
    }
    const cause: unknown = current instanceof Error ? current.cause : undefined;
    current = saysWhatHappened(current) && !isOurs(cause) ? undefined : cause;
  }
  return parts.join(": ").replaceAll(/\s+/g, " ");
}

/** What was being done comes first, and what happened after a colon. */
function saysWhatHappened(error: unknown): boolean {
  return isOurs(error) && error.message.includes(": ");
}

function isOurs(error: unknown): error is Error {
  return error instanceof TransientError || error instanceof PermanentError || error instanceof DataError;
}

function textOf(thrown: unknown): string {
  return typeof thrown === "string" ? thrown : (JSON.stringify(thrown) ?? typeof thrown);
}
