import { promisify } from "node:util";
import { crc32, inflate } from "node:zlib";

import { DataError, TransientError } from "../../base/errors.ts";

/** The version that the current client sends; the server answers with one of its own, which says nothing. */
export const CLIENT_VERSION = "00.9.40";

/** Parts a body and a frame; no field may hold it. */
export const SEPARATOR = "\u0001";

/** Bounds of one answer, as it comes and as it unpacks. */
export interface FrameLimits {
  readonly frameBytesMax: number;
  readonly bodyBytesMax: number;
}

/** One answer as it came: its type and its body still as bytes, packed or not. */
export interface Frame {
  /** Two characters; not always that of the request plus one. */
  readonly type: string;
  readonly isPacked: boolean;
  readonly payload: Buffer;
}

interface Head {
  readonly type: string;
  /** Characters of a plain body, bytes of a packed one. */
  readonly declared: number;
}

const HEADER_BYTES = 21;
const SEPARATOR_BYTE = 0x01;
const HEADER = /^[\d.]{7}\x01([0-9A-Z]{2})\x01(\d{10})$/; // oxlint-disable-line no-control-regex
const MARKER = Buffer.from("<![CDATA[]]>\n", "latin1");
/** What stands between a packed body and the marker. Its checksum is of nothing that anybody could find, so it is not checked. */
const PACKED_TRAILER = /^\x01\d{1,10}\n?$/; // oxlint-disable-line no-control-regex
const TRAILER_BYTES_MAX = 12;
const CHECKSUM = /^\d{1,10}$/;
/** Types with a zlib body: K lines, and the date batches. */
const PACKED_TYPES: ReadonlySet<string> = new Set(["96", "99", "9B", "9D"]);
/** Of one character in UTF-8: a plain header counts characters. */
const CHARACTER_BYTES_MAX = 4;
/** More elements than any answer has; the rest of a hostile one is not even cut up. */
const ELEMENTS_MAX = 64;

/** Throws TypeError on a field that would break the frame. */
export function encodeRequest(type: string, fields: readonly string[], version: string = CLIENT_VERSION): Buffer {
  const wrong = fields.findIndex((field) => /[\u0000-\u001f]/.test(field)); // oxlint-disable-line no-control-regex
  if (wrong !== -1) {
    throw new TypeError(`encoding baostock type ${type}: field ${wrong} has a control character`);
  }
  const body = fields.join(SEPARATOR);
  const length = Array.from(body).length.toString().padStart(10, "0");
  const text = `${version}${SEPARATOR}${type}${SEPARATOR}${length}${body}`;
  return Buffer.from(`${text}${SEPARATOR}${crc32(text)}\n`, "utf8");
}

/**
 * Puts one answer together from the pieces in which it comes. States: head (21 bytes), then body, then done; each look
 * goes on where the last one ended, so that many small pieces cost no more than one large one.
 * Throws TransientError as soon as the bytes cannot become an answer, DataError when there would be too many of them.
 */
export class FrameReader {
  readonly #limits: FrameLimits;
  readonly #doing: string;
  #bytes: Buffer = Buffer.alloc(4_096);
  #length = 0;
  #head: Head | undefined;
  #searchedTo = HEADER_BYTES;

  constructor(limits: FrameLimits, doing: string) {
    this.#limits = limits;
    this.#doing = doing;
  }

  /** True once a byte came. */
  get hasBegun(): boolean {
    return this.#length > 0;
  }

  /** The answer when this piece ends it. */
  push(piece: Buffer): Frame | undefined {
    if (this.#length + piece.length > this.#limits.frameBytesMax) {
      throw this.#tooLarge();
    }
    this.#append(piece);
    if (this.#head === undefined) {
      this.#readHead();
    }
    const head = this.#head;
    if (head === undefined || this.#length === HEADER_BYTES) {
      return undefined;
    }
    return this.#isPacked(head) ? this.#readPacked(head) : this.#readPlain(head);
  }

  #append(piece: Buffer): void {
    const needed = this.#length + piece.length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(needed, Math.min(this.#bytes.length * 2, this.#limits.frameBytesMax)));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    piece.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  #readHead(): void {
    if (this.#length < HEADER_BYTES) {
      return;
    }
    const text = this.#bytes.toString("latin1", 0, HEADER_BYTES);
    const match = HEADER.exec(text);
    if (match === null) {
      throw this.#broken(`expected a header, got ${JSON.stringify(text)}`);
    }
    const type = match[1] ?? "";
    const declared = Number.parseInt(match[2] ?? "", 10);
    if (declared > this.#limits.frameBytesMax) {
      throw this.#tooLarge();
    }
    this.#head = { type, declared };
  }

  /** A plain body begins with a digit of its code and a packed one never does: a refusal may be plain under any type. */
  #isPacked({ type }: Head): boolean {
    const first = this.#bytes[HEADER_BYTES] ?? 0;
    const isDigit = first >= 0x30 && first <= 0x39;
    return PACKED_TYPES.has(type) && !isDigit;
  }

  /** The length of a packed body is in bytes, so the marker is looked for behind it only. */
  #readPacked({ type, declared }: Head): Frame | undefined {
    const end = HEADER_BYTES + declared;
    if (this.#length < end) {
      return undefined;
    }
    const markerAt = this.#bytes.subarray(0, this.#length).indexOf(MARKER, end);
    if (markerAt === -1) {
      if (this.#length > end + TRAILER_BYTES_MAX + MARKER.length) {
        throw this.#broken("no end of the answer where its header says");
      }
      return undefined;
    }
    if (!PACKED_TRAILER.test(this.#bytes.toString("latin1", end, markerAt))) {
      throw this.#broken("the packed body does not end where its header says");
    }
    this.#requireEnd(markerAt);
    return { type, isPacked: true, payload: this.#bytes.subarray(HEADER_BYTES, end) };
  }

  /** The length of a plain body is in characters, so its end is the marker's beginning. */
  #readPlain({ type, declared }: Head): Frame | undefined {
    const markerAt = this.#bytes.subarray(0, this.#length).indexOf(MARKER, this.#searchedTo);
    if (markerAt === -1) {
      this.#searchedTo = Math.max(HEADER_BYTES, this.#length - MARKER.length + 1);
      const bytesMax = HEADER_BYTES + declared * CHARACTER_BYTES_MAX + TRAILER_BYTES_MAX + MARKER.length;
      if (this.#length > bytesMax) {
        throw this.#broken(`more than ${bytesMax} bytes and no end of the answer`);
      }
      return undefined;
    }
    this.#requireEnd(markerAt);
    const separatorAt = this.#bytes.subarray(0, markerAt).lastIndexOf(SEPARATOR_BYTE);
    const checksum = this.#bytes.toString("latin1", separatorAt + 1, markerAt);
    if (separatorAt < HEADER_BYTES || !CHECKSUM.test(checksum)) {
      throw this.#broken("the answer has no checksum");
    }
    const own = crc32(this.#bytes.subarray(0, separatorAt)).toString();
    if (own !== checksum) {
      throw this.#broken(`the checksum is ${checksum} and should be ${own}`);
    }
    return { type, isPacked: false, payload: this.#bytes.subarray(HEADER_BYTES, separatorAt) };
  }

  /** Nothing was asked for beyond this answer: what comes with it would be taken for the next one. */
  #requireEnd(markerAt: number): void {
    const extra = this.#length - markerAt - MARKER.length;
    if (extra > 0) {
      throw this.#broken(`${extra} bytes behind the end of the answer`);
    }
  }

  #broken(what: string): TransientError {
    return new TransientError(`${this.#doing}: the answer is broken: ${what}`);
  }

  #tooLarge(): DataError {
    return new DataError(`${this.#doing}: the answer is larger than ${this.#limits.frameBytesMax} bytes`);
  }
}

const unpack = promisify(inflate);

/**
 * The elements of an answer's body. Throws TransientError when a packed one does not unpack, DataError when it unpacks
 * to more than allowed.
 */
export async function readElements(frame: Frame, limits: FrameLimits, doing: string): Promise<readonly string[]> {
  const bytes = frame.isPacked ? await unpackBody(frame.payload, limits, doing) : frame.payload;
  const text = bytes.toString("utf8");
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split(SEPARATOR, ELEMENTS_MAX);
}

async function unpackBody(payload: Buffer, { bodyBytesMax }: FrameLimits, doing: string): Promise<Buffer> {
  try {
    return await unpack(payload, { maxOutputLength: bodyBytesMax });
  } catch (error) {
    if (error instanceof RangeError && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw new DataError(`${doing}: the unpacked answer is larger than ${bodyBytesMax} bytes`, "", { cause: error });
    }
    throw new TransientError(`${doing}: the answer is broken: its body does not unpack`, { cause: error });
  }
}
