import { DataError } from "../../base/errors.ts";
import type { Message } from "../../ports/queue.ts";
import type { HandledLetter, MessageIdentity } from "../../ports/store.ts";
import { HEADER_PREFIX, headerOf, publishedAt, REDRIVEN_HEADER } from "../../queue/dead-letter-headers.ts";
import { identify } from "../../worker/message-identity.ts";
import type { Letter, LetterWhole } from "./dead-letters-api.ts";

export interface Place {
  readonly partition: number;
  readonly offset: bigint;
}

export interface Origin extends Place {
  readonly topic: string;
}

/** A letter and what handling it needs. */
export interface FoundLetter {
  readonly letter: Letter;
  readonly identity: MessageIdentity;
  readonly origin: Origin | undefined;
}

const PLACE = /^(\d{1,9})\/(\d{1,18})$/;
const ORIGIN = /^(.+)\/(\d{1,9})\/(\d{1,18})$/;
/** Values above this are not looked into for their code. */
const PARSED_BYTES_MAX = 256 * 1_024;
const TEXT_CHARACTERS_MAX = 200;

/** DataError for anything but `partition/offset`. */
export function parsePlace(text: string): Place {
  const match = PLACE.exec(text);
  if (match === null) {
    throw new DataError(`expected the place of a dead letter such as 3/17 (partition/offset), got ${text}`);
  }
  return { partition: Number.parseInt(match[1] ?? "", 10), offset: BigInt(match[2] ?? "") };
}

export function toPlaceText({ partition, offset }: Place): string {
  return `${partition}/${offset}`;
}

/** `handled` by place; what was done with another letter that once stood there does not count. */
export function toLetter(message: Message, handled: ReadonlyMap<string, HandledLetter>): FoundLetter {
  // No group reads dead letters.
  const identity = identify(message, "");
  const place = toPlaceText(message);
  const record = handled.get(place);
  const done = record?.message.fingerprint === identity.fingerprint ? record : undefined;
  const origin = parseOrigin(header(message, "origin"));
  const key = short(message.key?.toString("utf8") ?? "");
  const letter: Letter = {
    place,
    state: done?.action ?? "open",
    at: header(message, "at") || (publishedAt(message.timestampMs) ?? ""),
    reason: header(message, "reason"),
    path: short(header(message, "path")),
    detail: short(header(message, "detail")),
    attempts: toCount(header(message, "attempts")),
    code: codeOf(message),
    key,
    origin: origin === undefined ? "" : `${origin.topic}/${toPlaceText(origin)}`,
    redriven: toCount(headerOf(message.headers, REDRIVEN_HEADER)?.toString("utf8") ?? ""),
    isCut: header(message, "sha256") !== "",
    handledAt: done === undefined ? "" : new Date(done.atMs).toISOString(),
    note: done?.note ?? "",
  };
  return { letter, identity, origin };
}

export function toWhole(message: Message, { letter }: FoundLetter): LetterWhole {
  return {
    ...letter,
    topic: message.topic,
    headers: Object.fromEntries(message.headers.map(([name, value]) => [name, value?.toString("utf8") ?? null])),
    value: message.value?.toString("utf8") ?? null,
    valueBytes: toCount(header(message, "bytes")) || (message.value?.length ?? 0),
    stack: header(message, "stack"),
  };
}

function header(message: Message, name: string): string {
  return headerOf(message.headers, `${HEADER_PREFIX}${name}`)?.toString("utf8") ?? "";
}

function parseOrigin(text: string): Origin | undefined {
  const match = ORIGIN.exec(text);
  return match === null
    ? undefined
    : { topic: match[1] ?? "", partition: Number.parseInt(match[2] ?? "", 10), offset: BigInt(match[3] ?? "") };
}

/** The code that the message names, as it stands there: what makes it a dead letter may be that it is none. */
function codeOf({ value }: Message): string {
  if (value === undefined || value.length > PARSED_BYTES_MAX) {
    return "";
  }
  try {
    const message: unknown = JSON.parse(value.toString("utf8"));
    return codeIn(message) || codeIn(field(message, "params"));
  } catch {
    return "";
  }
}

function codeIn(holder: unknown): string {
  const codes: unknown = field(holder, "codes");
  const code = field(holder, "code") ?? (Array.isArray(codes) ? codes.join(",") : undefined);
  return typeof code === "string" ? short(code) : "";
}

function field(holder: unknown, name: string): unknown {
  return typeof holder === "object" && holder !== null
    ? Object.entries(holder).find(([key]) => key === name)?.[1]
    : undefined;
}

function short(text: string): string {
  return text.length > TEXT_CHARACTERS_MAX ? `${text.slice(0, TEXT_CHARACTERS_MAX)}…` : text;
}

function toCount(text: string): number {
  return /^\d{1,9}$/.test(text) ? Number.parseInt(text, 10) : 0;
}
