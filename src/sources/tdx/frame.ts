import { inflateSync } from "node:zlib";

import { GarbledAnswerError } from "./errors.ts";

const MAGIC = Buffer.from([0xb1, 0xcb, 0x74, 0x00]);
const HEADER_SIZE = 16;
const REQUEST_HEADER_SIZE = 12;

export interface Request {
  /** Echoed by the answer. */
  readonly sequence: number;
  readonly type: number;
  readonly body: Uint8Array;
}

/** An answer as it came; the body may be compressed. */
export interface Frame {
  readonly sequence: number;
  readonly type: number;
  /** What the body has to have after inflation. */
  readonly size: number;
  readonly wire: Buffer;
}

export function encodeRequest({ sequence, type, body }: Request): Buffer {
  const bytes = Buffer.alloc(REQUEST_HEADER_SIZE + body.length);
  bytes.writeUInt8(0x0c, 0);
  bytes.writeUInt32LE(sequence, 1);
  bytes.writeUInt8(0x01, 5);
  bytes.writeUInt16LE(body.length + 2, 6);
  bytes.writeUInt16LE(body.length + 2, 8);
  bytes.writeUInt16LE(type, 10);
  bytes.set(body, REQUEST_HEADER_SIZE);
  return bytes;
}

/**
 * Cuts what a connection brings into answers. It holds one unfinished answer at most, which the two bytes of its size
 * bound to 64 KiB. Bytes that begin no answer are a GarbledAnswerError: the connection is of no further use then.
 */
export class FrameReader {
  #held: Buffer[] = [];
  #size = 0;

  /** Bytes of an unfinished answer. */
  get held(): number {
    return this.#size;
  }

  *push(chunk: Buffer): Generator<Frame, void> {
    this.#held.push(chunk);
    this.#size += chunk.length;
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) {
        return;
      }
      yield frame;
    }
  }

  #next(): Frame | undefined {
    const begin = this.#peek(MAGIC.length);
    if (!begin.equals(MAGIC.subarray(0, begin.length))) {
      throw new GarbledAnswerError(`reading from tdx: an answer begins with ${begin.toString("hex")}`);
    }
    if (this.#size < HEADER_SIZE) {
      return undefined;
    }
    const header = this.#peek(HEADER_SIZE);
    const wireSize = header.readUInt16LE(12);
    const whole = HEADER_SIZE + wireSize;
    if (this.#size < whole) {
      return undefined;
    }
    const wire = this.#peek(whole).subarray(HEADER_SIZE);
    this.#drop(whole);
    return {
      sequence: header.readUInt32LE(5),
      type: header.readUInt16LE(10),
      size: header.readUInt16LE(14),
      wire,
    };
  }

  /** The first bytes, fewer when there are fewer; joined only as far as they have to be looked at. */
  #peek(size: number): Buffer {
    const first = this.#held[0];
    if (first !== undefined && (first.length >= size || this.#held.length === 1)) {
      return first.subarray(0, size);
    }
    const wanted = Math.min(size, this.#size);
    if (size > HEADER_SIZE) {
      const joined = Buffer.concat(this.#held);
      this.#held = [joined];
      return joined.subarray(0, wanted);
    }
    const bytes = Buffer.alloc(wanted);
    let at = 0;
    for (const part of this.#held) {
      at += part.copy(bytes, at);
      if (at >= wanted) {
        break;
      }
    }
    return bytes;
  }

  #drop(size: number): void {
    let left = size;
    while (left > 0) {
      const first = this.#held[0] ?? Buffer.alloc(0);
      if (first.length > left) {
        this.#held[0] = first.subarray(left);
        break;
      }
      this.#held.shift();
      left -= first.length;
    }
    this.#size -= size;
  }
}

/** The body of an answer: compressed exactly when the two sizes differ. Never more than the size that was announced. */
export function unpackBody({ wire, size }: Frame): Buffer {
  if (wire.length === size) {
    return wire;
  }
  let body: Buffer;
  try {
    // A buffer of one byte more than announced, so that a longer stream is found out and never unpacked.
    body = inflateSync(wire, { maxOutputLength: size + 1 });
  } catch (error) {
    throw new GarbledAnswerError("reading from tdx: the answer does not unpack", { cause: error });
  }
  if (body.length !== size) {
    throw new GarbledAnswerError(`reading from tdx: the answer unpacks to ${body.length} bytes, not ${size}`);
  }
  return body;
}
