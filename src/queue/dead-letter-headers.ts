import { ASKED_AT_HEADER, type DeadLetter } from "../domain/dead-letter.ts";
import { readWireTime } from "../domain/wire-time.ts";
import type { Message, MessageHeaders } from "../ports/queue.ts";

export const HEADER_PREFIX = "x-ginkgo-";
/** How often a dead letter was sent back to its topic. Of our headers only this one and ASKED_AT_HEADER go back with it. */
export const REDRIVEN_HEADER = `${HEADER_PREFIX}redriven`;
const REDRIVEN_BYTES_MAX = 16;
const TIME_MS_MAX = Date.UTC(9999, 11, 31);
/** Names and values together. */
export const HEADER_BYTES_MAX = 16 * 1_024;
export const DETAIL_BYTES_MAX = 200;
/** What our own text headers may take of the whole; a stack is cut to what is left. */
const PATH_BYTES_MAX = 1_024;
const STACK_BYTES_MAX = 8 * 1_024;
/** Kept free for the names of dropped headers. */
const DROPPED_BYTES_MAX = 1_024;

export interface DeadLetterHeaders {
  readonly headers: MessageHeaders;
  /** Original headers that found no room, in their order. */
  readonly dropped: readonly string[];
}

/**
 * The original headers and ours, within the bound. Ours win: an original header of one of our names is replaced, which
 * is what happens when a dead letter is redriven and fails again. When there is no room, original ones are dropped,
 * the last first, and `x-ginkgo-dropped-headers` says how many and which.
 */
export function toDeadLetterHeaders(
  message: Message,
  letter: DeadLetter,
  extra: ReadonlyMap<string, string>,
  at: string,
): DeadLetterHeaders {
  const own = new Map<string, Buffer>();
  const set = (name: string, text: string): unknown => own.set(`${HEADER_PREFIX}${name}`, Buffer.from(text));
  set("reason", letter.reason);
  set("path", cutUtf8(letter.path, PATH_BYTES_MAX));
  set("detail", cutUtf8(letter.detail, DETAIL_BYTES_MAX));
  set("attempts", String(letter.attempts));
  set("origin", `${message.topic}/${message.partition}/${message.offset}`);
  set("at", at);
  for (const [name, text] of extra) {
    set(name, text);
  }
  if (letter.reason === "defect" && letter.stack !== undefined) {
    set("stack", cutUtf8(letter.stack, STACK_BYTES_MAX));
  }
  // How often it was redriven goes on counting, or a letter that never heals would go round for ever.
  const redriven = headerOf(message.headers, REDRIVEN_HEADER);
  if (redriven !== undefined) {
    own.set(REDRIVEN_HEADER, redriven.subarray(0, REDRIVEN_BYTES_MAX));
  }
  const askedAt = askedAtOf(message);
  if (askedAt !== undefined) {
    own.set(ASKED_AT_HEADER, Buffer.from(askedAt));
  }
  const originals = message.headers.filter(([name]) => !name.startsWith(HEADER_PREFIX));
  const room = HEADER_BYTES_MAX - sizeOf(own);
  const all = sizeOf(originals);
  if (all <= room) {
    return { headers: [...originals, ...own], dropped: [] };
  }
  let kept = originals.length;
  let bytes = all;
  while (kept > 0 && bytes > room - DROPPED_BYTES_MAX) {
    kept -= 1;
    bytes -= sizeOf(originals.slice(kept, kept + 1));
  }
  const dropped = originals.slice(kept).map(([name]) => name);
  set("dropped-headers", cutUtf8(`${dropped.length}: ${dropped.join(", ")}`, DROPPED_BYTES_MAX - 100));
  return { headers: [...originals.slice(0, kept), ...own], dropped };
}

/** A message that was redriven before says when it first came; the queue knows only when it came again. */
function askedAtOf({ headers, timestampMs }: Message): string | undefined {
  const said = readWireTime(headerOf(headers, ASKED_AT_HEADER)?.toString("utf8"));
  if (said !== undefined) {
    return said.at.toString();
  }
  return publishedAt(timestampMs);
}

/** ISO, UTC. A record of Kafka without a time has -1, and a producer can write any number: undefined then. */
export function publishedAt(timestampMs: number): string | undefined {
  return timestampMs > 0 && timestampMs <= TIME_MS_MAX ? new Date(timestampMs).toISOString() : undefined;
}

/** At most `bytesMax` bytes of UTF-8, never ending inside a character. */
export function cutUtf8(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= bytesMax) {
    return bytes.toString();
  }
  let end = bytesMax;
  // 10xxxxxx continues a character: step back to where it begins.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) {
    end -= 1;
  }
  return bytes.subarray(0, end).toString();
}

/** The last header of the name. */
export function headerOf(headers: MessageHeaders, name: string): Buffer | undefined {
  return headers.findLast(([one]) => one === name)?.[1];
}

export function sizeOf(headers: Iterable<readonly [string, Buffer | undefined]>): number {
  let bytes = 0;
  for (const [name, value] of headers) {
    bytes += Buffer.byteLength(name) + (value?.length ?? 0);
  }
  return bytes;
}
