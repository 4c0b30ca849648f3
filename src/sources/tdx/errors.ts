import { DataError, PermanentError, TransientError, type ErrorDetails } from "../../base/errors.ts";

/**
 * The protocol has no error frame: what cannot be answered gets no answer, a closed connection or an empty body. So
 * every failure of a host passes by itself, at another host or later.
 */

/** An answer that says how many rows there are and brings none of them: hosts that do not serve us answer so. */
export class HollowAnswerError extends TransientError {
  override readonly name: string = "HollowAnswerError";
}

/** Bytes that are no answer to what was asked. */
export class GarbledAnswerError extends TransientError {
  override readonly name: string = "GarbledAnswerError";
}

/** The host's data ends before the day that was asked for. */
export class StaleHostError extends TransientError {
  override readonly name: string = "StaleHostError";
}

/** Of a failed socket: the system's own codes, and Node's for one that ended before it was written to. */
const NETWORK_CODE = /^(?:E(?!RR_)[A-Z_]+|ERR_STREAM_[A-Z_]+|ERR_SOCKET_CLOSED)$/;

/** Gives what the socket throws its kind. A defect of ours, and the reason of an abort, pass through as they are. */
export function translate(error: unknown, doing: string): unknown {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof DataError) {
    return error;
  }
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (typeof code !== "string" || !NETWORK_CODE.test(code)) {
    return error;
  }
  const details: ErrorDetails = { cause: error };
  return new TransientError(`${doing}: the connection failed (${code})`, details);
}
