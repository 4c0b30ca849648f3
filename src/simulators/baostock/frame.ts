import { crc32, deflateSync } from "node:zlib";

import { malformed } from "./refusal.ts";

/** Between the fields of a message, and around the type in its header. */
export const SEPARATOR = "\u0001";
/** Ends every answer. */
export const MARKER = Buffer.from("<![CDATA[]]>\n");
/** Version (7), separator, type (2), separator, length (10). */
export const HEADER_BYTES = 21;

export interface RequestFrame {
  readonly version: string;
  readonly type: string;
  /** Method, user, parameters. */
  readonly fields: readonly string[];
}

const HEADER = new RegExp(`^(\\d\\d\\.\\d\\.\\d\\d)${SEPARATOR}([0-9A-Z]{2})${SEPARATOR}(\\d{10})$`);

/**
 * Reads one request without its LF; refuses what is no message of this protocol. The length may count characters, as the
 * official client does, or bytes, as clients in other languages do.
 */
export function readRequest(line: Buffer): RequestFrame {
  const [, version, type, length] = HEADER.exec(line.subarray(0, HEADER_BYTES).toString("latin1")) ?? [];
  const crcAt = line.lastIndexOf(SEPARATOR);
  if (version === undefined || type === undefined || length === undefined || crcAt < HEADER_BYTES) {
    throw malformed();
  }
  const body = line.subarray(HEADER_BYTES, crcAt);
  const text = body.toString("utf8");
  const told = Number.parseInt(length, 10);
  const isLengthRight = told === charactersOf(text) || told === body.length;
  if (!isLengthRight || line.subarray(crcAt + 1).toString("latin1") !== String(crc32(line.subarray(0, crcAt)))) {
    throw malformed();
  }
  return { version, type, fields: text.split(SEPARATOR) };
}

/** What is to be sent, before it is put into a frame. */
export interface Message {
  readonly type: string;
  readonly body: string;
  readonly isCompressed: boolean;
  /** The body in compressed form where that was recorded; it is compressed here otherwise. */
  readonly packed?: Buffer | undefined;
}

/** What is wrong with a frame, for faults; nothing by default. */
export interface FrameDamage {
  /** Added to the length that the header names. */
  readonly lengthBy?: number;
  readonly isCrcWrong?: boolean;
  /** The first character of more than one byte, or without one the first of the rows, is no UTF-8 any more. */
  readonly isCharsetBroken?: boolean;
  /** Where compressed bytes are wrong; plain frames stay as they are. */
  readonly zlib?: "header" | "stream" | "checksum" | undefined;
}

export function encodeFrame(version: string, message: Message, damage: FrameDamage = {}): Buffer {
  const text = Buffer.from(message.body);
  const plain = damage.isCharsetBroken === true ? withBrokenCharacter(text) : text;
  const bytes = message.isCompressed ? withBrokenZlib(pack(message, plain), damage.zlib) : plain;
  const length = (message.isCompressed ? bytes.length : charactersOf(message.body)) + (damage.lengthBy ?? 0);
  const head = [version, message.type, String(length).padStart(10, "0")].join(SEPARATOR);
  const signed = Buffer.concat([Buffer.from(head), bytes]);
  // How the real server reckons the number of compressed frames is not known; of plain ones it is this.
  const crc = (crc32(signed) ^ (damage.isCrcWrong === true ? 1 : 0)) >>> 0;
  const tail = `${SEPARATOR}${crc}${message.isCompressed ? "\n" : ""}`;
  return Buffer.concat([signed, Buffer.from(tail), MARKER]);
}

function withBrokenCharacter(text: Buffer): Buffer {
  const broken = Buffer.from(text);
  const wide = broken.findIndex((byte) => byte >= 0x80);
  broken[wide >= 0 ? wide + 1 : Math.max(broken.indexOf('[["') + 3, 0)] = 0xff;
  return broken;
}

/** Recorded bytes are of the text as it was, so a damaged text is compressed anew. */
function pack({ body, packed }: Message, text: Buffer): Buffer {
  return packed === undefined || text.toString("utf8") !== body ? deflateSync(text, { level: 1 }) : Buffer.from(packed);
}

function withBrokenZlib(bytes: Buffer, where: FrameDamage["zlib"]): Buffer {
  if (where !== undefined) {
    // Of a dynamic block's code lengths, so that no inflater gets past it.
    const [from, to] = { header: [0, 1], stream: [2, 8], checksum: [bytes.length - 4, bytes.length] }[where];
    bytes.fill(0xff, from, to);
  }
  return bytes;
}

/** As Python counts them: a character beyond the basic plane is one. */
function charactersOf(text: string): number {
  return Array.from(text).length;
}
