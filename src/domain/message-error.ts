import { DataError } from "../base/errors.ts";
import type { DeadLetterReason } from "./dead-letter.ts";

/** What the header `x-ginkgo-detail` holds at most. */
export const DETAIL_BYTES_MAX = 200;

const EXCERPT_CHARACTERS_MAX = 60;

/** A message that is no command of ours: what it is set aside with. */
export class MessageError extends DataError {
  override readonly name = "MessageError";
  readonly reason: DeadLetterReason;
  /** What was expected and what was found, at most DETAIL_BYTES_MAX bytes of UTF-8. */
  readonly detail: string;

  /** `path` is a JSON path such as `$.params.code`; `$` for the whole. */
  constructor(reason: DeadLetterReason, path: string, detail: string) {
    const short = cutUtf8(detail, DETAIL_BYTES_MAX);
    super(short, path);
    this.reason = reason;
    this.detail = short;
  }
}

/** The longest beginning of `text` that has at most `bytesMax` bytes in UTF-8 and does not cut a character in two. */
export function cutUtf8(text: string, bytesMax: number): string {
  // More characters than bytes never fit, so a string of a megabyte is not encoded as a whole.
  const bytes = Buffer.from(text.slice(0, bytesMax + 1).toWellFormed(), "utf8");
  if (bytes.length <= bytesMax && text.length <= bytesMax) {
    return bytes.toString("utf8");
  }
  let end = Math.min(bytesMax, bytes.length);
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) {
    end -= 1;
  }
  return bytes.subarray(0, end).toString("utf8");
}

/**
 * A value of foreign JSON in a few characters. Lists and objects are only named: writing one of a hundred thousand
 * levels out again would overflow the stack.
 */
export function excerpt(value: unknown): string {
  if (Array.isArray(value)) {
    return `a list of ${value.length}`;
  }
  if (typeof value === "object" && value !== null) {
    return "an object";
  }
  if (typeof value === "string" && value.length > EXCERPT_CHARACTERS_MAX) {
    return `${JSON.stringify(value.slice(0, EXCERPT_CHARACTERS_MAX))}… (${value.length} characters)`;
  }
  // JSON has no word for a number beyond numbers.
  return typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "nothing");
}
