import type { MessageHeaders } from "../../ports/queue.ts";

/** Headers as the file has them: JSON pairs of a name and base64, or null for an absent value; NULL for no headers. */
export function toHeaderText(headers: MessageHeaders): string | null {
  return headers.length === 0
    ? null
    : JSON.stringify(headers.map(([name, value]) => [name, value?.toString("base64") ?? null]));
}

export function parseHeaderText(text: unknown): MessageHeaders {
  if (text === null) {
    return NO_HEADERS;
  }
  const pairs: unknown = typeof text === "string" ? JSON.parse(text) : undefined;
  if (!Array.isArray(pairs)) {
    throw new TypeError(`expected headers as JSON pairs, got ${typeof text}`);
  }
  return pairs.map((pair) => toEntry(pair));
}

const NO_HEADERS: MessageHeaders = [];

function toEntry(pair: unknown): readonly [string, Buffer | undefined] {
  const [name, value]: readonly unknown[] = Array.isArray(pair) ? pair : [];
  if (typeof name !== "string" || (value !== null && typeof value !== "string")) {
    throw new TypeError(`expected a header as name and base64, got ${JSON.stringify(pair)}`);
  }
  return [name, value === null ? undefined : Buffer.from(value, "base64")];
}
