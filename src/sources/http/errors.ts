import { DataError, PermanentError, TransientError } from "../../base/errors.ts";

/** The connection was there and ended before any answer had begun: some servers say "too many requests" so. */
export class DroppedError extends TransientError {}

/** Gives what the HTTP client throws its kind. A defect of ours passes through as it is. */
export function translate(
  error: unknown,
  doing: string,
  redact: (text: string) => string,
  hasAnswerBegun = true,
): unknown {
  if (error instanceof TransientError || error instanceof PermanentError || error instanceof DataError) {
    return error;
  }
  const isTimeout = error instanceof DOMException && error.name === "TimeoutError";
  const code = codeOf(error);
  if (!isTimeout && code === undefined) {
    return error;
  }
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return new DataError(`${doing}: the unpacked answer is larger than allowed`, "", { cause: error });
  }
  const text = error instanceof Error ? redact(error.message) : "";
  if (code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(code)) {
    return new PermanentError(`${doing}: the server's certificate was refused (${code})`, "provider", { cause: error });
  }
  const happened = isTimeout ? "no answer in time" : `the connection failed (${code}${text === "" ? "" : `, ${text}`})`;
  const isDropped = !hasAnswerBegun && code !== undefined && DROPPED.has(code);
  return new (isDropped ? DroppedError : TransientError)(`${doing}: ${happened}`, { cause: error });
}

const DROPPED: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

/** Of `retry-after` in seconds; undefined where it is absent or a date. */
export function parseRetryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number.parseInt(header, 10) * 1_000 : undefined;
}

/** The code of a failure of the network or of the HTTP client; undefined for a defect of ours. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") {
    return undefined;
  }
  const isOurs = /^UND_ERR_(INVALID_|NOT_SUPPORTED|DESTROYED|CLOSED|ABORTED)/.test(error.code);
  return isOurs || error.code.startsWith("ERR_INVALID_") ? undefined : error.code;
}
